//! Live runs in Postgres as they are taken up: those that are awake by row, those that sleep by little more than their ids, and many
//! of these at once when they are wanted.

use std::collections::BTreeMap;

use async_trait::async_trait;
use holon_model::{EnvironmentId, FlowId, ReplicaId, RunId, TenantId, Timestamp};
use holon_platform::clock::from_db;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::pg::{ANSWER_WITHIN, PgStore, hash, marks, snapshot, unread};
use super::place_rows::{self, PlaceRow};
use super::{Found, LiveRow, LiveStatus, NEVER, RunFacts, Sleeper, Sleepers, Snapshot, StoreError, continuous, filled};

/// A live run as the statements give it.
struct Columns {
    tenant_id: Uuid,
    run_id: Uuid,
    environment_id: Uuid,
    flow_id: Uuid,
    version: i32,
    status: String,
    reason: Option<String>,
    paused_by: Option<String>,
    wakes_at: Option<OffsetDateTime>,
    definition_hash: Vec<u8>,
    trigger: String,
    actor: String,
    started_at: OffsetDateTime,
    retry_of: Option<Uuid>,
    labels: Option<String>,
    correlation: Option<String>,
    fork_of: Option<Uuid>,
    fork_seq: Option<i64>,
    terminated: Option<String>,
    snap_seq: Option<i64>,
    snap: Option<Vec<u8>>,
}

impl Columns {
    fn read(self) -> Result<(LiveRow, Option<Snapshot>), StoreError> {
        let row = LiveRow {
            tenant: TenantId(self.tenant_id),
            run: RunId(self.run_id),
            facts: RunFacts {
                environment: EnvironmentId(self.environment_id),
                flow: FlowId(self.flow_id),
                version: self.version,
                definition_hash: hash(&self.definition_hash)?,
                trigger: self.trigger,
                actor: self.actor,
                started_at: from_db(self.started_at),
                retry_of: self.retry_of.map(RunId),
                marks: marks(self.labels, self.correlation, self.fork_of, self.fork_seq)?,
            },
            status: LiveStatus::parse(&self.status)
                .ok_or_else(|| StoreError::Inconsistent(format!("unknown status `{}`", self.status)))?,
            reason: self.reason,
            paused_by: self.paused_by,
            terminated: self.terminated,
            wakes: self.wakes_at.map(from_db),
        };
        Ok((row, snapshot(self.snap_seq, self.snap)))
    }
}

// `between` one value and the same: so that history is found by its key. With `=` its partial indexes fit as well, and where nothing is
// known of the tables yet, the planner may take one in whose middle a column is missing, and go through all runs of a tenant for each.

/// The live runs of these shards; `sleepers`: also those that sleep.
pub(super) async fn live(pool: &PgPool, shards: &[i16], sleepers: bool) -> Result<Vec<LiveRow>, StoreError> {
    let rows = sqlx::query_as!(
        Columns,
        r#"select l.tenant_id, l.run_id, l.environment_id, l.flow_id, l.version, l.status, l.reason, l.paused_by, l.wakes_at,
                  h.definition_hash as "definition_hash!", h.trigger as "trigger!", h.actor as "actor!", h.started_at as "started_at!",
                  h.retry_of, h.labels::text as labels, h.correlation, h.fork_of, h.fork_seq, e.error as "terminated?",
                  null::bigint as snap_seq, null::bytea as snap
           from run_live l
           join run_hist h on h.tenant_id = l.tenant_id and h.run_id = l.run_id and h.moment between 'started' and 'started'
           left join run_hist e on e.tenant_id = l.tenant_id and e.run_id = l.run_id and e.moment between 'ended' and 'ended'
             and (e.status = 'terminated' or (e.status = 'cancelled' and l.status = 'queued'))
           where l.shard = any($1) and ($2 or (l.wakes_at is null and not (l.status = 'queued' and exists (
             select from run_place p where p.tenant_id = l.tenant_id and p.run_id = l.run_id and p.state = 'waiting'))))
           order by l.tenant_id, l.run_id"#,
        shards,
        sleepers
    )
    .fetch_all(pool)
    .await
    .map_err(unread)?;
    rows.into_iter().map(|row| row.read().map(|(row, _)| row)).collect()
}

/// A connection of its own for runs that are wanted: they are many, and their time has come. Its statements take arrays whose length
/// says nothing to the planner.
pub(super) struct Reader {
    options: PgConnectOptions,
    connection: Mutex<Option<PgConnection>>,
}

