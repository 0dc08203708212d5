//! Schedules, their firings, and what an expression names.

use crate::{FlowId, RunId, ScheduleId, Timestamp};
use serde::{Deserialize, Serialize};

/// A schedule in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScheduleSummary {
    /// Id.
    pub id: ScheduleId,
    /// The flow that it starts.
    pub flow: FlowId,
    /// Its name.
    pub flow_name: String,
    /// The version in force.
    pub version: i32,
    /// Key of the trigger node.
    pub node: String,
    /// The cron expression.
    pub cron: String,
    /// A name of the IANA time zone database.
    pub time_zone: String,
    /// `skip | buffer_one | allow_all`: what happens while the run before is still going.
    pub overlap: String,
    /// How late a firing may still be made up, in milliseconds.
    pub catch_up: u64,
    /// By how much firings are spread at most, in milliseconds.
    pub jitter: u64,
    /// Whether it waits for somebody to resume it.
    pub paused: bool,
    /// The next time that the expression names; absent while it is paused.
    pub next_at: Option<Timestamp>,
    /// The firing before.
    pub last: Option<Firing>,
}

/// A schedule, whole: `GET /api/v1/schedules/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Schedule {
    /// What a list shows.
    pub summary: ScheduleSummary,
    /// The next ten times, were it not paused.
    pub next: Vec<Occurrence>,
    /// The last firings, newest first, at most fifty.
    pub firings: Vec<Firing>,
}

/// A time that an expression names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Occurrence {
    /// The instant.
    pub at: Timestamp,
    /// The same in the schedule's time zone: `Mon 2026-11-23 09:00:00 +01:00`.
    pub local: String,
}

/// One firing: what came of a time that was due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Firing {
    /// The time that the expression names; of a firing by hand, when it was asked for.
    pub scheduled_at: Timestamp,
    /// When it was taken up.
    pub fired_at: Timestamp,
    /// `time | person`: what made it fire.
    pub cause: String,
    /// `pending | buffered | started | skipped | missed | failed`.
    pub outcome: String,
    /// Why it started no run.
    pub reason: Option<String>,
    /// How many firings this stands for: those missed in a row are one.
    pub count: u32,
    /// The run that it started.
    pub run: Option<RunId>,
    /// The run's status.
    pub run_status: Option<String>,
}

/// `POST /api/v1/schedules/preview`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PreviewSchedule {
    /// The cron expression.
    pub cron: String,
    /// A name of the IANA time zone database.
    #[serde(default = "utc")]
    pub time_zone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// What an expression names, or what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SchedulePreview {
    /// The next ten times; none when there are faults.
    pub next: Vec<Occurrence>,
    /// What is wrong, and where.
    pub faults: Vec<ScheduleFault>,
}

/// What is wrong with an expression or its time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScheduleFault {
    /// `/cron` or `/time_zone`.
    pub pointer: String,
    /// What is wrong, and what to write.
    pub message: String,
    /// First and one past the last character of the fault in the expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<(u32, u32)>,
}
