//! All SQL of workers. Runs write and take back the rows of what is handed out; here it is written who has them.

use holon_model::wire::workers::{ClaimedTask, SeenWorker, WorkItem, WorkPool};
use holon_model::{ClaimId, FlowId, RunId, TenantId, Timestamp, Value, json};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::TenantTx;
use sqlx::PgPool;
use uuid::Uuid;

use super::{Error, MOST_CLAIMS, among};

/// A worker that was seen so lately need not be noted again, in seconds.
const SEEN_GRAIN: i64 = 10;
/// Workers of a pool that are listed.
const MOST_SHOWN: i64 = 50;

/// Who claims.
#[derive(Debug)]
pub struct By<'a> {
    pub pool: &'a str,
    pub worker: &'a str,
    pub actor: &'a str,
    pub most: u16,
}

/// A claim that holds.
#[derive(Debug)]
pub struct Held {
    pub effect: Uuid,
    pub attempt: u32,
    pub path: String,
    pub worker: String,
}

/// An attempt that nobody will end.
#[derive(Debug)]
pub struct Ended {
    pub tenant: TenantId,
    pub run: RunId,
    pub effect: Uuid,
    pub attempt: u32,
    pub pool: String,
    /// Its time is up; else too many workers lost it.
    pub late: bool,
}

/// Which tasks are listed.
#[derive(Debug, Default)]
pub struct Filter {
    pub pool: Option<String>,
    pub claimed: Option<bool>,
    pub after: Option<(RunId, Uuid, i32)>,
}

fn number(stored: i32) -> u32 {
    u32::try_from(stored).unwrap_or_default()
}

fn count(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or_default()
}

/// Claims what is free, longest free first; what another claim is just looking at is left to that one. A paused run hands nothing out.
pub async fn claim(tx: &mut TenantTx<'_>, by: &By<'_>, now: Timestamp) -> Result<Vec<ClaimedTask>, Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    let rows = sqlx::query!(
        r#"with free as (
             select w.run_id, w.effect_id, w.attempt from work w
             where w.tenant_id = $1 and w.environment_id = $2 and w.pool = $3 and w.free_at <= $4 and w.deadline > $4 and w.claims < $5
               and not exists (select from run_live l where l.tenant_id = w.tenant_id and l.run_id = w.run_id and l.status = 'paused')
             order by w.free_at limit $6 for update of w skip locked),
           taken as (
             update work w set claim_id = gen_random_uuid(), claims = w.claims + 1, worker = $7, claimed_by = $8, claimed_at = $4,
               beat_at = $4, progress = null, free_at = $4::timestamptz + w.heartbeat_ms * interval '1 millisecond'
             from free f
             where w.tenant_id = $1 and w.run_id = f.run_id and w.effect_id = f.effect_id and w.attempt = f.attempt
             returning w.claim_id, w.run_id, w.effect_id, w.attempt, w.path, w.name, w.input, w.claims, w.heartbeat_ms, w.asked_at, w.deadline)
           select claim_id as "claim_id!", run_id, effect_id, attempt, path, name, input, claims, heartbeat_ms, deadline
           from taken order by asked_at, run_id, effect_id"#,
        tenant,
        environment,
        by.pool,
        to_db(now),
        MOST_CLAIMS,
        i64::from(by.most),
        by.worker,
        by.actor,
    )
    .fetch_all(tx.conn())
    .await?;
    let read = |run: RunId, text: &str| -> Result<Value, Error> {
        json::parse(text.as_bytes()).map_err(|error| Error::Inconsistent(run, error.to_string()))
    };
    rows.into_iter()
        .map(|row| {
            let (claim, run) = (ClaimId(row.claim_id), RunId(row.run_id));
            Ok(ClaimedTask {
                claim,
                at: format!("/api/v1/runs/{run}/work/{claim}"),
                run,
                path: row.path,
                pool: by.pool.to_owned(),
                name: row.name,
                input: read(run, &row.input)?,
                key: row.effect_id.simple().to_string(),
                attempt: number(row.attempt),
                claims: number(row.claims),
                heartbeat_ms: u64::try_from(row.heartbeat_ms).unwrap_or_default(),
                deadline: from_db(row.deadline),
            })
        })
        .collect()
}

