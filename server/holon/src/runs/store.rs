//! All SQL of runs as pages read them. Only the runtime writes these tables; lists never touch payloads.

mod search;

use std::collections::BTreeMap;

use holon_model::wire::runs::{ForkOf, RunSummary};
use holon_model::{FlowId, RunId};
use holon_platform::clock::from_db;
use holon_platform::db::TenantTx;
use holon_runtime::store::{Entry, Hash, Snapshot, StoreError, Unpacked, continuous, fill, wanted, week_of};

use crate::{flows, identity::names};

pub use search::{Filter, list};

/// What history knows of a run.
#[derive(Debug, Clone)]
pub struct Found {
    /// What a list shows.
    pub summary: RunSummary,
    /// The run that it retries.
    pub retry_of: Option<RunId>,
    /// From where it was forked.
    pub fork_of: Option<ForkOf>,
    /// Its log hash, once it is over.
    pub log_hash: Option<Vec<u8>>,
}

/// Says how flows that are gone were called, and how those are who started runs.
async fn called(tx: &mut TenantTx<'_>, runs: &mut [RunSummary]) -> Result<(), sqlx::Error> {
    flows::gone::name(tx, runs, |run| (run.flow, &mut run.flow_name)).await?;
    let names = names::of(tx, runs.iter().filter_map(|run| run.started_by.as_deref())).await?;
    for run in runs {
        run.started_by_name = run.started_by.as_ref().and_then(|by| names.get(by)).cloned();
    }
    Ok(())
}

/// The labels of a run as its row has them.
fn labels(column: Option<String>) -> BTreeMap<String, String> {
    // Written by the runtime, from such a map.
    column.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// One run of the context's environment.
pub async fn find(tx: &mut TenantTx<'_>, id: RunId) -> Result<Option<Found>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    let row = sqlx::query!(
        r#"select s.flow_id, s.version, s.trigger, s.actor, s.started_at, s.retry_of, s.fork_of, s.fork_seq,
             coalesce(e.status, l.status, 'queued') as "status!", e.at as "ended_at?", e.error as "error?",
             e.log_hash as "log_hash?", f.name as "flow_name?", s.labels::text as "labels?", s.correlation,
             case when l.status in ('paused', 'queued') then l.reason end as "reason?", l.paused_by as "paused_by?"
           from run_hist s
           left join run_hist e on e.tenant_id = s.tenant_id and e.run_id = s.run_id and e.moment = 'ended'
           left join run_live l on l.tenant_id = s.tenant_id and l.run_id = s.run_id
           left join flow f on f.tenant_id = s.tenant_id and f.flow_id = s.flow_id
           where s.tenant_id = $1 and s.run_id = $2 and s.environment_id = $3 and s.moment = 'started'"#,
        tenant,
        id.0,
        environment,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut found = Found {
        summary: RunSummary {
            id,
            flow: FlowId(row.flow_id),
            flow_name: row.flow_name.unwrap_or_default(),
            version: row.version,
            status: row.status,
            trigger: row.trigger,
            // The catalogue knows it: `starters`.
            trigger_title: String::new(),
            started_by: Some(row.actor),
            started_by_name: None,
            started_at: from_db(row.started_at),
            finished_at: row.ended_at.map(from_db),
            error: row.error,
            labels: labels(row.labels),
            correlation: row.correlation,
            reason: row.reason,
            paused_by: row.paused_by,
        },
        retry_of: row.retry_of.map(RunId),
        fork_of: row.fork_of.zip(row.fork_seq).map(|(run, seq)| ForkOf { run: RunId(run), seq }),
        log_hash: row.log_hash,
    };
    called(tx, std::slice::from_mut(&mut found.summary)).await?;
    Ok(Some(found))
}

/// Why a journal was not read: the database, or what lies in it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A row does not read, or one is missing.
    #[error(transparent)]
    Stored(#[from] StoreError),
}

/// The inputs of a run from number `from` on, in order.
pub async fn journal(tx: &mut TenantTx<'_>, id: RunId, from: i64) -> Result<Vec<Entry>, JournalError> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        "select seq, body from journal where tenant_id = $1 and run_id = $2 and seq + n > $3 order by seq",
        tenant,
        id.0,
        from
    )
    .fetch_all(tx.conn())
    .await?;
    let rows = continuous(rows.iter().map(|row| (row.seq, row.body.as_slice())), from)?;
    filled(tx, id, rows).await
}

/// The state of a live run after the inputs before a number, if one is kept.
pub async fn snapshot(tx: &mut TenantTx<'_>, id: RunId) -> Result<Option<Snapshot>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let row = sqlx::query!("select snap_seq, snap from run_live where tenant_id = $1 and run_id = $2", tenant, id.0)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.and_then(|row| Some(Snapshot { seq: row.snap_seq?, bytes: row.snap? })))
}

/// What a run that waits for its place is to begin with, as the engine encodes it.
pub async fn kept_start(tx: &mut TenantTx<'_>, id: RunId) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let tenant = tx.tenant().0;
    sqlx::query_scalar!("select input from kept_input where tenant_id = $1 and run_id = $2 and n = 0", tenant, id.0)
        .fetch_optional(tx.conn())
        .await
}

