//! The machine: a definition and stamped inputs in, decisions out. No clock, no randomness, no I/O.
//!
//! ```text
//! compile(definition, catalogue) -> Compiled          a flow in an arena, shared by its runs
//! Machine::new(compiled).handle(stamped input) -> Decision { events, commands, status, next_due, … }
//! ```
//!
//! *Inputs* are what happened and are all that is journaled; *events* are what became true, derived; *commands* are what the host
//! does once the inputs are durable. Recovery is [`Machine::replay`], then [`Machine::pending`]. The same definition and stamped
//! inputs give the same [`Machine::log_hash`], natively and in wasm32.
#![forbid(unsafe_code)]

mod arena;
mod ask;
mod backtest;
mod batch;
mod child;
mod command;
mod compile;
mod config;
mod continue_;
mod doubt;
mod draft;
mod drive;
mod effect;
mod event;
mod fail;
mod graph;
mod input;
mod inspect;
mod keep;
mod log;
mod loop_;
mod machine;
mod mail;
mod map;
mod names;
mod node;
mod parallel;
mod path;
mod preview;
mod race;
mod recover;
mod redact;
mod refusal;
mod remember;
mod respond;
mod retry;
mod saga;
mod scope;
mod signal;
mod snapshot;
mod state;
mod switch;
mod task;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod timeout;
mod try_;
mod turns;
mod view;
mod wait;
mod when;
mod wire;

pub use arena::{Compiled, Needs};
pub use backtest::{Comparison, Ended, StepDifference, StepEnd, Verdict, backtest};
pub use batch::{Joins, is_batch, share};
pub use command::{Cached, ChildVersion, Choice, Command, Response, RunEffect, StartChild, Task, TaskKind};
pub use compile::{compile, compile_draft};
pub use doubt::{OUTCOME_UNKNOWN, leaves_open};
pub use draft::{Draft, Drafted};
pub use drive::{Oracle, drive};
pub use event::{Awaited, Event, EventId, EventKind, EventNode, StepState};
pub use input::{
    DecodeError, EffectId, Input, Lineage, Outcome, Parent, RunInfo, Stamped, TimerId, decode_input, encode_input,
};
pub use inspect::DueTimer;
pub use machine::{Decision, Machine};
pub use mail::Mail;
pub use path::{FramePath, without_indices};
pub use preview::{EdgeView, Preview, PreviewRequest, preview};
pub use refusal::Refusal;
pub use remember::Took;
pub use signal::MAX_SIGNAL_TEXT;
pub use snapshot::SnapshotError;
pub use state::{NodeStatus, RunStatus};
pub use view::RunView;

/// The newest meaning of flows that this machine knows. Recorded in each run's start; old meanings stay reachable, so that what
/// an older build wrote replays as it was. Since
///
/// 2. the pause before another attempt is at least what the answer asked for (`retry_after`); texts that hosts keep in columns
///    hold no U+0000 and are bounded, and so is a task's context; a call narrows the budget of the run that it starts; whole
///    decimals beyond 64 bits are written without `.0`.
/// 3. a saga that is tried again asks people anew, under ids of its own, when it cannot be undone again.
/// 4. a run that goes on for another one begins with the signals that nobody took there, and knows the senders that came last;
///    what a compensation asks for has the same key however often it is tried; a text that is read as JSON (`parse_json`) names no blob.
pub const SEMANTICS: u32 = 4;
