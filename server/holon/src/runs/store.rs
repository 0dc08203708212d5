//! All SQL of runs as pages read them. Only the runtime writes these tables; lists never touch payloads.

use std::collections::{BTreeMap, BTreeSet};

use holon_model::wire::runs::{RunSummary, is_over};
use holon_model::{FlowId, RunId};
use holon_platform::clock::from_db;
use holon_platform::db::TenantTx;
use holon_runtime::store::{Entry, Hash, StoreError, Unpacked, continuous, week_of};
use time::OffsetDateTime;
use uuid::Uuid;

/// Which runs.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// In this status.
    pub status: Option<String>,
    /// Older than this one.
    pub before: Option<RunId>,
}

/// What history knows of a run.
#[derive(Debug, Clone)]
pub struct Found {
    /// What a list shows.
    pub summary: RunSummary,
    /// The run that it retries.
    pub retry_of: Option<RunId>,
    /// Its log hash, once it is over.
    pub log_hash: Option<Vec<u8>>,
}

/// A line of a list as its row has it.
struct Line {
    run_id: Uuid,
    flow_id: Uuid,
    version: i32,
    trigger: String,
    started_at: OffsetDateTime,
    status: String,
    ended_at: Option<OffsetDateTime>,
    error: Option<String>,
    flow_name: Option<String>,
}

impl From<Line> for RunSummary {
    fn from(line: Line) -> Self {
        Self {
            id: RunId(line.run_id),
            flow: FlowId(line.flow_id),
            flow_name: line.flow_name.unwrap_or_else(|| "Deleted flow".into()),
            version: line.version,
            status: line.status,
            trigger: line.trigger,
            started_at: from_db(line.started_at),
            finished_at: line.ended_at.map(from_db),
            error: line.error,
            labels: BTreeMap::new(),
            correlation: None,
            reason: None,
            paused_by: None,
        }
    }
}

/// A page of runs, newest first.
///
/// A run stands in `run_hist` from its start on; whether it is over says its second row, and until then `run_live`. A list of one
/// status begins where that status stands, so that it need not walk the whole history.
pub async fn list(tx: &mut TenantTx<'_>, filter: &Filter, limit: i64) -> Result<Vec<RunSummary>, sqlx::Error> {
    let lines = match &filter.status {
        None => of_any_status(tx, filter, limit).await?,
        Some(status) if is_over(status) => that_ended(tx, filter, status, limit).await?,
        Some(status) => that_live(tx, filter, status, limit).await?,
    };
    Ok(lines.into_iter().map(RunSummary::from).collect())
}

async fn of_any_status(tx: &mut TenantTx<'_>, filter: &Filter, limit: i64) -> Result<Vec<Line>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    sqlx::query_as!(
        Line,
        r#"select s.run_id, s.flow_id, s.version, s.trigger, s.started_at,
             coalesce(e.status, l.status, 'queued') as "status!", e.at as "ended_at?", e.error as "error?",
             f.name as "flow_name?"
           from run_hist s
           left join run_hist e on e.tenant_id = s.tenant_id and e.run_id = s.run_id and e.moment = 'ended'
           left join run_live l on l.tenant_id = s.tenant_id and l.run_id = s.run_id
           left join flow f on f.tenant_id = s.tenant_id and f.flow_id = s.flow_id
           where s.tenant_id = $1 and s.environment_id = $2 and s.moment = 'started'
             and ($3::uuid is null or s.flow_id = $3) and ($4::uuid is null or s.run_id < $4)
           order by s.run_id desc limit $5"#,
        tenant,
        environment,
        filter.flow.map(|flow| flow.0),
        filter.before.map(|run| run.0),
        limit,
    )
    .fetch_all(tx.conn())
    .await
}

async fn that_ended(
    tx: &mut TenantTx<'_>,
    filter: &Filter,
    status: &str,
    limit: i64,
) -> Result<Vec<Line>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    sqlx::query_as!(
        Line,
        r#"select e.run_id, e.flow_id, e.version, e.trigger, e.started_at, e.status, e.at as "ended_at?", e.error,
             f.name as "flow_name?"
           from run_hist e left join flow f on f.tenant_id = e.tenant_id and f.flow_id = e.flow_id
           where e.tenant_id = $1 and e.environment_id = $2 and e.moment = 'ended' and e.status = $3
             and ($4::uuid is null or e.flow_id = $4) and ($5::uuid is null or e.run_id < $5)
           order by e.run_id desc limit $6"#,
        tenant,
        environment,
        status,
        filter.flow.map(|flow| flow.0),
        filter.before.map(|run| run.0),
        limit,
    )
    .fetch_all(tx.conn())
    .await
}

async fn that_live(tx: &mut TenantTx<'_>, filter: &Filter, status: &str, limit: i64) -> Result<Vec<Line>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    sqlx::query_as!(
        Line,
        r#"select s.run_id, s.flow_id, s.version, s.trigger, s.started_at, l.status,
             null::timestamptz as "ended_at?", null::text as "error?", f.name as "flow_name?"
           from run_live l
           join run_hist s on s.tenant_id = l.tenant_id and s.run_id = l.run_id and s.moment = 'started'
           left join flow f on f.tenant_id = l.tenant_id and f.flow_id = l.flow_id
           where l.tenant_id = $1 and l.environment_id = $2 and l.status = $3
             and ($4::uuid is null or l.flow_id = $4) and ($5::uuid is null or l.run_id < $5)
           order by l.run_id desc limit $6"#,
        tenant,
        environment,
        status,
        filter.flow.map(|flow| flow.0),
        filter.before.map(|run| run.0),
        limit,
    )
    .fetch_all(tx.conn())
    .await
}

/// One run of the context's environment.
pub async fn find(tx: &mut TenantTx<'_>, id: RunId) -> Result<Option<Found>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    let row = sqlx::query!(
        r#"select s.flow_id, s.version, s.trigger, s.started_at, s.retry_of,
             coalesce(e.status, l.status, 'queued') as "status!", e.at as "ended_at?", e.error as "error?",
             e.log_hash as "log_hash?", f.name as "flow_name?"
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
    Ok(row.map(|row| Found {
        summary: RunSummary {
            id,
            flow: FlowId(row.flow_id),
            flow_name: row.flow_name.unwrap_or_else(|| "Deleted flow".into()),
            version: row.version,
            status: row.status,
            trigger: row.trigger,
            started_at: from_db(row.started_at),
            finished_at: row.ended_at.map(from_db),
            error: row.error,
            labels: BTreeMap::new(),
            correlation: None,
            reason: None,
            paused_by: None,
        },
        retry_of: row.retry_of.map(RunId),
        log_hash: row.log_hash,
    }))
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

/// The whole journal of a run, in order.
pub async fn journal(tx: &mut TenantTx<'_>, id: RunId) -> Result<Vec<Entry>, JournalError> {
    let tenant = tx.tenant().0;
    let rows =
        sqlx::query!("select seq, body from journal where tenant_id = $1 and run_id = $2 order by seq", tenant, id.0)
            .fetch_all(tx.conn())
            .await?;
    let rows = continuous(rows.iter().map(|row| (row.seq, row.body.as_slice())), 0)?;
    filled(tx, id, rows).await
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
    let wanted: BTreeSet<Hash> = rows.iter().flat_map(Unpacked::wanted).collect();
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
    let mut entries = Vec::new();
    for row in rows {
        entries.extend(row.fill(&found)?);
    }
    Ok(entries)
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
