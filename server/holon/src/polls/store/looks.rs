//! What a look writes down. Each statement names the look: one that was overtaken changes nothing.

use std::collections::BTreeMap;

use holon_model::{Millis, RunId, Timestamp};
use holon_platform::clock::to_db;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Came, Key, Known, Row, Settled};
use crate::polls::ask::Failed;

/// Items of a poll that are remembered: those that the endpoint listed last.
const MOST_SEEN: i64 = 10_000;
/// How long one is remembered after the endpoint listed it last.
const KEPT: Millis = Millis(30 * 24 * 3_600_000);
/// How exactly it is known when it listed one: what is listed in each look is not written in each.
const TOUCHED: Millis = Millis(3_600_000);

/// Locks the poll; false when this look does not count any more.
pub async fn lock(engine: &mut PgConnection, row: &Row) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select look from poll where tenant_id = $1 and poll_id = $2 and look = $3 for update",
        row.tenant.0,
        row.id.0,
        row.look,
    )
    .fetch_optional(engine)
    .await?;
    Ok(found.is_some())
}

/// Those of some items that were seen.
pub async fn known(engine: &mut PgConnection, row: &Row, keys: &[Key]) -> Result<BTreeMap<Key, Known>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select s.key, case when s.state = 'starting' then s.run_id end as run_id,
             s.state = 'starting' and exists (select from run_hist h where h.tenant_id = s.tenant_id
               and h.run_id = s.run_id and h.moment = 'started') as "begun!"
           from poll_seen s where s.tenant_id = $1 and s.poll_id = $2 and s.key = any($3)"#,
        row.tenant.0,
        row.id.0,
        &bytes(keys),
    )
    .fetch_all(engine)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        let key = Key::try_from(row.key.as_slice()).ok()?;
        Some((key, Known { starting: row.run_id.map(|run| (RunId(run), row.begun)) }))
    });
    Ok(known.collect())
}

fn bytes(keys: &[Key]) -> Vec<Vec<u8>> {
    keys.iter().map(|key| key.to_vec()).collect()
}

/// Notes that items were listed again, where that is not known well enough.
pub async fn touch(engine: &mut PgConnection, row: &Row, keys: &[Key], now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update poll_seen set listed_at = $4 where tenant_id = $1 and poll_id = $2 and key = any($3) and listed_at < $5",
        row.tenant.0,
        row.id.0,
        &bytes(keys),
        to_db(now),
        to_db(now.minus(TOUCHED)),
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Notes items that start nothing.
pub async fn note(engine: &mut PgConnection, row: &Row, keys: &[Key], now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into poll_seen (tenant_id, poll_id, key, state, seen_at, listed_at) \
         select $1, $2, s.key, 'noted', $4, $4 from unnest($3::bytea[]) s (key) on conflict do nothing",
        row.tenant.0,
        row.id.0,
        &bytes(keys),
        to_db(now),
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Writes down which items are to start which runs.
pub async fn to_start(
    engine: &mut PgConnection,
    row: &Row,
    starts: &[(Key, RunId)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (keys, runs): (Vec<Vec<u8>>, Vec<Uuid>) = starts.iter().map(|(key, run)| (key.to_vec(), run.0)).unzip();
    sqlx::query!(
        "insert into poll_seen (tenant_id, poll_id, key, state, run_id, seen_at, listed_at) \
         select $1, $2, s.key, 'starting', s.run, $5, $5 from unnest($3::bytea[], $4::uuid[]) s (key, run) \
         on conflict do nothing",
        row.tenant.0,
        row.id.0,
        &keys,
        &runs,
        to_db(now),
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Writes down what came of them.
pub async fn came(engine: &mut PgConnection, row: &Row, came: &[Came]) -> Result<(), sqlx::Error> {
    let (asked, runs): (Vec<Uuid>, Vec<Uuid>) = came.iter().map(|one| (one.asked.0, one.run.0)).unzip();
    let reasons: Vec<String> = came.iter().map(|one| one.refused.clone().unwrap_or_default()).collect();
    sqlx::query!(
        "update poll_seen s set state = case when c.reason = '' then 'started' else 'refused' end, run_id = c.run, \
           reason = nullif(c.reason, '') \
         from unnest($3::uuid[], $4::uuid[], $5::text[]) c (asked, run, reason) \
         where s.tenant_id = $1 and s.poll_id = $2 and s.run_id = c.asked and s.state = 'starting'",
        row.tenant.0,
        row.id.0,
        &asked,
        &runs,
        &reasons,
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Forgets what the endpoint has not listed for long, and what is more than is remembered; never what it lists now.
pub async fn evict(engine: &mut PgConnection, row: &Row, listed: &[Key], now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from poll_seen where tenant_id = $1 and poll_id = $2 and (listed_at < $4 or listed_at < (\
           select s.listed_at from poll_seen s where s.tenant_id = $1 and s.poll_id = $2 \
           order by s.listed_at desc offset $5 limit 1)) and not (key = any($3))",
        row.tenant.0,
        row.id.0,
        &bytes(listed),
        to_db(now.minus(KEPT)),
        MOST_SEEN,
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// A look that found something is over.
pub async fn settle(engine: &mut PgConnection, row: &Row, at: Timestamp, settled: &Settled) -> Result<(), sqlx::Error> {
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    sqlx::query!(
        "update poll set looking_until = null, looked = true, looked_at = $4, next_look_at = $5, outcome = 'found', \
           listed = $6, started = $7, refused = $8, waiting = $9, complete = $10, cursor = coalesce($11, cursor), \
           reason = $12, code = null, pointer = null, failures = 0, failing_since = null \
         where tenant_id = $1 and poll_id = $2 and look = $3",
        row.tenant.0,
        row.id.0,
        row.look,
        to_db(at),
        to_db(settled.next),
        count(settled.listed),
        count(settled.started),
        count(settled.refused),
        count(settled.waiting),
        settled.complete,
        settled.cursor.as_ref().map(holon_model::Value::to_json),
        settled.reason,
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// A look asked for nothing: the flow is paused.
pub async fn hold(engine: &PgPool, row: &Row, at: Timestamp, next: Timestamp, why: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update poll set looking_until = null, looked_at = $4, next_look_at = $5, outcome = 'held', listed = 0, \
           started = 0, refused = 0, waiting = 0, complete = true, reason = $6, code = null, pointer = null \
         where tenant_id = $1 and poll_id = $2 and look = $3",
        row.tenant.0,
        row.id.0,
        row.look,
        to_db(at),
        to_db(next),
        why,
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// A look failed: the cursor and what was seen stay.
pub async fn fail(
    engine: &PgPool,
    row: &Row,
    at: Timestamp,
    next: Timestamp,
    failed: &Failed,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update poll set looking_until = null, looked_at = $4, next_look_at = $5, outcome = 'failed', listed = 0, \
           started = 0, refused = 0, waiting = 0, complete = true, code = $6, reason = $7, pointer = $8, \
           failures = failures + 1, failing_since = coalesce(failing_since, $4) \
         where tenant_id = $1 and poll_id = $2 and look = $3",
        row.tenant.0,
        row.id.0,
        row.look,
        to_db(at),
        to_db(next),
        failed.code,
        failed.message,
        failed.pointer,
    )
    .execute(engine)
    .await?;
    Ok(())
}
