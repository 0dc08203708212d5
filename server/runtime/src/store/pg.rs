//! The store in Postgres, as `holon_engine`: one statement per batch, on connections of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use holon_model::{EnvironmentId, FlowId, ReplicaId, RunId, TenantId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use holon_platform::kill_points::{self, Point};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection, PgPool};
use time::{Date, OffsetDateTime};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::lanes::LANES;

use super::asks::Asks;
use super::columns::{Columns, labels_of};
use super::shard_rows::{self, LeaseLine};
use super::sleep_rows::{self, Reader};
use super::{
    Batch, Blobs, Committed, Ended, Entry, Hash, HistoryRow, IdempotencyRow, Letter, Letters, LiveRow, Marks,
    Ownership, Posted, Replica, Roll, RunFacts, RunWrite, Snapshot, Store, StoreError, ask_rows, batch_rows,
    change_rows, continuous, filled, legible, letter_rows, statements,
};

/// Weeks of history there is room for ahead of time.
const WEEKS_AHEAD: i32 = 8;
/// A statement that takes longer than this is given up as not answered; whether it was done is then looked up.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// A Postgres that cannot make another segment of its log (16 MiB) ends itself; with less than this it is full, not away.
const FULL_BELOW: u64 = 32 << 20;

/// See the module. As many batches can be under way at once as there are committers.
pub struct PgStore {
    pub(super) pool: PgPool,
    lease: LeaseLine,
    pub(super) reader: Reader,
    /// Where the database lies, when that is on this machine.
    disk: Option<PathBuf>,
    options: PgConnectOptions,
    // Not from the pool: a pool asks a connection whether it lives before and after each use, which would double the
    // round trips of a commit.
    lanes: [Mutex<Option<PgConnection>>; LANES],
}

impl PgStore {
    /// A store over the pool of `holon_engine`.
    pub fn new(pool: PgPool) -> Self {
        let options = (*pool.connect_options()).clone().options([
            // The statements take arrays whose length says nothing to the planner: one plan for all. It may be made while the tables
            // are empty and is kept when they are not: rows are found by their keys, whatever is known of their number.
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("jit", "off"),
            // A process that stands still in the middle of a transaction must not keep others from fencing it.
            ("idle_in_transaction_session_timeout", "2s"),
        ]);
        let lease = LeaseLine::new((*pool.connect_options()).clone());
        let reader = Reader::new(options.clone());
        Self { pool, lease, reader, disk: None, options, lanes: Default::default() }
    }

    /// The same for a database that lies in this folder: when it does not answer and the disk is full, that is said.
    #[must_use]
    pub fn on_disk(mut self, folder: PathBuf) -> Self {
        self.disk = Some(folder);
        self
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    fn away(&self, why: String) -> StoreError {
        let left = self.disk.as_ref().and_then(|folder| rustix::fs::statvfs(folder).ok());
        match left.map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize)) {
            Some(left) if left < FULL_BELOW => StoreError::Full(why),
            _ => StoreError::Unavailable(why),
        }
    }

    /// A connection to write through. Those who give way begin at the other end: a process of Postgres that has just worked for long is
    /// woken later than one that has not, and who has little to write is not to wait for that.
    async fn lane(&self, gives_way: bool) -> MutexGuard<'_, Option<PgConnection>> {
        let [mut first, second, mut third] = self.lanes.each_ref();
        if gives_way {
            std::mem::swap(&mut first, &mut third);
        }
        tokio::select! { biased; lane = first.lock() => lane, lane = second.lock() => lane, lane = third.lock() => lane }
    }
}

/// What an error means when it is certain that the statement was not done, because Postgres said so or was not reached.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(said) => match said.code().as_deref().unwrap_or_default() {
            "53100" => StoreError::Full(said.message().to_owned()),
            "23505"
                if said.table().is_some_and(|table| {
                    table.starts_with("journal") || table.starts_with("run_hist") || table == "audit_event"
                }) =>
            {
                StoreError::Conflict
            }
            "40001" | "40P01" | "55P03" => StoreError::Contention(said.message().to_owned()),
            // Class 22, 23, 54: the data; everything else (08, 53, 57, 58, XX …): the server.
            code if ["22", "23", "54"].iter().any(|class| code.starts_with(class)) => {
                StoreError::Rejected(said.to_string())
            }
            // 57P01 and its kin end the connection in the middle of whatever it did.
            code if code.starts_with("57P") => StoreError::Unknown(said.message().to_owned()),
            _ => StoreError::Unavailable(said.to_string()),
        },
        sqlx::Error::Encode(_) => StoreError::Rejected(error.to_string()),
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound => {
            StoreError::Inconsistent(error.to_string())
        }
        _ => StoreError::Unknown(error.to_string()),
    }
}

