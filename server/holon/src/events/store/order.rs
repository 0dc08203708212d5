//! Events get their places.

use holon_model::{EnvironmentId, TenantId, Timestamp};
use holon_platform::clock::to_db;
use sqlx::{PgConnection, PgPool};

/// Events that get their places in one transaction.
const MOST: i64 = 500;

/// Environments with events that have no place yet.
pub async fn with_unplaced(engine: &PgPool, most: i64) -> Result<Vec<(TenantId, EnvironmentId)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select tenant_id, environment_id from event_outbox group by tenant_id, environment_id order by min(number) limit $1",
        most
    )
    .fetch_all(engine)
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), EnvironmentId(row.environment_id))).collect())
}

/// The last place that was given in an environment, locked; nothing while somebody else gives places there.
pub async fn lock_order(
    engine: &mut PgConnection,
    tenant: TenantId,
    environment: EnvironmentId,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query!(
        "insert into event_order (tenant_id, environment_id, last) values ($1, $2, 0) on conflict do nothing",
        tenant.0,
        environment.0,
    )
    .execute(&mut *engine)
    .await?;
    sqlx::query_scalar!(
        "select last from event_order where tenant_id = $1 and environment_id = $2 for update skip locked",
        tenant.0,
        environment.0,
    )
    .fetch_optional(engine)
    .await
}

/// Gives the next events of an environment their places after `last`; how many got one. What was published before is not published
/// again.
pub async fn place(
    engine: &mut PgConnection,
    (tenant, environment): (TenantId, EnvironmentId),
    last: i64,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let placed = sqlx::query_scalar!(
        r#"with taken as (
             delete from event_outbox o where o.tenant_id = $1 and o.event_id = any(array(
               select event_id from event_outbox where tenant_id = $1 and environment_id = $2 order by number limit $5))
             returning o.*
           ), fresh as (
             select t.*, row_number() over (order by t.number) as n from taken t
             where not exists (select from event e where e.tenant_id = t.tenant_id and e.event_id = t.event_id)
           ), placed as (
             insert into event (tenant_id, environment_id, position, event_id, subject, data, bytes, run_id, published_by,
                                published_at, at)
             select tenant_id, environment_id, $3 + n, event_id, subject, data, octet_length(data), run_id, published_by,
                    published_at, $4
             from fresh returning position
           )
           select count(*) as "count!" from placed"#,
        tenant.0,
        environment.0,
        last,
        to_db(now),
        MOST,
    )
    .fetch_one(&mut *engine)
    .await?;
    sqlx::query!(
        "update event_order set last = $3 where tenant_id = $1 and environment_id = $2 and last <> $3",
        tenant.0,
        environment.0,
        last + placed,
    )
    .execute(engine)
    .await?;
    Ok(placed.unsigned_abs())
}
