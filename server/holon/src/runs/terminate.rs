//! Ends a run at once. Nothing is cleaned up and nothing is undone: cancelling is the gentle way.

use holon_authz::{Authorised, actions::TerminateRuns};
use holon_model::{Intent, IntentPayload, RunId, Value};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Terminate {
    /// Which run.
    pub run: RunId,
    /// Who asks, and why.
    pub reason: String,
}

impl IntentPayload for Terminate {
    const TYPE: &'static str = "run.terminate";
}

/// Ends it; answered once that is durable, or kept for the server that drives the run.
pub async fn terminate(state: &AppState, _: Authorised<TerminateRuns>, intent: Intent<Terminate>) -> Result<(), Error> {
    let Terminate { run, ref reason } = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    audit::record(&mut tx, &*state.clock, &intent, &run.to_string(), &Value::from(reason.as_str())).await?;
    tx.commit().await?;
    let ended = state.runtime.terminate(intent.context.tenant, run, reason.clone()).await;
    ended.map(drop).map_err(|error| Error::Order("terminated", error))
}
