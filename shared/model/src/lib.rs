//! What every plane agrees on: typed ids, values, payloads, context, intents, documents, error codes and wire types.
//!
//! No I/O, no clock, no randomness: the same bytes natively and in wasm32.

pub mod canon;
pub mod context;
pub mod document;
pub mod error;
pub mod ids;
pub mod intent;
pub mod json;
#[cfg(feature = "openapi")]
mod openapi;
pub mod payload;
pub mod schema;
pub mod time;
pub mod value;
pub mod wire;

pub use context::Context;
pub use document::Document;
pub use error::{Code, Problem};
pub use ids::*;
pub use intent::{Intent, IntentPayload};
pub use payload::{BlobRef, Payload};
pub use rust_decimal::Decimal;
pub use schema::SchemaRef;
pub use time::{Millis, Timestamp};
pub use value::{Map, Value};
