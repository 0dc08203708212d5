//! What is paused: a flow, a workspace, the instance. The runtime refuses what would begin; here people say so, and why, and see how
//! much has not ended yet.

pub mod cli;
mod error;
mod http;
mod lift;
mod read;
mod set;
mod store;

pub use error::Error;
pub use http::router;
