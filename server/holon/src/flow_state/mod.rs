//! The state of flows, for people and programs: what a flow keeps from run to run is seen, set and forgotten here. What its steps
//! change is written by the runtime, with their results.

mod change;
mod error;
mod http;
mod list;
mod port;
pub mod store;

pub use error::Error;
pub use http::router;
pub use port::StateInProcess;
