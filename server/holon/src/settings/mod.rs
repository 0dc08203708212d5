//! The operator's settings: who may sign up, and invitations.

mod http;
mod invite;
mod read;
mod save;
mod store;

pub use http::router;
pub use read::read;
