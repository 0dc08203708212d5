//! The inbox in Postgres.

use holon_model::{ReplicaId, RunId, TenantId};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::pg::unread;
use super::{Batch, Letter, Posted, StoreError, shard_of};

/// See [`super::Letters::post`].
pub(super) async fn post(
    pool: &PgPool,
    tenant: TenantId,
    run: RunId,
    sender: ReplicaId,
    body: &[u8],
) -> Result<Option<Posted>, StoreError> {
    let shard = shard_of(run);
    let row = sqlx::query!(
        r#"insert into inbox (tenant_id, run_id, shard, sender, body)
           select $1, $2, $3, $4, $5
           where exists (select from run_live where tenant_id = $1 and run_id = $2)
           returning id, (select s.owner from shard s where s.shard = $3) as owner"#,
        tenant.0,
        run.0,
        shard,
        sender.0,
        body
    )
    .fetch_optional(pool)
    .await
    .map_err(unread)?;
    Ok(row.map(|row| Posted { id: row.id, owner: row.owner.map(ReplicaId) }))
}

/// See [`super::Letters::post_once`].
pub(super) async fn post_once(
    pool: &PgPool,
    tenant: TenantId,
    run: RunId,
    sender: ReplicaId,
    body: &[u8],
) -> Result<Option<Posted>, StoreError> {
    let shard = shard_of(run);
    // Bodies of another length are told apart without being read.
    let row = sqlx::query!(
        r#"with there as materialized (
             select id from inbox where tenant_id = $1 and run_id = $2 and body = $5 order by id limit 1
           ), new as (
             insert into inbox (tenant_id, run_id, shard, sender, body)
             select $1, $2, $3, $4, $5
             where exists (select from run_live where tenant_id = $1 and run_id = $2) and not exists (select from there)
             returning id
           )
           select id as "id!", (select s.owner from shard s where s.shard = $3) as owner
           from (select id from there union all select id from new) as posted"#,
        tenant.0,
        run.0,
        shard,
        sender.0,
        body
    )
    .fetch_optional(pool)
    .await
    .map_err(unread)?;
    Ok(row.map(|row| Posted { id: row.id, owner: row.owner.map(ReplicaId) }))
}

/// See [`super::Letters::letters`].
pub(super) async fn letters(
    pool: &PgPool,
    shards: &[i16],
    without: &[i64],
    most: i64,
) -> Result<Vec<Letter>, StoreError> {
    let rows = sqlx::query!(
        "select id, tenant_id, run_id, sender, body from inbox
         where shard = any($1) and id <> all($2) order by id limit $3",
        shards,
        without,
        most
    )
    .fetch_all(pool)
    .await
    .map_err(unread)?;
    let letter = rows.into_iter().map(|row| Letter {
        id: row.id,
        tenant: TenantId(row.tenant_id),
        run: RunId(row.run_id),
        sender: ReplicaId(row.sender),
        body: row.body,
    });
    Ok(letter.collect())
}

/// Deletes what a batch took in, in the transaction that wrote the rest of it.
pub(super) async fn take(tx: &mut PgConnection, batch: &Batch) -> Result<(), sqlx::Error> {
    let (mut tenants, mut runs, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for write in &batch.writes {
        for id in &write.letters {
            tenants.push(write.tenant.0);
            runs.push(write.run.0);
            ids.push(*id);
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    delete(tx, &tenants, &runs, &ids).await
}

async fn delete(
    connection: &mut PgConnection,
    tenants: &[Uuid],
    runs: &[Uuid],
    ids: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from inbox i using unnest($1::uuid[], $2::uuid[], $3::bigint[]) as x(tenant_id, run_id, id)
         where i.tenant_id = x.tenant_id and i.run_id = x.run_id and i.id = x.id",
        tenants,
        runs,
        ids
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// See [`super::Letters::discard`].
pub(super) async fn discard(pool: &PgPool, replica: ReplicaId, letters: &[Letter]) -> Result<(), StoreError> {
    let tenants: Vec<Uuid> = letters.iter().map(|letter| letter.tenant.0).collect();
    let runs: Vec<Uuid> = letters.iter().map(|letter| letter.run.0).collect();
    let ids: Vec<i64> = letters.iter().map(|letter| letter.id).collect();
    sqlx::query!(
        "with fence as materialized (
           select 1 as held from replica where replica_id = $1 and not fenced for share
         )
         delete from inbox i using unnest($2::uuid[], $3::uuid[], $4::bigint[]) as x(tenant_id, run_id, id)
         where i.tenant_id = x.tenant_id and i.run_id = x.run_id and i.id = x.id and exists (select from fence)",
        replica.0,
        &tenants,
        &runs,
        &ids
    )
    .execute(pool)
    .await
    .map_err(unread)?;
    Ok(())
}
