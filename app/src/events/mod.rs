//! Events: what flows and programs published, who got it, and setting a subscription back.

pub mod api;
mod page;
mod replay;
pub(crate) mod strings;
mod subscriptions;

pub use page::EventsPage;
