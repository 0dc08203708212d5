//! The engine in the browser: a worker that validates, previews and replays, asked by messages.
//!
//! There is one worker a tab. It is started when it is first asked, and again when it crashed or hung.

mod ask;
#[cfg(target_arch = "wasm32")]
mod client;
#[cfg(target_arch = "wasm32")]
mod strings;

pub use ask::{EngineError, ask, kinds, preview};
