//! Times for people.

use holon_model::Timestamp;

/// Now, by the reader's clock; the epoch outside a browser.
#[cfg(target_arch = "wasm32")]
pub fn browser_now() -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
    Timestamp(js_sys::Date::now() as i64)
}

/// Now, by the reader's clock; the epoch outside a browser.
#[cfg(not(target_arch = "wasm32"))]
pub fn browser_now() -> Timestamp {
    Timestamp(0)
}
