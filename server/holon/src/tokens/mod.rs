//! Personal API tokens: made, shown once, listed, revoked.

mod create;
mod http;
mod list;
pub mod port;
mod revoke;
mod store;

pub use http::router;