/// The same for reads and for statements that may be repeated: not answered is as good as not reached.
pub(super) fn unread(error: sqlx::Error) -> StoreError {
    match failed(error) {
        StoreError::Unknown(text) => StoreError::Unavailable(text),
        other => other,
    }
}

pub(super) fn hash(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Inconsistent(format!("a hash of {} bytes", bytes.len())))
}

pub(super) fn marks(
    labels: Option<String>,
    correlation: Option<String>,
    fork_of: Option<Uuid>,
    fork_seq: Option<i64>,
) -> Result<Marks, StoreError> {
    Ok(Marks { labels: labels_of(labels)?, correlation, fork_of: fork_of.map(RunId).zip(fork_seq) })
}

pub(super) fn snapshot(seq: Option<i64>, bytes: Option<Vec<u8>>) -> Option<Snapshot> {
    Some(Snapshot { seq: seq?, bytes: bytes? })
}

/// Sends a batch: one statement, and where runs ask or change something, that in the same transaction.
async fn write_all(
    connection: &mut PgConnection,
    batch: &Batch,
    columns: &Columns,
) -> Result<Option<Committed>, StoreError> {
    let plain = |write: &RunWrite| write.asks.is_empty() && write.letters.is_empty() && write.changes.is_empty();
    if batch.number.is_none() && batch.writes.iter().all(plain) {
        let writing = statements::write(connection, batch.replica, columns);
        return kill_points::sent(Point::CommitSent, writing).await.map_err(failed);
    }
    let mut tx = connection.begin().await.map_err(failed)?;
    // Dropped, the transaction is rolled back before the connection does anything else.
    if let Some(number) = batch.number
        && !batch_rows::count(&mut tx, batch.replica, number).await.map_err(failed)?
    {
        return if batch_rows::holds(&mut *tx, batch.replica).await.map_err(failed)? {
            Err(StoreError::Conflict)
        } else {
            Ok(None)
        };
    }
    let stale = change_rows::write(&mut tx, batch).await?;
    let (left, of_left);
    let (batch, columns) = if stale.is_empty() {
        (batch, columns)
    } else {
        let writes = batch.writes.iter().filter(|write| !stale.contains(&write.run)).cloned().collect();
        left = Batch { writes, ..batch.clone() };
        of_left = Columns::of(&left)?;
        (&left, &of_left)
    };
    let Some(committed) = statements::write(&mut tx, batch.replica, columns).await.map_err(failed)? else {
        return Ok(None);
    };
    ask_rows::write(&mut tx, batch, &committed.lost).await.map_err(failed)?;
    letter_rows::take(&mut tx, batch).await.map_err(failed)?;
    kill_points::reach(Point::InACommit);
    kill_points::sent(Point::CommitSent, tx.commit()).await.map_err(failed)?;
    Ok(Some(Committed { stale: stale.into_iter().collect(), ..committed }))
}

#[async_trait]
impl Blobs for PgStore {
    async fn blobs(
        &self,
        tenant: TenantId,
        week: Date,
        hashes: &BTreeSet<Hash>,
    ) -> Result<BTreeMap<Hash, Vec<u8>>, StoreError> {
        let hashes: Vec<Vec<u8>> = hashes.iter().map(|hash| hash.to_vec()).collect();
        let rows = sqlx::query!(
            "select hash, bytes from blob where tenant_id = $1 and week = $2 and hash = any($3)",
            tenant.0,
            week,
            &hashes
        )
        .fetch_all(&self.pool)
        .await
        .map_err(unread)?;
        rows.into_iter().map(|row| Ok((hash(&row.hash)?, row.bytes))).collect()
    }
}

