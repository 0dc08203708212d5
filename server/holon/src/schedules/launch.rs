//! Starts the runs of firings that were taken up. Starting one again, after a crash or beside another replica, is
//! starting the same run: its id and its key are the firing's.

use futures::StreamExt as _;
use holon_model::{RunId, ScheduleId, TenantId, Timestamp, Value};
use holon_platform::clock::to_text;

use super::store::{self, Pending};
use crate::runs::{self, Begin, Refused};
use crate::state::AppState;

/// Starts under way at once.
const AT_ONCE: usize = 32;

/// Starts what waits: of these schedules, or, without any, of all that was taken up before `before`.
///
/// # Errors
/// When the database refuses; what waits is started later.
pub async fn launch(
    state: &AppState,
    of: Option<(TenantId, ScheduleId)>,
    before: Timestamp,
) -> Result<usize, sqlx::Error> {
    let waiting = store::pending(&state.pools.engine, of, before).await?;
    let count = waiting.len();
    let mut starts = futures::stream::iter(waiting)
        .map(|firing| async move { start(state, &firing).await })
        .buffer_unordered(AT_ONCE);
    while let Some(started) = starts.next().await {
        started?;
    }
    Ok(count)
}

/// Starts one and writes down what came of it; `None` when it has to be tried again.
async fn start(state: &AppState, firing: &Pending) -> Result<Option<RunId>, sqlx::Error> {
    let engine = &state.pools.engine;
    let begun = if firing.begun { Ok(firing.run) } else { runs::begin(state, asked(firing)).await };
    match begun {
        Ok(run) => {
            store::settle(engine, firing, "started", None, Some(run)).await?;
            Ok(Some(run))
        }
        Err(Refused::Later(why)) => {
            tracing::warn!(schedule = %firing.row.id, run_id = %firing.run, why, "a firing waits for its run");
            Ok(None)
        }
        Err(Refused::Never(why)) => {
            tracing::warn!(schedule = %firing.row.id, why, "a firing could not start a run");
            store::settle(engine, firing, "failed", Some(&why), None).await?;
            Ok(None)
        }
    }
}

/// The run that a firing asks for.
fn asked(firing: &Pending) -> Begin<'_> {
    let row = &firing.row;
    Begin {
        tenant: row.tenant,
        environment: row.environment,
        environment_name: &firing.environment_name,
        flow: row.flow,
        version: row.version,
        run: firing.run,
        node: &row.node,
        kind: super::KIND,
        input: payload(firing),
        giver: "a schedule",
        scope: row.id.to_string(),
        key: format!("{}:{}", firing.cause, firing.scheduled_at.0),
        marks: None,
    }
}

/// What the trigger gives.
fn payload(firing: &Pending) -> Value {
    let row = &firing.row;
    let schedule = Value::map([
        ("id", Value::from(row.id.to_string())),
        ("cron", Value::from(row.cron.as_str())),
        ("time_zone", Value::from(row.time_zone.as_str())),
    ]);
    Value::map([
        ("scheduled_at", Value::from(to_text(firing.scheduled_at))),
        ("fired_at", Value::from(to_text(firing.fired_at))),
        ("schedule", schedule),
    ])
}
