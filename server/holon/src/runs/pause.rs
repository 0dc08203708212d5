//! Pauses a run, and lets it go on. Nothing of what it comes to changes by that: it stands beside the journal, not in it.

use holon_authz::{Authorised, actions::PauseRuns};
use holon_model::{Intent, IntentPayload, RunId, Value};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Pause {
    /// Which run.
    pub run: RunId,
    /// The name of who asks.
    pub by: String,
    /// What pages show: who and why.
    pub reason: String,
}

impl IntentPayload for Pause {
    const TYPE: &'static str = "run.pause";
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Resume(pub RunId);

impl IntentPayload for Resume {
    const TYPE: &'static str = "run.resume";
}

/// Pauses; answered once that is durable, or kept for the server that drives the run.
pub async fn pause(state: &AppState, _: Authorised<PauseRuns>, intent: Intent<Pause>) -> Result<(), Error> {
    let Pause { run, ref by, ref reason } = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    audit::record(&mut tx, &*state.clock, &intent, &run.to_string(), &Value::from(reason.as_str())).await?;
    tx.commit().await?;
    let paused = state.runtime.pause(intent.context.tenant, run, by.clone(), reason.clone()).await;
    // Kept or done: the run's page shows which.
    paused.map(drop).map_err(|error| Error::Order("paused", error))
}

/// Lets it go on, with all that came meanwhile; answered once that is durable, or kept for the server that drives the run.
pub async fn resume(state: &AppState, _: Authorised<PauseRuns>, intent: Intent<Resume>) -> Result<(), Error> {
    let Resume(run) = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    audit::record(&mut tx, &*state.clock, &intent, &run.to_string(), &Value::Null).await?;
    tx.commit().await?;
    let resumed = state.runtime.resume(intent.context.tenant, run).await;
    resumed.map(drop).map_err(|error| Error::Order("resumed", error))
}
