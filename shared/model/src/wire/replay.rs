//! Recorded runs, replayed: whether the record holds, how a run stood at one of its inputs, and how runs would end on another
//! definition. The engine's worker in a browser and the server say the same of them, with the same code.

use crate::{RunId, Timestamp, Value};
use serde::{Deserialize, Serialize};

use super::runs::{NodeFailure, NodeRun};

/// `GET /api/v1/runs/{id}/verify`: what replaying a run's journal gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verified {
    /// Whether each input gave the log hash that was recorded with it, and a run that is over ends with the one it ended with.
    pub agrees: bool,
    /// How many inputs were replayed: all that were journaled, or those before the first difference.
    pub inputs: i64,
    /// The log hash that the engine computes after the last of them, 64 hexadecimal digits.
    pub log_hash: String,
    /// Whether the run is over. Of one that is not, what was journaled so far was replayed.
    pub over: bool,
    /// The first difference, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// `GET /api/v1/runs/{id}/at/{seq}`: a run as it was after one of its inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunAt {
    /// Number of the input, from 0.
    pub seq: i64,
    /// Its stamp.
    pub at: Timestamp,
    /// What kind of input, as in the journal.
    pub kind: String,
    /// The input, for people.
    pub input: Value,
    /// The run's status after it.
    pub status: String,
    /// The log hash after it, as the engine computes it.
    pub log_hash: String,
    /// What became true with it, the first ones.
    pub became: Vec<Fact>,
    /// What it made the run ask for, the first ones.
    pub asked: Vec<Fact>,
    /// How many facts are left out.
    pub more: u32,
    /// The run's output, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Why it failed, when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<NodeFailure>,
    /// The nodes of this page, in order of their opening, with what went in and what came out.
    pub nodes: Vec<NodeRun>,
    /// What the node that was asked for was told to do, evaluated; absent before it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    /// Pass it as `cursor` to get the next nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// `POST /api/v1/flows/{id}/backtest`: which recorded runs are tried on what. Nothing is started and nothing is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Backtest {
    /// The version that they are tried on; absent: the draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// These runs of the flow, at most 1,000, in this order; absent: its finished runs, newest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<Vec<RunId>>,
    /// Without `runs`: how many in all, 1 to 1,000; absent: 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u16>,
    /// Where to go on: `next_cursor` of the answer before, with the same body otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What a back-test found so far: one piece of it. It is done when there is no `next_cursor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BacktestPage {
    /// The version that they were tried on; absent: the draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// Mistakes in the draft: the nodes concerned fail where they are reached.
    pub mistakes: u32,
    /// The runs of this piece, in order.
    pub data: Vec<TriedRun>,
    /// How many were tried in all, with those of the pieces before.
    pub tried: u32,
    /// Pass it as `cursor` to try the next ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One recorded run that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TriedRun {
    /// Which run.
    pub run: RunId,
    /// The version that it ran on; 0 where the flow has no such run.
    pub version: i32,
    /// What was found; absent: it could not be tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Compared>,
    /// Why it could not be tried, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Where the engine and the record part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

/// One thing that became true, or is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

/// How a recorded run would end on the draft, or on the version that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