impl Reader {
    pub fn new(options: PgConnectOptions) -> Self {
        Self { options, connection: Mutex::default() }
    }

    /// What these runs are taken up from, but for payloads that stand beside the journal.
    async fn read(&self, runs: &[(TenantId, RunId)]) -> Result<(Vec<Columns>, Vec<JournalRow>, Standing), StoreError> {
        let late = |_| StoreError::Unavailable("no answer about runs that are to wake".into());
        let mut line = self.connection.lock().await;
        let asking = async {
            let mut connection = match line.take() {
                Some(connection) => connection,
                None => PgConnection::connect_with(&self.options).await?,
            };
            let rows = rows(&mut connection, runs).await?;
            let (queued, begun): (Vec<&Columns>, Vec<&Columns>) =
                rows.iter().partition(|row| row.status == LiveStatus::Queued.as_str());
            let journal = if begun.is_empty() { Vec::new() } else { journal(&mut connection, &begun).await? };
            let standing = if queued.is_empty() { Standing::new() } else { standing(&mut connection, &queued).await? };
            Ok::<_, sqlx::Error>((connection, rows, journal, standing))
        };
        // Whatever goes wrong, the connection is dropped: it may be in the middle of something.
        let (connection, rows, journal, standing) =
            tokio::time::timeout(ANSWER_WITHIN, asking).await.map_err(late)?.map_err(unread)?;
        *line = Some(connection);
        Ok((rows, journal, standing))
    }
}

async fn rows(connection: &mut PgConnection, runs: &[(TenantId, RunId)]) -> Result<Vec<Columns>, sqlx::Error> {
    let (tenants, runs): (Vec<Uuid>, Vec<Uuid>) = runs.iter().map(|(tenant, run)| (tenant.0, run.0)).unzip();
    sqlx::query_as!(
        Columns,
        r#"select l.tenant_id, l.run_id, l.environment_id, l.flow_id, l.version, l.status, l.reason, l.paused_by, l.wakes_at,
                  h.definition_hash as "definition_hash!", h.trigger as "trigger!", h.actor as "actor!", h.started_at as "started_at!",
                  h.retry_of, h.labels::text as labels, h.correlation, h.fork_of, h.fork_seq, e.error as "terminated?",
                  l.snap_seq, l.snap
           from unnest($1::uuid[], $2::uuid[]) as x(tenant_id, run_id)
           join run_live l on l.tenant_id = x.tenant_id and l.run_id = x.run_id
           join run_hist h on h.tenant_id = x.tenant_id and h.run_id = x.run_id and h.moment between 'started' and 'started'
           left join run_hist e on e.tenant_id = x.tenant_id and e.run_id = x.run_id and e.moment between 'ended' and 'ended'
             and (e.status = 'terminated' or (e.status = 'cancelled' and l.status = 'queued'))"#,
        &tenants,
        &runs
    )
    .fetch_all(connection)
    .await
}

/// A row of the journal.
struct JournalRow {
    tenant_id: Uuid,
    run_id: Uuid,
    seq: i64,
    body: Vec<u8>,
}

/// The journals of these runs from what is kept of their state on.
async fn journal(connection: &mut PgConnection, rows: &[&Columns]) -> Result<Vec<JournalRow>, sqlx::Error> {
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.tenant_id).collect();
    let runs: Vec<Uuid> = rows.iter().map(|row| row.run_id).collect();
    let from: Vec<i64> = rows.iter().map(|row| row.snap_seq.unwrap_or(0)).collect();
    sqlx::query_as!(
        JournalRow,
        r#"select j.tenant_id, j.run_id, j.seq, j.body
           from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as x(tenant_id, run_id, first)
           join journal j on j.tenant_id = x.tenant_id and j.run_id = x.run_id and j.seq + j.n > x.first
           order by j.tenant_id, j.run_id, j.seq"#,
        &tenants,
        &runs,
        &from
    )
    .fetch_all(connection)
    .await
}

/// Where runs stand that have not begun, and what they were started with.
type Standing = BTreeMap<Uuid, (PlaceRow, Vec<(Timestamp, Vec<u8>)>)>;

