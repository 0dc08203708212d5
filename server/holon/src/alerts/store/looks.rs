//! What the loop looks for, as the engine: the tenant stands in every statement.

use holon_model::wire::alerts::AlertWhat;
use holon_model::{AlertId, EnvironmentId, FlowId, Millis, PollId, RunId, ScheduleId, TenantId, Timestamp};
use holon_platform::clock::{from_db, least_id, to_db};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{KNOWN, channel, inconsistent, what, what_text};

/// Rules that are looked at in one transaction.
const SOME: i64 = 20;
/// Things that one look tells apart; what is left is found by the next one.
const MOST: i64 = 200;
/// Runs that a rate is made of at most, of those that took long and of the others.
const MOST_RUNS: i64 = 100_000;
/// How long a run may take that is not in `run_hist_long`: the same as in its migration.
const SHORT: Millis = Millis(600_000);
/// A run's id is minted a moment before the run is accepted; where the store was away, up to so long.
const MINTED_BEFORE: Millis = Millis(3_600_000);

/// A rule as the loop sees it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Whose.
    pub tenant: TenantId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// Id.
    pub id: AlertId,
    /// For people.
    pub name: String,
    /// What it looks for.
    pub what: AlertWhat,
    /// Whether it starts a flow, whose own runs it must not be about.
    pub to_flow: bool,
    /// Of this flow only.
    pub flow: Option<FlowId>,
    /// Milliseconds.
    pub window: u64,
    /// Percent, or milliseconds.
    pub threshold: u64,
    /// Milliseconds.
    pub quiet: u64,
    /// Not before.
    pub since: Timestamp,
    /// The look before.
    pub looked_at: Timestamp,
    /// The firing before.
    pub fired_at: Option<Timestamp>,
    /// Found while it was quiet.
    pub held: u32,
    /// The last of it, JSON.
    pub held_items: String,
}

/// Rules that are due, locked.
pub async fn lock_due(engine: &mut PgConnection, now: Timestamp) -> Result<Vec<Rule>, sqlx::Error> {
    let known = KNOWN.map(|what| what_text(what).to_owned());
    let rows = sqlx::query!(
        "select tenant_id, environment_id, rule_id, name, what, channel, flow_id, window_ms, threshold, quiet_ms, since, \
         looked_at, fired_at, held, held_items from alert_rule where enabled and next_look_at <= $1 and what = any($3) \
         order by next_look_at limit $2 for update skip locked",
        to_db(now),
        SOME,
        &known,
    )
    .fetch_all(engine)
    .await?;
    rows.into_iter()
        .map(|row| {
            let channel = channel(&row.channel).ok_or_else(|| inconsistent(&row.channel))?;
            Ok(Rule {
                tenant: TenantId(row.tenant_id),
                environment: EnvironmentId(row.environment_id),
                id: AlertId(row.rule_id),
                name: row.name,
                what: what(&row.what).ok_or_else(|| inconsistent(&row.what))?,
                to_flow: channel == holon_model::wire::alerts::AlertChannel::Flow,
                flow: row.flow_id.map(FlowId),
                window: row.window_ms.unwrap_or_default().unsigned_abs(),
                threshold: row.threshold.unwrap_or_default().unsigned_abs(),
                quiet: row.quiet_ms.unsigned_abs(),
                since: from_db(row.since),
                looked_at: from_db(row.looked_at),
                fired_at: row.fired_at.map(from_db),
                held: row.held.unsigned_abs(),
                held_items: row.held_items,
            })
        })
        .collect()
}

