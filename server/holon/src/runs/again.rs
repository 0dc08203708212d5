//! Starts a run again: a new run of the version in force, with what the earlier one was started with, from the same trigger.

use holon_authz::{Authorised, actions::StartRuns};
use holon_engine::{Input, decode_input};
use holon_model::wire::runs::{StartRun, Started};
use holon_model::{Intent, IntentPayload, RunId};
use holon_platform::db::TenantTx;

use super::read::unread;
use super::start::{Start, start};
use super::{Error, store};
use crate::state::AppState;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Again(pub RunId);

impl IntentPayload for Again {
    const TYPE: &'static str = "run.again";
}

/// Starts it. Unlike a retry nothing of the earlier run is kept: every step is done anew, with keys of its own.
pub async fn again(state: &AppState, proof: Authorised<StartRuns>, intent: Intent<Again>) -> Result<Started, Error> {
    let Again(run) = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let found = store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    let (first, _) = store::journal_page(&mut tx, run, 0, 1, 0).await.map_err(|error| unread(run, error))?;
    tx.commit().await?;
    let inconsistent = |why: &str| Error::Inconsistent(run, why.to_owned());
    let first = first.first().ok_or_else(|| inconsistent("it is empty"))?;
    let Input::Start { input, run: info } =
        decode_input(&first.input).map_err(|error| inconsistent(&error.to_string()))?
    else {
        return Err(inconsistent("its first input is not a start"));
    };
    let trigger = info.trigger.map(|key| key.to_string());
    let body = StartRun { input: input.to_value(), trigger, ..StartRun::default() };
    let Intent { id, source, context, base_revision, idempotency_key, .. } = intent;
    let payload = Start { flow: found.summary.flow, body };
    let intent = Intent { id, source, context, base_revision, idempotency_key, payload };
    start(state, proof, intent).await.map_err(|error| match error {
        Error::NoTrigger(key) => Error::TriggerGone(run, key),
        other => other,
    })
}
