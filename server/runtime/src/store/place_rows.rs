//! Pauses and places in Postgres.

use async_trait::async_trait;
use holon_engine::EffectId;
use holon_model::{EnvironmentId, FlowId, ReplicaId, RunId, TenantId};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::intake::{Admitted, Crowd, Line, PauseMode, PauseScope, Pauses, Prefix, Ticket};
use super::pg::{PgStore, unread};
use super::{Intake, RunWrite, StoreError, shard_of};

/// Places of a line that are given in one look at most; the next look gives more.
const MOST: i64 = 500;

/// What a batch says of places, turned on its side.
#[derive(Default)]
pub(super) struct Places {
    tenant: Vec<Uuid>,
    run: Vec<Uuid>,
    flow: Vec<Uuid>,
    key: Vec<String>,
    most: Vec<i32>,
    replaces: Vec<bool>,
    shard: Vec<i16>,
    copied: Vec<i32>,
    again: Vec<Option<Vec<u8>>>,
    fresh: Vec<bool>,
    reason: Vec<String>,
    heirs: (Vec<Uuid>, Vec<Uuid>, Vec<Uuid>),
    left: (Vec<Uuid>, Vec<Uuid>),
}

impl Places {
    pub fn queue(&mut self, write: &RunWrite, ticket: &Ticket) {
        self.tenant.push(write.tenant.0);
        self.run.push(write.run.0);
        self.flow.push(ticket.line.flow.0);
        self.key.push(ticket.line.key.clone());
        self.most.push(i32::try_from(ticket.most).unwrap_or(i32::MAX));
        self.replaces.push(ticket.replaces);
        self.shard.push(shard_of(write.run));
        self.copied.push(i32::try_from(ticket.prefix.copied).unwrap_or(i32::MAX));
        self.again.push(ticket.prefix.again.map(|id| id.0.to_vec()));
        self.fresh.push(ticket.prefix.fresh);
        self.reason.push(ticket.reason());
    }

    pub fn inherit(&mut self, write: &RunWrite, from: RunId) {
        self.heirs.0.push(write.tenant.0);
        self.heirs.1.push(write.run.0);
        self.heirs.2.push(from.0);
    }

    pub fn leave(&mut self, write: &RunWrite) {
        self.left.0.push(write.tenant.0);
        self.left.1.push(write.run.0);
    }

    /// Writes it, in the transaction that writes the rest of the batch.
    pub async fn write(&self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        if !self.run.is_empty() {
            sqlx::query!(
                "insert into run_place (tenant_id, run_id, flow_id, key, state, most, replaces, shard, copied, again, fresh)
                 select tenant_id, run_id, flow_id, key, 'waiting', most, replaces, shard, copied, again, fresh
                 from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::bool[], $7::smallint[], $8::int[],
                             $9::bytea[], $10::bool[])
                   as x(tenant_id, run_id, flow_id, key, most, replaces, shard, copied, again, fresh)
                 on conflict do nothing",
                &self.tenant,
                &self.run,
                &self.flow,
                &self.key,
                &self.most,
                &self.replaces,
                &self.shard,
                &self.copied,
                &self.again as &[Option<Vec<u8>>],
                &self.fresh
            )
            .execute(&mut *tx)
            .await?;
        }
        if !self.run.is_empty() {
            sqlx::query!(
                "update run_live l set reason = x.reason from unnest($1::uuid[], $2::uuid[], $3::text[]) as x(tenant_id, run_id, reason)
                 where l.tenant_id = x.tenant_id and l.run_id = x.run_id and l.status = 'queued'",
                &self.tenant,
                &self.run,
                &self.reason
            )
            .execute(&mut *tx)
            .await?;
        }
        let (tenants, runs, from) = &self.heirs;
        if !runs.is_empty() {
            sqlx::query!(
                "update run_place p set run_id = x.run_id, shard = ('x' || right(x.run_id::text, 2))::bit(8)::int::smallint
                 from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as x(tenant_id, run_id, from_id)
                 where p.tenant_id = x.tenant_id and p.run_id = x.from_id",
                tenants,
                runs,
                from
            )
            .execute(&mut *tx)
            .await?;
        }
        let (tenants, runs) = &self.left;
        if !runs.is_empty() {
            sqlx::query!(
                "delete from run_place p using unnest($1::uuid[], $2::uuid[]) as x(tenant_id, run_id)
                 where p.tenant_id = x.tenant_id and p.run_id = x.run_id",
                tenants,
                runs
            )
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }
}