/// Moves a rule on to its next look.
pub async fn move_on(
    engine: &mut PgConnection,
    rule: &Rule,
    (now, next): (Timestamp, Timestamp),
    fired_at: Option<Timestamp>,
    (held, held_items): (u32, &str),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update alert_rule set looked_at = $3, next_look_at = $4, fired_at = $5, held = $6, held_items = $7 \
         where tenant_id = $1 and rule_id = $2",
        rule.tenant.0,
        rule.id.0,
        to_db(now),
        to_db(next),
        fired_at.map(to_db),
        i32::try_from(held).unwrap_or(i32::MAX),
        held_items,
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Notes what was found; what was found before is not noted again.
pub async fn see(
    engine: &mut PgConnection,
    rule: &Rule,
    subjects: &[String],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into alert_seen (tenant_id, rule_id, subject, seen_at) select $1, $2, s, $4 from unnest($3::text[]) s \
         on conflict do nothing",
        rule.tenant.0,
        rule.id.0,
        subjects,
        to_db(now),
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Runs that failed after `after` and were not found before.
pub async fn failed_runs(
    engine: &mut PgConnection,
    rule: &Rule,
    after: Timestamp,
) -> Result<Vec<(RunId, FlowId, i32, Option<String>)>, sqlx::Error> {
    let passed_over = crate::failures::PASSED_OVER.map(str::to_owned);
    let rows = sqlx::query!(
        "select h.run_id, h.flow_id, h.version, h.error from run_hist h \
         where h.tenant_id = $1 and h.environment_id = $2 and h.moment = 'ended' and h.status = 'failed' and h.at >= $3 \
           and ($4::uuid is null or h.flow_id = $4) and not ($5 and h.trigger = any($6)) \
           and not exists (select from alert_seen s where s.tenant_id = $1 and s.rule_id = $7 \
             and s.subject = h.run_id::text) \
         order by h.at limit $8",
        rule.tenant.0,
        rule.environment.0,
        to_db(after),
        rule.flow.map(|flow| flow.0),
        rule.to_flow,
        &passed_over,
        rule.id.0,
        MOST,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows.into_iter().map(|row| (RunId(row.run_id), FlowId(row.flow_id), row.version, row.error)).collect())
}

/// A run that Holon cannot drive on.
#[derive(Debug)]
pub struct Parked {
    /// The run.
    pub run: RunId,
    /// Its flow.
    pub flow: FlowId,
    /// The version that it is of.
    pub version: i32,
    /// Why it cannot.
    pub reason: String,
    /// What is remembered of it: for another reason it is told again.
    pub subject: String,
}

/// Runs that stand parked and were not found before.
pub async fn parked_runs(engine: &mut PgConnection, rule: &Rule) -> Result<Vec<Parked>, sqlx::Error> {
    let passed_over = crate::failures::PASSED_OVER.map(str::to_owned);
    let rows = sqlx::query!(
        r#"select p.run_id, p.flow_id, p.version, p.reason as "reason!", p.subject as "subject!" from (
             select run_id, flow_id, version, coalesce(reason, '') as reason,
               run_id::text || ' ' || md5(coalesce(reason, '')) as subject
             from run_live where tenant_id = $1 and environment_id = $2 and parked and ($3::uuid is null or flow_id = $3)) p
           where not ($4 and exists (select from run_hist h
               where h.tenant_id = $1 and h.run_id = p.run_id and h.moment = 'started' and h.trigger = any($5)))
             and not exists (select from alert_seen s where s.tenant_id = $1 and s.rule_id = $6 and s.subject = p.subject)
           order by p.run_id limit $7"#,
        rule.tenant.0,
        rule.environment.0,
        rule.flow.map(|flow| flow.0),
        rule.to_flow,
        &passed_over,
        rule.id.0,
        MOST,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Parked {
            run: RunId(row.run_id),
            flow: FlowId(row.flow_id),
            version: row.version,
            reason: row.reason,
            subject: row.subject,
        })
        .collect())
}

/// How many of the runs that ended since then failed, of how many.
pub async fn outcomes(engine: &mut PgConnection, rule: &Rule, ended: Timestamp) -> Result<(u64, u64), sqlx::Error> {
    // Those that took ten minutes at most are found by their ids, which say which partitions are read; all others by when they ended,
    // through `run_hist_long`.
    let row = sqlx::query!(
        r#"select count(*) filter (where status = 'failed') as "failed!", count(*) as "all!" from (
             (select status from run_hist
              where tenant_id = $1 and environment_id = $2 and moment = 'ended' and status in ('completed', 'failed')
                and run_id >= $3 and at >= $4 and at - started_at <= interval '10 minutes'
                and ($5::uuid is null or flow_id = $5) and not ($6 and trigger = $7)
              limit $8)
             union all
             (select status from run_hist
              where tenant_id = $1 and environment_id = $2 and moment = 'ended' and status in ('completed', 'failed')
                and at >= $4 and at - started_at > interval '10 minutes'
                and ($5::uuid is null or flow_id = $5) and not ($6 and trigger = $7)
              order by at desc limit $8)) r"#,
        rule.tenant.0,
        rule.environment.0,
        least_id(ended.minus(SHORT).minus(MINTED_BEFORE)),
        to_db(ended),
        rule.flow.map(|flow| flow.0),
        rule.to_flow,
        crate::alerts::KIND,
        MOST_RUNS,
    )
    .fetch_one(engine)
    .await?;
    Ok((row.failed.unsigned_abs(), row.all.unsigned_abs()))
}

