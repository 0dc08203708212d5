//! Webhooks in: requests at a flow's own random address, verified on their raw bytes before a run exists, started once.

mod answer;
mod catching;
mod dedup;
mod delivery;
mod http;
mod known;
mod receive;
mod store;

pub use delivery::MAX_BODY;
pub use http::router;
pub use known::{Changing, KEPT_FOR, KnownAddresses, Listening};
