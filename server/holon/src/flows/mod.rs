//! Flows: drafts that people edit, immutable versions, what is in force, and the addresses of webhook triggers.

mod apply;
mod catch;
mod check;
mod create;
mod delete;
mod error;
mod examples;
pub mod gone;
mod http;
mod permitted;
mod port;
mod publish;
mod read;
mod replace;
pub mod store;
pub(crate) mod triggers;
mod webhooks;

pub use error::Error;
pub use http::router;
pub use port::FlowsInProcess;
pub use webhooks::{CATCH_PREFIX, KIND as WEBHOOK_KIND};
