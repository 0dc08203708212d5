//! Which life of the data a server serves. A restore begins a new one; a server of an earlier one ends.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

/// How often a server asks whether its life is over.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A life of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incarnation {
    /// Which, counted from 1.
    pub number: i32,
    /// Its id: two restores of one backup are two lives with the same number.
    pub id: Uuid,
}

/// The present one.
///
/// # Errors
/// When the database does not answer.
pub async fn present(engine: &PgPool) -> Result<Option<Incarnation>, sqlx::Error> {
    let row: Option<(i32, Uuid)> =
        sqlx::query_as("select number, incarnation_id from incarnation order by number desc limit 1")
            .fetch_optional(engine)
            .await?;
    Ok(row.map(|(number, id)| Incarnation { number, id }))
}

/// Waits until the present life of the data is another one than `mine`. A database that does not answer says nothing.
pub async fn another_begins(engine: &PgPool, mine: Option<Incarnation>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match present(engine).await {
            Ok(now) if now != mine => return,
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "which life of the data this is cannot be read"),
        }
    }
}
