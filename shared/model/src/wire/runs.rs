//! Runs, their nodes, their journal and their events.

use std::collections::BTreeMap;

use crate::{FlowId, RunId, Timestamp, Value};
use serde::{Deserialize, Serialize};

pub use super::runs_operating::*;

/// A run in a list. Lists never read payloads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunSummary {
    /// Id.
    pub id: RunId,
    /// The flow.
    pub flow: FlowId,
    /// Its name.
    pub flow_name: String,
    /// The version that runs.
    pub version: i32,
    /// `queued | running | waiting | paused | completed | failed | cancelled | terminated | continued`.
    pub status: String,
    /// What started it: the trigger's kind, such as `trigger.webhook`.
    pub trigger: String,
    /// What people call that: the title of the kind.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trigger_title: String,
    /// Who started it, as the audit log names them: `person_…`, `token_…`, `webhook`, `system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// How they are called, if they are a person or a program of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by_name: Option<String>,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// The first line of the error, if it failed.
    pub error: Option<String>,
    /// What it was labelled with when it was started.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What it is about, as whoever started it names that: an order's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<String>,
    /// Why it is paused, if it is: who paused it and what they said, or why it cannot go on by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The person who paused it. A paused run without one was parked: Holon cannot drive it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_by: Option<String>,
}

/// What can start a run: `GET /api/v1/starters`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Starter {
    /// The kind, as runs name it: `trigger.webhook`.
    pub kind: String,
    /// What people call it.
    pub title: String,
}

/// How a run may have ended. One that goes on in another run is over too.
pub const ENDED: [&str; 5] = ["completed", "failed", "cancelled", "terminated", "continued"];
/// How a run that is not over may stand.
pub const GOING: [&str; 4] = ["queued", "running", "waiting", "paused"];

/// Asks lists for the paused runs that no person paused: Holon parked them. No run is in such a status.
pub const PARKED: &str = "parked";

/// Whether a run in this status is over.
pub fn is_over(status: &str) -> bool {
    ENDED.contains(&status)
}

/// A run, whole: `GET /api/v1/runs/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    /// What a list shows.
    pub summary: RunSummary,
    /// The definition that runs, for drawing it.
    pub definition: Value,
    /// What it was started with.
    pub input: Value,
    /// What came out, when it completed.
    pub output: Option<Value>,
    /// The state of its nodes, in order of their start; scopes' children by path (`each[3]/call`).
    pub nodes: Vec<NodeRun>,
    /// The run's log hash so far, 64 hexadecimal digits.
    pub log_hash: String,
    /// The last event's id, to resume the stream from.
    pub last_event: String,
    /// The run that this one retries, if it does.
    pub retry_of: Option<RunId>,
    /// From where this one was forked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork_of: Option<ForkOf>,
    /// Whether a retry would be taken, of a run that did not end well; absent where that is not known without trying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<CanRetry>,
    /// How those are called who did something to it, by how they are named in it: `person_…`, `token_…`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
}

/// Whether a retry would be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CanRetry {
    /// Whether it would.
    pub taken: bool,
    /// Why not, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// One node of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeRun {
    /// Structural path, such as `each[3]/call`.
    pub path: String,
    /// `pending | running | waiting | succeeded | failed | skipped | cancelled`.
    pub status: String,
    /// The value on its in-port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// What it emitted, by port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<NodeFailure>,
    /// Attempts so far, 0 for what is not an effect.
    pub attempts: u32,
    /// When what it emitted was given to an earlier effect: it came from the cache, and nothing was done for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_at: Option<Timestamp>,
    /// When it came to wait for its turn, if as many of its node went on already as may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
    /// When it started; while it waits for its turn, when it came.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Until when it waits, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_until: Option<Timestamp>,
    /// What else it waits for, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<WaitingFor>,
    /// The way of a saga, forwards and back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saga: Option<SagaRun>,
}

/// What a node waits for that no timer brings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitingFor {
    /// `signal | task | person | child | batch | turn`; `person`: somebody must say what to do about a compensation that keeps failing;
    /// `turn`: as many of its node go on already as may.
    pub kind: String,
    /// Id of the wait, the task or the call, 32 hexadecimal digits; empty for a turn.
    pub id: String,
    /// The signal's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Which of several signals.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub correlation: String,
    /// The batch that the item goes into, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// A saga's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SagaRun {
    /// `forward | backward`
    pub phase: String,
    /// Its steps in order.
    pub steps: Vec<SagaStepRun>,
}

/// A step of a saga.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SagaStepRun {
    /// Its name.
    pub step: String,
    /// `pending | running | completed | failed | cancelled | compensating | compensated | parked | skipped | by_hand`
    pub state: String,
    /// Whether what it does can be undone.
    pub compensable: bool,
    /// Name of the body that undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
    /// Why it, or the last try to undo it, failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<NodeFailure>,
    /// Tries to undo it.
    pub tries: u32,
    /// What the person said who decided about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Why a node failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeFailure {
    /// A code, such as `http_status` or `out_of_fuel`.
    pub code: String,
    /// What happened.
    pub message: String,
    /// More, for programs and for the `error` edge.
    #[serde(default)]
    pub detail: Value,
}

/// `POST /api/v1/flows/{id}/runs`, with an `Idempotency-Key`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StartRun {
    /// The trigger's value.
    #[serde(default)]
    pub input: Value,
    /// Key of the trigger node; absent: the manual trigger, or the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// What it can be found by, at most 16: a key has 1 to 64 characters, none of them `:`, and a value at most 256.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What it is about, such as an order's number; at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<String>,
}

/// The answer to a start, given after the run is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Started {
    /// The run.
    pub id: RunId,
    /// Whether this key had started it before.
    pub replayed: bool,
}

/// `POST /api/v1/runs/{id}/cancel`; the body may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CancelRun {
    /// Why, at most 500 characters: it stands in the run's journal beside who cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One row of a journal: `GET /api/v1/runs/{id}/journal`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JournalRow {
    /// Number of the input, from 0.
    pub seq: i64,
    /// Its stamp.
    pub at: Timestamp,
    /// What kind of input, for people.
    pub kind: String,
    /// The input as the machine takes it: postcard bytes in base64.
    pub input: String,
    /// The same for people.
    pub shown: Value,
    /// The log hash after it, 64 hexadecimal digits.
    pub log_hash: String,
}

/// One event of the stream `GET /api/v1/runs/{id}/events` (SSE; `id:` is `seq.index`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunEvent {
    /// `seq.index`.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Such as `node_started`, `node_succeeded`, `run_completed`.
    pub kind: String,
    /// The node, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The node's state after the event, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeRun>,
    /// More about it: of `saga_step` `{step, state}`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub detail: Value,
    /// The run's status after the event.
    pub status: String,
}
