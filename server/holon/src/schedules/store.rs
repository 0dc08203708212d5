//! All SQL of schedules. Requests come through `TenantTx`; the runtime's loop as `holon_engine`, with the tenant in every
//! statement that follows the look for what is due.

use holon_model::wire::schedules::{Firing, ScheduleSummary};
use holon_model::{EnvironmentId, FlowId, Millis, RunId, ScheduleId, TenantId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::TenantTx;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::plan::{Overlap, Plan, Times};

/// Schedules taken up in one transaction.
const MOST: i64 = 32;
/// Runs of a schedule that are looked at for one still going.
const LOOKED_BACK: i64 = 100;

/// A row as it stands.
#[derive(Debug, Clone)]
pub struct Row {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub id: ScheduleId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// The flow.
    pub flow: FlowId,
    /// The version in force.
    pub version: i32,
    /// Key of the trigger.
    pub node: String,
    /// The expression.
    pub cron: String,
    /// The zone.
    pub time_zone: String,
    /// The overlap policy.
    pub overlap: String,
    /// The catch-up window in milliseconds.
    pub catch_up_ms: i64,
    /// The jitter in milliseconds.
    pub jitter_ms: i64,
    /// The next time.
    pub next_at: Option<Timestamp>,
}

/// Makes a row of the columns that `$row` has.
macro_rules! row {
    ($row:expr) => {
        Row {
            tenant: TenantId($row.tenant_id),
            id: ScheduleId($row.schedule_id),
            environment: EnvironmentId($row.environment_id),
            flow: FlowId($row.flow_id),
            version: $row.version,
            node: $row.node,
            cron: $row.cron,
            time_zone: $row.time_zone,
            overlap: $row.overlap,
            catch_up_ms: $row.catch_up_ms,
            jitter_ms: $row.jitter_ms,
            next_at: $row.next_at.map(from_db),
        }
    };
}

/// A firing that waits for its run.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The schedule.
    pub row: Row,
    /// Its environment's name.
    pub environment_name: String,
    /// The time that it stands for.
    pub scheduled_at: Timestamp,
    /// `time` or `person`.
    pub cause: String,
    /// When it was taken up.
    pub fired_at: Timestamp,
    /// The run that it starts.
    pub run: RunId,
    /// Whether that run has begun already.
    pub begun: bool,
}

// ---- publishing -------------------------------------------------------------------------------------------------------

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

/// When a schedule is next, reckoned at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Next {
    /// The time that the expression names.
    pub at: Option<Timestamp>,
    /// The same with its jitter.
    pub due: Option<Timestamp>,
    /// By which clock.
    pub reckoned: Timestamp,
}

impl Next {
    /// The next time of a plan after `now`.
    pub fn after(plan: &Plan, id: ScheduleId, now: Timestamp) -> Self {
        Self::of(plan, id, plan.times.next(now), now)
    }

    /// A time of a plan as the next.
    pub fn of(plan: &Plan, id: ScheduleId, at: Option<Timestamp>, now: Timestamp) -> Self {
        Self { at, due: at.map(|at| plan.due(id, at)), reckoned: now }
    }
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

// ---- people -----------------------------------------------------------------------------------------------------------

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

// ---- the runtime's loop -----------------------------------------------------------------------------------------------

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

impl Row {
    /// What the row says; none when its expression or zone does not read back.
    pub fn plan(&self) -> Option<Plan> {
        Some(Plan {
            times: Times::read(&self.cron, &self.time_zone).ok()?,
            cron: self.cron.clone(),
            time_zone: self.time_zone.clone(),
            overlap: Overlap::named(&self.overlap)?,
            catch_up: Millis(self.catch_up_ms.unsigned_abs()),
            jitter: Millis(self.jitter_ms.unsigned_abs()),
            paused: false,
        })
    }
}