/// See [`Intake::pauses`].
async fn pauses(pool: &PgPool) -> Result<Pauses, StoreError> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id?", subject as "subject?", environment_id as "environment_id?", mode as "mode!",
             reason as "reason!" from pause
           union all select null, null, null, mode, reason from instance_pause"#
    )
    .fetch_all(pool)
    .await
    .map_err(unread)?;
    let mut pauses = Pauses::new();
    for row in rows {
        let mode = PauseMode::parse(&row.mode)
            .ok_or_else(|| StoreError::Inconsistent(format!("unknown way to pause `{}`", row.mode)))?;
        let scope = match (row.tenant_id, row.subject, row.environment_id) {
            (Some(tenant), Some(subject), _) if tenant == subject => PauseScope::Workspace(TenantId(tenant)),
            (Some(tenant), Some(subject), Some(environment)) => {
                PauseScope::Flow(TenantId(tenant), EnvironmentId(environment), FlowId(subject))
            }
            _ => PauseScope::Instance,
        };
        pauses.insert(scope, (mode, row.reason));
    }
    Ok(pauses)
}

/// See [`Intake::crowd`].
async fn crowd(pool: &PgPool, line: &Line) -> Result<Crowd, StoreError> {
    let row = sqlx::query!(
        r#"select
             (select count(*) from run_place where tenant_id = $1 and flow_id = $2 and key = $3 and state = 'going') as "going!",
             (select count(*) from run_place where tenant_id = $1 and flow_id = $2 and key = $3 and state = 'waiting') as "waiting!""#,
        line.tenant.0,
        line.flow.0,
        line.key
    )
    .fetch_one(pool)
    .await
    .map_err(unread)?;
    Ok(Crowd { going: row.going.unsigned_abs(), waiting: row.waiting.unsigned_abs() })
}

