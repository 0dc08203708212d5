//! Gives a worker tasks of a pool; when there are none it waits until there are, here or in another replica.

use std::time::Duration;

use holon_authz::{Authorised, actions::ClaimWork as MayClaim};
use holon_model::Context;
use holon_model::wire::workers::{ClaimWork, ClaimedTask, ClaimedWork};
use holon_platform::crypto::random_bytes;
use holon_platform::db::TenantTx;
use holon_runtime::WorkPool;
use tokio::time::Instant;

use super::{Error, serves, store};
use crate::state::AppState;

/// For how long somebody waits who does not say, and at most.
const LONGEST_WAIT: u16 = 30;
/// Tasks in one claim at most: each may bring two megabytes.
const MOST: u16 = 16;
/// Whoever waits looks at least this often, with up to as much again of [`JITTER_MS`]: claims that ran out wake nobody.
const LOOK_EVERY_MS: u64 = 800;
const JITTER_MS: u64 = 400;

/// Claims up to as many tasks as are asked for, oldest first.
pub async fn claim(
    state: &AppState,
    context: &Context,
    _: Authorised<MayClaim>,
    pools: Option<&[String]>,
    ask: ClaimWork,
) -> Result<ClaimedWork, Error> {
    if !serves(pools, &ask.pool) {
        return Err(Error::OtherPool(ask.pool));
    }
    let _seat = state.claims.enter(context.tenant).ok_or(Error::TooMany)?;
    let actor = context.actor.label();
    let worker = ask.worker.unwrap_or_else(|| actor.clone());
    let by = store::By { pool: &ask.pool, worker: &worker, actor: &actor, most: ask.most.unwrap_or(1).clamp(1, MOST) };
    let until = Instant::now() + Duration::from_secs(ask.wait.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT).into());
    // Before the first look: what comes after it is not missed.
    let pool = WorkPool { tenant: context.tenant, environment: context.environment, pool: ask.pool.clone() };
    let bell = state.runtime.work_of(pool);
    loop {
        let tasks = look(state, context, &by).await?;
        if !tasks.is_empty() || Instant::now() >= until || state.shutdown.has_begun() {
            return Ok(ClaimedWork { tasks });
        }
        let [jitter] = random_bytes::<1>();
        let look_again = Instant::now() + Duration::from_millis(LOOK_EVERY_MS + u64::from(jitter) * JITTER_MS / 255);
        tokio::select! {
            () = bell.notified() => {}
            () = state.shutdown.begun() => {}
            () = tokio::time::sleep_until(look_again.min(until)) => {}
        }
    }
}

async fn look(state: &AppState, context: &Context, by: &store::By<'_>) -> Result<Vec<ClaimedTask>, Error> {
    let now = state.clock.now();
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    store::note_worker(&mut tx, by.pool, by.worker, by.actor, now).await?;
    let tasks = store::claim(&mut tx, by, now).await?;
    tx.commit().await?;
    Ok(tasks)
}
