//! Takes up what is new for a subscription: writes a delivery down for each event that it takes and moves it on, in one transaction
//! under its lock. A crash before its commit has done nothing, one after it has lost nothing.

use holon_cap_events::Pattern;
use holon_model::{SubscriptionId, TenantId, Timestamp};
use sqlx::PgConnection;

use super::store::{self, Row};
use crate::state::AppState;

/// Deliveries of one subscription that wait for their runs at most: the rest stays in the log.
const MOST_WAITING: usize = 256;
/// Deliveries that one look makes for a subscription.
const MOST_TAKEN: usize = 100;

/// What was taken up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many subscriptions were moved on; there may be more to do while it is not 0.
    pub moved: usize,
    /// Those with deliveries that wait for their runs.
    pub pending: Vec<(TenantId, SubscriptionId)>,
}

/// Takes up what is new for subscriptions that are behind, some at a time.
///
/// # Errors
/// When the database refuses; then nothing was taken up.
pub async fn take(state: &AppState, now: Timestamp) -> Result<Taken, sqlx::Error> {
    let mut tx = state.pools.engine.begin().await?;
    let rows = store::lock_behind(&mut tx).await?;
    let mut taken = Taken::default();
    for row in rows {
        let (moved, pending) = take_up(state, &mut tx, &row, now).await?;
        taken.moved += usize::from(moved);
        if pending {
            taken.pending.push((row.tenant, row.id));
        }
    }
    tx.commit().await?;
    Ok(taken)
}

/// Takes up what is new for one; whether it was moved on, and whether runs are to be started.
async fn take_up(
    state: &AppState,
    tx: &mut PgConnection,
    row: &Row,
    now: Timestamp,
) -> Result<(bool, bool), sqlx::Error> {
    let Ok(pattern) = Pattern::read(&row.pattern) else {
        // Publishing checks it.
        tracing::error!(subscription = %row.id, pattern = row.pattern, "a subscription does not read back");
        return Ok((false, false));
    };
    let (waiting, going) = store::busy(tx, row).await?;
    let most = if row.ordered { usize::from(!going) } else { MOST_WAITING.saturating_sub(waiting).min(MOST_TAKEN) };
    if most == 0 {
        return Ok((false, false));
    }
    let seen = store::after(tx, row, &pattern.prefix()).await?;
    let mut wanted: Vec<i64> =
        seen.events.iter().filter(|(_, subject)| pattern.matches(subject)).map(|(position, _)| *position).collect();
    let position = if wanted.len() > most {
        wanted.truncate(most);
        wanted.last().copied().unwrap_or(seen.until)
    } else {
        seen.until
    };
    let runs: Vec<_> = wanted.iter().map(|_| state.runtime.mint()).collect();
    store::deliver(tx, row, &wanted, &runs, now).await?;
    store::move_on(tx, row, position).await?;
    Ok((position > row.position, !wanted.is_empty()))
}
