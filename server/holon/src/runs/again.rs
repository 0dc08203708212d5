//! Starts a run again: a new run of the version in force, with what the earlier one was started with or another input, from the
//! same trigger.

use holon_authz::{Authorised, actions::StartRuns};
use holon_engine::{Input, decode_input};
use holon_model::wire::runs::{StartRun, Started};
use holon_model::{Intent, IntentPayload, RunId, Value};
use holon_platform::db::TenantTx;

use super::read::{unbegun_start, unread};
use super::start::{Start, asked};
use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Again {
    /// Which run.
    pub run: RunId,
    /// With what; nothing: with what that run was started with.
    pub input: Option<Value>,
}

impl IntentPayload for Again {
    const TYPE: &'static str = "run.again";
}

/// Starts it. Unlike a retry nothing of the earlier run is kept: every step is done anew, with keys of its own.
pub async fn again(state: &AppState, _: Authorised<StartRuns>, intent: Intent<Again>) -> Result<Started, Error> {
    let Again { run, input: edited } = intent.payload.clone();
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let found = store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    let (first, _) = store::journal_page(&mut tx, run, 0, 1, 0).await.map_err(|error| unread(run, error))?;
    let inconsistent = |why: &str| Error::Inconsistent(run, why.to_owned());
    let first = match first.first() {
        Some(first) => decode_input(&first.input).map_err(|error| inconsistent(&error.to_string()))?,
        None => unbegun_start(&mut tx, run).await?.ok_or(Error::NeverBegan(run))?,
    };
    tx.commit().await?;
    let Input::Start { input, run: info } = first else {
        return Err(inconsistent("its first input is not a start"));
    };
    let trigger = info.trigger.map(|key| key.to_string());
    let input = edited.unwrap_or_else(|| input.to_value());
    // What it is found by describes what it is about, which is the same.
    let (labels, correlation) = (found.summary.labels, found.summary.correlation);
    let body = StartRun { input, trigger, labels, correlation };
    let start = Start { flow: found.summary.flow, body };
    let row = |new: RunId| audit::row(&*state.clock, &intent, &run.to_string(), &Value::from(new.to_string()));
    let started = asked(state, &intent.context, intent.idempotency_key.clone(), &start, row).await;
    started.map_err(|error| match error {
        Error::NoTrigger(key) => Error::TriggerGone(run, key),
        other => other,
    })
}