#[async_trait]
impl Asks for PgStore {
    async fn waiting(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        name: &str,
        correlation: &str,
    ) -> Result<Vec<RunId>, StoreError> {
        ask_rows::waiting(&self.pool, tenant, environment, name, correlation).await
    }

    async fn kept(&self, tenant: TenantId, run: RunId) -> Result<Vec<(Timestamp, Vec<u8>)>, StoreError> {
        ask_rows::kept(&self.pool, tenant, run).await
    }

    async fn sweep_asks(&self, now: Timestamp) -> Result<u64, StoreError> {
        ask_rows::sweep(&self.pool, now).await
    }
}

#[async_trait]
impl Ownership for PgStore {
    async fn join(&self, replica: &Replica, lease_ms: i64, alone: bool) -> Result<(), StoreError> {
        let mut tx = self.pool.begin().await.map_err(unread)?;
        if alone {
            sqlx::query!("update replica set fenced = true where not fenced")
                .execute(&mut *tx)
                .await
                .map_err(unread)?;
        }
        sqlx::query!(
            "insert into replica (replica_id, address, build, semantics, lease_until)
             values ($1, $2, $3, $4, now() + $5::bigint * interval '1 millisecond')
             on conflict (replica_id) do nothing",
            replica.id.0,
            replica.address,
            replica.build,
            replica.semantics,
            lease_ms
        )
        .execute(&mut *tx)
        .await
        .map_err(unread)?;
        tx.commit().await.map_err(unread)
    }

    async fn renew(&self, replica: ReplicaId, lease_ms: i64, leaving: bool) -> Result<Roll, StoreError> {
        self.lease.renew(replica, lease_ms, leaving).await
    }

    async fn fence(&self, silent: &[(ReplicaId, i64)]) -> Result<(), StoreError> {
        shard_rows::fence(&self.pool, silent).await.map_err(unread)
    }

    async fn holds(&self, replica: ReplicaId) -> Result<bool, StoreError> {
        batch_rows::holds(&self.pool, replica).await.map_err(unread)
    }

    async fn adopt(&self, replica: ReplicaId, shards: &[i16]) -> Result<Vec<i16>, StoreError> {
        self.lease.adopt(replica, shards).await
    }

    async fn hand_over(
        &self,
        replica: ReplicaId,
        to: ReplicaId,
        shards: &[(i16, i64)],
    ) -> Result<Vec<i16>, StoreError> {
        self.lease.hand_over(replica, to, shards).await
    }

    async fn leave(&self, replica: ReplicaId) -> Result<(), StoreError> {
        sqlx::query!("update replica set fenced = true where replica_id = $1", replica.0)
            .execute(&self.pool)
            .await
            .map_err(unread)?;
        sqlx::query!("update shard set owner = null where owner = $1", replica.0)
            .execute(&self.pool)
            .await
            .map_err(unread)?;
        Ok(())
    }
}

#[async_trait]
impl Letters for PgStore {
    async fn post(
        &self,
        tenant: TenantId,
        run: RunId,
        sender: ReplicaId,
        body: &[u8],
    ) -> Result<Option<Posted>, StoreError> {
        letter_rows::post(&self.pool, tenant, run, sender, body).await
    }

    async fn post_once(
        &self,
        tenant: TenantId,
        run: RunId,
        sender: ReplicaId,
        body: &[u8],
    ) -> Result<Option<Posted>, StoreError> {
        letter_rows::post_once(&self.pool, tenant, run, sender, body).await
    }

    async fn letters(&self, shards: &[i16], without: &[i64], most: i64) -> Result<Vec<Letter>, StoreError> {
        letter_rows::letters(&self.pool, shards, without, most).await
    }

    async fn discard(&self, replica: ReplicaId, letters: &[Letter]) -> Result<(), StoreError> {
        letter_rows::discard(&self.pool, replica, letters).await
    }
}

/// The rows of a journal from the one on that holds this input: the number of the first input in each, and its body.
async fn rows(pool: &PgPool, tenant: TenantId, run: RunId, from: i64) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    let rows = sqlx::query!(
        "select seq, body from journal where tenant_id = $1 and run_id = $2 and seq + n > $3 order by seq",
        tenant.0,
        run.0,
        from
    )
    .fetch_all(pool)
    .await
    .map_err(unread)?;
    Ok(rows.into_iter().map(|row| (row.seq, row.body)).collect())
}

