//! Tasks: what runs ask people, and their answers. The rows are written by the runtime; only an answer goes the other way.

mod answer;
mod error;
mod http;
mod list;
mod port;
mod read;
mod store;

pub use error::Error;
pub use http::router;
pub use port::TasksInProcess;
