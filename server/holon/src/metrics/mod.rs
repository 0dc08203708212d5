//! `/metrics`: what the process counts, for Prometheus. Closed unless the operator opens it: at an address of its own, or at
//! the server's address behind a token.

mod expose;
mod http;
mod queues;
mod requests;
mod spans;

pub use expose::exposition;
pub use http::{router, serve_apart};
pub use requests::{Requests, count_request};
pub use spans::note_run;
