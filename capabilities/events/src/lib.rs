//! Events: what flows publish, and the trigger that is started by them. Keeping and delivering events is the server's; this folder
//! describes the kinds and says what subjects and patterns are.

#[cfg(feature = "execute")]
mod execute;
mod publish;
mod subject;

use holon_flow::{Capability, ManifestError};

#[cfg(feature = "execute")]
pub use execute::PublishEvent;
pub use publish::MOST_DATA;
pub use subject::{Pattern, valid_subject};

/// What people read of its kinds.
pub const HELP: &str = include_str!("../help.md");

/// The capability.
///
/// # Errors
/// When `capability.json` is not right; a test holds that it is.
pub fn capability() -> Result<Capability, ManifestError> {
    Ok(Capability::from_manifest(include_str!("../capability.json"), &[])?
        .with_local("event.publish@1", publish::local))
}
