//! Fires a schedule now, because a person asks; whether it is paused or a run is going does not matter.

use holon_authz::{Authorised, actions::StartRuns};
use holon_model::wire::runs::Started;
use holon_model::{Intent, IntentPayload, Millis, ScheduleId, Value};
use holon_platform::db::TenantTx;

use super::{Error, launch, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Fire(pub ScheduleId);

impl IntentPayload for Fire {
    const TYPE: &'static str = "schedule.fire";
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum Fired {
    /// The run has started.
    Started(Started),
    /// It starts as soon as it can, whatever crashes.
    Pending(Started),
}

/// Writes the firing down and starts its run.
pub async fn fire(state: &AppState, _: Authorised<StartRuns>, intent: Intent<Fire>) -> Result<Fired, Error> {
    let Fire(id) = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let (row, _) = store::lock(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    state.runtime.may_begin(row.tenant, row.environment, row.flow)?;
    let run = state.runtime.mint();
    let mut at = state.clock.now();
    // Two in one millisecond are two.
    while !store::fire_by_hand(&mut tx, id, at, run).await? {
        at = at.plus(Millis(1));
    }
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &Value::from(run.to_string())).await?;
    tx.commit().await?;
    launch::launch(state, Some((intent.context.tenant, id)), at).await?;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let became = store::fired_by_hand(&mut tx, id, at).await?;
    tx.commit().await?;
    let started = Started { id: run, replayed: false };
    match became {
        Some((outcome, _)) if outcome == "started" => Ok(Fired::Started(started)),
        Some((outcome, reason)) if outcome == "failed" => Err(Error::Refused(reason.unwrap_or_default())),
        _ => Ok(Fired::Pending(started)),
    }
}
