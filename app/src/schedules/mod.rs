//! Schedules: the times at which flows start by themselves, what came of them, and the field that writes such times.

pub mod api;
#[cfg(target_arch = "wasm32")]
mod field;
mod firings;
mod list;
mod one;
pub(crate) mod strings;
mod switch;

#[cfg(target_arch = "wasm32")]
pub(crate) use field::{ahead, zone, zones};
pub use list::SchedulesPage;
pub use one::SchedulePage;
