//! Recorded runs, replayed: the journal held against its hashes, the run as it was after any of its inputs, and runs tried on
//! another definition. The engine's worker in a browser and the server use this one piece; they differ only in where the journal
//! comes from and in how much of it they keep.
//!
//! ```text
//! Recorded              one row of a journal, read
//! Verifier::take        the next row: does the engine give the hash that was recorded?
//! Replay                a verified journal that is walked to and fro
//! Seen                  the run after one input, and what the input led to
//! compared              a recorded run on another definition
//! ```
#![forbid(unsafe_code)]

mod compared;
mod facts;
mod recorded;
mod seen;
mod verify;
mod walk;

pub use compared::compared;
pub use recorded::{Recorded, compiled};
pub use seen::{ITEMS, Seen, failure};
pub use verify::{Taken, Verifier};
pub use walk::Replay;
