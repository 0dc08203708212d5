//! Signals: what programs tell runs that wait, or that will come to wait.

mod error;
mod http;
mod send;

pub use error::{Error, delivery_problem};
pub use http::router;

/// Runs that one signal is told to at most, when it is sent to those that wait for it.
const MOST_TOLD: usize = 1_000;
/// Runs of a correlation that are looked at for live ones, the newest first.
const MOST_LOOKED_AT: usize = 20_000;
/// So many of them in one statement.
const PAGE: i64 = 1_000;
