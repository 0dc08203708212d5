//! The state of a flow: what it keeps from run to run, seen and changed by hand.

pub mod api;
mod edit;
mod page;
pub(crate) mod strings;

pub use page::StatePage;
