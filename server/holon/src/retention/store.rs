//! All SQL of how long history is kept. What the sweep asks, it asks as the engine: the tenant stands in every statement that
//! deletes.

use holon_model::wire::retention::COUNTED;
use holon_model::{RunId, TenantId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::TenantTx;
use sqlx::PgPool;
use time::Date;
use uuid::Uuid;

/// What the workspace chose.
pub async fn chosen(tx: &mut TenantTx<'_>) -> Result<Option<u32>, sqlx::Error> {
    let days = sqlx::query_scalar!("select days from retention where tenant_id = $1", tx.tenant().0)
        .fetch_optional(tx.conn())
        .await?;
    Ok(days.map(i32::unsigned_abs))
}

/// Chooses so many days, or nothing.
pub async fn choose(tx: &mut TenantTx<'_>, days: Option<u32>, by: &str, now: Timestamp) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().0;
    match days {
        None => {
            sqlx::query!("delete from retention where tenant_id = $1", tenant).execute(tx.conn()).await?;
        }
        Some(days) => {
            sqlx::query!(
                "insert into retention (tenant_id, days, changed_at, changed_by) values ($1, $2, $3, $4) \
                 on conflict (tenant_id) do update set days = $2, changed_at = $3, changed_by = $4",
                tenant,
                i32::try_from(days).unwrap_or(i32::MAX),
                to_db(now),
                by,
            )
            .execute(tx.conn())
            .await?;
        }
    }
    Ok(())
}

/// Runs of the workspace that ended before then, or at all, counted up to a bound.
pub async fn ended_before(tx: &mut TenantTx<'_>, before: Option<Timestamp>) -> Result<u64, sqlx::Error> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
             select from run_hist where tenant_id = $1 and moment = 'ended' and ($2::timestamptz is null or at < $2)
             limit $3) counted"#,
        tx.tenant().0,
        before.map(to_db),
        i64::try_from(COUNTED).unwrap_or(i64::MAX),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count.unsigned_abs())
}

/// When the oldest run that is over was started.
pub async fn oldest(tx: &mut TenantTx<'_>) -> Result<Option<Timestamp>, sqlx::Error> {
    let at = sqlx::query_scalar!(
        "select started_at from run_hist where tenant_id = $1 and moment = 'ended' order by run_id limit 1",
        tx.tenant().0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(at.map(from_db))
}

/// Every tenant with what it chose.
pub async fn tenants(engine: &PgPool) -> Result<Vec<(TenantId, Option<u32>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select t.tenant_id, r.days as "days?" from tenant t left join retention r on r.tenant_id = t.tenant_id
           order by t.tenant_id"#
    )
    .fetch_all(engine)
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), row.days.map(i32::unsigned_abs))).collect())
}

/// The weeks that have partitions of their own, the oldest first: their Mondays.
pub async fn weeks(engine: &PgPool) -> Result<Vec<Date>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select to_date(substring(c.relname from '[0-9]{4}w[0-9]{2}$'), 'IYYY"w"IW') as "monday!"
           from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = 'public.run_hist'::regclass and c.relname ~ '^run_hist_[0-9]{4}w[0-9]{2}$' order by 1"#
    )
    .fetch_all(engine)
    .await
}

/// Whether anybody keeps anything of the runs whose ids lie between: a run that is not over or still owes somebody its end, or one
/// that ended after its tenant's horizon.
pub async fn is_kept(
    engine: &PgPool,
    (from, to): (Uuid, Uuid),
    horizons: &[(TenantId, Timestamp)],
) -> Result<bool, sqlx::Error> {
    let (tenants, until): (Vec<Uuid>, Vec<_>) = horizons.iter().map(|(tenant, at)| (tenant.0, to_db(*at))).unzip();
    sqlx::query_scalar!(
        r#"select exists (select from run_live where run_id >= $1 and run_id < $2)
             or exists (
               select from run_hist h
               left join unnest($3::uuid[], $4::timestamptz[]) as k (tenant, until) on k.tenant = h.tenant_id
               where h.run_id >= $1 and h.run_id < $2 and h.moment = 'ended' and (k.until is null or h.at >= k.until))
             or exists (
               select from run_hist s where s.run_id >= $1 and s.run_id < $2 and s.moment = 'started'
                 and not exists (select from run_hist e where e.tenant_id = s.tenant_id and e.run_id = s.run_id
                   and e.moment = 'ended')) as "kept!""#,
        from,
        to,
        &tenants,
        &until,
    )
    .fetch_one(engine)
    .await
}

