//! Numbers of batches, in Postgres: the last one that each committer has done, checked and counted on in the transaction of the commit.

use holon_model::ReplicaId;
use sqlx::{PgConnection, PgPool};

use super::BatchNumber;

/// Counts on; false when this batch was done, or a later one was.
pub(super) async fn count(
    connection: &mut PgConnection,
    replica: ReplicaId,
    number: BatchNumber,
) -> Result<bool, sqlx::Error> {
    // One that comes late waits here for the one that was sent after it, and then finds its number.
    let counted = sqlx::query!(
        "insert into replica_batch (replica_id, lane, n) values ($1, $2, $3)
         on conflict (replica_id, lane) do update set n = excluded.n where replica_batch.n < excluded.n",
        replica.0,
        number.lane,
        number.n
    );
    Ok(counted.execute(connection).await?.rows_affected() == 1)
}

/// See [`super::Ownership::holds`].
pub(super) async fn holds(executor: impl sqlx::PgExecutor<'_>, replica: ReplicaId) -> Result<bool, sqlx::Error> {
    let holds = sqlx::query_scalar!(
        r#"select exists (select from replica where replica_id = $1 and not fenced) as "holds!""#,
        replica.0
    );
    holds.fetch_one(executor).await
}

/// The last number that a committer has done.
pub(super) async fn last(pool: &PgPool, replica: ReplicaId, lane: i16) -> Result<i64, sqlx::Error> {
    let last = sqlx::query_scalar!("select n from replica_batch where replica_id = $1 and lane = $2", replica.0, lane);
    Ok(last.fetch_optional(pool).await?.unwrap_or_default())
}

/// Removes those of replicas that are gone.
pub(super) async fn forget(pool: &PgPool) -> Result<(), sqlx::Error> {
    let forgotten = sqlx::query!(
        "delete from replica_batch b where not exists (select from replica r where r.replica_id = b.replica_id)"
    );
    forgotten.execute(pool).await.map(drop)
}
