//! Query: what a workspace keeps of runs that are over, and what would go.

use holon_authz::Authorised;
use holon_authz::actions::ReadWorkspace;
use holon_model::wire::retention::Retention;
use holon_model::{Context, Millis, Timestamp};
use holon_platform::db::TenantTx;

use super::{Error, in_force, store};
use crate::state::AppState;

const DAY: u64 = 24 * 3_600_000;

/// The instant before which a run must have ended to go, when runs are kept for so many days.
pub fn horizon(now: Timestamp, days: u32) -> Timestamp {
    now.minus(Millis(u64::from(days) * DAY))
}

/// As it is; `asked`: what would go with so many days.
pub async fn read(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadWorkspace>,
    asked: Option<u32>,
) -> Result<Retention, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let kept = in_tx(state, &mut tx, asked).await?;
    tx.commit().await?;
    Ok(kept)
}

/// The same in a transaction.
pub async fn in_tx(state: &AppState, tx: &mut TenantTx<'_>, asked: Option<u32>) -> Result<Retention, Error> {
    let days = store::chosen(tx).await?;
    let in_force = in_force(state, days);
    let goes = match asked.or(in_force) {
        Some(days) => store::ended_before(tx, Some(horizon(state.clock.now(), days))).await?,
        None => 0,
    };
    Ok(Retention {
        days,
        in_force,
        default: state.config.history_days,
        most: state.config.history_days_most,
        runs: store::ended_before(tx, None).await?,
        oldest: store::oldest(tx).await?,
        goes,
    })
}
