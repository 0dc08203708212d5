//! Starts the runs of firings that were taken up. Starting one again, after a crash or beside another replica, is
//! starting the same run: its id and its key are the firing's.

use futures::StreamExt as _;
use holon_model::context::{Actor, Budget};
use holon_model::{Millis, RunId, ScheduleId, TenantId, Timestamp, Value};
use holon_platform::clock::to_db;
use holon_runtime::{Definitions as _, Idempotency, StartError, StartRequest};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::store::{self, Pending};
use crate::runs::{checked_input, of_trigger};
use crate::state::AppState;

/// Starts under way at once.
const AT_ONCE: usize = 32;
/// How long the key is remembered. The run's id, which the firing keeps, is looked for without end.
const WINDOW: Millis = Millis(7 * 24 * 3_600_000);
const INSTANT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

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
    let begun = if firing.begun { Ok(firing.run) } else { begin(state, firing).await };
    match begun {
        Ok(run) => {
            store::settle(engine, firing, "started", None, Some(run)).await?;
            Ok(Some(run))
        }
        Err(Refused::Later(why)) => {
            tracing::warn!(schedule = %firing.row.id, run = %firing.run, why, "a firing waits for its run");
            Ok(None)
        }
        Err(Refused::Never(why)) => {
            tracing::warn!(schedule = %firing.row.id, why, "a firing could not start a run");
            store::settle(engine, firing, "failed", Some(&why), None).await?;
            Ok(None)
        }
    }
}

/// Why a firing started no run.
enum Refused {
    /// It can be tried again.
    Later(String),
    /// Trying again would not help.
    Never(String),
}

impl From<StartError> for Refused {
    fn from(error: StartError) -> Self {
        if error.passes() { Self::Later(error.to_string()) } else { Self::Never(error.to_string()) }
    }
}

async fn begin(state: &AppState, firing: &Pending) -> Result<RunId, Refused> {
    let row = &firing.row;
    let loaded = state.definitions.load(row.tenant, row.flow, row.version).await.map_err(StartError::from)?;
    let input = payload(firing);
    checked_input(&loaded.definition, &input)
        .map_err(|_| Refused::Never("what a schedule gives does not match the flow's input schema".into()))?;
    let config = loaded.definition.graph.nodes.get(row.node.as_str()).map(|node| &node.config);
    let marks = config.map(|config| of_trigger(config, &input)).unwrap_or_default();
    let key = format!("{}:{}", firing.cause, firing.scheduled_at.0);
    let request = StartRequest {
        tenant: row.tenant,
        environment: row.environment,
        environment_name: firing.environment_name.clone(),
        flow: row.flow,
        version: row.version,
        run: firing.run,
        input,
        trigger: Some(row.node.clone()),
        trigger_kind: super::KIND.into(),
        actor: Actor::System.label(),
        budget: Budget::default(),
        vars: Value::map::<&str>([]),
        idempotency: Some(Idempotency {
            scope: row.id.to_string(),
            request_hash: *blake3::hash(key.as_bytes()).as_bytes(),
            key,
            window: WINDOW,
        }),
        marks,
    };
    Ok(state.runtime.start(request).await?.run)
}

/// What the trigger gives.
fn payload(firing: &Pending) -> Value {
    let instant = |at: Timestamp| Value::from(to_db(at).format(INSTANT).unwrap_or_default());
    let row = &firing.row;
    let schedule = Value::map([
        ("id", Value::from(row.id.to_string())),
        ("cron", Value::from(row.cron.as_str())),
        ("time_zone", Value::from(row.time_zone.as_str())),
    ]);
    Value::map([
        ("scheduled_at", instant(firing.scheduled_at)),
        ("fired_at", instant(firing.fired_at)),
        ("schedule", schedule),
    ])
}
