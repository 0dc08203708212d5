//! Live streams over SSE: the events of one run, resumable, and which runs of the workspace change.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream, StreamExt as _};
use holon_authz::{Authorised, actions::ReadRuns};
use holon_engine::EventId;
use holon_model::{Context, RunId};
use holon_platform::db::TenantTx;
use tokio::sync::broadcast::error::RecvError;

use super::{Error, read, store};
use crate::state::AppState;

/// A comment this often keeps proxies from closing a silent stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The events of a run after `after`, those of the past first; `event: end` closes it when the run is over.
pub async fn of_run(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadRuns>,
    id: RunId,
    after: Option<EventId>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    store::find(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    tx.commit().await?;
    let receiver = state.runtime.subscribe(context.tenant, id, after).await?;
    let events = stream::unfold((receiver, false), |(mut receiver, ended)| async move {
        if ended {
            return None;
        }
        match receiver.recv().await {
            Some(event) => {
                let over = matches!(event.status.as_str(), "completed" | "failed" | "cancelled" | "terminated")
                    && event.path.is_none();
                let data = Event::default().id(event.id.clone()).event("event").json_data(&event).unwrap_or_default();
                Some((stream::iter(if over { vec![data, end()] } else { vec![data] }), (receiver, over)))
            }
            None => None,
        }
    });
    let closing = state.shutdown.token();
    let events = events.flatten().map(Ok).take_until(closing.cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

fn end() -> Event {
    Event::default().event("end").data("{}")
}

/// The line of every run of the workspace that starts, changes or ends. A reader that fell behind is told to read the list again.
pub fn of_workspace(
    state: &AppState,
    context: &Context,
    proof: Authorised<ReadRuns>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let changes = state.runtime.changes();
    let (state, context) = (state.clone(), context.clone());
    let closing = state.shutdown.token();
    let events = stream::unfold((changes, state, context), move |(mut changes, state, context)| async move {
        loop {
            match changes.recv().await {
                Ok(change) if change.tenant != context.tenant => {}
                Ok(change) => {
                    if let Ok(summary) = read::summary(&state, &context, proof, change.run).await {
                        let event = Event::default().event("run").json_data(&summary).unwrap_or_default();
                        return Some((event, (changes, state, context)));
                    }
                }
                Err(RecvError::Lagged(_)) => {
                    return Some((Event::default().event("reload").data("{}"), (changes, state, context)));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let events = events.map(Ok).take_until(closing.cancelled_owned());
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}
