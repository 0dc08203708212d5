//! Failure triggers: flows that start when another flow's run fails. Publishing makes and takes away their rows (`sync`); any
//! replica looks for what failed (`look`) and starts a run for each (`launch`).
//!
//! Exactly once: what was found is a row whose key is the trigger and the failed run, with the id of the run that it is to
//! start. Starting it again is starting the same run.

mod launch;
mod look;
mod store;
mod sync;
mod told;
mod watch;

pub use sync::sync;
pub use watch::{Watcher, keep_watching};

/// The kind whose nodes are started by failures.
pub const KIND: &str = "trigger.failure";

/// Failure triggers that a tenant may have.
pub const MOST: i64 = 100;

/// What set off the runs whose own failures set off nothing, neither a failure trigger nor an alert that starts a flow: those that
/// failures started, which would start each other for ever, and those that other runs called, which tell their callers.
pub const PASSED_OVER: [&str; 3] = [KIND, crate::alerts::KIND, "flow"];