#[async_trait]
impl Store for PgStore {
    async fn commit(&self, batch: &Batch) -> Result<Committed, StoreError> {
        let columns = Columns::of(batch)?;
        let mut lane = self.lane(batch.gives_way).await;
        let mut connection = match lane.take() {
            Some(connection) => connection,
            None => {
                let connecting = tokio::time::timeout(ANSWER_WITHIN, PgConnection::connect_with(&self.options)).await;
                let connected = connecting.map_err(|_| self.away("no answer while connecting".into()))?;
                connected.map_err(|error| self.away(error.to_string()))?
            }
        };
        // On every road but success and a plain refusal the connection is dropped: it may be in the middle of something.
        let answer = tokio::time::timeout(ANSWER_WITHIN, write_all(&mut connection, batch, &columns)).await;
        match answer {
            Err(_) => Err(StoreError::Unknown(format!("no answer within {} s", ANSWER_WITHIN.as_secs()))),
            Ok(Ok(committed)) => {
                *lane = Some(connection);
                committed.ok_or(StoreError::Fenced)
            }
            Ok(Err(error)) => {
                if matches!(error, StoreError::Conflict | StoreError::Rejected(_) | StoreError::Contention(_)) {
                    *lane = Some(connection);
                }
                Err(error)
            }
        }
    }

    async fn landed(&self, inputs: &[(TenantId, RunId, i64)]) -> Result<Vec<RunId>, StoreError> {
        let tenants: Vec<Uuid> = inputs.iter().map(|(tenant, _, _)| tenant.0).collect();
        let runs: Vec<Uuid> = inputs.iter().map(|(_, run, _)| run.0).collect();
        let seqs: Vec<i64> = inputs.iter().map(|(_, _, seq)| *seq).collect();
        let found = sqlx::query_scalar!(
            r#"select j.run_id from unnest($1::uuid[], $2::uuid[], $3::bigint[]) as x(tenant_id, run_id, seq)
               join journal j on j.tenant_id = x.tenant_id and j.run_id = x.run_id and j.seq = x.seq"#,
            &tenants,
            &runs,
            &seqs
        )
        .fetch_all(&self.pool)
        .await
        .map_err(unread)?;
        Ok(found.into_iter().map(RunId).collect())
    }

    async fn last_number(&self, replica: ReplicaId, lane: i16) -> Result<i64, StoreError> {
        batch_rows::last(&self.pool, replica, lane).await.map_err(unread)
    }

