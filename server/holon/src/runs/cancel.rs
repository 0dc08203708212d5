//! Asks a run to end. What must be cleaned up is cleaned up by the run itself.

use holon_authz::{Authorised, actions::CancelRuns};
use holon_model::{Intent, IntentPayload, RunId, Value};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Cancel {
    /// Which run.
    pub run: RunId,
    /// Why.
    pub reason: String,
}

impl IntentPayload for Cancel {
    const TYPE: &'static str = "run.cancel";
}

/// Cancels; answered once the cancellation is in the journal, or kept for the server that drives the run.
pub async fn cancel(state: &AppState, _: Authorised<CancelRuns>, intent: Intent<Cancel>) -> Result<(), Error> {
    let Cancel { run, ref reason } = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    audit::record(&mut tx, &*state.clock, &intent, &run.to_string(), &Value::from(reason.as_str())).await?;
    tx.commit().await?;
    state.runtime.cancel(intent.context.tenant, run, reason.clone()).await?;
    Ok(())
}
