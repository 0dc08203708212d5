//! Webhooks in: requests at a flow's own random address, verified on their raw bytes before a run exists, started once.

mod answer;
mod catching;
mod crowd;
mod dedup;
mod delivery;
mod http;
mod known;
mod receive;
pub mod store;

pub use answer::{completed, responded};
pub use crowd::Crowd;
pub use delivery::{Delivery, MAX_BODY};
pub use http::{read, router};
pub use known::{Changing, KEPT_FOR, KnownAddresses, Listening};

/// Whether this can be the token of an address at all: 32 hexadecimal digits. Anything else is unknown without asking.
fn is_token(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
