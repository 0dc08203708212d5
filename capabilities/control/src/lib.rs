//! Flow control: branches, scopes, waiting and answering. The kinds are primitives of the machine (`shared/engine`, one
//! file each); this folder only describes them.

use holon_flow::{Capability, ManifestError};

/// What people read of its kinds.
pub const HELP: &str = include_str!("../help.md");

/// The capability.
///
/// # Errors
/// When `capability.json` is not right; a test holds that it is.
pub fn capability() -> Result<Capability, ManifestError> {
    Capability::from_manifest(include_str!("../capability.json"), &[])
}
