//! What requests ask: publishing makes schedules, people read, pause and fire them.

use holon_model::wire::schedules::{Firing, ScheduleSummary};
use holon_model::{EnvironmentId, FlowId, RunId, ScheduleId, TenantId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::{Next, Row, row};
use crate::schedules::plan::Plan;

/// The schedule of a trigger, if it has one.
pub async fn of_node(
    tx: &mut TenantTx<'_>,
    environment: EnvironmentId,
    flow: FlowId,
    node: &str,
) -> Result<Option<Row>, sqlx::Error> {
    let row = sqlx::query!(
        "select tenant_id, schedule_id, environment_id, flow_id, version, node, cron, time_zone, overlap, catch_up_ms, \
         jitter_ms, next_at from schedule where tenant_id = $1 and environment_id = $2 and flow_id = $3 and node = $4 \
         for update",
        tx.tenant().0,
        environment.0,
        flow.0,
        node,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| row!(row)))
}

/// Takes away the schedules of a flow whose triggers are not among `nodes`.
pub async fn keep_only(
    tx: &mut TenantTx<'_>,
    environment: EnvironmentId,
    flow: FlowId,
    nodes: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from schedule where tenant_id = $1 and environment_id = $2 and flow_id = $3 and not (node = any($4))",
        tx.tenant().0,
        environment.0,
        flow.0,
        nodes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many schedules the tenant has.
pub async fn count(tx: &mut TenantTx<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from schedule where tenant_id = $1"#, tx.tenant().0)
        .fetch_one(tx.conn())
        .await
}

/// Makes a trigger's schedule, or makes it what the new version says. Whether it is paused, people decide.
pub async fn put(
    tx: &mut TenantTx<'_>,
    (environment, flow, version): (EnvironmentId, FlowId, i32),
    id: ScheduleId,
    node: &str,
    plan: &Plan,
    next: Next,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into schedule (tenant_id, schedule_id, environment_id, flow_id, version, node, cron, time_zone, overlap, \
         catch_up_ms, jitter_ms, paused, next_at, due_at, reckoned_at, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15) \
         on conflict (tenant_id, environment_id, flow_id, node) do update set version = excluded.version, \
         cron = excluded.cron, time_zone = excluded.time_zone, overlap = excluded.overlap, \
         catch_up_ms = excluded.catch_up_ms, jitter_ms = excluded.jitter_ms, next_at = excluded.next_at, \
         due_at = excluded.due_at, reckoned_at = excluded.reckoned_at",
        tx.tenant().0,
        id.0,
        environment.0,
        flow.0,
        version,
        node,
        plan.cron,
        plan.time_zone,
        plan.overlap.as_str(),
        millis(plan.catch_up.0),
        millis(plan.jitter.0),
        plan.paused,
        next.at.map(to_db),
        next.due.map(to_db),
        to_db(next.reckoned),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn millis(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// One schedule of this environment, locked.
pub async fn lock(tx: &mut TenantTx<'_>, id: ScheduleId) -> Result<Option<(Row, bool)>, sqlx::Error> {
    let row = sqlx::query!(
        "select tenant_id, schedule_id, environment_id, flow_id, version, node, cron, time_zone, overlap, catch_up_ms, \
         jitter_ms, next_at, paused from schedule where tenant_id = $1 and schedule_id = $2 and environment_id = $3 \
         for update",
        tx.tenant().0,
        id.0,
        tx.context().environment.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row!(row), row.paused)))
}

/// Pauses, or resumes at a next time.
pub async fn set_paused(tx: &mut TenantTx<'_>, id: ScheduleId, paused: bool, next: Next) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update schedule set paused = $3, next_at = $4, due_at = $5, reckoned_at = $6 \
         where tenant_id = $1 and schedule_id = $2",
        tx.tenant().0,
        id.0,
        paused,
        next.at.map(to_db),
        next.due.map(to_db),
        to_db(next.reckoned),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes down a firing that a person asked for.
pub async fn fire_by_hand(
    tx: &mut TenantTx<'_>,
    id: ScheduleId,
    at: Timestamp,
    run: RunId,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into schedule_firing (tenant_id, schedule_id, scheduled_at, cause, fired_at, outcome, run_id) \
         values ($1, $2, $3, 'person', $3, 'pending', $4) on conflict do nothing",
        tx.tenant().0,
        id.0,
        to_db(at),
        run.0,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What became of a firing that a person asked for, and why it started no run.
pub async fn fired_by_hand(
    tx: &mut TenantTx<'_>,
    id: ScheduleId,
    at: Timestamp,
) -> Result<Option<(String, Option<String>)>, sqlx::Error> {
    let row = sqlx::query!(
        "select outcome, reason from schedule_firing \
         where tenant_id = $1 and schedule_id = $2 and scheduled_at = $3 and cause = 'person'",
        tx.tenant().0,
        id.0,
        to_db(at),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.outcome, row.reason)))
}

/// Which page of schedules.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// This one only.
    pub id: Option<ScheduleId>,
    /// Older than this one.
    pub before: Option<ScheduleId>,
}

