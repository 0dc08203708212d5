//! Keeps a claim, and tells the worker whether its task is still wanted.

use holon_authz::{Authorised, actions::ClaimWork};
use holon_model::wire::workers::{Heartbeat, HeartbeatTaken};
use holon_model::{ClaimId, Context, RunId, Value};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::{runs, state::AppState};

/// Prolongs the claim from now on, with what the worker says of its progress.
pub async fn heartbeat(
    state: &AppState,
    context: &Context,
    _: Authorised<ClaimWork>,
    pools: Option<&[String]>,
    (run, claim): (RunId, ClaimId),
    beat: Heartbeat,
) -> Result<HeartbeatTaken, Error> {
    let now = state.clock.now();
    let progress = Some(beat.progress).filter(|progress| *progress != Value::Null).map(|progress| progress.to_json());
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    runs::store::find(&mut tx, run).await?.ok_or(Error::NoRun(run))?;
    let kept = store::beat(&mut tx, run, claim, pools, now, progress.as_deref()).await?;
    if let Some((pool, worker)) = &kept {
        store::note_worker(&mut tx, pool, worker, &context.actor.label(), now).await?;
    }
    tx.commit().await?;
    Ok(HeartbeatTaken { wanted: kept.is_some() })
}
