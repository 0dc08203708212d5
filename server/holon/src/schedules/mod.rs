//! Schedules: the times at which flows start by themselves. Publishing makes and takes away their rows (`sync`); any
//! replica takes up what is due (`claim`), starts a run for it (`launch`), and looks after what a crash left (`tick`).
//!
//! Exactly once: a firing is a row whose key is the schedule and its nominal time, written in the transaction that moves
//! the schedule on, with the id of the run that it is to start. Starting it again is starting the same run.

mod claim;
mod error;
mod fire;
mod http;
mod launch;
mod list;
mod pause;
mod plan;
mod port;
mod preview;
mod read;
mod reckon;
mod store;
mod sync;
mod tick;
mod zone;

pub use error::Error;
pub use http::router;
pub use port::SchedulesInProcess;
pub use sync::{diagnose, sync};
pub use tick::{Ticker, keep_firing};

/// Schedules that a tenant may have.
pub const MOST: i64 = 1_000;

/// The kind whose nodes have a schedule.
pub const KIND: &str = "trigger.schedule";
