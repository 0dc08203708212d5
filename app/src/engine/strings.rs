//! What people read about the engine in the browser.

/// The worker's script did not come; a newer server has none of this page's build.
#[cfg(target_arch = "wasm32")]
pub const NOT_LOADED: &str = "its script could not be loaded. Reload the page";
