//! Runs: starting, reading, watching, cancelling and retrying them. Only the runtime advances one.

mod again;
mod cancel;
mod error;
mod events;
mod http;
mod port;
mod read;
mod retry;
mod shape;
mod start;
pub mod store;

pub use error::{Error, definition_problem, start_problem};
pub use http::router;
pub use port::RunsInProcess;
pub use read::last_statuses;
pub use start::checked_input;
