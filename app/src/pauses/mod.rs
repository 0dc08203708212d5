//! Pausing a flow, the workspace or the instance: the part of a page that shows it and does it.

mod api;
mod panel;
mod strings;

pub use api::Scope;
pub use panel::panel;
