//! Runs: the list, one of them live, and their port.

mod actions;
pub mod api;
mod backtest;
mod bulk;
mod debugger;
mod deeds;
mod edited;
mod filters;
pub mod follow;
mod fork;
mod journal;
mod list;
pub mod live;
mod looking;
mod marks;
mod node;
mod nodes;
mod pages;
mod picked;
mod replay;
mod rows;
mod run;
pub(crate) mod saga;
pub(crate) mod strings;
pub mod table;
mod verify;
mod waits;

pub use backtest::BacktestPage;
pub use list::RunsPage;
pub use run::RunPage;
