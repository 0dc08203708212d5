//! Starts the runs of deliveries. Starting one again, after a crash or beside another replica, is starting the same run: its id and
//! its key are the delivery's.

use futures::StreamExt as _;
use holon_model::context::{Actor, Budget};
use holon_model::{Millis, PublishedId, RunId, SubscriptionId, TenantId, Timestamp, Value, json};
use holon_platform::clock::to_db;
use holon_runtime::{Definitions as _, Idempotency, StartError, StartRequest};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::store::{self, Pending};
use crate::runs::{checked_input, of_trigger};
use crate::state::AppState;

/// Starts under way at once.
const AT_ONCE: usize = 32;
/// How long the key is remembered. The run's id, which the delivery keeps, is looked for without end.
const WINDOW: Millis = Millis(7 * 24 * 3_600_000);
const INSTANT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Starts what waits: of this subscription, or, without one, of all that was taken up before `before`. In the order of events.
///
/// # Errors
/// When the database refuses; what waits is started later.
pub async fn launch(
    state: &AppState,
    of: Option<(TenantId, SubscriptionId)>,
    before: Timestamp,
) -> Result<usize, sqlx::Error> {
    let waiting = store::pending(&state.pools.engine, of, before).await?;
    let mut starts =
        futures::stream::iter(waiting).map(|delivery| async move { start(state, &delivery).await }).buffered(AT_ONCE);
    let mut begun = 0;
    while let Some(started) = starts.next().await {
        begun += usize::from(started?);
    }
    Ok(begun)
}

/// Starts one and writes down what came of it; false when it has to be tried again.
async fn start(state: &AppState, delivery: &Pending) -> Result<bool, sqlx::Error> {
    let engine = &state.pools.engine;
    let begun = if delivery.begun { Ok(delivery.run) } else { begin(state, delivery).await };
    match begun {
        Ok(run) => store::settle(engine, delivery, "started", None, run).await.map(|()| true),
        Err(Refused::Later(why)) => {
            tracing::debug!(subscription = %delivery.row.id, run = %delivery.run, why, "an event waits for its run");
            Ok(false)
        }
        Err(Refused::Never(why)) => {
            tracing::warn!(subscription = %delivery.row.id, position = delivery.position, why, "an event could not start a run");
            store::settle(engine, delivery, "failed", Some(&why), delivery.run).await.map(|()| true)
        }
    }
}

/// Why an event started no run.
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

async fn begin(state: &AppState, delivery: &Pending) -> Result<RunId, Refused> {
    let row = &delivery.row;
    let loaded = state.definitions.load(row.tenant, row.flow, row.version).await.map_err(StartError::from)?;
    let input = payload(delivery)?;
    checked_input(&loaded.definition, &input)
        .map_err(|_| Refused::Never("what the event gives does not match the flow's input schema".into()))?;
    let config = loaded.definition.graph.nodes.get(row.node.as_str()).map(|node| &node.config);
    let marks = config.map(|config| of_trigger(config, &input)).unwrap_or_default();
    let key = format!("{}:{}", delivery.replay, delivery.position);
    let request = StartRequest {
        tenant: row.tenant,
        environment: row.environment,
        environment_name: delivery.environment_name.clone(),
        flow: row.flow,
        version: row.version,
        run: delivery.run,
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
fn payload(delivery: &Pending) -> Result<Value, Refused> {
    let event = delivery.event.as_ref().ok_or_else(|| Refused::Never("the event is not kept any more".into()))?;
    let data = json::parse(event.data.as_bytes()).map_err(|_| Refused::Never("the event does not read back".into()))?;
    let published_at = to_db(event.published_at).format(INSTANT).unwrap_or_default();
    Ok(Value::map([
        ("id", Value::from(PublishedId(event.id).to_string())),
        ("subject", Value::from(event.subject.as_str())),
        ("data", data),
        ("position", Value::Int(delivery.position)),
        ("published_at", Value::from(published_at)),
    ]))
}
