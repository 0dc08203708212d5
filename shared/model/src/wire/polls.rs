//! Polls: when they look, what came of it, and the runs that they started.

use crate::{FlowId, PollId, RunId, Timestamp, Value};
use serde::{Deserialize, Serialize};

/// A poll in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PollSummary {
    /// Id.
    pub id: PollId,
    /// The flow that it starts.
    pub flow: FlowId,
    /// Its name.
    pub flow_name: String,
    /// The version in force.
    pub version: i32,
    /// Key of the trigger node.
    pub node: String,
    /// Between two looks, in milliseconds.
    pub every: u64,
    /// When it looks next.
    pub next_at: Timestamp,
    /// Whether somebody looks now.
    pub looking: bool,
    /// Looks in a row that failed.
    pub failures: u32,
    /// Since when they do.
    pub failing_since: Option<Timestamp>,
    /// The last look that is over.
    pub last: Option<Look>,
}

/// What came of a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Look {
    /// When it began.
    pub at: Timestamp,
    /// `found | held | failed`: held looks ask for nothing, since the flow is paused.
    pub outcome: String,
    /// Items that the endpoint listed.
    pub listed: u32,
    /// Of them, those that started runs.
    pub started: u32,
    /// Those that can start none.
    pub refused: u32,
    /// Those that wait for the next look.
    pub waiting: u32,
    /// Whether there were no more pages than it may fetch.
    pub complete: bool,
    /// Why it failed, such as `http_status` or `bad_items`.
    pub code: Option<String>,
    /// In words; also why items wait or can start no run.
    pub reason: Option<String>,
    /// Where in the trigger's config the fault is: `/items`.
    pub pointer: Option<String>,
}

/// A poll, whole: `GET /api/v1/polls/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Poll {
    /// What a list shows.
    pub summary: PollSummary,
    /// What the last look kept for the next one.
    pub cursor: Value,
    /// How many items are remembered.
    pub seen: u64,
    /// The last that was new and was to start a run, newest first, at most fifty.
    pub found: Vec<Found>,
}

/// What was new and was to start a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Found {
    /// When it was found.
    pub at: Timestamp,
    /// `starting | started | refused`.
    pub state: String,
    /// Items that it stands for: those that start one run together are one.
    pub items: u32,
    /// Why it started no run.
    pub reason: Option<String>,
    /// The run that it started.
    pub run: Option<RunId>,
    /// The run's status.
    pub run_status: Option<String>,
}
