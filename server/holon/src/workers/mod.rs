//! Workers: programs of a workspace that take tasks of a pool over HTTP, keep them with heartbeats, and say what became of them.
//!
//! What there is to do stands in rows that runs write in their own commits. A claim is a row's newest `claim_id`: whoever comes with another
//! one lost the task, and changes nothing. What a worker says goes to its run like everything that happens outside, and the run takes
//! one answer to an attempt, whoever gives it.

mod claim;
mod error;
mod finish;
mod heartbeat;
mod http;
mod list;
mod port;
mod store;
mod watch;

pub use error::Error;
pub use http::router;
pub use port::WorkersInProcess;
pub use watch::{Watcher, keep_watching};

/// An attempt that so many workers lost in a row fails: it may be what loses them.
pub const MOST_CLAIMS: i32 = 5;

/// Whether somebody may have tasks of this pool; without a list of pools it is all of them.
fn serves(pools: Option<&[String]>, pool: &str) -> bool {
    pools.is_none_or(|pools| pools.is_empty() || pools.iter().any(|known| known == pool))
}

/// The pools to look in; nothing for all of them.
fn among(pools: Option<&[String]>) -> Option<&[String]> {
    pools.filter(|pools| !pools.is_empty())
}
