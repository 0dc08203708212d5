//! What the runtime's loop asks: what is due, and what became of it.

use holon_model::{EnvironmentId, FlowId, RunId, ScheduleId, TenantId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use sqlx::{PgConnection, PgPool};

use super::{Next, Pending, Row, row};

/// Schedules taken up in one transaction.
const MOST: i64 = 32;
/// Runs of a schedule that are looked at for one still going.
const LOOKED_BACK: i64 = 100;

/// What there is to do, in one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// When the first schedule is due.
    pub due: Option<Timestamp>,
    /// Whether firings wait for their runs.
    pub open: bool,
}

/// Looks what there is to do.
pub async fn glance(engine: &PgPool) -> Result<Glance, sqlx::Error> {
    let row = sqlx::query!(
        r#"select (select min(due_at) from schedule where not paused) as due,
           exists (select from schedule_firing where outcome in ('pending', 'buffered')) as "open!""#
    )
    .fetch_one(engine)
    .await?;
    Ok(Glance { due: row.due.map(from_db), open: row.open })
}

/// Locks schedules that are due and that nobody else is taking up, of each tenant in turn.
pub async fn lock_due(engine: &mut PgConnection, now: Timestamp) -> Result<Vec<Row>, sqlx::Error> {
    let rows = sqlx::query!(
        // Outside, the conditions stand again: they are looked at once more when somebody else has just moved a schedule on.
        "select tenant_id, schedule_id, environment_id, flow_id, version, node, cron, time_zone, overlap, catch_up_ms, \
         jitter_ms, next_at from schedule where not paused and due_at <= $1 and (tenant_id, schedule_id) in (\
           select tenant_id, schedule_id from (\
             select tenant_id, schedule_id, due_at, row_number() over (partition by tenant_id order by due_at) as turn \
             from schedule where not paused and due_at <= $1) due \
           order by turn, due_at limit $2) \
         for update skip locked",
        to_db(now),
        MOST,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows.into_iter().map(|row| row!(row)).collect())
}

/// Locks schedules that were reckoned by a clock that was ahead of `limit`.
pub async fn lock_ahead(engine: &mut PgConnection, limit: Timestamp) -> Result<Vec<Row>, sqlx::Error> {
    let rows = sqlx::query!(
        "select tenant_id, schedule_id, environment_id, flow_id, version, node, cron, time_zone, overlap, catch_up_ms, \
         jitter_ms, next_at from schedule where not paused and reckoned_at > $1 limit $2 for update skip locked",
        to_db(limit),
        MOST,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows.into_iter().map(|row| row!(row)).collect())
}

/// Moves a schedule on.
pub async fn move_on(engine: &mut PgConnection, row: &Row, next: Next) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update schedule set next_at = $3, due_at = $4, reckoned_at = $5 where tenant_id = $1 and schedule_id = $2",
        row.tenant.0,
        row.id.0,
        next.at.map(to_db),
        next.due.map(to_db),
        to_db(next.reckoned),
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Whether a run of this schedule is still going or about to start, and whether a firing is kept for later.
pub async fn busy(engine: &mut PgConnection, row: &Row) -> Result<(bool, bool), sqlx::Error> {
    let found = sqlx::query!(
        r#"select
           exists (
             select from (
               select run_id, outcome from schedule_firing where tenant_id = $1 and schedule_id = $2
                 and outcome in ('pending', 'started') order by scheduled_at desc limit $3) f
             where f.outcome = 'pending'
               or exists (select from run_live l where l.tenant_id = $1 and l.run_id = f.run_id)) as "going!",
           exists (
             select from schedule_firing where tenant_id = $1 and schedule_id = $2 and outcome = 'buffered') as "kept!""#,
        row.tenant.0,
        row.id.0,
        LOOKED_BACK,
    )
    .fetch_one(engine)
    .await?;
    Ok((found.going, found.kept))
}

/// What becomes of a firing.
#[derive(Debug, Clone, Copy)]
pub struct NewFiring<'a> {
    /// The time that it stands for.
    pub at: Timestamp,
    /// `pending`, `buffered`, `skipped`, `missed` or `failed`.
    pub outcome: &'a str,
    /// Why it starts no run.
    pub reason: Option<&'a str>,
    /// How many it stands for.
    pub count: u32,
    /// The run that it is to start.
    pub run: Option<RunId>,
}