/// See [`Intake::admit`].
async fn admit(pool: &PgPool, tenant: TenantId, lines: &[Line]) -> Result<Admitted, StoreError> {
    let mut lines: Vec<&Line> = lines.iter().filter(|line| line.tenant == tenant).collect();
    // In one order everywhere, so that two who look never wait for each other in a circle.
    lines.sort_unstable();
    let names: Vec<String> =
        lines.iter().map(|line| format!("run_place {} {} {}", line.tenant, line.flow, line.key)).collect();
    let flows: Vec<Uuid> = lines.iter().map(|line| line.flow.0).collect();
    let keys: Vec<String> = lines.iter().map(|line| line.key.clone()).collect();
    let mut tx = pool.begin().await.map_err(unread)?;
    // One look at a line at a time. The statements after it see what those before have committed. Nobody waits for the disk: the commit by
    // which a run begins comes later in the same log, and a place that is lost with none begun is given again.
    // Nor does anybody wait for long for one who stands still in the middle of a look; and of a few lines that are looked up Postgres
    // expects too much, or knows too little, and would rather read all places of everybody, or all of the tenant and sort them.
    sqlx::query!(
        "select set_config(name, value, true) from (values ('synchronous_commit', 'off'), ('lock_timeout', '1s'),
           ('idle_in_transaction_session_timeout', '2s'), ('enable_seqscan', 'off'), ('enable_hashjoin', 'off'),
           ('enable_mergejoin', 'off'), ('enable_sort', 'off')) as setting(name, value)"
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(unread)?;
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended(name, 0)) from unnest($1::text[]) as line(name)",
        &names
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(unread)?;
    let replaced = sqlx::query_scalar!(
        r#"select here.run_id as "run_id!"
           from unnest($2::uuid[], $3::text[]) with ordinality as line(flow_id, key, nth),
             lateral (
               select most, replaces from run_place
               where tenant_id = $1 and flow_id = line.flow_id and key = line.key and state = 'waiting'
               order by position desc limit 1) as newest,
             lateral (
               select run_id, position from (
                 select run_id, position from run_place
                 where tenant_id = $1 and flow_id = line.flow_id and key = line.key and state = 'waiting'
                 union all
                 select run_id, position from run_place
                 where tenant_id = $1 and flow_id = line.flow_id and key = line.key and state = 'going') as standing
               where newest.replaces order by position desc offset newest.most limit $4) as here
           order by line.nth, here.position"#,
        tenant.0,
        &flows,
        &keys,
        MOST
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(unread)?;
    // The tenant comes with each line: said by itself, a plan made while it had hardly any places begins with all of them.
    let tenants = vec![tenant.0; lines.len()];
    let rows = sqlx::query!(
        r#"with line as (
             select l.tenant_id, l.flow_id, l.key, l.nth,
               (select count(*) from run_place p
                where p.tenant_id = l.tenant_id and p.flow_id = l.flow_id and p.key = l.key and p.state = 'going') as going
             from unnest($1::uuid[], $2::uuid[], $3::text[]) with ordinality as l(tenant_id, flow_id, key, nth)),
           -- Those behind the first one have a place only where it has one, so no more can than it says.
           head as (
             select line.tenant_id, line.nth, line.going, next.run_id, next.position, next.most from line,
               lateral (
                 select most from run_place
                 where tenant_id = line.tenant_id and flow_id = line.flow_id and key = line.key and state = 'waiting'
                   and run_id <> all($5)
                 order by position limit 1) as first,
               lateral (
                 select run_id, position, most from run_place
                 where tenant_id = line.tenant_id and flow_id = line.flow_id and key = line.key and state = 'waiting'
                   and run_id <> all($5)
                 order by position limit least($4, greatest(0, first.most - line.going))) as next),
           numbered as (
             select tenant_id, nth, going, run_id, row_number() over in_line as behind, min(most) over in_line as most
             from head window in_line as (partition by nth order by position)),
           given as (
             update run_place p set state = 'going' from numbered
             where p.tenant_id = numbered.tenant_id and p.run_id = numbered.run_id
               and numbered.going + numbered.behind <= numbered.most
             returning p.run_id, p.position, p.shard, numbered.nth)
           select g.run_id as "run_id!", s.owner as "owner?" from given g join shard s on s.shard = g.shard
           order by g.nth, g.position"#,
        &tenants,
        &flows,
        &keys,
        MOST,
        &replaced
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(unread)?;
    tx.commit().await.map_err(unread)?;
    let replaced = replaced.into_iter().map(RunId).collect();
    let runs = rows.into_iter().map(|row| (RunId(row.run_id), row.owner.map(ReplicaId))).collect();
    Ok(Admitted { runs, replaced })
}

/// See [`Intake::lines`].
async fn lines(pool: &PgPool) -> Result<Vec<Line>, StoreError> {
    // From one line to the next through the index, however many wait in each (wiki.postgresql.org/wiki/Loose_indexscan).
    let rows = sqlx::query!(
        r#"with recursive line as (
             (select tenant_id, flow_id, key from run_place where state = 'waiting' order by tenant_id, flow_id, key limit 1)
             union all
             select next.tenant_id, next.flow_id, next.key from line, lateral (
               select p.tenant_id, p.flow_id, p.key from run_place p
               where p.state = 'waiting' and (p.tenant_id, p.flow_id, p.key) > (line.tenant_id, line.flow_id, line.key)
               order by p.tenant_id, p.flow_id, p.key limit 1) as next)
           select tenant_id as "tenant_id!", flow_id as "flow_id!", key as "key!" from line"#
    )
    .fetch_all(pool)
    .await
    .map_err(unread)?;
    let line = |tenant, flow, key| Line { tenant: TenantId(tenant), flow: FlowId(flow), key };
    Ok(rows.into_iter().map(|row| line(row.tenant_id, row.flow_id, row.key)).collect())
}

