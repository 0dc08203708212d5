//! Alerts: rules that look for what went wrong in the workspace, and whom they tell.

pub mod api;
mod form;
mod page;
pub(crate) mod strings;

pub use page::AlertsPage;