async fn standing(connection: &mut PgConnection, rows: &[&Columns]) -> Result<Standing, sqlx::Error> {
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.tenant_id).collect();
    let runs: Vec<Uuid> = rows.iter().map(|row| row.run_id).collect();
    let places = place_rows::of(&mut *connection, &tenants, &runs).await?;
    let mut standing: Standing = places.into_iter().map(|place| (place.run_id, (place, Vec::new()))).collect();
    let kept = sqlx::query!(
        r#"select k.run_id, k.at, k.input from unnest($1::uuid[], $2::uuid[]) as x(tenant_id, run_id)
           join kept_input k on k.tenant_id = x.tenant_id and k.run_id = x.run_id
           order by k.tenant_id, k.run_id, k.n"#,
        &tenants,
        &runs
    )
    .fetch_all(connection)
    .await?;
    for row in kept {
        if let Some((_, inputs)) = standing.get_mut(&row.run_id) {
            inputs.push((from_db(row.at), row.input));
        }
    }
    Ok(standing)
}

#[async_trait]
impl Sleepers for PgStore {
    async fn vouch(&self, replica: ReplicaId, shards: &[i16]) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await.map_err(unread)?;
        let strange = sqlx::query_scalar!(
            r#"with me as materialized (
                 select semantics from replica where replica_id = $1 and not fenced for share
               ), mine as materialized (
                 select s.shard, s.vouched >= s.epoch - 1 and s.semantics <= me.semantics as kept
                 from shard s, me where s.owner = $1 and s.shard = any($2) for update of s
               ), vouched as (
                 update shard s set vouched = s.epoch from mine where s.shard = mine.shard
               )
               select shard as "shard!" from mine where not kept"#,
            replica.0,
            shards
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(unread)?;
        if !strange.is_empty() {
            sqlx::query!(
                "update run_live set wakes_at = null where shard = any($1) and wakes_at is not null",
                &strange
            )
            .execute(&mut *tx)
            .await
            .map_err(unread)?;
        }
        tx.commit().await.map_err(unread)
    }

    async fn awake(&self, shards: &[i16]) -> Result<Vec<LiveRow>, StoreError> {
        live(&self.pool, shards, false).await
    }

    async fn asleep(&self, shards: &[i16]) -> Result<Vec<Sleeper>, StoreError> {
        use futures::TryStreamExt as _;
        // As they come: a row as the driver has it is many times as large as what is kept of it.
        let rows = sqlx::query!(
            r#"select l.tenant_id, l.run_id, l.wakes_at from run_live l
               where l.shard = any($1) and (l.wakes_at is not null or (l.status = 'queued' and exists (
                 select from run_place p where p.tenant_id = l.tenant_id and p.run_id = l.run_id and p.state = 'waiting')))"#,
            shards
        )
        .fetch(&self.pool);
        let sleeper =
            |row: Row| Sleeper { tenant: TenantId(row.0), run: RunId(row.1), due: row.2.map_or(NEVER, from_db) };
        rows.map_ok(|row| sleeper((row.tenant_id, row.run_id, row.wakes_at))).try_collect().await.map_err(unread)
    }

    async fn found(&self, runs: &[(TenantId, RunId)]) -> Result<Vec<Found>, StoreError> {
        let (rows, journal, mut standing) = self.reader.read(runs).await?;
        let mut bodies: BTreeMap<Uuid, Vec<(i64, Vec<u8>)>> = BTreeMap::new();
        for row in journal {
            // An id is one run's, whosever it is: of another tenant's nothing was asked for.
            debug_assert!(runs.contains(&(TenantId(row.tenant_id), RunId(row.run_id))));
            bodies.entry(row.run_id).or_default().push((row.seq, row.body));
        }
        let mut found = Vec::with_capacity(rows.len());
        for columns in rows {
            let (run, from) = (RunId(columns.run_id), columns.snap_seq.unwrap_or(0));
            let (row, snapshot) = match columns.read() {
                Ok(read) => read,
                Err(error) => {
                    tracing::error!(run_id = %run, %error, "a run that is to wake cannot be read");
                    continue;
                }
            };
            let rows = bodies.remove(&run.0).unwrap_or_default();
            let rows = continuous(rows.iter().map(|(seq, body)| (*seq, body.as_slice())), from);
            let entries = match rows {
                Ok(rows) => filled(self, row.tenant, run, rows).await,
                Err(error) => Err(error),
            };
            let entries = match entries {
                Ok(entries) => Some(entries),
                Err(StoreError::Inconsistent(_)) => None,
                Err(error) => return Err(error),
            };
            let stands = match standing.remove(&run.0).map(|(place, kept)| place.ticket().map(|ticket| (ticket, kept)))
            {
                Some(Ok(stands)) => Some(stands),
                // Whoever takes it up by itself says what is wrong with it.
                Some(Err(_)) | None => None,
            };
            found.push(Found { row, snapshot, entries, stands });
        }
        Ok(found)
    }
}

type Row = (Uuid, Uuid, Option<OffsetDateTime>);