/// Writes a firing down; false when it was there already.
pub async fn record(
    engine: &mut PgConnection,
    row: &Row,
    now: Timestamp,
    firing: NewFiring<'_>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into schedule_firing (tenant_id, schedule_id, scheduled_at, cause, fired_at, outcome, reason, count, \
         run_id) values ($1, $2, $3, 'time', $4, $5, $6, $7, $8) on conflict do nothing",
        row.tenant.0,
        row.id.0,
        to_db(firing.at),
        to_db(now),
        firing.outcome,
        firing.reason,
        i32::try_from(firing.count).unwrap_or(i32::MAX),
        firing.run.map(|run| run.0),
    )
    .execute(engine)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Schedules that keep a firing for later, locked; not those that are paused.
pub async fn lock_buffered(engine: &mut PgConnection) -> Result<Vec<(Row, Timestamp)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select s.tenant_id, s.schedule_id, s.environment_id, s.flow_id, s.version, s.node, s.cron, s.time_zone, \
         s.overlap, s.catch_up_ms, s.jitter_ms, s.next_at, f.scheduled_at from schedule_firing f \
         join schedule s on s.tenant_id = f.tenant_id and s.schedule_id = f.schedule_id \
         where f.outcome = 'buffered' and not s.paused order by f.fired_at limit $1 for update of s skip locked",
        MOST * 4,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows.into_iter().map(|row| (row!(row), from_db(row.scheduled_at))).collect())
}

/// A firing that was kept is to start its run now.
pub async fn take_from_buffer(
    engine: &mut PgConnection,
    row: &Row,
    at: Timestamp,
    run: RunId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update schedule_firing set outcome = 'pending', run_id = $4 \
         where tenant_id = $1 and schedule_id = $2 and scheduled_at = $3 and outcome = 'buffered'",
        row.tenant.0,
        row.id.0,
        to_db(at),
        run.0,
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Firings that wait for their runs, oldest first: of one schedule, or of all.
pub async fn pending(
    engine: &PgPool,
    of: Option<(TenantId, ScheduleId)>,
    taken_up_before: Timestamp,
) -> Result<Vec<Pending>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select s.tenant_id, s.schedule_id, s.environment_id, s.flow_id, s.version, s.node, s.cron, s.time_zone,
             s.overlap, s.catch_up_ms, s.jitter_ms, s.next_at, e.name, f.scheduled_at, f.cause, f.fired_at,
             f.run_id as "run_id!",
             exists (select from run_hist h where h.tenant_id = f.tenant_id and h.run_id = f.run_id
               and h.moment = 'started') as "begun!"
           from schedule_firing f
           join schedule s on s.tenant_id = f.tenant_id and s.schedule_id = f.schedule_id
           join environment e on e.tenant_id = s.tenant_id and e.environment_id = s.environment_id
           where f.outcome = 'pending' and f.run_id is not null and f.fired_at <= $1
             and ($2::uuid is null or (f.tenant_id = $2 and f.schedule_id = $3))
           order by f.fired_at, f.scheduled_at limit $4"#,
        to_db(taken_up_before),
        of.map(|(tenant, _)| tenant.0),
        of.map(|(_, id)| id.0),
        MOST * 4,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Pending {
            environment_name: row.name,
            scheduled_at: from_db(row.scheduled_at),
            cause: row.cause,
            fired_at: from_db(row.fired_at),
            run: RunId(row.run_id),
            begun: row.begun,
            row: row!(row),
        })
        .collect())
}

/// Writes down what became of a firing that waited.
pub async fn settle(
    engine: &PgPool,
    firing: &Pending,
    outcome: &str,
    reason: Option<&str>,
    run: Option<RunId>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update schedule_firing set outcome = $5, reason = $6, run_id = $7 \
         where tenant_id = $1 and schedule_id = $2 and scheduled_at = $3 and cause = $4 and outcome = 'pending'",
        firing.row.tenant.0,
        firing.row.id.0,
        to_db(firing.scheduled_at),
        firing.cause,
        outcome,
        reason,
        run.map(|run| run.0),
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Forgets old firings, some at a time.
pub async fn forget(engine: &PgPool, before: Timestamp) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from schedule_firing where ctid = any(array(select ctid from schedule_firing \
         where fired_at < $1 and outcome not in ('pending', 'buffered') limit 5000))",
        to_db(before),
    )
    .execute(engine)
    .await?;
    Ok(done.rows_affected())
}