/// Schedules of the environment, last made first.
pub async fn list(tx: &mut TenantTx<'_>, filter: &Filter, limit: i64) -> Result<Vec<ScheduleSummary>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select s.schedule_id, s.flow_id, f.name as flow_name, s.version, s.node, s.cron, s.time_zone, s.overlap,
             s.catch_up_ms, s.jitter_ms, s.paused, s.next_at
           from schedule s join flow f on f.tenant_id = s.tenant_id and f.flow_id = s.flow_id
           where s.tenant_id = $1 and s.environment_id = $2 and ($3::uuid is null or s.flow_id = $3)
             and ($4::uuid is null or s.schedule_id = $4) and ($5::uuid is null or s.schedule_id < $5)
           order by s.schedule_id desc limit $6"#,
        tx.tenant().0,
        tx.context().environment.0,
        filter.flow.map(|flow| flow.0),
        filter.id.map(|id| id.0),
        filter.before.map(|id| id.0),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.schedule_id).collect();
    let mut last = firings(tx, &ids, 1).await?;
    Ok(rows
        .into_iter()
        .map(|row| ScheduleSummary {
            id: ScheduleId(row.schedule_id),
            flow: FlowId(row.flow_id),
            flow_name: row.flow_name,
            version: row.version,
            node: row.node,
            cron: row.cron,
            time_zone: row.time_zone,
            overlap: row.overlap,
            catch_up: row.catch_up_ms.unsigned_abs(),
            jitter: row.jitter_ms.unsigned_abs(),
            paused: row.paused,
            next_at: row.next_at.filter(|_| !row.paused).map(from_db),
            last: last.iter().position(|(id, _)| *id == row.schedule_id).map(|at| last.swap_remove(at).1),
        })
        .collect())
}

/// The last firings of some schedules, newest first, at most `limit` of each.
pub async fn firings(tx: &mut TenantTx<'_>, ids: &[Uuid], limit: i64) -> Result<Vec<(Uuid, Firing)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select s.id as "id!", f.scheduled_at, f.fired_at, f.cause, f.outcome, f.reason, f.count, f.run_id,
             coalesce(e.status, l.status, case when f.outcome = 'started' then 'queued' end) as run_status
           from unnest($2::uuid[]) as s(id)
           cross join lateral (
             select * from schedule_firing f where f.tenant_id = $1 and f.schedule_id = s.id
             order by f.scheduled_at desc limit $3) f
           left join run_hist e on e.tenant_id = $1 and e.run_id = f.run_id and e.moment = 'ended'
           left join run_live l on l.tenant_id = $1 and l.run_id = f.run_id
           order by f.scheduled_at desc"#,
        tx.tenant().0,
        ids,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let firing = Firing {
                scheduled_at: from_db(row.scheduled_at),
                fired_at: from_db(row.fired_at),
                cause: row.cause,
                run: row.run_id.filter(|_| row.outcome == "started").map(RunId),
                outcome: row.outcome,
                reason: row.reason,
                count: row.count.unsigned_abs(),
                run_status: row.run_status,
            };
            (row.id, firing)
        })
        .collect())
}
