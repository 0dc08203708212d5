//! Settings: the reader's own, and those of the operator.

pub mod api;
mod appearance;
mod history;
mod operator;
mod page;
pub(crate) mod strings;

pub use page::SettingsPage;