/// Notes that a worker was heard of.
pub async fn note_worker(
    tx: &mut TenantTx<'_>,
    pool: &str,
    worker: &str,
    actor: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    sqlx::query!(
        "insert into worker (tenant_id, environment_id, pool, name, actor, seen_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id, environment_id, pool, name) do update set actor = excluded.actor, seen_at = excluded.seen_at
         where worker.seen_at < $6::timestamptz - $7::bigint * interval '1 second'",
        tenant,
        environment,
        pool,
        worker,
        actor,
        to_db(now),
        SEEN_GRAIN,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Prolongs a claim that holds; answers its pool and its worker.
pub async fn beat(
    tx: &mut TenantTx<'_>,
    run: RunId,
    claim: ClaimId,
    pools: Option<&[String]>,
    now: Timestamp,
    progress: Option<&str>,
) -> Result<Option<(String, String)>, sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    let row = sqlx::query!(
        "update work set beat_at = $6, progress = coalesce($7, progress),
           free_at = greatest(free_at, $6::timestamptz + heartbeat_ms * interval '1 millisecond')
         where tenant_id = $1 and environment_id = $2 and run_id = $3 and claim_id = $4
           and ($5::text[] is null or pool = any($5)) and deadline > $6
         returning pool, worker",
        tenant,
        environment,
        run.0,
        claim.0,
        among(pools),
        to_db(now),
        progress,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.pool, row.worker.unwrap_or_default())))
}

/// Keeps a claim that holds until then: its worker is saying what became of it.
pub async fn hold(
    tx: &mut TenantTx<'_>,
    run: RunId,
    claim: ClaimId,
    pools: Option<&[String]>,
    until: Timestamp,
) -> Result<Option<Held>, sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    let row = sqlx::query!(
        "update work set free_at = greatest(free_at, $6)
         where tenant_id = $1 and environment_id = $2 and run_id = $3 and claim_id = $4 and ($5::text[] is null or pool = any($5))
         returning effect_id, attempt, path, worker",
        tenant,
        environment,
        run.0,
        claim.0,
        among(pools),
        to_db(until),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Held {
        effect: row.effect_id,
        attempt: number(row.attempt),
        path: row.path,
        worker: row.worker.unwrap_or_default(),
    }))
}

/// Pools that have tasks, or workers that were seen since then, by name.
pub async fn pools(tx: &mut TenantTx<'_>, now: Timestamp, since: Timestamp) -> Result<Vec<WorkPool>, sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    let rows = sqlx::query!(
        r#"select coalesce(w.pool, s.pool) as "pool!", coalesce(w.waiting, 0) as "waiting!", coalesce(w.claimed, 0) as "claimed!", w.oldest
           from (select pool, count(*) filter (where free_at <= $3) as waiting, count(*) filter (where free_at > $3) as claimed,
                   min(asked_at) filter (where free_at <= $3) as oldest
                 from work where tenant_id = $1 and environment_id = $2 group by pool) w
           full join (select distinct pool from worker where tenant_id = $1 and environment_id = $2 and seen_at > $4) s
             on s.pool = w.pool
           order by 1 limit 500"#,
        tenant,
        environment,
        to_db(now),
        to_db(since),
    )
    .fetch_all(tx.conn())
    .await?;
    let mut pools: Vec<WorkPool> = rows
        .into_iter()
        .map(|row| WorkPool {
            name: row.pool,
            waiting: count(row.waiting),
            claimed: count(row.claimed),
            oldest: row.oldest.map(from_db),
            workers: Vec::new(),
        })
        .collect();
    let seen = sqlx::query!(
        r#"select s.pool, s.name, s.seen_at,
             (select count(*) from work w where w.tenant_id = $1 and w.environment_id = $2 and w.pool = s.pool and w.worker = s.name
                and w.free_at > $3) as "tasks!"
           from (select pool, name, seen_at, row_number() over (partition by pool order by seen_at desc, name) as place
                 from worker where tenant_id = $1 and environment_id = $2 and seen_at > $4) s
           where s.place <= $5 order by s.pool, s.place"#,
        tenant,
        environment,
        to_db(now),
        to_db(since),
        MOST_SHOWN,
    )
    .fetch_all(tx.conn())
    .await?;
    for row in seen {
        if let Some(pool) = pools.iter_mut().find(|pool| pool.name == row.pool) {
            pool.workers.push(SeenWorker { name: row.name, seen_at: from_db(row.seen_at), tasks: count(row.tasks) });
        }
    }
    Ok(pools)
}

