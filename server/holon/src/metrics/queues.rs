//! What waits for its turn in the whole database: how much of each kind, and for how long the oldest. As the engine, of all tenants at once.

use std::time::Duration;

use holon_model::Timestamp;
use holon_platform::clock::{from_db, to_db};
use holon_platform::telemetry::Exposition;
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::state::AppState;
use crate::workers::MOST_CLAIMS;

/// How long it may take to find out. A scrape while the database is away tells the rest.
const WITHIN: Duration = Duration::from_secs(3);

/// So many wait, the oldest since then.
#[derive(Debug)]
struct Waiting {
    count: i64,
    since: Option<OffsetDateTime>,
}

/// Writes it for Prometheus.
pub async fn expose(out: &mut Exposition, state: &AppState) {
    let now = state.clock.now();
    match tokio::time::timeout(WITHIN, read(&state.pools.engine, now)).await {
        Ok(Ok(found)) => write(out, &found, now),
        Ok(Err(error)) => tracing::warn!(%error, "what waits cannot be counted for /metrics"),
        Err(_) => tracing::warn!("what waits could not be counted for /metrics in time"),
    }
}

async fn read(engine: &PgPool, now: Timestamp) -> Result<[(&'static str, Waiting); 3], sqlx::Error> {
    Ok([
        ("runs", runs(engine).await?),
        ("worker_tasks", worker_tasks(engine, now).await?),
        ("events", events(engine).await?),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float for Prometheus, exact to 2^53")]
fn write(out: &mut Exposition, found: &[(&'static str, Waiting)], now: Timestamp) {
    let labels: Vec<[(&str, &str); 1]> = found.iter().map(|(what, _)| [("what", *what)]).collect();
    let series = |value: fn(&Waiting, Timestamp) -> i64, unit: f64| -> Vec<(&[(&str, &str)], f64)> {
        let values = found.iter().map(|(_, waiting)| value(waiting, now) as f64 / unit);
        labels.iter().map(<[_; 1]>::as_slice).zip(values).collect()
    };
    let help = "What waits for its turn, in the whole database: runs in a line, tasks that no worker has, events.";
    out.gauges("holon_waiting", help, &series(|waiting, _| waiting.count, 1.0));
    let age = |waiting: &Waiting, now: Timestamp| {
        waiting.since.map_or(0, |since| now.0.saturating_sub(from_db(since).0).max(0))
    };
    out.gauges("holon_waiting_oldest_seconds", "How long the oldest of it has waited.", &series(age, 1000.0));
}

/// Runs that wait for their place. The oldest is the first of a line: from one line to the next through the index, however many wait in each.
async fn runs(engine: &PgPool) -> Result<Waiting, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        r#"with recursive line as (
             (select tenant_id, flow_id, key from run_place where state = 'waiting' order by tenant_id, flow_id, key limit 1)
             union all
             select next.tenant_id, next.flow_id, next.key from line, lateral (
               select p.tenant_id, p.flow_id, p.key from run_place p
               where p.state = 'waiting' and (p.tenant_id, p.flow_id, p.key) > (line.tenant_id, line.flow_id, line.key)
               order by p.tenant_id, p.flow_id, p.key limit 1) as next),
           first as (
             select head.tenant_id, head.run_id from line, lateral (
               select p.tenant_id, p.run_id, p.position from run_place p
               where p.tenant_id = line.tenant_id and p.flow_id = line.flow_id and p.key = line.key and p.state = 'waiting'
               order by p.position limit 1) as head
             order by head.position limit 1)
           select (select count(*) from run_place where state = 'waiting') as "count!",
             (select l.started_at from first join run_live l on l.tenant_id = first.tenant_id and l.run_id = first.run_id) as since"#
    )
    .fetch_one(engine)
    .await
}

/// Tasks that a worker may claim, those of paused runs among them.
async fn worker_tasks(engine: &PgPool, now: Timestamp) -> Result<Waiting, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        r#"select count(*) as "count!", min(free_at) as since from work where free_at <= $1 and deadline > $1 and claims < $2"#,
        to_db(now),
        MOST_CLAIMS,
    )
    .fetch_one(engine)
    .await
}

/// Events that have no place in the order yet, that subscriptions have not looked at, and whose runs have not been started.
async fn events(engine: &PgPool) -> Result<Waiting, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        r#"select sum(n)::bigint as "count!", min(since) as since from (
             select count(*) as n, min(published_at) as since from event_outbox
             union all
             select count(*), min(taken_at) from event_delivery where outcome = 'pending'
             union all
             select coalesce(sum(o.last - s.position), 0), min(greatest(s.set_back_at, (
               select e.published_at from event e
               where e.tenant_id = s.tenant_id and e.environment_id = s.environment_id and e.position > s.position
               order by e.position limit 1)))
             from subscription s join event_order o on o.tenant_id = s.tenant_id and o.environment_id = s.environment_id
             where s.position < o.last) as found"#
    )
    .fetch_one(engine)
    .await
}
