//! Workers: programs of a workspace that take tasks of a pool, and what is handed out to them.

use crate::{ClaimId, FlowId, RunId, Timestamp, Value};
use serde::{Deserialize, Serialize};

/// `POST /api/v1/workers/claims`: asks for tasks of a pool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClaimWork {
    /// The pool.
    pub pool: String,
    /// What the worker calls itself, at most 100 characters: people see it. The token's name for itself if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// At most so many tasks, 1 to 16; 1 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u16>,
    /// For how many seconds to wait when there is nothing to do, 0 to 30; 30 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u16>,
}

/// What was claimed; empty when there was nothing to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimedWork {
    /// The tasks, oldest first.
    pub tasks: Vec<ClaimedTask>,
}

/// A task that a worker has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimedTask {
    /// The claim: by it the worker says what becomes of the task.
    pub claim: ClaimId,
    /// Where: `POST` to this with `/heartbeat`, `/complete` or `/fail` behind it.
    pub at: String,
    /// The run that asks.
    pub run: RunId,
    /// Structural path of the node that asks.
    pub path: String,
    /// The pool.
    pub pool: String,
    /// What is to be done.
    pub name: String,
    /// With what.
    pub input: Value,
    /// The same for every attempt at this task, also after a crash: what must not be done twice outside is done under it.
    pub key: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How often this attempt was claimed, this time included: more than one where a worker was lost.
    pub claims: u32,
    /// The claim is lost when no heartbeat comes for so many milliseconds.
    pub heartbeat_ms: u64,
    /// When the attempt has failed for want of an answer.
    pub deadline: Timestamp,
}

/// `POST …/heartbeat`: the worker is at it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// How far it is, for people; at most 4 KiB. What was said before stays if absent or null.
    #[serde(default)]
    pub progress: Value,
}

/// What a heartbeat is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeartbeatTaken {
    /// Whether the task is still wanted of this worker. If not, it stops: the run was cancelled, the task's time is up, or another worker
    /// has it.
    pub wanted: bool,
}

/// `POST …/complete`: it is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CompleteWork {
    /// What comes out of the node; at most 2 MiB.
    #[serde(default)]
    pub output: Value,
}

/// `POST …/fail`: it could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FailWork {
    /// What programs read: small letters, digits and `_`, 64 at most.
    pub code: String,
    /// What people read, at most 2,000 bytes.
    pub message: String,
    /// Whether another attempt could help; true if absent. Whether there is one, the node's retry policy says.
    #[serde(default = "yes")]
    pub retryable: bool,
    /// Not before so many seconds, an hour at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u16>,
    /// Anything else about it, at most 64 KiB.
    #[serde(default)]
    pub detail: Value,
}

fn yes() -> bool {
    true
}

/// A pool, as people see it: `GET /api/v1/workers/pools`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkPool {
    /// Its name.
    pub name: String,
    /// Tasks that nobody has.
    pub waiting: u32,
    /// Tasks that a worker has.
    pub claimed: u32,
    /// Since when the oldest of those that nobody has is there.
    pub oldest: Option<Timestamp>,
    /// The workers that were seen in the last day, the latest first; 50 at most.
    pub workers: Vec<SeenWorker>,
}

/// A worker that asked for tasks, or sent a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeenWorker {
    /// What it calls itself.
    pub name: String,
    /// When it was last heard of, to about ten seconds.
    pub seen_at: Timestamp,
    /// How many tasks it has.
    pub tasks: u32,
}

/// The states of a task for workers.
pub const WORK_STATES: [&str; 2] = ["waiting", "claimed"];

/// A task for workers in a list; lists never read its input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkItem {
    /// The run that asks.
    pub run: RunId,
    /// The run's flow.
    pub flow: FlowId,
    /// The flow's name.
    pub flow_name: String,
    /// Structural path of the node that asks.
    pub path: String,
    /// The task's key.
    pub key: String,
    /// The pool.
    pub pool: String,
    /// What is to be done.
    pub name: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// `waiting | claimed`.
    pub state: String,
    /// How often it was claimed.
    pub claims: u32,
    /// Since when it is handed out.
    pub asked_at: Timestamp,
    /// When the attempt has failed for want of an answer.
    pub deadline: Timestamp,
    /// The worker that has it, or had it last.
    pub worker: Option<String>,
    /// When that one claimed it.
    pub claimed_at: Option<Timestamp>,
    /// When that one was last heard of about it.
    pub beat_at: Option<Timestamp>,
    /// How far that one said it was.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub progress: Value,
}
