//! All SQL of failure triggers. What the loop asks, it asks as the engine: the tenant stands in every statement.

use holon_model::{EnvironmentId, FlowId, Millis, RunId, TenantId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::TenantTx;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::PASSED_OVER;

/// Triggers that are looked at in one transaction.
const SOME: i64 = 20;
/// Runs that one look finds at most.
pub const MOST_FOUND: usize = 200;
/// Runs that are started at once.
const AT_ONCE: i64 = 64;
/// For how long a start belongs to whoever claimed it; then it was left by a crash.
const CLAIMED_FOR: Millis = Millis(60_000);

/// Takes away the triggers of a flow that are not among `nodes`.
pub async fn keep_only(
    tx: &mut TenantTx<'_>,
    environment: EnvironmentId,
    flow: FlowId,
    nodes: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from failure_trigger where tenant_id = $1 and environment_id = $2 and flow_id = $3 and not (node = any($4))",
        tx.tenant().0,
        environment.0,
        flow.0,
        nodes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes a trigger, or makes it what the new version says. With another filter it begins anew: what failed before it is not its.
pub async fn put(
    tx: &mut TenantTx<'_>,
    (environment, flow, version): (EnvironmentId, FlowId, i32),
    node: &str,
    of: Option<FlowId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into failure_trigger (tenant_id, environment_id, flow_id, node, version, of_flow, since, looked_at, \
         next_look_at) values ($1, $2, $3, $4, $5, $6, $7, $7, $7) \
         on conflict (tenant_id, environment_id, flow_id, node) do update set version = excluded.version, \
         of_flow = excluded.of_flow, \
         since = case when failure_trigger.of_flow is not distinct from excluded.of_flow then failure_trigger.since \
           else excluded.since end",
        tx.tenant().0,
        environment.0,
        flow.0,
        node,
        version,
        of.map(|of| of.0),
        to_db(now),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many failure triggers the tenant has.
pub async fn count(tx: &mut TenantTx<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from failure_trigger where tenant_id = $1"#, tx.tenant().0)
        .fetch_one(tx.conn())
        .await
}

/// A trigger as the loop sees it.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Whose.
    pub tenant: TenantId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// The flow that it starts.
    pub flow: FlowId,
    /// Its node there.
    pub node: String,
    /// Of this flow only.
    pub of: Option<FlowId>,
    /// Not before.
    pub since: Timestamp,
    /// The look before.
    pub looked_at: Timestamp,
}

/// Triggers that are due, locked.
pub async fn lock_due(engine: &mut PgConnection, now: Timestamp) -> Result<Vec<Trigger>, sqlx::Error> {
    let rows = sqlx::query!(
        "select tenant_id, environment_id, flow_id, node, of_flow, since, looked_at from failure_trigger \
         where next_look_at <= $1 order by next_look_at limit $2 for update skip locked",
        to_db(now),
        SOME,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Trigger {
            tenant: TenantId(row.tenant_id),
            environment: EnvironmentId(row.environment_id),
            flow: FlowId(row.flow_id),
            node: row.node,
            of: row.of_flow.map(FlowId),
            since: from_db(row.since),
            looked_at: from_db(row.looked_at),
        })
        .collect())
}

/// Runs of other flows that failed after `after` and were not found before, the first first, with when.
pub async fn failed_runs(
    engine: &mut PgConnection,
    trigger: &Trigger,
    after: Timestamp,
) -> Result<Vec<(RunId, Timestamp)>, sqlx::Error> {
    let passed_over = PASSED_OVER.map(str::to_owned);
    let rows = sqlx::query!(
        "select h.run_id, h.at from run_hist h \
         where h.tenant_id = $1 and h.environment_id = $2 and h.moment = 'ended' and h.status = 'failed' and h.at >= $3 \
           and h.flow_id <> $4 and ($5::uuid is null or h.flow_id = $5) and not (h.trigger = any($6)) \
           and not exists (select from failure_start s where s.tenant_id = $1 and s.environment_id = $2 \
             and s.flow_id = $4 and s.node = $7 and s.failed_run = h.run_id) \
         order by h.at limit $8",
        trigger.tenant.0,
        trigger.environment.0,
        to_db(after),
        trigger.flow.0,
        trigger.of.map(|of| of.0),
        &passed_over,
        trigger.node,
        MOST_FOUND as i64,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows.into_iter().map(|row| (RunId(row.run_id), from_db(row.at))).collect())
}

/// Writes down which runs are to be started: the failed one and the new one of each.
pub async fn to_start(
    engine: &mut PgConnection,
    trigger: &Trigger,
    starts: &[(RunId, RunId)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if starts.is_empty() {
        return Ok(());
    }
    let (failed, runs): (Vec<Uuid>, Vec<Uuid>) = starts.iter().map(|(failed, run)| (failed.0, run.0)).unzip();
    sqlx::query!(
        "insert into failure_start (tenant_id, environment_id, flow_id, node, failed_run, run_id, state, found_at, next_try_at) \
         select $1, $2, $3, $4, s.failed, s.run, 'pending', $7, $7 from unnest($5::uuid[], $6::uuid[]) s (failed, run) \
         on conflict do nothing",
        trigger.tenant.0,
        trigger.environment.0,
        trigger.flow.0,
        trigger.node,
        &failed,
        &runs,
        to_db(now),
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Moves a trigger on to its next look.
pub async fn move_on(
    engine: &mut PgConnection,
    trigger: &Trigger,
    looked_at: Timestamp,
    next: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update failure_trigger set looked_at = $5, next_look_at = $6 \
         where tenant_id = $1 and environment_id = $2 and flow_id = $3 and node = $4",
        trigger.tenant.0,
        trigger.environment.0,
        trigger.flow.0,
        trigger.node,
        to_db(looked_at),
        to_db(next),
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// A run that is to be started now.
#[derive(Debug, Clone)]
pub struct Due {
    /// Whose.
    pub tenant: TenantId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// The environment's name.
    pub environment_name: String,
    /// The flow that is started.
    pub flow: FlowId,
    /// Its version in force.
    pub version: i32,
    /// The trigger's node.
    pub node: String,
    /// The run that failed.
    pub failed: RunId,
    /// The run that it starts.
    pub run: RunId,
    /// Whether that is there already.
    pub begun: bool,
    /// How often it was tried, this time included.
    pub tries: i32,
}

/// Claims starts that are due, oldest first: nobody else starts them meanwhile.
pub async fn claim_due(engine: &PgPool, now: Timestamp) -> Result<Vec<Due>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"with due as (
             select tenant_id, environment_id, flow_id, node, failed_run from failure_start
             where state = 'pending' and next_try_at <= $1 order by next_try_at limit $3 for update skip locked)
           update failure_start s set next_try_at = $2, tries = s.tries + 1
           from due d
           join failure_trigger t on t.tenant_id = d.tenant_id and t.environment_id = d.environment_id
             and t.flow_id = d.flow_id and t.node = d.node
           join environment e on e.tenant_id = d.tenant_id and e.environment_id = d.environment_id
           where s.tenant_id = d.tenant_id and s.environment_id = d.environment_id and s.flow_id = d.flow_id
             and s.node = d.node and s.failed_run = d.failed_run
           returning s.tenant_id, s.environment_id, e.name as place, s.flow_id, t.version, s.node, s.failed_run, s.run_id,
             s.tries, exists (select from run_hist h where h.tenant_id = s.tenant_id and h.run_id = s.run_id
               and h.moment = 'started') as "begun!""#,
        to_db(now),
        to_db(now.plus(CLAIMED_FOR)),
        AT_ONCE,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Due {
            tenant: TenantId(row.tenant_id),
            environment: EnvironmentId(row.environment_id),
            environment_name: row.place,
            flow: FlowId(row.flow_id),
            version: row.version,
            node: row.node,
            failed: RunId(row.failed_run),
            run: RunId(row.run_id),
            begun: row.begun,
            tries: row.tries,
        })
        .collect())
}

/// What came of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The run is there.
    Started(RunId),
    /// It is tried again then.
    Again(String, Timestamp),
    /// It is not.
    Refused(String),
}

/// Writes it down.
pub async fn settle(engine: &PgPool, due: &Due, settled: &Settled, now: Timestamp) -> Result<(), sqlx::Error> {
    let (state, reason, run, next) = match settled {
        Settled::Started(run) => ("started", None, *run, now),
        Settled::Again(why, at) => ("pending", Some(why.as_str()), due.run, *at),
        Settled::Refused(why) => ("refused", Some(why.as_str()), due.run, now),
    };
    sqlx::query!(
        "update failure_start set state = $6, reason = $7, run_id = $8, next_try_at = $9 where tenant_id = $1 \
         and environment_id = $2 and flow_id = $3 and node = $4 and failed_run = $5 and state = 'pending'",
        due.tenant.0,
        due.environment.0,
        due.flow.0,
        due.node,
        due.failed.0,
        state,
        reason,
        run.0,
        to_db(next),
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Forgets what was found before, some at a time; how many.
pub async fn forget(engine: &PgPool, before: Timestamp) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "delete from failure_start where ctid = any(array(select ctid from failure_start \
         where found_at < $1 and state <> 'pending' limit 5000))",
        to_db(before),
    )
    .execute(engine)
    .await?;
    Ok(gone.rows_affected())
}
