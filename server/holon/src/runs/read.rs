//! Queries: lists, one run with the state of its nodes, its journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use holon_authz::{Authorised, actions::ReadRuns};
use holon_engine::{Compiled, DecodeError, Input, decode_input};
use holon_model::wire::Page;
use holon_model::wire::flows::FlowSummary;
use holon_model::wire::runs::{CanRetry, JournalRow, Run, RunSummary};
use holon_model::{Context, FlowId, RunId, canon::hex};
use holon_platform::db::TenantTx;
use holon_runtime::Definitions as _;
use holon_runtime::store::Entry;

use super::shape::Replayed;
use super::store::JournalError;
use super::{Error, shape, starters, store};
use crate::http::{cursor, problem};
use crate::identity::names;
use crate::state::AppState;

/// Items of a map whose nodes a page shows: a map over a hundred thousand items must not make an answer of hundreds of megabytes.
const SHOWN_ITEMS: u32 = 1_000;

/// Inputs of a run up to which it is said whether a retry would be taken: it is tried for that.
const MOST_TRIED: u64 = 1_000;

/// Bytes of inputs on a page of a journal; a larger input is a page of its own.
const MOST_PAGE: u64 = 4 << 20;

/// A page of runs, newest first.
pub async fn list(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadRuns>,
    filter: store::Filter,
    limit: u16,
) -> Result<Page<RunSummary>, Error> {
    let limit = usize::from(limit.clamp(1, 200));
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let mut data = store::list(&mut tx, &filter, limit as i64 + 1).await?;
    tx.commit().await?;
    let more = data.len() > limit;
    data.truncate(limit);
    data.iter_mut().for_each(|run| starters::name(&state.catalogue, run));
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
    let mut found = store::find(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    tx.commit().await?;
    starters::name(&state.catalogue, &mut found.summary);
    Ok(found.summary)
}

/// The same as `read`, for what the server itself does: the tenant's own wall holds, and nobody is asked.
pub async fn read_as_system(state: &AppState, context: &Context, id: RunId) -> Result<Run, Error> {
    read_whole(state, context, id).await
}

/// One run, whole. A run that is over is shown by its final state, a live one by its last snapshot and the inputs after it, and
/// where neither reads the whole journal is replayed through the machine, which says the same.
pub async fn read(state: &AppState, context: &Context, _: Authorised<ReadRuns>, id: RunId) -> Result<Run, Error> {
    read_whole(state, context, id).await
}

async fn read_whole(state: &AppState, context: &Context, id: RunId) -> Result<Run, Error> {
    let inconsistent = |error: DecodeError| Error::Inconsistent(id, error.to_string());
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let mut found = store::find(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    starters::name(&state.catalogue, &mut found.summary);
    let last = store::final_state(&mut tx, id).await?;
    let snapshot = if last.is_some() { None } else { store::snapshot(&mut tx, id).await? };
    let first = store::journal_page(&mut tx, id, 0, 1, 0).await.map_err(|error| unread(id, error))?.0;
    let (from, entries) = match (&last, &snapshot) {
        (Some(_), _) => (0, None),
        (None, snapshot) => {
            let from = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
            (from, Some(store::journal(&mut tx, id, from).await.map_err(|error| unread(id, error))?))
        }
    };
    tx.commit().await?;
    let flow = state.definitions.load(context.tenant, found.summary.flow, found.summary.version).await?;
    let shown = match (last, snapshot, first.first(), entries) {
        (Some(last), _, Some(first), _) => shape::restored(&flow.compiled, &last, first).map_err(inconsistent)?,
        (None, Some(snapshot), Some(first), Some(entries)) => {
            match shape::restored(&flow.compiled, &snapshot.bytes, first).map_err(inconsistent)? {
                Some(begun) => Some(replayed(id, begun, entries).await?),
                None => None,
            }
        }
        (None, None, _, Some(entries)) if from == 0 => {
            Some(replayed(id, Replayed::new(&flow.compiled), entries).await?)
        }
        _ => None,
    };
    let shown = match shown {
        Some(shown) => shown,
        None => {
            let mut tx = TenantTx::begin(&state.pools, context).await?;
            let entries = store::journal(&mut tx, id, 0).await.map_err(|error| unread(id, error))?;
            tx.commit().await?;
            replayed(id, Replayed::new(&flow.compiled), entries).await?
        }
    };
    let machine = shown.machine;
    let mut input = shown.input;
    let mut can_begin = false;
    if machine.seq() == 0 {
        let mut tx = TenantTx::begin(&state.pools, context).await?;
        let start = unbegun_start(&mut tx, id).await?;
        tx.commit().await?;
        if let Some(Input::Start { input: started_with, .. }) = start {
            (input, can_begin) = (started_with.to_value(), true);
        }
    }
    let mut summary = found.summary;
    if summary.status == "queued" {
        // The row of live work is written with the first commit in which the run is not over; the journal knows.
        summary.status = machine.status().name().into();
        if summary.status != "queued" {
            // It waits for its place no longer.
            summary.reason = None;
        }
    }
    let view = machine.view_of_first(SHOWN_ITEMS);
    let steps = view.nodes.iter().filter_map(|node| node.saga.as_ref()).flat_map(|saga| &saga.steps);
    let who: Vec<&str> = steps.filter_map(|step| step.by.as_deref()).collect();
    let tried = matches!(summary.status.as_str(), "failed" | "cancelled" | "terminated") && machine.seq() <= MOST_TRIED;
    let (mut names, mut retry) = (BTreeMap::new(), None);
    if tried || !who.is_empty() {
        let mut tx = TenantTx::begin(&state.pools, context).await?;
        names = names::of(&mut tx, who.into_iter()).await?;
        let entries = match tried {
            true => store::journal(&mut tx, id, 0).await.ok(),
            false => None,
        };
        tx.commit().await?;
        if can_begin {
            retry = Some(CanRetry { taken: true, why: None });
        } else if let Some(entries) = entries {
            // What cannot be tried is not offered; the run itself is shown all the same.
            let tried = can_retry(state, &flow.compiled, entries, id).await;
            retry = tried
                .inspect_err(
                    |error| tracing::warn!(run_id = %id, %error, "whether a retry would be taken is not known"),
                )
                .ok();
        }
    }
    Ok(Run {
        definition: flow.definition.to_value(),
        input,
        output: view.output,
        nodes: view.nodes,
        log_hash: hex(&machine.log_hash()),
        last_event: shown.last_event,
        retry_of: found.retry_of,
        fork_of: found.fork_of,
        retry,
        names,
        summary,
    })
}

/// What a run was accepted with that has no journal: it waits for its place, or it ended before its turn. Nothing where nobody kept that.
pub(super) async fn unbegun_start(tx: &mut TenantTx<'_>, id: RunId) -> Result<Option<Input>, Error> {
    if let Some(kept) = store::kept_start(tx, id).await? {
        let input = decode_input(&kept).map_err(|error| Error::Inconsistent(id, error.to_string()))?;
        return Ok(Some(input));
    }
    let state = store::final_state(tx, id).await?;
    Ok(state.and_then(|state| holon_runtime::was_to_begin_with(&state)))
}

/// What asking for a retry would say.
async fn can_retry(state: &AppState, flow: &Arc<Compiled>, entries: Vec<Entry>, id: RunId) -> Result<CanRetry, Error> {
    let (flow, now) = (flow.clone(), state.clock.now());
    let tried = tokio::task::spawn_blocking(move || holon_runtime::can_retry(flow, &entries, id, now)).await;
    let tried = tried.map_err(|error| Error::Inconsistent(id, error.to_string()))?;
    let why = tried.err().map(|error| problem(Error::Retry(error)).detail);
    Ok(CanRetry { taken: why.is_none(), why })
}

/// Goes on with these inputs on a thread of its own: many take a while, and others wait for this one meanwhile.
async fn replayed(id: RunId, begun: Replayed, entries: Vec<Entry>) -> Result<Replayed, Error> {
    let done = tokio::task::spawn_blocking(move || begun.go_on(&entries)).await;
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
