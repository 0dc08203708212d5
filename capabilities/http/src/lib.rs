//! Calling HTTP endpoints: the kind `http.request`, cURL commands as its config, and, with the feature `execute`, how the
//! server does it.

mod curl;
#[cfg(feature = "execute")]
mod execute;

use holon_flow::{Capability, ManifestError};

pub use curl::{CurlError, from_curl};
#[cfg(feature = "execute")]
pub use execute::HttpRequest;

/// What people read of its kinds.
pub const HELP: &str = include_str!("../help.md");

/// The capability.
///
/// # Errors
/// When `capability.json` is not right; a test holds that it is.
pub fn capability() -> Result<Capability, ManifestError> {
    Ok(Capability::from_manifest(include_str!("../capability.json"), &[])?.with_import("http.request@1", curl::import))
}
