//! What every route stands on: who calls, what may be called, how bodies are read, and how errors are answered.

mod body;
mod caller;
pub mod cursor;
mod error;
mod fields;
mod limits;
mod params;
mod request_id;

pub use body::{DEFINITION, JsonBody, PAYLOAD, ValueBody, read_body};
pub use caller::{Allowed, Caller, Known, Visitor, find_caller};
pub use error::{ApiError, ApiResult, is_unique_violation, problem};
pub use fields::Fields;
pub use limits::rate_headers;
pub use params::{Path, Query, idempotency_key, one_of};
pub use request_id::{RequestScope, request_id};
