//! Triggers: what starts a run. Receiving requests is the server's; this folder describes the kinds and checks signatures.

mod cron;
mod poll;
mod verify;

use holon_flow::{Capability, ManifestError};

pub use cron::{Civil, Cron, CronError};
pub use poll::{Found, Item, Poll, PollFault};
pub use verify::{VerifyError, hmac_connection, verify};

/// What people read of its kinds.
pub const HELP: &str = include_str!("../help.md");

/// The capability.
///
/// # Errors
/// When `capability.json` is not right; a test holds that it is.
pub fn capability() -> Result<Capability, ManifestError> {
    Capability::from_manifest(include_str!("../capability.json"), &[])
}
