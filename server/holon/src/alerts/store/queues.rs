//! What waits for its turn in an environment, or for the runs of one flow there, as the engine: the tenant stands in every statement. Each
//! question is answered by the head of a line, a pool or a subscription, and reads none of those that stand behind it.

use holon_cap_events::Pattern;
use holon_model::{FlowId, ScheduleId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Rule;
use crate::workers::MOST_CLAIMS;

/// Subscriptions that are behind and are looked at, those with the most before them first.
const MOST_BEHIND: i64 = 100;
/// Events that are looked at for the first one that a subscription takes, in one statement and how often.
const MOST_EVENTS: i64 = 1_000;
const PAGES: usize = 10;

/// A run that waits for its place in a line.
#[derive(Debug)]
pub struct Queued {
    /// Its flow.
    pub flow: FlowId,
    /// The version that it is of.
    pub version: i32,
    /// Since when it waits.
    pub since: Timestamp,
}

/// A task that a worker may claim.
#[derive(Debug)]
pub struct Unclaimed {
    /// The flow that hands it out.
    pub flow: FlowId,
    /// Who may claim it.
    pub pool: String,
    /// What is to be done.
    pub name: String,
    /// Since when nobody has it.
    pub since: Timestamp,
}

/// An event that waits for the run that it starts.
#[derive(Debug)]
pub struct Undelivered {
    /// The flow that it starts, with its version; nothing while the event has no place in the order yet.
    pub flow: Option<(FlowId, i32)>,
    /// Since when it waits.
    pub since: Timestamp,
}

/// The first and the last flow that a rule can mean: a range that an index ends with.
fn range(rule: &Rule) -> (Uuid, Uuid) {
    rule.flow.map_or((Uuid::nil(), Uuid::max()), |flow| (flow.0, flow.0))
}

/// The run that has waited longest for its place.
pub async fn oldest_queued(engine: &mut PgConnection, rule: &Rule) -> Result<Option<Queued>, sqlx::Error> {
    let (first, last) = range(rule);
    // From one line to the next through the index, however many wait in each (wiki.postgresql.org/wiki/Loose_indexscan).
    let row = sqlx::query!(
        r#"with recursive line as (
             (select flow_id, key from run_place where tenant_id = $1 and flow_id between $3 and $4 and state = 'waiting'
              order by flow_id, key limit 1)
             union all
             select next.flow_id, next.key from line, lateral (
               select p.flow_id, p.key from run_place p
               where p.tenant_id = $1 and p.flow_id <= $4 and p.state = 'waiting' and (p.flow_id, p.key) > (line.flow_id, line.key)
               order by p.flow_id, p.key limit 1) as next)
           select head.flow_id as "flow_id!", head.version as "version!", head.started_at as "started_at!"
           from line, lateral (
             select l.flow_id, l.version, l.started_at from run_place p
             join run_live l on l.tenant_id = p.tenant_id and l.run_id = p.run_id
             where p.tenant_id = $1 and p.flow_id = line.flow_id and p.key = line.key and p.state = 'waiting'
               and l.environment_id = $2
             order by p.position limit 1) as head
           order by head.started_at limit 1"#,
        rule.tenant.0,
        rule.environment.0,
        first,
        last,
    )
    .fetch_optional(engine)
    .await?;
    Ok(row.map(|row| Queued { flow: FlowId(row.flow_id), version: row.version, since: from_db(row.started_at) }))
}

/// The task for workers that has waited longest for one. A paused run hands none out.
pub async fn oldest_unclaimed(
    engine: &mut PgConnection,
    rule: &Rule,
    now: Timestamp,
) -> Result<Option<Unclaimed>, sqlx::Error> {
    let row = sqlx::query!(
        r#"with recursive pools as (
             (select pool from work where tenant_id = $1 and environment_id = $2 order by pool limit 1)
             union all
             select next.pool from pools, lateral (
               select w.pool from work w where w.tenant_id = $1 and w.environment_id = $2 and w.pool > pools.pool
               order by w.pool limit 1) as next)
           select head.flow_id as "flow_id!", pools.pool as "pool!", head.name as "name!", head.free_at as "free_at!"
           from pools, lateral (
             select w.flow_id, w.name, w.free_at from work w
             where w.tenant_id = $1 and w.environment_id = $2 and w.pool = pools.pool and w.free_at <= $3 and w.deadline > $3
               and w.claims < $4 and ($5::uuid is null or w.flow_id = $5)
               and not exists (select from run_live l
                 where l.tenant_id = w.tenant_id and l.run_id = w.run_id and l.status = 'paused')
             order by w.free_at limit 1) as head
           order by head.free_at limit 1"#,
        rule.tenant.0,
        rule.environment.0,
        to_db(now),
        MOST_CLAIMS,
        rule.flow.map(|flow| flow.0),
    )
    .fetch_optional(engine)
    .await?;
    Ok(row.map(|row| Unclaimed {
        flow: FlowId(row.flow_id),
        pool: row.pool,
        name: row.name,
        since: from_db(row.free_at),
    }))
}