/// Inputs of a run from number `from` on: at most `limit` of them and as many as fit in `bytes`, at least one. Says
/// whether there are more. Only the rows that hold them are read, and only the payloads that they refer to.
pub async fn journal_page(
    tx: &mut TenantTx<'_>,
    id: RunId,
    from: i64,
    limit: usize,
    mut bytes: u64,
) -> Result<(Vec<Entry>, bool), JournalError> {
    let tenant = tx.tenant().0;
    let end = from.saturating_add(limit as i64);
    // The row that holds `from` begins at it or before it.
    let rows = sqlx::query!(
        r#"select seq, body from journal where tenant_id = $1 and run_id = $2 and seq <= $4 and seq >=
             (select b.seq from journal b where b.tenant_id = $1 and b.run_id = $2 and b.seq <= $3 order by b.seq desc limit 1)
           order by seq"#,
        tenant,
        id.0,
        from,
        end,
    )
    .fetch_all(tx.conn())
    .await?;
    // A row that begins behind the page says that there is more, and nothing else is read of it.
    let mut more = rows.last().is_some_and(|row| row.seq >= end);
    let rows = rows.iter().filter(|row| row.seq < end).map(|row| (row.seq, row.body.as_slice()));
    let mut page = Vec::new();
    let mut count = 0;
    for mut row in continuous(rows, from)? {
        let all = row.len();
        row.truncate(limit - count);
        row.keep_within(&mut bytes, count == 0);
        count += row.len();
        let cut = row.len() < all;
        page.push(row);
        if cut {
            more = true;
            break;
        }
    }
    Ok((filled(tx, id, page).await?, more))
}

/// Puts the payloads into their places.
async fn filled(tx: &mut TenantTx<'_>, id: RunId, rows: Vec<Unpacked>) -> Result<Vec<Entry>, JournalError> {
    let wanted = wanted(&rows);
    let mut found = BTreeMap::new();
    if !wanted.is_empty() {
        let tenant = tx.tenant().0;
        let hashes: Vec<Vec<u8>> = wanted.iter().map(|hash| hash.to_vec()).collect();
        let rows = sqlx::query!(
            "select hash, bytes from blob where tenant_id = $1 and week = $2 and hash = any($3)",
            tenant,
            week_of(id),
            &hashes,
        )
        .fetch_all(tx.conn())
        .await?;
        for row in rows {
            let hash =
                Hash::try_from(row.hash).map_err(|_| StoreError::Inconsistent("a hash of another length".into()))?;
            found.insert(hash, row.bytes);
        }
    }
    Ok(fill(rows, &found)?)
}

/// The final state of a run that is over; nothing when it is not, or none was kept.
pub async fn final_state(tx: &mut TenantTx<'_>, id: RunId) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let state = sqlx::query_scalar!(
        "select final from run_hist where tenant_id = $1 and run_id = $2 and moment = 'ended'",
        tenant,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(state.flatten().filter(|state| !state.is_empty()))
}

/// Live runs of the environment that are about this, the newest first.
pub async fn live_about(tx: &mut TenantTx<'_>, correlation: &str, limit: i64) -> Result<Vec<RunId>, sqlx::Error> {
    if correlation.contains('\0') {
        // No column holds that, and no statement takes it.
        return Ok(Vec::new());
    }
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    let found = sqlx::query_scalar!(
        "select run_id from run_live where tenant_id = $1 and environment_id = $2 and correlation = $3
         order by run_id desc limit $4",
        tenant,
        environment,
        correlation,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(found.into_iter().map(RunId).collect())
}

/// Name of the environment of the transaction's context.
pub async fn environment_name(tx: &mut TenantTx<'_>) -> Result<String, sqlx::Error> {
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    sqlx::query_scalar!(
        "select name from environment where tenant_id = $1 and environment_id = $2",
        tenant,
        environment
    )
    .fetch_one(tx.conn())
    .await
}

/// Status of the newest run of each of these flows.
pub async fn last_statuses(tx: &mut TenantTx<'_>, flows: &[FlowId]) -> Result<BTreeMap<FlowId, String>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    let ids: Vec<_> = flows.iter().map(|flow| flow.0).collect();
    let rows = sqlx::query!(
        r#"select w.flow_id as "flow_id!", coalesce(e.status, l.status, 'queued') as "status!"
           from unnest($3::uuid[]) as w(flow_id)
           cross join lateral (select run_id from run_hist s where s.tenant_id = $1 and s.flow_id = w.flow_id
             and s.environment_id = $2 and s.moment = 'started' order by s.run_id desc limit 1) newest
           left join run_hist e on e.tenant_id = $1 and e.run_id = newest.run_id and e.moment = 'ended'
           left join run_live l on l.tenant_id = $1 and l.run_id = newest.run_id"#,
        tenant,
        environment,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (FlowId(row.flow_id), row.status)).collect())
}
