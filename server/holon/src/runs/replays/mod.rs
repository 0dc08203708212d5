//! Recorded runs, replayed on the server with the code that pages replay them with (`shared/replay`): verified, looked at as they
//! were after one of their inputs, and tried on another definition. Nothing is changed and nothing is called.

mod at;
mod backtest;
mod http;
mod turns;
mod verify;
mod walk;

pub use http::router;
pub use walk::Replays;
