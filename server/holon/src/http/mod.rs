//! What every route stands on: who calls, what may be called, how bodies are read, and how errors are answered.

mod body;
mod caller;
pub mod cursor;
mod error;
mod params;
mod request_id;

pub use body::{JsonBody, ValueBody, read_body};
pub use caller::{Allowed, Caller, Known, Visitor};
pub use error::{ApiError, ApiResult, is_unique_violation, problem};
pub use params::{Path, Query};
pub use request_id::{RequestScope, request_id};
