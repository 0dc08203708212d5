//! A back-test: recorded runs of a flow, tried on its draft or on a version. Recorded results answer what that asks for; what was
//! never recorded stays open.
//!
//! It goes in pieces, each bounded by its runs, their inputs and the size of the answer; whoever asks passes the cursor on and sees
//! how far it is.

use std::sync::Arc;

use holon_authz::{
    Authorised,
    actions::{ReadFlows, ReadRuns},
};
use holon_engine::{Compiled, Input, Stamped};
use holon_model::wire::replay::{Backtest, BacktestPage, Compared, RunEnd, StepOutcome, TriedRun};
use holon_model::wire::runs::{RunSummary, is_over};
use holon_model::{Context, FlowId, RunId, Value, json};
use holon_platform::db::TenantTx;
use holon_replay::compared;
use holon_runtime::store::Entry;
use holon_runtime::{Definitions as _, DefinitionsError};
use serde::{Deserialize, Serialize};

use super::walk::recorded;
use crate::flows;
use crate::http::cursor;
use crate::runs::{Error, store};
use crate::state::AppState;

/// Runs of a back-test at most, and when nobody says how many.
const MOST: u16 = 1_000;
const USUAL: u16 = 200;
/// Runs of a piece.
const PIECE: usize = 50;
/// Inputs of a piece: no run is begun when so many were replayed.
const PIECE_INPUTS: usize = 20_000;
/// Bytes of a piece, roughly: no run is begun when the answer is so large.
const PIECE_BYTES: u64 = 4 << 20;
/// Lines of the list of runs that a piece looks through.
const PIECE_LINES: usize = 1_000;
/// A page of that list.
const LINES: i64 = 200;
/// Inputs of a run, and bytes of them, that are tried: all of them are in memory meanwhile.
const RUN_INPUTS: usize = 10_000;
const RUN_BYTES: u64 = 32 << 20;

/// How far a back-test is: runs that were tried, and of the list the last one that was looked at.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Place {
    tried: u32,
    last: Option<RunId>,
}

/// One piece of a back-test.
pub async fn backtest(
    state: &AppState,
    context: &Context,
    _: (Authorised<ReadRuns>, Authorised<ReadFlows>),
    flow: FlowId,
    body: Backtest,
) -> Result<BacktestPage, Error> {
    let (draft, mistakes) = definition(state, context, flow, body.version).await?;
    let most = most(&body)?;
    let mut place: Place = match body.cursor.as_deref() {
        Some(cursor) => {
            cursor::decode(cursor).map_err(|_| refused("/cursor", "must be one that this flow's back-test gave out"))?
        }
        None => Place::default(),
    };
    let _seat = state.replays.enter(context.tenant)?;
    let room = usize::from(most).saturating_sub(place.tried as usize).min(PIECE);
    let (candidates, mut whole) = match &body.runs {
        _ if room == 0 => (Vec::new(), true),
        Some(runs) => {
            let from = (place.tried as usize).min(runs.len());
            let piece: Vec<RunId> = runs.iter().skip(from).take(room).copied().collect();
            let whole = from + piece.len() == runs.len();
            (named(state, context, flow, piece).await?, whole)
        }
        None => finished(state, context, flow, &mut place, room).await?,
    };
    let (mut data, mut inputs, mut bytes) = (Vec::new(), 0, 0);
    let all = candidates.len();
    for candidate in candidates {
        if inputs > PIECE_INPUTS || bytes > PIECE_BYTES {
            break;
        }
        let (tried, replayed) = one(state, context, candidate, &draft).await?;
        inputs += replayed;
        bytes += tried.found.as_ref().map_or(0, weight);
        place.tried += 1;
        place.last = Some(tried.run);
        data.push(tried);
    }
    whole &= data.len() == all;
    let more = !whole && place.tried < u32::from(most);
    let next_cursor = more.then(|| cursor::encode(&place));
    Ok(BacktestPage { version: body.version, mistakes, data, tried: place.tried, next_cursor })
}

fn refused(pointer: &'static str, must: &str) -> Error {
    Error::BadBacktest(pointer, must.to_owned())
}

/// How many runs it is about.
fn most(body: &Backtest) -> Result<u16, Error> {
    match (&body.runs, body.most) {
        (Some(_), Some(_)) => Err(refused("/most", "must be left out where `runs` names them")),
        (Some(runs), None) => u16::try_from(runs.len())
            .ok()
            .filter(|count| (1..=MOST).contains(count))
            .ok_or_else(|| refused("/runs", "must name 1 to 1000 runs")),
        (None, most) => Some(most.unwrap_or(USUAL))
            .filter(|most| (1..=MOST).contains(most))
            .ok_or_else(|| refused("/most", "must be 1 to 1000")),
    }
}

/// What the runs are tried on, and how many mistakes it has.
async fn definition(
    state: &AppState,
    context: &Context,
    flow: FlowId,
    version: Option<i32>,
) -> Result<(Arc<Compiled>, u32), Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let draft = flows::store::draft(&mut tx, flow).await?.ok_or(Error::NoFlow(flow))?;
    tx.commit().await?;
    if let Some(version) = version {
        return Ok((state.definitions.load(context.tenant, flow, version).await?.compiled.clone(), 0));
    }
    let broken = |why: String| Error::Definition(DefinitionsError::Broken(why));
    let draft = json::parse(draft.body.definition.as_bytes()).map_err(|error| broken(error.to_string()))?;
    let (compiled, mistakes) = holon_replay::compiled(&draft, &state.catalogue).map_err(broken)?;
    Ok((compiled, u32::try_from(mistakes).unwrap_or(u32::MAX)))
}

