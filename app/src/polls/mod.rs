//! Polls: flows that look at an endpoint every so often, what came of it, and the runs that it started.

pub mod api;
mod list;
mod one;
mod result;
pub(crate) mod strings;

pub(crate) use list::section;
pub use one::PollPage;
