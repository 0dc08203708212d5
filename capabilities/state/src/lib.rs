//! The state of a flow: a few values by key, kept from run to run. What a step makes of what is kept stands in `step`, the same for
//! the preview's records (`local`) and for those of the server (`execute`).

#[cfg(feature = "execute")]
mod execute;
mod local;
mod step;

use holon_flow::{Capability, ManifestError};

#[cfg(feature = "execute")]
pub use execute::KeepState;
pub use step::{MOST_KEY, MOST_VALUE, storable, valid_key};

/// What people read of its kinds.
pub const HELP: &str = include_str!("../help.md");

/// The capability.
///
/// # Errors
/// When `capability.json` is not right; a test holds that it is.
pub fn capability() -> Result<Capability, ManifestError> {
    Ok(Capability::from_manifest(include_str!("../capability.json"), &[])?
        .with_local("state.get@1", local::get)
        .with_local("state.put@1", local::put)
        .with_local("state.increment@1", local::increment)
        .with_local("state.delete@1", local::delete))
}
