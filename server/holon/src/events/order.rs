//! Gives events their places. Of an environment one transaction at a time does so, and what it gave is seen all at once: whoever
//! reads up to a place has seen every event before it.

use holon_model::Timestamp;
use sqlx::PgPool;

use super::store;

/// Environments whose events are put in order at one look.
const MOST_ENVIRONMENTS: i64 = 64;

/// Puts in order what was published; how many events got a place.
///
/// # Errors
/// When the database refuses; what has no place gets it later.
pub async fn order(engine: &PgPool, now: Timestamp) -> Result<u64, sqlx::Error> {
    let mut placed = 0;
    for (tenant, environment) in store::with_unplaced(engine, MOST_ENVIRONMENTS).await? {
        let mut tx = engine.begin().await?;
        if let Some(last) = store::lock_order(&mut tx, tenant, environment).await? {
            placed += store::place(&mut tx, (tenant, environment), last, now).await?;
            tx.commit().await?;
        }
    }
    Ok(placed)
}
