//! What requests ask: publishing makes polls, people read them, have them look and have them forget.

use holon_model::wire::polls::{Found, Look, PollSummary};
use holon_model::{EnvironmentId, FlowId, PollId, RunId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::TenantTx;

use crate::polls::sync::Plan;

/// Takes away the polls of a flow whose triggers are not among `nodes`.
pub async fn keep_only(
    tx: &mut TenantTx<'_>,
    environment: EnvironmentId,
    flow: FlowId,
    nodes: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from poll where tenant_id = $1 and environment_id = $2 and flow_id = $3 and not (node = any($4))",
        tx.tenant().0,
        environment.0,
        flow.0,
        nodes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many polls the tenant has.
pub async fn count(tx: &mut TenantTx<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from poll where tenant_id = $1"#, tx.tenant().0)
        .fetch_one(tx.conn())
        .await
}

/// Makes a trigger's poll, or makes it what the new version says. One that means something else begins with a first look; what was
/// seen stays seen. One that failed looks at once: it may have been mended.
pub async fn put(
    tx: &mut TenantTx<'_>,
    (environment, flow, version): (EnvironmentId, FlowId, i32),
    id: PollId,
    plan: &Plan,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let every = i64::try_from(plan.every.0).unwrap_or(i64::MAX);
    sqlx::query!(
        "insert into poll (tenant_id, poll_id, environment_id, flow_id, version, node, meaning, every_ms, next_look_at, \
           created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) \
         on conflict (tenant_id, environment_id, flow_id, node) do update set version = excluded.version, \
           meaning = excluded.meaning, every_ms = excluded.every_ms, \
           cursor = case when poll.meaning = excluded.meaning then poll.cursor else 'null' end, \
           looked = poll.looked and poll.meaning = excluded.meaning, \
           look = case when poll.meaning = excluded.meaning then poll.look else poll.look + 1 end, \
           looking_until = case when poll.meaning = excluded.meaning then poll.looking_until end, \
           next_look_at = case when poll.meaning = excluded.meaning and poll.failures = 0 \
             then least(poll.next_look_at, $10) else excluded.next_look_at end",
        tx.tenant().0,
        id.0,
        environment.0,
        flow.0,
        version,
        plan.node,
        &plan.meaning[..],
        every,
        to_db(now),
        to_db(now.plus(plan.every)),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Which page of polls.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// This one only.
    pub id: Option<PollId>,
    /// Older than this one.
    pub before: Option<PollId>,
}

/// Polls of the environment, last made first.
pub async fn list(
    tx: &mut TenantTx<'_>,
    filter: &Filter,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<PollSummary>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select p.poll_id, p.flow_id, f.name as flow_name, p.version, p.node, p.every_ms, p.next_look_at,
             coalesce(p.looking_until > $6, false) as "looking!", p.failures, p.failing_since, p.looked_at, p.outcome,
             p.listed, p.started, p.refused, p.waiting, p.complete, p.code, p.reason, p.pointer
           from poll p join flow f on f.tenant_id = p.tenant_id and f.flow_id = p.flow_id
           where p.tenant_id = $1 and p.environment_id = $2 and ($3::uuid is null or p.flow_id = $3)
             and ($4::uuid is null or p.poll_id = $4) and ($5::uuid is null or p.poll_id < $5)
           order by p.poll_id desc limit $7"#,
        tx.tenant().0,
        tx.context().environment.0,
        filter.flow.map(|flow| flow.0),
        filter.id.map(|id| id.0),
        filter.before.map(|id| id.0),
        to_db(now),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let count = |count: i32| count.unsigned_abs();
    let summaries = rows.into_iter().map(|row| PollSummary {
        id: PollId(row.poll_id),
        flow: FlowId(row.flow_id),
        flow_name: row.flow_name,
        version: row.version,
        node: row.node,
        every: row.every_ms.unsigned_abs(),
        next_at: from_db(row.next_look_at),
        looking: row.looking,
        failures: count(row.failures),
        failing_since: row.failing_since.map(from_db),
        last: row.looked_at.zip(row.outcome).map(|(at, outcome)| Look {
            at: from_db(at),
            outcome,
            listed: count(row.listed),
            started: count(row.started),
            refused: count(row.refused),
            waiting: count(row.waiting),
            complete: row.complete,
            code: row.code,
            reason: row.reason,
            pointer: row.pointer,
        }),
    });
    Ok(summaries.collect())
}

/// One of them.
pub async fn summary(tx: &mut TenantTx<'_>, id: PollId, now: Timestamp) -> Result<Option<PollSummary>, sqlx::Error> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    Ok(list(tx, &filter, now, 1).await?.pop())
}

/// Its cursor, JSON, and how many items it remembers.
pub async fn memory(tx: &mut TenantTx<'_>, id: PollId) -> Result<Option<(String, u64)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select cursor, (select count(*) from poll_seen s where s.tenant_id = $1 and s.poll_id = $2) as "seen!"
           from poll where tenant_id = $1 and poll_id = $2 and environment_id = $3"#,
        tx.tenant().0,
        id.0,
        tx.context().environment.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.cursor, row.seen.unsigned_abs())))
}

/// The last that was new and was to start a run, newest first.
pub async fn found(tx: &mut TenantTx<'_>, id: PollId, limit: i64) -> Result<Vec<Found>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select s.run_id as "run_id!", s.state as "state!", s.reason, s.items as "items!", s.at as "at!",
             coalesce(e.status, l.status, case when s.state = 'started' then 'queued' end) as run_status
           from (
             select run_id, state, reason, count(*) as items, min(seen_at) as at from poll_seen
             where tenant_id = $1 and poll_id = $2 and run_id is not null
             group by run_id, state, reason order by min(seen_at) desc, run_id desc limit $3) s
           left join run_hist e on e.tenant_id = $1 and e.run_id = s.run_id and e.moment = 'ended'
           left join run_live l on l.tenant_id = $1 and l.run_id = s.run_id
           order by s.at desc, s.run_id desc"#,
        tx.tenant().0,
        id.0,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let found = rows.into_iter().map(|row| {
        let started = row.state == "started";
        Found {
            at: from_db(row.at),
            state: row.state,
            items: u32::try_from(row.items).unwrap_or(u32::MAX),
            reason: row.reason,
            run: started.then_some(RunId(row.run_id)),
            run_status: row.run_status.filter(|_| started),
        }
    });
    Ok(found.collect())
}

/// Makes it due, unless somebody looks already; false when there is no such poll in this environment.
pub async fn make_due(tx: &mut TenantTx<'_>, id: PollId, now: Timestamp) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update poll set next_look_at = least(next_look_at, $4) \
         where tenant_id = $1 and poll_id = $2 and environment_id = $3",
        tx.tenant().0,
        id.0,
        tx.context().environment.0,
        to_db(now),
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets what it has seen and makes its next look a first one, at once; how much was forgotten. A look that is under way does not
/// count any more.
pub async fn forget(tx: &mut TenantTx<'_>, id: PollId, now: Timestamp) -> Result<Option<u64>, sqlx::Error> {
    let done = sqlx::query!(
        "update poll set cursor = 'null', looked = false, epoch = epoch + 1, look = look + 1, looking_until = null, \
           next_look_at = $4 where tenant_id = $1 and poll_id = $2 and environment_id = $3",
        tx.tenant().0,
        id.0,
        tx.context().environment.0,
        to_db(now),
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    let forgotten = sqlx::query!("delete from poll_seen where tenant_id = $1 and poll_id = $2", tx.tenant().0, id.0)
        .execute(tx.conn())
        .await?;
    Ok(Some(forgotten.rows_affected()))
}
