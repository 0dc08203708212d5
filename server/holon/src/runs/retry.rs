//! Retries a run that ended badly: a new run that goes on from before the failure, with the failed effect's original key.

use holon_authz::{Authorised, actions::StartRuns};
use holon_model::wire::runs::Started;
use holon_model::{Intent, IntentPayload, RunId, Value, canon::Canon};
use holon_platform::db::TenantTx;
use holon_runtime::Idempotency;

use super::start::WINDOW;
use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Retry(pub RunId);

impl IntentPayload for Retry {
    const TYPE: &'static str = "run.retry";
}

/// Retries. The same idempotency key gives the same run.
pub async fn retry(state: &AppState, _: Authorised<StartRuns>, intent: Intent<Retry>) -> Result<Started, Error> {
    let Retry(run) = intent.payload;
    let context = &intent.context;
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    tx.commit().await?;
    let new = state.runtime.mint();
    let row = audit::row(&*state.clock, &intent, &run.to_string(), &Value::from(new.to_string()));
    let idempotency = intent.idempotency_key.as_ref().map(|key| Idempotency {
        scope: format!("retry:{run}"),
        key: key.clone(),
        // The run is all that is asked for, and it is in the scope.
        request_hash: Canon::new().text(&run.to_string()).hash(),
        window: WINDOW,
    });
    let actor = context.actor.label();
    let started = state.runtime.retry(context.tenant, run, new, actor, idempotency, Some(Box::new(row))).await?;
    Ok(Started { id: started.run, replayed: started.replayed })
}
