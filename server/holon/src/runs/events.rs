//! Live streams over SSE: the events of one run, resumable, and which runs of the workspace change.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream, StreamExt as _};
use holon_authz::{Authorised, actions::ReadRuns};
use holon_engine::EventId;
use holon_model::wire::runs::is_over;
use holon_model::{Context, RunId};
use holon_platform::db::TenantTx;
use tokio::sync::broadcast::error::RecvError;

use super::{Error, read, store};
use crate::identity::resolve;
use crate::state::AppState;

/// A comment this often keeps proxies from closing a silent stream.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a stream goes on at most after its reader may not read any more.
const ASKED_AGAIN: Duration = Duration::from_secs(60);

/// The events of a run after `after`, those of the past first; `event: end` closes it when the run is over.
pub async fn of_run(
    state: &AppState,
    context: &Context,
    proof: Authorised<ReadRuns>,
    id: RunId,
    after: Option<EventId>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    store::find(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    tx.commit().await?;
    let seat = state.streams.enter(context.tenant).ok_or(Error::TooManyStreams)?;
    let receiver = state.runtime.subscribe(context.tenant, id, after).await?;
    let until = until_refused(state.clone(), context.clone(), headers);
    let asker = (state.clone(), context.clone(), seat);
    let events = stream::unfold(Some((receiver, asker)), move |following| async move {
        let (mut receiver, (state, context, seat)) = following?;
        match receiver.recv().await {
            Some(event) => {
                let over = is_over(&event.status) && event.path.is_none();
                let data = Event::default().id(event.id.clone()).event("event").json_data(&event).unwrap_or_default();
                let (told, rest) = if over {
                    (vec![data, end()], None)
                } else {
                    (vec![data], Some((receiver, (state, context, seat))))
                };
                Some((stream::iter(told), rest))
            }
            // A run that was terminated has no such event, and a reader who had the last one gets none: history knows. When it
            // does not say so, the reader was too slow or this server stops: it comes again.
            None => match read::summary(&state, &context, proof, id).await {
                Ok(found) if is_over(&found.status) => Some((stream::iter(vec![end()]), None)),
                _ => None,
            },
        }
    });
    let events = events.flatten().map(Ok).take_until(until);
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
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Error> {
    let seat = state.streams.enter(context.tenant).ok_or(Error::TooManyStreams)?;
    let changes = state.runtime.changes();
    let (state, context) = (state.clone(), context.clone());
    let until = until_refused(state.clone(), context.clone(), headers);
    let asker = (state, context, seat);
    let events = stream::unfold((changes, asker), move |(mut changes, (state, context, seat))| async move {
        loop {
            match changes.recv().await {
                Ok(change) if change.tenant != context.tenant => {}
                Ok(change) => {
                    if let Ok(summary) = read::summary(&state, &context, proof, change.run).await {
                        let event = Event::default().event("run").json_data(&summary).unwrap_or_default();
                        return Some((event, (changes, (state, context, seat))));
                    }
                }
                Err(RecvError::Lagged(_)) => {
                    return Some((Event::default().event("reload").data("{}"), (changes, (state, context, seat))));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let events = events.map(Ok).take_until(until);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// Ends when the server drains, or a moment after the reader signed out, revoked the token or lost the permission: a stream is
/// longer than the request that asked for it.
async fn until_refused(state: AppState, context: Context, headers: HeaderMap) {
    let refused = async {
        loop {
            tokio::time::sleep(ASKED_AGAIN).await;
            match resolve::caller(&state, &headers).await {
                Ok(Some(caller)) if caller.tenant.id == context.tenant && caller.allowed::<ReadRuns>().is_ok() => {}
                // A database that is away for a moment says nothing about anybody.
                Err(_) => {}
                Ok(_) => return,
            }
        }
    };
    tokio::select! {
        () = refused => {}
        () = state.shutdown.begun() => {}
    }
}