/// See [`Intake::admitted`].
async fn admitted(pool: &PgPool, shards: &[i16]) -> Result<Vec<(TenantId, RunId)>, StoreError> {
    let rows = sqlx::query!(
        "select p.tenant_id, p.run_id from run_place p
         join run_live l on l.tenant_id = p.tenant_id and l.run_id = p.run_id and l.status = 'queued'
         where p.state = 'going' and p.shard = any($1) order by p.position",
        shards
    )
    .fetch_all(pool)
    .await
    .map_err(unread)?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), RunId(row.run_id))).collect())
}

/// A place as the statements give it.
pub(super) struct PlaceRow {
    tenant_id: Uuid,
    pub run_id: Uuid,
    flow_id: Uuid,
    key: String,
    most: i32,
    replaces: bool,
    copied: i32,
    again: Option<Vec<u8>>,
    fresh: bool,
}

impl PlaceRow {
    pub fn ticket(self) -> Result<Ticket, StoreError> {
        let damaged = |_| StoreError::Inconsistent("the place of a run names an effect that is none".into());
        let again = self.again.map(|bytes| bytes.as_slice().try_into().map(EffectId)).transpose().map_err(damaged)?;
        Ok(Ticket {
            line: Line { tenant: TenantId(self.tenant_id), flow: FlowId(self.flow_id), key: self.key },
            most: self.most.unsigned_abs(),
            replaces: self.replaces,
            prefix: Prefix { copied: usize::try_from(self.copied).unwrap_or(0), again, fresh: self.fresh },
        })
    }
}

/// The places of these runs.
pub(super) async fn of(
    executor: impl sqlx::PgExecutor<'_>,
    tenants: &[Uuid],
    runs: &[Uuid],
) -> Result<Vec<PlaceRow>, sqlx::Error> {
    sqlx::query_as!(
        PlaceRow,
        "select p.tenant_id, p.run_id, p.flow_id, p.key, p.most, p.replaces, p.copied, p.again, p.fresh
         from unnest($1::uuid[], $2::uuid[]) as x(tenant_id, run_id)
         join run_place p on p.tenant_id = x.tenant_id and p.run_id = x.run_id",
        tenants,
        runs
    )
    .fetch_all(executor)
    .await
}

/// See [`Intake::ticket`].
async fn ticket(pool: &PgPool, tenant: TenantId, run: RunId) -> Result<Option<Ticket>, StoreError> {
    let rows = of(pool, &[tenant.0], &[run.0]).await.map_err(unread)?;
    rows.into_iter().next().map(PlaceRow::ticket).transpose()
}

/// Takes away places of runs that are over; there are none unless something went wrong.
pub(super) async fn sweep(pool: &PgPool) -> Result<u64, StoreError> {
    let gone = sqlx::query!(
        "delete from run_place p where not exists (select from run_live l where l.tenant_id = p.tenant_id and l.run_id = p.run_id)"
    )
    .execute(pool)
    .await
    .map_err(unread)?;
    Ok(gone.rows_affected())
}

#[async_trait]
impl Intake for PgStore {
    async fn pauses(&self) -> Result<Pauses, StoreError> {
        pauses(self.pool()).await
    }

    async fn crowd(&self, line: &Line) -> Result<Crowd, StoreError> {
        crowd(self.pool(), line).await
    }

    async fn admit(&self, tenant: TenantId, lines: &[Line]) -> Result<Admitted, StoreError> {
        admit(self.pool(), tenant, lines).await
    }

    async fn lines(&self) -> Result<Vec<Line>, StoreError> {
        lines(self.pool()).await
    }

    async fn admitted(&self, shards: &[i16]) -> Result<Vec<(TenantId, RunId)>, StoreError> {
        admitted(self.pool(), shards).await
    }

    async fn ticket(&self, tenant: TenantId, run: RunId) -> Result<Option<Ticket>, StoreError> {
        ticket(self.pool(), tenant, run).await
    }
}
