//! Flows: the list, starting one, its versions, and their port.

pub mod api;
mod delete;
mod duplicate;
mod list;
mod new;
pub(crate) mod strings;
mod table;
mod versions;

pub use list::FlowsPage;
pub use versions::VersionsPage;