/// A run that may be tried, or why it cannot be.
type Candidate = Result<RunSummary, (RunId, i32, String)>;

/// These runs.
async fn named(state: &AppState, context: &Context, flow: FlowId, runs: Vec<RunId>) -> Result<Vec<Candidate>, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let mut all = Vec::new();
    for run in runs {
        let candidate = match store::find(&mut tx, run).await? {
            // A run of another flow is named like one that there is not: this question is about runs of this flow.
            Some(found) if found.summary.flow == flow => match unfinished(&found.summary.status) {
                None => Ok(found.summary),
                Some(why) => Err((run, found.summary.version, why.to_owned())),
            },
            _ => Err((run, 0, "This flow has no run with this id.".to_owned())),
        };
        all.push(candidate);
    }
    tx.commit().await?;
    Ok(all)
}

/// Why a run in this status has no end that could be compared.
fn unfinished(status: &str) -> Option<&'static str> {
    match status {
        "terminated" => Some("It was terminated: it has no end of its own to compare."),
        status if is_over(status) => None,
        _ => Some("It is not over yet."),
    }
}

/// The newest finished runs behind `place`, which moves on over those that are not; and whether there are no more.
async fn finished(
    state: &AppState,
    context: &Context,
    flow: FlowId,
    place: &mut Place,
    most: usize,
) -> Result<(Vec<Candidate>, bool), Error> {
    let (mut found, mut looked) = (Vec::new(), 0);
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let mut before = place.last;
    let whole = loop {
        let filter = store::Filter { flow: Some(flow), before, ..store::Filter::default() };
        let lines = store::list(&mut tx, &filter, LINES).await?;
        let last = (lines.len() as i64) < LINES;
        for line in lines {
            looked += 1;
            before = Some(line.id);
            if unfinished(&line.status).is_none() {
                found.push(Ok(line));
                if found.len() == most {
                    break;
                }
            } else if found.is_empty() {
                place.last = before;
            }
        }
        if last || found.len() == most || looked >= PIECE_LINES {
            break last && found.len() < most;
        }
    };
    tx.commit().await?;
    Ok((found, whole))
}

/// Tries one; says how many inputs that took.
async fn one(
    state: &AppState,
    context: &Context,
    candidate: Candidate,
    draft: &Arc<Compiled>,
) -> Result<(TriedRun, usize), Error> {
    let run = match candidate {
        Ok(run) => run,
        Err((run, version, why)) => return Ok((TriedRun { run, version, found: None, why: Some(why) }, 0)),
    };
    let (id, version) = (run.id, run.version);
    let not = |why: String| (TriedRun { run: id, version, found: None, why: Some(why) }, 0);
    let journal = match journal(state, context, id).await? {
        Ok(journal) => journal,
        Err(why) => return Ok(not(why)),
    };
    let flow = match state.definitions.load(context.tenant, run.flow, version).await {
        Ok(flow) => flow.compiled.clone(),
        Err(DefinitionsError::Unavailable(why)) => return Err(DefinitionsError::Unavailable(why).into()),
        Err(error) => return Ok(not(error.to_string())),
    };
    let (count, draft) = (journal.len(), draft.clone());
    let compare = move || Ok(compared(&flow, &inputs(&journal)?, &draft));
    match state.replays.compute((context.tenant, id), compare).await? {
        Ok(found) => Ok((TriedRun { run: id, version, found: Some(found), why: None }, count)),
        Err(why) => Ok(not(why)),
    }
}

/// The whole journal of a run that is not too long for that.
async fn journal(state: &AppState, context: &Context, run: RunId) -> Result<Result<Vec<Entry>, String>, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let read = store::journal_page(&mut tx, run, 0, RUN_INPUTS, RUN_BYTES).await;
    let (entries, more) = match read {
        Ok(page) => page,
        Err(store::JournalError::Database(error)) => return Err(error.into()),
        Err(store::JournalError::Stored(error)) => return Ok(Err(error.to_string())),
    };
    tx.commit().await?;
    if more {
        let why =
            format!("It has more than {RUN_INPUTS} inputs, or {} MiB of them: its page tries it.", RUN_BYTES >> 20);
        return Ok(Err(why));
    }
    Ok(Ok(entries))
}

/// A journal as it is replayed.
fn inputs(journal: &[Entry]) -> Result<Vec<Stamped<Input>>, String> {
    let rows = (0..).zip(journal).map(|(seq, entry)| {
        let row = recorded(seq, entry);
        row.input.map_err(|why| format!("Input {seq} does not read: {why}."))
    });
    rows.collect()
}

/// Bytes of an answer, roughly.
fn weight(found: &Compared) -> u64 {
    let value = |value: &Option<Value>| value.as_ref().map_or(0, Value::weight);
    let end = |end: &RunEnd| value(&end.output) + end.error.as_ref().map_or(0, |error| error.detail.weight());
    let step = |step: &Option<StepOutcome>| step.as_ref().map_or(0, |step| value(&step.output));
    let first = found.first.as_ref().map_or(0, |pair| step(&pair.was) + step(&pair.now));
    end(&found.was) + end(&found.now) + first
}