/// The event that has waited longest for a run: for its place in the order, for a subscription that waits for an earlier run, or for the
/// run that it starts itself. Of subscriptions that have nothing from before `before` in front of them nothing is said.
pub async fn oldest_undelivered(
    engine: &mut PgConnection,
    rule: &Rule,
    before: Timestamp,
) -> Result<Option<Undelivered>, sqlx::Error> {
    let flow = rule.flow.map(|flow| flow.0);
    let taken = sqlx::query!(
        "select s.flow_id, s.version, d.taken_at from event_delivery d
         join subscription s on s.tenant_id = d.tenant_id and s.subscription_id = d.subscription_id
         where d.tenant_id = $1 and s.environment_id = $2 and d.outcome = 'pending' and ($3::uuid is null or s.flow_id = $3)
         order by d.taken_at limit 1",
        rule.tenant.0,
        rule.environment.0,
        flow,
    )
    .fetch_optional(&mut *engine)
    .await?;
    let mut all: Vec<Undelivered> = taken
        .into_iter()
        .map(|row| Undelivered { flow: Some((FlowId(row.flow_id), row.version)), since: from_db(row.taken_at) })
        .collect();
    if flow.is_none() {
        let unplaced = sqlx::query_scalar!(
            "select published_at from event_outbox where tenant_id = $1 and environment_id = $2 order by number limit 1",
            rule.tenant.0,
            rule.environment.0,
        )
        .fetch_optional(&mut *engine)
        .await?;
        all.extend(unplaced.map(|at| Undelivered { flow: None, since: from_db(at) }));
    }
    all.extend(behind(engine, rule, before).await?);
    Ok(all.into_iter().min_by_key(|one| one.since))
}

/// The first event of each subscription that has one from before `before` in front of it.
async fn behind(engine: &mut PgConnection, rule: &Rule, before: Timestamp) -> Result<Vec<Undelivered>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select s.flow_id, s.version, s.pattern, s.position, s.set_back_at, o.last from subscription s
         join event_order o on o.tenant_id = s.tenant_id and o.environment_id = s.environment_id
         where s.tenant_id = $1 and s.environment_id = $2 and s.position < o.last and ($3::uuid is null or s.flow_id = $3)
           and (s.set_back_at is null or s.set_back_at <= $4)
           and (select e.published_at from event e where e.tenant_id = $1 and e.environment_id = $2 and e.position > s.position
             order by e.position limit 1) <= $4
         order by o.last - s.position desc limit $5"#,
        rule.tenant.0,
        rule.environment.0,
        rule.flow.map(|flow| flow.0),
        to_db(before),
        MOST_BEHIND,
    )
    .fetch_all(&mut *engine)
    .await?;
    let mut all = Vec::new();
    for row in rows {
        // Publishing checks it; whoever delivers says so if it does not read back.
        let Ok(pattern) = Pattern::read(&row.pattern) else { continue };
        if let Some(at) = first_taken(engine, rule, &pattern, (row.position, row.last)).await? {
            let since = row.set_back_at.map_or(at, |set_back| at.max(from_db(set_back)));
            all.push(Undelivered { flow: Some((FlowId(row.flow_id), row.version)), since });
        }
    }
    Ok(all)
}

/// When the first event behind a position was published that a pattern takes.
async fn first_taken(
    engine: &mut PgConnection,
    rule: &Rule,
    pattern: &Pattern,
    (mut position, last): (i64, i64),
) -> Result<Option<Timestamp>, sqlx::Error> {
    for _ in 0..PAGES {
        let rows = sqlx::query!(
            "select position, subject, published_at from event
             where tenant_id = $1 and environment_id = $2 and position > $3 and position <= $4 order by position limit $5",
            rule.tenant.0,
            rule.environment.0,
            position,
            last,
            MOST_EVENTS,
        )
        .fetch_all(&mut *engine)
        .await?;
        if let Some(found) = rows.iter().find(|row| pattern.matches(&row.subject)) {
            return Ok(Some(from_db(found.published_at)));
        }
        match rows.last() {
            Some(row) if row.position < last => position = row.position,
            _ => break,
        }
    }
    Ok(None)
}

/// The firing of a schedule that has waited longest for its run.
pub async fn oldest_firing(
    engine: &mut PgConnection,
    rule: &Rule,
) -> Result<Option<(ScheduleId, FlowId, Timestamp)>, sqlx::Error> {
    let row = sqlx::query!(
        "select f.schedule_id, s.flow_id, f.fired_at from schedule_firing f
         join schedule s on s.tenant_id = f.tenant_id and s.schedule_id = f.schedule_id
         where f.tenant_id = $1 and s.environment_id = $2 and f.outcome = 'pending' and ($3::uuid is null or s.flow_id = $3)
         order by f.fired_at limit 1",
        rule.tenant.0,
        rule.environment.0,
        rule.flow.map(|flow| flow.0),
    )
    .fetch_optional(engine)
    .await?;
    Ok(row.map(|row| (ScheduleId(row.schedule_id), FlowId(row.flow_id), from_db(row.fired_at))))
}
