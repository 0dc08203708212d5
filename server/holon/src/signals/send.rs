//! Tells one run, or all that wait for it, that something has happened; answered when it is in their journals, or kept for them.

use futures::stream::{self, StreamExt as _};
use holon_authz::{Authorised, actions::SignalRuns};
use holon_engine::Input;
use holon_model::wire::runs::is_over;
use holon_model::wire::signals::{SendSignal, SignalSent};
use holon_model::{Context, Intent, IntentPayload, Payload, RunId, Value};
use holon_platform::db::TenantTx;
use holon_runtime::{DeliverError, Delivered};

use super::{Error, MOST_TOLD, NEWEST};
use crate::{audit, runs, state::AppState};

/// Runs that are told at once.
const AT_ONCE: usize = 32;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Signal {
    /// The run; absent: those that wait for it.
    pub run: Option<RunId>,
    /// The signal.
    pub signal: SendSignal,
}

impl IntentPayload for Signal {
    const TYPE: &'static str = "run.signal";
}

/// Sends it. The same sender reaches a run once, however often it is sent.
pub async fn send(state: &AppState, _: Authorised<SignalRuns>, intent: Intent<Signal>) -> Result<SignalSent, Error> {
    let Signal { run, ref signal } = intent.payload;
    let wanted = match run {
        Some(run) => vec![run],
        None => waiting(state, &intent.context, signal).await?,
    };
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    if let Some(run) = run {
        runs::store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    }
    let subject = run.map_or_else(|| signal.name.clone(), |run| run.to_string());
    audit::record(&mut tx, &*state.clock, &intent, &subject, &said(signal, &wanted)).await?;
    tx.commit().await?;
    // Without an id of the sender's every delivery counts.
    let given = signal.sender.clone().or_else(|| intent.idempotency_key.clone());
    let sender = given.unwrap_or_else(|| intent.id.to_string());
    match run {
        Some(run) => {
            let (runs, kept) = match deliver(state, &intent.context, run, signal, &sender).await? {
                Delivered::TakenIn => (vec![run], Vec::new()),
                Delivered::Kept => (Vec::new(), vec![run]),
            };
            Ok(SignalSent { runs, kept, unreached: Vec::new(), sender })
        }
        None => tell(state, &intent.context, wanted, signal, sender).await,
    }
}

/// Who waits for it, and who is found by its correlation and may come to wait for it: such a run is between two waits, or was just started.
async fn waiting(state: &AppState, context: &Context, signal: &SendSignal) -> Result<Vec<RunId>, Error> {
    let (name, correlation) = (&signal.name, &signal.correlation);
    let mut found = state.runtime.waiting(context.tenant, context.environment, name, correlation).await?;
    if !correlation.is_empty() {
        found.extend(live_about(state, context, correlation).await?);
        found.sort_unstable();
        found.dedup();
    }
    match found.len() {
        0 => Err(Error::Nobody(name.clone())),
        count if count > MOST_TOLD => Err(Error::TooMany(name.clone())),
        _ => Ok(found),
    }
}

/// The live runs of a correlation, the newest first; one more than can be told says that they are too many.
async fn live_about(state: &AppState, context: &Context, correlation: &str) -> Result<Vec<RunId>, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let mut live = runs::store::live_about(&mut tx, correlation, MOST_TOLD as i64 + 1).await?;
    // A build before this one does not write beside a live run what it is about.
    let filter = runs::store::Filter { correlation: Some(correlation.to_owned()), ..Default::default() };
    let newest = runs::store::list(&mut tx, &filter, NEWEST).await?;
    tx.commit().await?;
    live.extend(newest.into_iter().filter(|run| !is_over(&run.status)).map(|run| run.id));
    Ok(live)
}

/// Tells each of them. One that is over meanwhile is no reason not to tell the others, nor is one that cannot be reached.
async fn tell(
    state: &AppState,
    context: &Context,
    wanted: Vec<RunId>,
    signal: &SendSignal,
    sender: String,
) -> Result<SignalSent, Error> {
    let from = sender.as_str();
    let each = wanted.into_iter().map(|run| async move { (run, deliver(state, context, run, signal, from).await) });
    let told: Vec<_> = stream::iter(each).buffered(AT_ONCE).collect().await;
    let (mut runs, mut kept, mut unreached, mut why) = (Vec::new(), Vec::new(), Vec::new(), None);
    for (run, told) in told {
        match told {
            Ok(Delivered::TakenIn) => runs.push(run),
            Ok(Delivered::Kept) => kept.push(run),
            // One that is found by the correlation may be of a flow that waits for no signal of this name.
            Err(DeliverError::Over | DeliverError::NotFound | DeliverError::Refused { code: "unknown_signal", .. }) => {
            }
            Err(error) => {
                unreached.push(run);
                why.get_or_insert(error);
            }
        }
    }
    let told = !runs.is_empty() || !kept.is_empty();
    match why {
        Some(error) if !told => Err(error.into()),
        None if !told => Err(Error::Nobody(signal.name.clone())),
        _ => Ok(SignalSent { runs, kept, unreached, sender }),
    }
}

/// Tells one run. One that was told before by the same sender has it.
async fn deliver(
    state: &AppState,
    context: &Context,
    run: RunId,
    signal: &SendSignal,
    sender: &str,
) -> Result<Delivered, DeliverError> {
    let input = Input::Signal {
        name: signal.name.clone(),
        correlation: signal.correlation.clone(),
        sender: sender.to_owned(),
        payload: Payload::Inline(signal.payload.clone()),
    };
    match state.runtime.deliver(context.tenant, run, input).await {
        Err(DeliverError::Refused { code: "duplicate_signal", .. }) => Ok(Delivered::TakenIn),
        other => other,
    }
}

/// What the audit row says of it.
fn said(signal: &SendSignal, wanted: &[RunId]) -> Value {
    let runs: Vec<Value> = wanted.iter().map(|run| Value::from(run.to_string())).collect();
    Value::map([
        ("signal", Value::from(signal.name.as_str())),
        ("correlation", Value::from(signal.correlation.as_str())),
        ("runs", Value::from(runs)),
    ])
}
