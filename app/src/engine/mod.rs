//! The engine in the browser: a worker that validates, previews and verifies, asked by messages.
//!
//! There is one worker a tab. It is started when it is first asked, and again when it crashed or hung.

mod ask;
#[cfg(target_arch = "wasm32")]
mod client;
mod strings;
pub mod verify;

pub use ask::{EngineError, ask, kinds, preview};
pub use verify::LogHash;
