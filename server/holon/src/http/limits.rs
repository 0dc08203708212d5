//! How a rate limit is told: `RateLimit-Policy` and `RateLimit` as structured fields
//! (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>).

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use holon_runtime::RateShown;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Says how a limit stands: what may pass in which time, how much of it is left, and in how many seconds there is more.
pub fn rate_headers(headers: &mut HeaderMap, rate: &RateShown) {
    let name = rate.of;
    let (window, more) = (rate.per.0.div_ceil(1_000).max(1), rate.after.0.div_ceil(1_000));
    let policy = format!("\"{name}\";q={};w={window}", rate.limit);
    let state = format!("\"{name}\";r={};t={more}", rate.left);
    for (header, text) in [(POLICY, policy), (STATE, state)] {
        // What a route has said of a limit of its own stays.
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.entry(header).or_insert(value);
        }
    }
}
