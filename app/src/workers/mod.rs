//! Workers: the page of pools, of the programs that take their tasks, and of the tasks.

pub mod api;
mod page;
pub(crate) mod strings;

pub use page::WorkersPage;
