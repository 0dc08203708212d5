//! Starts the runs of deliveries. Starting one again, after a crash or beside another replica, is starting the same run: its id and
//! its key are the delivery's.

use futures::StreamExt as _;
use holon_model::{PublishedId, RunId, SubscriptionId, TenantId, Timestamp, Value, json};
use holon_platform::clock::to_text;

use super::store::{self, Pending};
use crate::runs::{self, Begin, Refused};
use crate::state::AppState;

/// Starts under way at once.
const AT_ONCE: usize = 32;

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
            tracing::debug!(subscription = %delivery.row.id, run_id = %delivery.run, why, "an event waits for its run");
            Ok(false)
        }
        Err(Refused::Never(why)) => {
            tracing::warn!(subscription = %delivery.row.id, position = delivery.position, why, "an event could not start a run");
            store::settle(engine, delivery, "failed", Some(&why), delivery.run).await.map(|()| true)
        }
    }
}

/// Begins the run that a delivery asks for.
async fn begin(state: &AppState, delivery: &Pending) -> Result<RunId, Refused> {
    let row = &delivery.row;
    let begin = Begin {
        tenant: row.tenant,
        environment: row.environment,
        environment_name: &delivery.environment_name,
        flow: row.flow,
        version: row.version,
        run: delivery.run,
        node: &row.node,
        kind: super::KIND,
        input: payload(delivery)?,
        giver: "the event",
        scope: row.id.to_string(),
        key: format!("{}:{}", delivery.replay, delivery.position),
        marks: None,
    };
    runs::begin(state, begin).await
}

/// What the trigger gives.
fn payload(delivery: &Pending) -> Result<Value, Refused> {
    let event = delivery.event.as_ref().ok_or_else(|| Refused::Never("the event is not kept any more".into()))?;
    let data = json::parse(event.data.as_bytes()).map_err(|_| Refused::Never("the event does not read back".into()))?;
    Ok(Value::map([
        ("id", Value::from(PublishedId(event.id).to_string())),
        ("subject", Value::from(event.subject.as_str())),
        ("data", data),
        ("position", Value::Int(delivery.position)),
        ("published_at", Value::from(to_text(event.published_at))),
    ]))
}
