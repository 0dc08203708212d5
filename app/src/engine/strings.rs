//! What people read about the engine in the browser.

use crate::ui::format::count;

/// The worker's script did not come; a newer server has none of this page's build.
#[cfg(target_arch = "wasm32")]
pub const NOT_LOADED: &str = "its script could not be loaded. Reload the page";
/// The hash over everything that a run decided.
pub const HASH: &str = "Log hash";
/// While it is computed.
pub const WORKING: &str = "Replaying the journal in this browser …";

/// It is the same here.
pub fn confirmed(rows: u32) -> String {
    format!("Confirmed in this browser: {} replayed", count(u64::from(rows), "journal row", "journal rows"))
}

/// It is another here.
pub fn differs(seq: i64, why: &str) -> String {
    format!("Differs from journal row {seq} on: {why}")
}

/// It could not be computed here.
pub fn not_checked(why: &str) -> String {
    format!("Not checked: {why}")
}

/// The hash that this browser has.
pub fn computes(hash: &str) -> String {
    format!("this browser computes {hash}")
}