/// Takes a week's partitions off their tables, and answers how many.
pub async fn detach(engine: &PgPool, week: Date, now: Timestamp) -> Result<u64, sqlx::Error> {
    let taken = sqlx::query_scalar!(r#"select holon_detach_history($1, $2) as "taken!""#, week, to_db(now))
        .fetch_one(engine)
        .await?;
    Ok(u64::from(taken.unsigned_abs()))
}

/// Drops what was detached.
pub async fn drop_detached(engine: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("select holon_drop_detached()").fetch_one(engine).await?;
    Ok(())
}

/// Runs of a tenant behind `after` and below `below` that ended before `until` and owe nobody anything, in the order of their ids.
pub async fn over(
    engine: &PgPool,
    tenant: TenantId,
    (after, below): (Uuid, Uuid),
    until: Timestamp,
    limit: i64,
) -> Result<Vec<RunId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "select h.run_id from run_hist h where h.tenant_id = $1 and h.moment = 'ended' and h.run_id > $2 and h.run_id < $3 \
           and h.at < $4 and not exists (select from run_live l where l.tenant_id = $1 and l.run_id = h.run_id) \
         order by h.run_id limit $5",
        tenant.0,
        after,
        below,
        to_db(until),
        limit,
    )
    .fetch_all(engine)
    .await?;
    Ok(ids.into_iter().map(RunId).collect())
}

/// Deletes these runs, which are ordered, with what belongs to each, in one transaction; how many were there.
pub async fn forget(engine: &PgPool, tenant: TenantId, runs: &[RunId]) -> Result<u64, sqlx::Error> {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return Ok(0) };
    let ids: Vec<Uuid> = runs.iter().map(|run| run.0).collect();
    let (tenant, first, last) = (tenant.0, first.0, last.0);
    let mut tx = engine.begin().await?;
    // The bounds say the same as the ids, and say which partitions are looked at.
    sqlx::query!(
        "delete from run_label where tenant_id = $1 and run_id = any($2) and run_id between $3 and $4",
        tenant,
        &ids,
        first,
        last
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("delete from link where tenant_id = $1 and run_id = any($2)", tenant, &ids).execute(&mut *tx).await?;
    sqlx::query!("delete from task where tenant_id = $1 and run_id = any($2)", tenant, &ids).execute(&mut *tx).await?;
    sqlx::query!("delete from wait where tenant_id = $1 and run_id = any($2)", tenant, &ids).execute(&mut *tx).await?;
    sqlx::query!("delete from inbox where tenant_id = $1 and run_id = any($2)", tenant, &ids).execute(&mut *tx).await?;
    sqlx::query!("delete from kept_input where tenant_id = $1 and run_id = any($2)", tenant, &ids)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "delete from journal where tenant_id = $1 and run_id = any($2) and run_id between $3 and $4",
        tenant,
        &ids,
        first,
        last
    )
    .execute(&mut *tx)
    .await?;
    let gone = sqlx::query!(
        "delete from run_hist where tenant_id = $1 and run_id = any($2) and run_id between $3 and $4",
        tenant,
        &ids,
        first,
        last
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    // Two rows a run.
    Ok(gone.rows_affected() / 2)
}

/// What is left beside the journals of a week that was dropped: tasks and links of its runs, some at a time; how many.
pub async fn forget_left(engine: &PgPool, (from, to): (Uuid, Uuid)) -> Result<u64, sqlx::Error> {
    let tasks = sqlx::query!(
        "delete from task where ctid = any(array(select ctid from task where run_id >= $1 and run_id < $2 limit 1000))",
        from,
        to,
    )
    .execute(engine)
    .await?;
    let links = sqlx::query!(
        "delete from link where ctid = any(array(select ctid from link where run_id >= $1 and run_id < $2 limit 1000))",
        from,
        to,
    )
    .execute(engine)
    .await?;
    Ok(tasks.rows_affected() + links.rows_affected())
}

/// Weeks before this one of which a tenant has payloads.
pub async fn weeks_of_payloads(engine: &PgPool, tenant: TenantId, before: Date) -> Result<Vec<Date>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select distinct week as "week!" from blob where tenant_id = $1 and week < $2 order by 1"#,
        tenant.0,
        before,
    )
    .fetch_all(engine)
    .await
}

/// Whether a tenant has any run whose id lies between.
pub async fn has_runs(engine: &PgPool, tenant: TenantId, (from, to): (Uuid, Uuid)) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from run_hist where tenant_id = $1 and run_id >= $2 and run_id < $3)
             or exists (select from run_live where tenant_id = $1 and run_id >= $2 and run_id < $3) as "has!""#,
        tenant.0,
        from,
        to,
    )
    .fetch_one(engine)
    .await
}

/// Deletes payloads of a tenant's week, some at a time; how many.
pub async fn forget_payloads(engine: &PgPool, tenant: TenantId, week: Date) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "delete from blob where tenant_id = $1 and week = $2 and hash = any(array( \
           select hash from blob where tenant_id = $1 and week = $2 limit 200))",
        tenant.0,
        week,
    )
    .execute(engine)
    .await?;
    Ok(gone.rows_affected())
}
