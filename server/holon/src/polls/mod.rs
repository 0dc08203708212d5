//! Polls: flows that look at an endpoint every so often, and start runs for what is new there. Publishing makes and takes away their
//! rows (`sync`); any replica looks at those that are due (`tick`): it asks (`ask`), tells what is new by its key, starts its runs
//! and writes down what came of it (`look`).
//!
//! Exactly once: before its run is started, what is new is a row whose key is the poll and the item's key, with the id of the run.
//! Starting it again is starting the same run. Only when every run is there the cursor moves on, so what was found before a crash is
//! found again behind it.

mod ask;
mod error;
mod forget;
mod http;
mod list;
mod look;
mod look_now;
mod port;
mod store;
mod sync;
mod tick;

pub use error::Error;
pub use http::router;
pub use port::PollsInProcess;
pub use sync::{diagnose, sync};
pub use tick::{Looker, keep_looking};

/// Polls that a tenant may have.
pub const MOST: i64 = 1_000;

/// The kind whose nodes look.
pub const KIND: &str = "trigger.poll";
