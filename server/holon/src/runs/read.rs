//! Queries: lists, one run with the state of its nodes, its journal.

use std::sync::Arc;

use holon_authz::{Authorised, actions::ReadRuns};
use holon_engine::DecodeError;
use holon_model::wire::Page;
use holon_model::wire::flows::FlowSummary;
use holon_model::wire::runs::{JournalRow, Run, RunSummary};
use holon_model::{Context, FlowId, RunId, canon::hex};
use holon_platform::db::TenantTx;
use holon_runtime::store::Entry;
use holon_runtime::{Definitions as _, LoadedFlow};

use super::shape::Replayed;
use super::store::JournalError;
use super::{Error, shape, store};
use crate::http::cursor;
use crate::state::AppState;

/// Items of a map whose nodes a page shows: a map over a hundred thousand items must not make an answer of hundreds of megabytes.
const SHOWN_ITEMS: u32 = 1_000;

/// Bytes of inputs on a page of a journal; a larger input is a page of its own.
const MOST_PAGE: u64 = 4 << 20;

/// Which page of runs.
#[derive(Debug, Clone, Default)]
pub struct ListRuns {
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// In this status.
    pub status: Option<String>,
    /// Where to go on.
    pub cursor: Option<RunId>,
    /// At most this many, 1 to 200.
    pub limit: u16,
}

/// A page of runs, newest first.
pub async fn list(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadRuns>,
    ask: ListRuns,
) -> Result<Page<RunSummary>, Error> {
    let limit = usize::from(ask.limit.clamp(1, 200));
    let filter = store::Filter { flow: ask.flow, status: ask.status, before: ask.cursor };
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let mut data = store::list(&mut tx, &filter, limit as i64 + 1).await?;
    tx.commit().await?;
    let more = data.len() > limit;
    data.truncate(limit);
    let next_cursor = data.last().filter(|_| more).map(|last| cursor::encode(&last.id));
    Ok(Page { data, next_cursor })
}

/// One run's line in a list.
pub async fn summary(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadRuns>,
    id: RunId,
) -> Result<RunSummary, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let found = store::find(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    tx.commit().await?;
    Ok(found.summary)
}

/// One run, whole. A run that is over is shown by its final state; else its journal is replayed through the machine, which
/// says the same.
pub async fn read(state: &AppState, context: &Context, _: Authorised<ReadRuns>, id: RunId) -> Result<Run, Error> {
    let inconsistent = |error: DecodeError| Error::Inconsistent(id, error.to_string());
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let found = store::find(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    let last = store::final_state(&mut tx, id).await?;
    let (entries, whole) = match last {
        Some(_) => (store::journal_page(&mut tx, id, 0, 1, 0).await.map_err(|error| unread(id, error))?.0, false),
        None => (store::journal(&mut tx, id).await.map_err(|error| unread(id, error))?, true),
    };
    tx.commit().await?;
    let flow = state.definitions.load(context.tenant, found.summary.flow, found.summary.version).await?;
    let ended = match (&last, entries.first()) {
        (Some(last), Some(first)) => shape::ended(&flow.compiled, last, first).map_err(inconsistent)?,
        _ => None,
    };
    let replayed = match ended {
        Some(ended) => ended,
        None if whole => replayed(id, &flow, entries).await?,
        None => {
            let mut tx = TenantTx::begin(&state.pools, context).await?;
            let entries = store::journal(&mut tx, id).await.map_err(|error| unread(id, error))?;
            tx.commit().await?;
            replayed(id, &flow, entries).await?
        }
    };
    let machine = replayed.machine;
    let mut summary = found.summary;
    if summary.status == "queued" {
        // The row of live work is written with the first commit in which the run is not over; the journal knows.
        summary.status = machine.status().name().into();
    }
    let view = machine.view_of_first(SHOWN_ITEMS);
    Ok(Run {
        definition: flow.definition.to_value(),
        input: replayed.input,
        output: view.output,
        nodes: view.nodes,
        log_hash: hex(&machine.log_hash()),
        last_event: replayed.last_event,
        retry_of: found.retry_of,
        fork_of: None,
        summary,
    })
}

/// Replays a journal on a thread of its own: a long one takes a while, and others wait for this one meanwhile.
async fn replayed(id: RunId, flow: &Arc<LoadedFlow>, entries: Vec<Entry>) -> Result<Replayed, Error> {
    let flow = Arc::clone(flow);
    let done = tokio::task::spawn_blocking(move || shape::replay(&flow.compiled, &entries)).await;
    let done = done.map_err(|error| Error::Inconsistent(id, error.to_string()))?;
    done.map_err(|error| Error::Inconsistent(id, error.to_string()))
}

/// A page of a journal, from its first input on.
pub async fn journal(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadRuns>,
    id: RunId,
    from: i64,
    limit: u16,
) -> Result<Page<JournalRow>, Error> {
    let (from, limit) = (from.max(0), usize::from(limit.clamp(1, 200)));
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    store::find(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    let page = store::journal_page(&mut tx, id, from, limit, MOST_PAGE).await;
    let (entries, more) = page.map_err(|error| unread(id, error))?;
    tx.commit().await?;
    let data = shape::rows(&entries, from).map_err(|error| Error::Inconsistent(id, error.to_string()))?;
    let next_cursor = more.then(|| cursor::encode(&(from + data.len() as i64)));
    Ok(Page { data, next_cursor })
}

/// Why a journal was not read, as use cases say it.
pub(super) fn unread(id: RunId, error: JournalError) -> Error {
    match error {
        JournalError::Database(error) => error.into(),
        JournalError::Stored(error) => Error::Inconsistent(id, error.to_string()),
    }
}

/// Fills in how the newest run of each flow stands.
pub async fn last_statuses(tx: &mut TenantTx<'_>, flows: &mut [FlowSummary]) -> Result<(), sqlx::Error> {
    let ids: Vec<FlowId> = flows.iter().map(|flow| flow.id).collect();
    let mut found = store::last_statuses(tx, &ids).await?;
    for flow in flows {
        flow.last_run = found.remove(&flow.id);
    }
    Ok(())
}
