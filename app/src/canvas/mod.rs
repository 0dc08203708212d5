//! The canvas: one transformed layer of cards, one layer of curves, and what the pointer does to them.
//!
//! It knows nothing of saving, running or undoing: it draws a [`Scene`] and tells what a person did as [`CanvasEvent`]s.
//! The editor and the page of a run show the same canvas.

#[cfg(target_arch = "wasm32")]
mod card;
#[cfg(target_arch = "wasm32")]
mod crumbs;
#[cfg(target_arch = "wasm32")]
mod edges;
#[cfg(target_arch = "wasm32")]
mod flow;
#[cfg(target_arch = "wasm32")]
mod gesture;
#[cfg(target_arch = "wasm32")]
mod ports;
mod run;
mod scene;
#[cfg(target_arch = "wasm32")]
mod seen;
#[cfg(target_arch = "wasm32")]
mod settled;
pub mod strings;
#[cfg(target_arch = "wasm32")]
mod tools;
#[cfg(target_arch = "wasm32")]
mod way;

#[cfg(target_arch = "wasm32")]
pub use crumbs::Crumbs;
#[cfg(target_arch = "wasm32")]
pub use flow::FlowCanvas;
pub use run::{Chosen, EdgeAt, RunCanvas};
pub use scene::{CanvasEvent, Problems, Said, Scene, Selection};
#[cfg(target_arch = "wasm32")]
pub use tools::{fit, zoom};
