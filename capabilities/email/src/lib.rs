//! Mail: the kind `email.send` and, with the feature `execute`, how the server makes a message and hands it to a mail server.

#[cfg(feature = "execute")]
mod execute;

use holon_flow::{Capability, ManifestError};

#[cfg(feature = "execute")]
pub use execute::{Attached, EmailSend, Mail, Sent, deliver, is_recipients, is_sender};

/// What people read of its kinds.
pub const HELP: &str = include_str!("../help.md");

/// The capability.
///
/// # Errors
/// When `capability.json` is not right; a test holds that it is.
pub fn capability() -> Result<Capability, ManifestError> {
    Capability::from_manifest(include_str!("../capability.json"), &[])
}
