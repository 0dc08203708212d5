//! What a page and the engine's worker say to each other about recorded runs: replays that are walked, and back-tests.
//!
//! A journal comes in pieces, so that a page can tell how far it is and stop. The worker holds one replay and one back-test; each
//! has a number, and a question about an older one is refused.

use holon_model::{
    Timestamp, Value,
    wire::runs::{JournalRow, NodeFailure, NodeRun},
};
use serde::{Deserialize, Serialize};

pub use holon_model::wire::replay::{Compared, Difference, Fact, Parting, RunEnd, StepOutcome, StepPair};

/// A replay or a back-test that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Its number.
    pub number: u32,
}

/// What became of a piece of a journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fed {
    /// One for each row that was taken, in order.
    pub steps: Vec<Step>,
    /// The first difference so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// Whether the replay takes no more rows: the engine cannot go on from the difference.
    #[serde(default)]
    pub over: bool,
}

/// One input, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When it was taken.
    pub at: Timestamp,
    /// What kind of input.
    pub kind: String,
    /// The node that it is about: structural path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The run's status after it.
    pub status: String,
}

/// A run as it was after one of its inputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Number of the input.
    pub at: u32,
    /// The moment that `nodes` and `gone` change; absent: `nodes` are all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u32>,
    /// Nodes in order of their opening.
    pub nodes: Vec<NodeRun>,
    /// Paths of nodes that are not there (yet, or any more).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// The run's status.
    pub status: String,
    /// The input, for people.
    pub input: Value,
    /// What became true with it, the first ones.
    pub became: Vec<Fact>,
    /// What it made the run ask for, the first ones.
    pub asked: Vec<Fact>,
    /// How many facts are left out.
    #[serde(default)]
    pub more: u32,
    /// The run's output, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Why it failed, when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<NodeFailure>,
    /// The log hash after it.
    pub log_hash: String,
    /// Time it took to get there, in microseconds, measured by the worker.
    #[serde(default)]
    pub micros: u64,
}

/// What a node was told to do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Its config, evaluated; absent before it started.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
}

/// A recorded run to try on the draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedRun {
    /// The version that it ran on; its definition was told before.
    pub version: i32,
    /// Its journal, whole.
    pub journal: Vec<JournalRow>,
}
