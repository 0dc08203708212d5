//! Tasks: what runs ask people, and the page where one is answered.

pub mod api;
mod fields;
mod links;
mod list;
mod next;
mod one;
pub(crate) mod strings;
mod undo;

pub use list::TasksPage;
pub use one::TaskPage;
