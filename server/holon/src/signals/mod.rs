//! Signals: what programs tell runs that wait, or that will come to wait.

mod error;
mod http;
mod send;

pub use error::{Error, delivery_problem};
pub use http::router;
