//! What a page and the engine's worker say to each other about recorded runs: replays that are walked, and back-tests.
//!
//! A journal comes in pieces, so that a page can tell how far it is and stop. The worker holds one replay and one back-test; each
//! has a number, and a question about an older one is refused.

use holon_model::{
    Timestamp, Value,
    wire::runs::{JournalRow, NodeFailure, NodeRun},
};
use serde::{Deserialize, Serialize};

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

/// Where the engine and the record part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Number of the input.
    pub seq: i64,
    /// In which way.
    pub what: Parting,
    /// The log hash that was recorded; empty where none was.
    pub recorded: String,
    /// The log hash that the engine computes; empty where it computes none.
    pub computed: String,
    /// More, for people: why the input was not taken.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// In which way the engine and the record part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parting {
    /// The hash is another one.
    Hash,
    /// The input is missing in the record.
    Missing,
    /// The input cannot be read.
    Unreadable,
    /// The engine does not take the input where it was recorded.
    Refused,
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

/// One thing that became true, or is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Such as `node_succeeded` or `run_effect`.
    pub what: String,
    /// The node it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A name or a message that belongs to it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// An instant that belongs to it: until when something waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
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

/// How a recorded run would end on the draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// `same | steps | different | open`: all the same; the end is, but not each step; it ends differently; it asks for something
    /// that was never recorded.
    pub verdict: String,
    /// How it ended.
    pub was: RunEnd,
    /// How it would end.
    pub now: RunEnd,
    /// The first step that ends otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<StepPair>,
    /// Nodes that ask for what was never recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Effects that are asked for otherwise than recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked_otherwise: Vec<String>,
    /// Effects that were done and are not asked for any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_asked: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunEnd {
    /// Its status.
    pub status: String,
    /// What came out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<NodeFailure>,
}

/// One step, as it ended and as it would.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StepPair {
    /// Structural path.
    pub path: String,
    /// How it ended; absent: there was no such step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<StepOutcome>,
    /// How it would end; absent: there would be none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<StepOutcome>,
}

/// How a step ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// `succeeded | failed | skipped | cancelled`
    pub status: String,
    /// The port it emitted on; empty: the usual one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub port: String,
    /// What it emitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<NodeFailure>,
}