    async fn idempotency(
        &self,
        tenant: TenantId,
        scope: &str,
        key: &str,
    ) -> Result<Option<IdempotencyRow>, StoreError> {
        let row = sqlx::query!(
            "select run_id, request_hash, expires_at from idempotency where tenant_id = $1 and scope = $2 and key = $3",
            tenant.0,
            scope,
            key
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(unread)?;
        row.map(|row| {
            Ok(IdempotencyRow {
                scope: scope.to_owned(),
                key: key.to_owned(),
                run: RunId(row.run_id),
                request_hash: hash(&row.request_hash)?,
                expires_at: from_db(row.expires_at),
            })
        })
        .transpose()
    }

    async fn forget_expired(&self, now: Timestamp, most: i64) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            "delete from idempotency i using
               (select tenant_id, scope, key from idempotency where expires_at <= $1 limit $2) as old
             where i.tenant_id = old.tenant_id and i.scope = old.scope and i.key = old.key and i.expires_at <= $1",
            to_db(now),
            most
        )
        .execute(&self.pool)
        .await
        .map_err(unread)?;
        Ok(done.rows_affected())
    }

    async fn live(&self, shards: &[i16]) -> Result<Vec<LiveRow>, StoreError> {
        sleep_rows::live(&self.pool, shards, true).await
    }

    async fn snapshot(&self, tenant: TenantId, run: RunId) -> Result<Option<Snapshot>, StoreError> {
        let row =
            sqlx::query!("select snap_seq, snap from run_live where tenant_id = $1 and run_id = $2", tenant.0, run.0)
                .fetch_optional(&self.pool)
                .await
                .map_err(unread)?;
        Ok(row.and_then(|row| snapshot(row.snap_seq, row.snap)))
    }

    async fn first(&self, tenant: TenantId, run: RunId) -> Result<Option<Entry>, StoreError> {
        let body = sqlx::query_scalar!(
            "select body from journal where tenant_id = $1 and run_id = $2 and seq = 0",
            tenant.0,
            run.0
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(unread)?;
        let rows = continuous(body.iter().map(|body| (0, body.as_slice())), 0)?;
        Ok(filled(self, tenant, run, rows).await?.into_iter().next())
    }

    async fn journal(&self, tenant: TenantId, run: RunId, from: i64) -> Result<Vec<Entry>, StoreError> {
        let rows = rows(&self.pool, tenant, run, from).await?;
        let rows = continuous(rows.iter().map(|(seq, body)| (*seq, body.as_slice())), from)?;
        filled(self, tenant, run, rows).await
    }

    async fn legible(&self, tenant: TenantId, run: RunId) -> Result<Vec<Entry>, StoreError> {
        let rows = rows(&self.pool, tenant, run, 0).await?;
        legible(self, tenant, run, rows.iter().map(|(_, body)| body.as_slice())).await
    }

    async fn is_driven(&self, tenant: TenantId, run: RunId) -> Result<bool, StoreError> {
        let driven = sqlx::query_scalar!(
            r#"select exists (
                 select from run_live l
                 where l.tenant_id = $1 and l.run_id = $2 and (l.status <> 'paused' or l.paused_by is not null)
                   and not exists (select from run_hist e where e.tenant_id = $1 and e.run_id = $2 and e.moment = 'ended')
               ) as "driven!""#,
            tenant.0,
            run.0
        );
        driven.fetch_one(&self.pool).await.map_err(unread)
    }

    async fn history(&self, tenant: TenantId, run: RunId) -> Result<Option<HistoryRow>, StoreError> {
        let row = sqlx::query!(
            r#"select s.environment_id, s.flow_id, s.version, s.definition_hash, s.trigger, s.actor, s.started_at,
                      s.retry_of, s.labels::text as labels, s.correlation, s.fork_of, s.fork_seq, e.at as "at?: OffsetDateTime", e.status as "status?", e.error, e.log_hash, e.final as "state"
               from run_hist s
               left join run_hist e on e.tenant_id = s.tenant_id and e.run_id = s.run_id and e.moment = 'ended'
               where s.tenant_id = $1 and s.run_id = $2 and s.moment = 'started'"#,
            tenant.0, run.0
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(unread)?;
        let Some(row) = row else { return Ok(None) };
        let ended = match (row.at, row.status, row.log_hash, row.state) {
            (Some(at), Some(status), Some(log_hash), Some(state)) => {
                Some(Ended { at: from_db(at), status, error: row.error, log_hash: hash(&log_hash)?, state })
            }
            (None, ..) => None,
            _ => return Err(StoreError::Inconsistent(format!("{run} ended without hash or state"))),
        };
        let facts = RunFacts {
            environment: EnvironmentId(row.environment_id),
            flow: FlowId(row.flow_id),
            version: row.version,
            definition_hash: hash(&row.definition_hash)?,
            trigger: row.trigger,
            actor: row.actor,
            started_at: from_db(row.started_at),
            retry_of: row.retry_of.map(RunId),
            marks: marks(row.labels, row.correlation, row.fork_of, row.fork_seq)?,
        };
        Ok(Some(HistoryRow { facts, ended }))
    }

    async fn maintain(&self) -> Result<(), StoreError> {
        sqlx::query_scalar!("select holon_history_partitions($1)", WEEKS_AHEAD)
            .fetch_one(&self.pool)
            .await
            .map_err(unread)?;
        // Replicas that are gone for a day are of no more use to anybody who looks for what happened.
        sqlx::query!("delete from replica r where r.fenced and r.lease_until < now() - interval '1 day'")
            .execute(&self.pool)
            .await
            .map_err(unread)?;
        batch_rows::forget(&self.pool).await.map_err(unread)
    }
}
