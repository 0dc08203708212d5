//! The shapes that cross the REST API, one file a feature: what the server answers and what pages and programs read.

pub mod alerts;
pub mod connections;
pub mod events;
pub mod flow_state;
pub mod flows;
pub mod identity;
pub mod links;
pub mod page;
pub mod pauses;
pub mod polls;
pub mod replay;
pub mod retention;
pub mod runs;
mod runs_operating;
pub mod schedules;
pub mod signals;
pub mod tasks;
pub mod tokens;
pub mod workers;

pub use page::Page;