/// What is handed out, of the oldest run first.
pub async fn list(tx: &mut TenantTx<'_>, filter: &Filter, now: Timestamp, limit: i64) -> Result<Vec<WorkItem>, Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    let after = filter.after.map(|(run, effect, _)| (run.0, effect)).unzip();
    let rows = sqlx::query!(
        r#"select w.run_id, w.effect_id, w.attempt, w.flow_id, w.path, w.pool, w.name, w.asked_at, w.deadline, w.free_at, w.claims,
             w.worker, w.claimed_at, w.beat_at, w.progress, f.name as "flow_name?"
           from work w left join flow f on f.tenant_id = w.tenant_id and f.flow_id = w.flow_id
           where w.tenant_id = $1 and w.environment_id = $2 and ($3::text is null or w.pool = $3)
             and ($4::bool is null or (w.free_at > $5) = $4)
             and ($6::uuid is null or (w.run_id, w.effect_id, w.attempt) > ($6, $7::uuid, $8::int))
           order by w.run_id, w.effect_id, w.attempt limit $9"#,
        tenant,
        environment,
        filter.pool,
        filter.claimed,
        to_db(now),
        after.0,
        after.1,
        filter.after.map(|(.., attempt)| attempt),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let run = RunId(row.run_id);
            let read = |text: String| {
                json::parse(text.as_bytes()).map_err(|error| Error::Inconsistent(run, error.to_string()))
            };
            Ok(WorkItem {
                run,
                flow: FlowId(row.flow_id),
                flow_name: row.flow_name.unwrap_or_else(|| "Deleted flow".into()),
                path: row.path,
                key: row.effect_id.simple().to_string(),
                pool: row.pool,
                name: row.name,
                attempt: number(row.attempt),
                state: if from_db(row.free_at) > now { "claimed" } else { "waiting" }.into(),
                claims: number(row.claims),
                asked_at: from_db(row.asked_at),
                deadline: from_db(row.deadline),
                worker: row.worker,
                claimed_at: row.claimed_at.map(from_db),
                beat_at: row.beat_at.map(from_db),
                progress: row.progress.map(read).transpose()?.unwrap_or_default(),
            })
        })
        .collect()
}

/// Attempts of runs of these shards that nobody will end, of all tenants: as `holon_engine`, which names the tenant itself.
pub async fn ended(engine: &PgPool, now: Timestamp, shards: &[i16], most: i64) -> Result<Vec<Ended>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id!", run_id as "run_id!", effect_id as "effect_id!", attempt as "attempt!", pool as "pool!", late as "late!"
           from (
             (select tenant_id, run_id, effect_id, attempt, pool, true as late from work where deadline <= $1
              and get_byte(uuid_send(run_id), 15) = any($2::smallint[]) order by deadline limit $4)
             union all
             (select tenant_id, run_id, effect_id, attempt, pool, false as late from work
              where claims >= 5 and claims >= $3 and free_at <= $1 and deadline > $1
              and get_byte(uuid_send(run_id), 15) = any($2::smallint[]) order by free_at limit $4)) e"#,
        to_db(now),
        shards,
        MOST_CLAIMS,
        most,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Ended {
            tenant: TenantId(row.tenant_id),
            run: RunId(row.run_id),
            effect: row.effect_id,
            attempt: number(row.attempt),
            pool: row.pool,
            late: row.late,
        })
        .collect())
}

/// Forgets workers that were not heard of since then, of all tenants.
pub async fn forget_workers(engine: &PgPool, before: Timestamp) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query!("delete from worker where seen_at < $1", to_db(before)).execute(engine).await?.rows_affected())
}
