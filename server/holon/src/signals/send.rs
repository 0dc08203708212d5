//! Tells one run, or all that wait for it, that something has happened; answered when it is in their journals.

use holon_authz::{Authorised, actions::SignalRuns};
use holon_engine::Input;
use holon_model::wire::signals::{SendSignal, SignalSent};
use holon_model::{Intent, IntentPayload, Payload, RunId, Value};
use holon_platform::db::TenantTx;
use holon_runtime::DeliverError;

use super::Error;
use crate::{audit, runs, state::AppState};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Send {
    /// The run; absent: those that wait for it.
    pub run: Option<RunId>,
    /// The signal.
    pub signal: SendSignal,
}

impl IntentPayload for Send {
    const TYPE: &'static str = "run.signal";
}

/// Sends it. The same `sender` reaches a run once, however often it is sent.
pub async fn send(state: &AppState, _: Authorised<SignalRuns>, intent: Intent<Send>) -> Result<SignalSent, Error> {
    let Send { run, ref signal } = intent.payload;
    let context = &intent.context;
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    if let Some(run) = run {
        runs::store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    }
    let subject = run.map_or_else(|| signal.name.clone(), |run| run.to_string());
    audit::record(&mut tx, &*state.clock, &intent, &subject, &Value::from(signal.name.as_str())).await?;
    tx.commit().await?;
    let wanted = match run {
        Some(run) => vec![run],
        None => {
            let (name, correlation) = (&signal.name, &signal.correlation);
            state.runtime.waiting(context.tenant, context.environment, name, correlation).await?
        }
    };
    if wanted.is_empty() {
        return Err(Error::Nobody(signal.name.clone()));
    }
    // Without an id of the sender's every delivery counts.
    let sender = signal.sender.clone().unwrap_or_else(|| intent.id.to_string());
    let mut reached = Vec::new();
    for run in wanted {
        let input = Input::Signal {
            name: signal.name.clone(),
            correlation: signal.correlation.clone(),
            sender: sender.clone(),
            payload: Payload::Inline(signal.payload.clone()),
        };
        match state.runtime.deliver(context.tenant, run, input).await {
            Ok(()) | Err(DeliverError::Refused { code: "duplicate_signal", .. }) => reached.push(run),
            // Of several, one that is over meanwhile is no reason not to tell the others.
            Err(DeliverError::Over | DeliverError::NotFound) if intent.payload.run.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    if reached.is_empty() {
        return Err(Error::Nobody(signal.name.clone()));
    }
    Ok(SignalSent { runs: reached })
}
