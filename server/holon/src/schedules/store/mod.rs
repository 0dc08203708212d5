//! All SQL of schedules. Requests come through `TenantTx`; the runtime's loop as `holon_engine`, with the tenant in every
//! statement that follows the look for what is due.

mod due;
mod requests;

use holon_model::{EnvironmentId, FlowId, Millis, RunId, ScheduleId, TenantId, Timestamp};

use super::plan::{Overlap, Plan, Times};

pub use due::{
    NewFiring, busy, forget, glance, lock_ahead, lock_buffered, lock_due, move_on, pending, record, settle,
    take_from_buffer,
};
pub use requests::{
    Filter, count, fire_by_hand, fired_by_hand, firings, keep_only, list, lock, of_node, put, set_paused,
};

/// A row as it stands.
#[derive(Debug, Clone)]
pub struct Row {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub id: ScheduleId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// The flow.
    pub flow: FlowId,
    /// The version in force.
    pub version: i32,
    /// Key of the trigger.
    pub node: String,
    /// The expression.
    pub cron: String,
    /// The zone.
    pub time_zone: String,
    /// The overlap policy.
    pub overlap: String,
    /// The catch-up window in milliseconds.
    pub catch_up_ms: i64,
    /// The jitter in milliseconds.
    pub jitter_ms: i64,
    /// The next time.
    pub next_at: Option<Timestamp>,
}

/// Makes a row of the columns that `$row` has.
macro_rules! row {
    ($row:expr) => {
        Row {
            tenant: TenantId($row.tenant_id),
            id: ScheduleId($row.schedule_id),
            environment: EnvironmentId($row.environment_id),
            flow: FlowId($row.flow_id),
            version: $row.version,
            node: $row.node,
            cron: $row.cron,
            time_zone: $row.time_zone,
            overlap: $row.overlap,
            catch_up_ms: $row.catch_up_ms,
            jitter_ms: $row.jitter_ms,
            next_at: $row.next_at.map(from_db),
        }
    };
}

/// A firing that waits for its run.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The schedule.
    pub row: Row,
    /// Its environment's name.
    pub environment_name: String,
    /// The time that it stands for.
    pub scheduled_at: Timestamp,
    /// `time` or `person`.
    pub cause: String,
    /// When it was taken up.
    pub fired_at: Timestamp,
    /// The run that it starts.
    pub run: RunId,
    /// Whether that run has begun already.
    pub begun: bool,
}

impl Row {
    /// What the row says; none when its expression or zone does not read back.
    pub fn plan(&self) -> Option<Plan> {
        Some(Plan {
            times: Times::read(&self.cron, &self.time_zone).ok()?,
            cron: self.cron.clone(),
            time_zone: self.time_zone.clone(),
            overlap: Overlap::named(&self.overlap)?,
            catch_up: Millis(self.catch_up_ms.unsigned_abs()),
            jitter: Millis(self.jitter_ms.unsigned_abs()),
            paused: false,
        })
    }
}

/// When a schedule is next, reckoned at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Next {
    /// The time that the expression names.
    pub at: Option<Timestamp>,
    /// The same with its jitter.
    pub due: Option<Timestamp>,
    /// By which clock.
    pub reckoned: Timestamp,
}

impl Next {
    /// The next time of a plan after `now`.
    pub fn after(plan: &Plan, id: ScheduleId, now: Timestamp) -> Self {
        Self::of(plan, id, plan.times.next(now), now)
    }

    /// A time of a plan as the next.
    pub fn of(plan: &Plan, id: ScheduleId, at: Option<Timestamp>, now: Timestamp) -> Self {
        Self { at, due: at.map(|at| plan.due(id, at)), reckoned: now }
    }
}

use row;
