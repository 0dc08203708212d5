//! Alerts: rules of a workspace that look for what went wrong, and tell somebody. Any replica looks at the rules that are
//! due (`look`), writes down what it found (`store`), and tells it (`deliver`) until it was heard (`watch`).
//!
//! At least once: a firing is a row, written in the transaction that moves its rule on. Told again after a crash it has the
//! same id, which receivers get as `webhook-id` and flows as the key of their run.

mod delete;
mod deliver;
mod error;
mod http;
mod list;
mod look;
mod message;
mod port;
mod queues;
mod save;
mod sign;
mod store;
mod try_out;
mod watch;

pub use error::Error;
pub use http::router;
pub use port::AlertsInProcess;
pub use watch::{Watcher, keep_watching};

/// Rules that a tenant may have.
pub const MOST: i64 = 100;

/// What started a run that an alert started, in lists.
pub const KIND: &str = "alert";
