//! Who drives which runs, in Postgres. On a connection of its own: a lease must not wait for one that others hold.

use std::time::Duration;

use futures::future::BoxFuture;
use holon_model::ReplicaId;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::pg::unread;
use super::{Peer, Roll, ShardRow, StoreError};

/// A statement that takes longer than this is given up: the lease has to be renewed meanwhile.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_500);

/// The connection by which a replica holds its lease.
pub(super) struct LeaseLine {
    options: PgConnectOptions,
    connection: Mutex<Option<PgConnection>>,
}

impl LeaseLine {
    pub fn new(options: PgConnectOptions) -> Self {
        Self { options, connection: Mutex::default() }
    }

    /// Does something with the connection; one that did not answer, or not well, is not used again.
    async fn with<T>(
        &self,
        what: impl for<'a> FnOnce(&'a mut PgConnection) -> BoxFuture<'a, Result<T, sqlx::Error>> + Send,
    ) -> Result<T, StoreError> {
        let mut line = self.connection.lock().await;
        let asking = async {
            let mut connection = match line.take() {
                Some(connection) => connection,
                None => PgConnection::connect_with(&self.options).await?,
            };
            let answer = what(&mut connection).await;
            Ok::<_, sqlx::Error>((connection, answer))
        };
        let late = |_| StoreError::Unavailable("no answer about the lease".into());
        let (connection, answer) = tokio::time::timeout(ANSWER_WITHIN, asking).await.map_err(late)?.map_err(unread)?;
        let answer = answer.map_err(unread)?;
        *line = Some(connection);
        Ok(answer)
    }

    /// See [`super::Ownership::renew`].
    pub async fn renew(&self, replica: ReplicaId, lease_ms: i64, leaving: bool) -> Result<Roll, StoreError> {
        let renewed = self.with(move |line| Box::pin(renew(line, replica, lease_ms, leaving))).await?;
        renewed.ok_or(StoreError::Fenced)
    }

    /// See [`super::Ownership::adopt`].
    pub async fn adopt(&self, replica: ReplicaId, shards: &[i16]) -> Result<Vec<i16>, StoreError> {
        let shards = shards.to_vec();
        self.with(move |line| Box::pin(async move { adopt(line, replica, &shards).await })).await
    }

    /// See [`super::Ownership::hand_over`].
    pub async fn hand_over(
        &self,
        replica: ReplicaId,
        to: ReplicaId,
        shards: &[(i16, i64)],
    ) -> Result<Vec<i16>, StoreError> {
        let shards = shards.to_vec();
        self.with(move |line| Box::pin(async move { hand_over(line, replica, to, &shards).await })).await
    }
}

async fn renew(
    connection: &mut PgConnection,
    replica: ReplicaId,
    lease_ms: i64,
    leaving: bool,
) -> Result<Option<Roll>, sqlx::Error> {
    let renewed = sqlx::query!(
        "update replica set lease_until = now() + $2::bigint * interval '1 millisecond', beat = beat + 1, leaving = $3
         where replica_id = $1 and not fenced",
        replica.0,
        lease_ms,
        leaving
    )
    .execute(&mut *connection)
    .await?;
    if renewed.rows_affected() == 0 {
        return Ok(None);
    }
    // The shards first: an owner that is no peer was fenced when the peers were read, and stays so.
    let shards = sqlx::query!("select shard, owner, epoch, semantics from shard order by shard")
        .fetch_all(&mut *connection)
        .await?;
    let peers =
        sqlx::query!("select replica_id, semantics, beat, leaving from replica where not fenced order by replica_id")
            .fetch_all(&mut *connection)
            .await?;
    let shards = shards.into_iter().map(|row| ShardRow {
        shard: row.shard,
        owner: row.owner.map(ReplicaId),
        epoch: row.epoch,
        semantics: row.semantics,
    });
    let peers = peers.into_iter().map(|row| Peer {
        id: ReplicaId(row.replica_id),
        semantics: row.semantics,
        beat: row.beat,
        leaving: row.leaving,
    });
    Ok(Some(Roll { peers: peers.collect(), shards: shards.collect() }))
}

async fn adopt(connection: &mut PgConnection, replica: ReplicaId, shards: &[i16]) -> Result<Vec<i16>, sqlx::Error> {
    // The fences of their last owners are committed, so what is read of the shards from now on is all there is.
    sqlx::query_scalar!(
        "with me as materialized (
           select semantics from replica where replica_id = $1 and not fenced for share
         ), free as (
           select s.shard from shard s
           where s.shard = any($2) and exists (select from me)
             and not exists (select 1 from replica r where r.replica_id = s.owner and not r.fenced)
           for update of s skip locked
         )
         update shard s set owner = $1, epoch = s.epoch + 1, semantics = greatest(s.semantics, (select semantics from me))
         from free where s.shard = free.shard
         returning s.shard",
        replica.0,
        shards
    )
    .fetch_all(connection)
    .await
}

async fn hand_over(
    connection: &mut PgConnection,
    replica: ReplicaId,
    to: ReplicaId,
    shards: &[(i16, i64)],
) -> Result<Vec<i16>, sqlx::Error> {
    let (shards, epochs): (Vec<i16>, Vec<i64>) = shards.iter().copied().unzip();
    sqlx::query_scalar!(
        "with me as materialized (
           select 1 as held from replica where replica_id = $1 and not fenced for share
         ), heir as materialized (
           select semantics from replica where replica_id = $2 and not fenced for share
         )
         update shard s set owner = $2, epoch = s.epoch + 1, semantics = greatest(s.semantics, (select semantics from heir))
         from unnest($3::smallint[], $4::bigint[]) as x(shard, epoch)
         where s.shard = x.shard and s.epoch = x.epoch and s.owner = $1
           and exists (select from me) and exists (select from heir)
         returning s.shard",
        replica.0,
        to.0,
        &shards,
        &epochs
    )
    .fetch_all(connection)
    .await
}

/// See [`super::Ownership::fence`].
pub(super) async fn fence(executor: impl sqlx::PgExecutor<'_>, silent: &[(ReplicaId, i64)]) -> Result<(), sqlx::Error> {
    let replicas: Vec<Uuid> = silent.iter().map(|(replica, _)| replica.0).collect();
    let beats: Vec<i64> = silent.iter().map(|(_, beat)| *beat).collect();
    sqlx::query!(
        "update replica r set fenced = true from unnest($1::uuid[], $2::bigint[]) as x(replica_id, beat)
         where r.replica_id = x.replica_id and r.beat = x.beat and not r.fenced",
        &replicas,
        &beats
    )
    .execute(executor)
    .await?;
    Ok(())
}
