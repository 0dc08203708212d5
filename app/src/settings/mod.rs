//! Settings: the reader's own, and those of the operator.

mod appearance;
mod operator;
mod page;
pub(crate) mod strings;

pub use page::SettingsPage;
