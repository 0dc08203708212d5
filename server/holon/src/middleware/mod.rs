//! What stands in front of every route, outermost first: the security headers (on every answer, also that of a
//! handler that panicked), the request's id and log, errors of the framework made into problems, and the check against
//! requests from other sites.

mod client_ip;
mod cross_site;
mod headers;
mod problems;
mod rate;
mod throttle;
mod trace;

pub use client_ip::ClientIp;
pub use cross_site::refuse_cross_site;
pub use headers::{CspNonce, security_headers};
pub use problems::as_problems;
pub use rate::limit_requests;
pub use throttle::{Bucket, Throttle};
pub use trace::trace;
