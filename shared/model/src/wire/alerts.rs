//! Alert rules and their firings.

use crate::{AlertId, FiringId, FlowId, RunId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a rule looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertWhat {
    /// A run failed.
    RunFailed,
    /// A run was parked: Holon cannot drive it on.
    RunParked,
    /// Of the runs that ended within the window at least `threshold` percent failed; five at least have ended.
    ErrorRate,
    /// Work has waited for its turn for longer than `threshold`: runs in a line, tasks for workers, events, firings of schedules and,
    /// unless a flow is named, steps.
    QueueAge,
    /// A schedule missed a firing, or could not start its run.
    ScheduleMissed,
    /// A task has waited for an answer for longer than `threshold`.
    ApprovalWaiting,
    /// The looks of a poll have failed, one after the other, for longer than `threshold`.
    PollFailing,
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertChannel {
    /// An address that takes JSON, signed as Standard Webhooks says when a connection with a key is named.
    Webhook,
    /// An address of a chat, which takes `{"text": …}`.
    Chat,
    /// A flow, started with what was found.
    Flow,
    /// Mail, through a connection that is a mail server.
    Email,
}

/// A rule to make, or what one becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SaveAlert {
    /// For people, 1 to 100 characters.
    pub name: String,
    /// What it looks for.
    pub what: AlertWhat,
    /// Of this flow only.
    #[serde(default)]
    pub flow: Option<FlowId>,
    /// Milliseconds, for `error_rate`: one minute to one day.
    #[serde(default)]
    pub window: Option<u64>,
    /// Percent for `error_rate`; milliseconds for `queue_age`, `approval_waiting` and `poll_failing`.
    #[serde(default)]
    pub threshold: Option<u64>,
    /// Who is told.
    pub channel: AlertChannel,
    /// The address for `webhook` and `chat`. It is sealed and not shown again; absent, the one that is stored stays.
    #[serde(default)]
    pub url: Option<String>,
    /// The connection (kind `hmac_key`) that a webhook is signed with; for `email` the one (kind `smtp`) that it goes through.
    #[serde(default)]
    pub connection: Option<String>,
    /// Addresses, for `email`: one to twenty.
    #[serde(default)]
    pub recipients: Option<Vec<String>>,
    /// The flow that is started.
    #[serde(default)]
    pub target: Option<FlowId>,
    /// Milliseconds after a firing in which there is no other one; what is found meanwhile is told together then. Five
    /// minutes if absent, at most one day.
    #[serde(default)]
    pub quiet: Option<u64>,
    /// Whether it looks; true if absent.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alert {
    /// Id.
    pub id: AlertId,
    /// For people.
    pub name: String,
    /// What it looks for.
    pub what: AlertWhat,
    /// Of this flow only.
    pub flow: Option<FlowId>,
    /// Milliseconds.
    pub window: Option<u64>,
    /// Percent, or milliseconds.
    pub threshold: Option<u64>,
    /// Who is told.
    pub channel: AlertChannel,
    /// The beginning of the address: the rest is a secret.
    pub url: Option<String>,
    /// The connection that a webhook is signed with, or that mail goes through.
    pub connection: Option<String>,
    /// Whom mail goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipients: Option<Vec<String>>,
    /// The flow that is started.
    pub target: Option<FlowId>,
    /// Milliseconds.
    pub quiet: u64,
    /// Whether it looks.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its last firing.
    pub last: Option<AlertFiring>,
}

/// A rule with its last firings, newest first, at most fifty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlertDetail {
    /// The rule.
    pub alert: Alert,
    /// What it fired.
    pub firings: Vec<AlertFiring>,
}

/// What was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlertFiring {
    /// Id; receivers get it as `webhook-id`, and it stays the same when a delivery is tried again.
    pub id: FiringId,
    /// When.
    pub fired_at: Timestamp,
    /// `rule | test`.
    pub cause: String,
    /// What was found, in a sentence.
    pub summary: String,
    /// How much was found.
    pub count: u32,
    /// `pending | delivered | failed`.
    pub state: String,
    /// How often it was tried.
    pub tries: u32,
    /// Why it was not delivered.
    pub error: Option<String>,
    /// The run that was started.
    pub run: Option<RunId>,
}
