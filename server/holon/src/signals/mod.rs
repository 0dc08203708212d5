//! Signals: what programs tell runs that wait, or that will come to wait.

mod error;
mod http;
mod send;

pub use error::{Error, delivery_problem};
pub use http::router;

/// Runs that one signal is told to at most, when it is sent to those that wait for it.
const MOST_TOLD: usize = 1_000;
/// Runs of a correlation, the newest, that are looked at in history too.
const NEWEST: i64 = 200;
