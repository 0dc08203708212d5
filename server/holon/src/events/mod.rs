//! Events: what flows and programs publish, kept in one order for each environment (`order`), and the flows that are started by them.
//! Publishing a flow makes and takes away its subscriptions (`sync`); any replica takes up what is new for one (`take`), starts a run
//! for each event (`launch`), and looks after what a crash left (`tick`).
//!
//! Exactly once: a delivery is a row whose key is the subscription and the event's place, written in the transaction that moves the
//! subscription on, with the id of the run that it is to start. Starting it again is starting the same run.

mod error;
mod http;
mod launch;
mod list;
mod order;
mod port;
mod publish;
mod replay;
mod store;
mod sync;
mod take;
mod tick;

pub use error::Error;
pub use http::router;
pub use port::EventsInProcess;
pub use sync::{diagnose, sync};
pub use tick::{Deliverer, keep_delivering};

/// Subscriptions that a tenant may have.
pub const MOST: i64 = 1_000;

/// The kind whose nodes subscribe.
pub const KIND: &str = "trigger.event";
