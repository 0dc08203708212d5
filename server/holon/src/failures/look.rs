//! Looks for runs that failed since the look before: each becomes a row that is to start a run, in the transaction that moves its
//! trigger on. A crash before its commit has done nothing, one after it has lost nothing.

use holon_model::{Millis, RunId, Timestamp};
use sqlx::Connection as _;

use super::store;
use crate::state::AppState;

/// How often a trigger looks.
pub const LOOK_EVERY: Millis = Millis(2_000);
/// How far a look goes back behind the one before: rows become visible after the time that stands in them, later than ever
/// when the database was away. What was found is known by its row and not found again.
const LOOK_BACK: Millis = Millis(600_000);

/// Looks at some triggers that are due; how many.
///
/// # Errors
/// When the database refuses; then nothing was done.
pub async fn look(state: &AppState, now: Timestamp) -> Result<usize, sqlx::Error> {
    let mut connection = state.pools.engine.acquire().await?;
    let mut tx = connection.begin().await?;
    let triggers = store::lock_due(&mut tx, now).await?;
    for trigger in &triggers {
        let after = trigger.looked_at.minus(LOOK_BACK).max(trigger.since);
        let found = store::failed_runs(&mut tx, trigger, after).await?;
        let starts: Vec<(RunId, RunId)> = found.iter().map(|(run, _)| (*run, state.runtime.mint())).collect();
        store::to_start(&mut tx, trigger, &starts, now).await?;
        // Where there may be more than one look finds, the next one goes on behind what was found, and at once.
        let (looked_at, next) = match found.last().filter(|_| found.len() >= store::MOST_FOUND) {
            Some((_, at)) => ((*at).max(trigger.looked_at), now),
            None => (now, now.plus(LOOK_EVERY)),
        };
        store::move_on(&mut tx, trigger, looked_at, next).await?;
    }
    tx.commit().await?;
    Ok(triggers.len())
}
