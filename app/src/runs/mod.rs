//! Runs: the list, one of them live, and their port.

mod actions;
pub mod api;
mod journal;
mod list;
pub mod live;
mod node;
mod nodes;
mod run;
mod saga;
pub(crate) mod strings;
pub mod table;
mod waits;

pub use list::RunsPage;
pub use run::RunPage;