/// From here on to the end of the transaction each question is planned for what it asks: a plan for all tenants reads what most of them
/// leave out, and one that was made while next to nobody waited reads all who do.
pub async fn plan_each(engine: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select set_config('plan_cache_mode', 'force_custom_plan', true) as mode").fetch_one(engine).await?;
    Ok(())
}

/// Firings of schedules that were missed or could not start their run, written down after `after` and not found before.
pub async fn missed(
    engine: &mut PgConnection,
    rule: &Rule,
    after: Timestamp,
) -> Result<Vec<(ScheduleId, FlowId, Timestamp, i32, Option<String>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select f.schedule_id, s.flow_id, f.scheduled_at, f.count, f.reason from schedule_firing f \
         join schedule s on s.tenant_id = f.tenant_id and s.schedule_id = f.schedule_id \
         where f.tenant_id = $1 and s.environment_id = $2 and f.outcome in ('missed', 'failed') and f.fired_at >= $3 \
           and ($4::uuid is null or s.flow_id = $4) \
           and not exists (select from alert_seen n where n.tenant_id = $1 and n.rule_id = $5 \
             and n.subject = f.schedule_id::text || ' ' || (extract(epoch from f.scheduled_at) * 1000)::bigint::text) \
         order by f.fired_at limit $6",
        rule.tenant.0,
        rule.environment.0,
        to_db(after),
        rule.flow.map(|flow| flow.0),
        rule.id.0,
        MOST,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let (id, flow) = (ScheduleId(row.schedule_id), FlowId(row.flow_id));
            (id, flow, from_db(row.scheduled_at), row.count, row.reason)
        })
        .collect())
}

/// Tasks that were opened before `before`, wait for an answer, and were not found before.
pub async fn waiting_tasks(
    engine: &mut PgConnection,
    rule: &Rule,
    before: Timestamp,
) -> Result<Vec<(RunId, Uuid, FlowId, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select t.run_id, t.task_id, t.flow_id, t.title from task t \
         where t.tenant_id = $1 and t.environment_id = $2 and t.state = 'open' and t.opened_at <= $3 \
           and ($4::uuid is null or t.flow_id = $4) and not ($5 and exists (select from run_hist h \
             where h.tenant_id = $1 and h.run_id = t.run_id and h.moment = 'started' and h.trigger = $6)) \
           and not exists (select from alert_seen s where s.tenant_id = $1 and s.rule_id = $7 \
             and s.subject = t.task_id::text) \
         order by t.opened_at limit $8",
        rule.tenant.0,
        rule.environment.0,
        to_db(before),
        rule.flow.map(|flow| flow.0),
        rule.to_flow,
        crate::alerts::KIND,
        rule.id.0,
        MOST,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows.into_iter().map(|row| (RunId(row.run_id), row.task_id, FlowId(row.flow_id), row.title)).collect())
}

/// A poll whose looks fail.
#[derive(Debug)]
pub struct FailingPoll {
    /// The poll.
    pub id: PollId,
    /// Its flow.
    pub flow: FlowId,
    /// The version in force.
    pub version: i32,
    /// Since the first look that failed.
    pub since: Timestamp,
    /// How many have failed in a row.
    pub failures: i32,
    /// Why the last one did.
    pub reason: Option<String>,
}

/// Polls that have failed since `before` or longer, and were not found before: once for each time they begin to fail.
pub async fn failing_polls(
    engine: &mut PgConnection,
    rule: &Rule,
    before: Timestamp,
) -> Result<Vec<FailingPoll>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select p.poll_id, p.flow_id, p.version, p.failing_since as "since!", p.failures, p.reason from poll p
         where p.tenant_id = $1 and p.environment_id = $2 and p.outcome = 'failed' and p.failing_since <= $3
           and ($4::uuid is null or p.flow_id = $4)
           and not exists (select from alert_seen s where s.tenant_id = $1 and s.rule_id = $5
             and s.subject = p.poll_id::text || ' ' || (extract(epoch from p.failing_since) * 1000)::bigint::text)
         order by p.failing_since limit $6"#,
        rule.tenant.0,
        rule.environment.0,
        to_db(before),
        rule.flow.map(|flow| flow.0),
        rule.id.0,
        MOST,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| FailingPoll {
            id: PollId(row.poll_id),
            flow: FlowId(row.flow_id),
            version: row.version,
            since: from_db(row.since),
            failures: row.failures,
            reason: row.reason,
        })
        .collect())
}
