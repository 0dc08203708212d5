//! What the loop asks: which subscriptions are behind, what they take, and what became of it.

use holon_model::{EnvironmentId, FlowId, RunId, SubscriptionId, TenantId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Event, Pending, Row, Seen};

/// Subscriptions taken up in one transaction.
const MOST: i64 = 32;
/// Events that a subscription looks at in one transaction.
const MOST_SEEN: i64 = 1_000;
/// Deliveries whose runs are started at one look.
const MOST_STARTED: i64 = 256;
/// Deliveries that are looked at for a run that is still going.
const LOOKED_BACK: i64 = 100;

/// What there is to do, in one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// Whether events have no place yet.
    pub unplaced: bool,
    /// Whether a subscription has not looked at all events.
    pub behind: bool,
    /// Whether deliveries wait for their runs.
    pub waiting: bool,
}

/// Looks what there is to do.
pub async fn glance(engine: &PgPool) -> Result<Glance, sqlx::Error> {
    let row = sqlx::query!(
        r#"select exists (select from event_outbox) as "unplaced!",
             exists (select from subscription s join event_order o
               on o.tenant_id = s.tenant_id and o.environment_id = s.environment_id where s.position < o.last) as "behind!",
             exists (select from event_delivery where outcome = 'pending') as "waiting!""#
    )
    .fetch_one(engine)
    .await?;
    Ok(Glance { unplaced: row.unplaced, behind: row.behind, waiting: row.waiting })
}

/// Locks subscriptions that are behind and that nobody else is taking up, of each tenant in turn.
pub async fn lock_behind(engine: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
    let rows = sqlx::query!(
        // Outside, the condition stands again: it is looked at once more when somebody else has just moved one on.
        "select s.tenant_id, s.subscription_id, s.environment_id, s.flow_id, s.version, s.node, s.pattern, s.ordered, s.position,
           s.replay, o.last
         from subscription s join event_order o on o.tenant_id = s.tenant_id and o.environment_id = s.environment_id
         where s.position < o.last and (s.tenant_id, s.subscription_id) in (
           select tenant_id, subscription_id from (
             select b.tenant_id, b.subscription_id, row_number() over (partition by b.tenant_id order by random()) as turn
             from subscription b join event_order p on p.tenant_id = b.tenant_id and p.environment_id = b.environment_id
             where b.position < p.last) behind
           order by turn limit $1)
         for update of s skip locked",
        MOST,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Row {
            tenant: TenantId(row.tenant_id),
            id: SubscriptionId(row.subscription_id),
            environment: EnvironmentId(row.environment_id),
            flow: FlowId(row.flow_id),
            version: row.version,
            node: row.node,
            pattern: row.pattern,
            ordered: row.ordered,
            position: row.position,
            replay: row.replay,
            last: row.last,
        })
        .collect())
}

/// How many deliveries of a subscription wait for their runs, and whether one does or a run of one is still going. The newest are looked
/// at in the order in which they are kept, which is that in which they were taken.
pub async fn busy(engine: &mut PgConnection, row: &Row) -> Result<(usize, bool), sqlx::Error> {
    let found = sqlx::query!(
        r#"select
             (select count(*) from event_delivery where tenant_id = $1 and subscription_id = $2 and outcome = 'pending') as "waiting!",
             exists (
               select from (
                 select d.run_id from event_delivery d where d.tenant_id = $1 and d.subscription_id = $2 and d.outcome = 'started'
                 order by d.replay desc, d.position desc limit $3) d
               join run_live l on l.tenant_id = $1 and l.run_id = d.run_id) as "going!""#,
        row.tenant.0,
        row.id.0,
        LOOKED_BACK,
    )
    .fetch_one(engine)
    .await?;
    Ok((usize::try_from(found.waiting).unwrap_or(usize::MAX), found.going || found.waiting > 0))
}

/// The next events after those that a subscription has looked at whose subject begins in this way.
pub async fn after(engine: &mut PgConnection, row: &Row, prefix: &str) -> Result<Seen, sqlx::Error> {
    let rows = sqlx::query!(
        "select position, subject from event
         where tenant_id = $1 and environment_id = $2 and position > $3 and position <= $4 and starts_with(subject, $5)
         order by position limit $6",
        row.tenant.0,
        row.environment.0,
        row.position,
        row.last,
        prefix,
        MOST_SEEN,
    )
    .fetch_all(engine)
    .await?;
    let full = i64::try_from(rows.len()).is_ok_and(|rows| rows == MOST_SEEN);
    let until = rows.last().map(|row| row.position).filter(|_| full).unwrap_or(row.last);
    Ok(Seen { events: rows.into_iter().map(|row| (row.position, row.subject)).collect(), until })
}

/// Writes deliveries down that wait for their runs.
pub async fn deliver(
    engine: &mut PgConnection,
    row: &Row,
    positions: &[i64],
    runs: &[RunId],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if positions.is_empty() {
        return Ok(());
    }
    let runs: Vec<Uuid> = runs.iter().map(|run| run.0).collect();
    sqlx::query!(
        "insert into event_delivery (tenant_id, subscription_id, replay, position, run_id, outcome, taken_at)
         select $1, $2, $3, position, run_id, 'pending', $6 from unnest($4::bigint[], $5::uuid[]) as x(position, run_id)
         on conflict do nothing",
        row.tenant.0,
        row.id.0,
        row.replay,
        positions,
        &runs,
        to_db(now),
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Moves a subscription on.
pub async fn move_on(engine: &mut PgConnection, row: &Row, position: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update subscription set position = $3 where tenant_id = $1 and subscription_id = $2",
        row.tenant.0,
        row.id.0,
        position,
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Deliveries that wait for their runs, in the order of their events: of one subscription, or of all.
pub async fn pending(
    engine: &PgPool,
    of: Option<(TenantId, SubscriptionId)>,
    taken_up_before: Timestamp,
) -> Result<Vec<Pending>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select s.tenant_id, s.subscription_id, s.environment_id, s.flow_id, s.version, s.node, s.pattern, s.ordered,
             s.position as at, s.replay as times, n.name, d.replay, d.position, d.run_id,
             e.event_id as "event_id?", e.subject as "subject?", e.data as "data?", e.published_at as "published_at?",
             exists (select from run_hist h where h.tenant_id = d.tenant_id and h.run_id = d.run_id
               and h.moment = 'started') as "begun!"
           from event_delivery d
           join subscription s on s.tenant_id = d.tenant_id and s.subscription_id = d.subscription_id
           join environment n on n.tenant_id = s.tenant_id and n.environment_id = s.environment_id
           left join event e on e.tenant_id = s.tenant_id and e.environment_id = s.environment_id and e.position = d.position
           where d.outcome = 'pending' and d.taken_at <= $1
             and ($2::uuid is null or (d.tenant_id = $2 and d.subscription_id = $3))
           order by d.taken_at, d.replay, d.position limit $4"#,
        to_db(taken_up_before),
        of.map(|(tenant, _)| tenant.0),
        of.map(|(_, id)| id.0),
        MOST_STARTED,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let event = row.event_id.zip(row.subject).zip(row.data).zip(row.published_at);
            Pending {
                environment_name: row.name,
                replay: row.replay,
                position: row.position,
                event: event.map(|(((id, subject), data), at)| Event { id, subject, data, published_at: from_db(at) }),
                run: RunId(row.run_id),
                begun: row.begun,
                row: Row {
                    tenant: TenantId(row.tenant_id),
                    id: SubscriptionId(row.subscription_id),
                    environment: EnvironmentId(row.environment_id),
                    flow: FlowId(row.flow_id),
                    version: row.version,
                    node: row.node,
                    pattern: row.pattern,
                    ordered: row.ordered,
                    position: row.at,
                    replay: row.times,
                    last: row.at,
                },
            }
        })
        .collect())
}

/// Writes down what became of a delivery that waited.
pub async fn settle(
    engine: &PgPool,
    delivery: &Pending,
    outcome: &str,
    reason: Option<&str>,
    run: RunId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update event_delivery set outcome = $5, reason = $6, run_id = $7
         where tenant_id = $1 and subscription_id = $2 and replay = $3 and position = $4 and outcome = 'pending'",
        delivery.row.tenant.0,
        delivery.row.id.0,
        delivery.replay,
        delivery.position,
        outcome,
        reason,
        run.0,
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// Forgets old events and what came of them, some at a time.
pub async fn forget(engine: &PgPool, before: Timestamp) -> Result<u64, sqlx::Error> {
    let deliveries = sqlx::query!(
        "delete from event_delivery where ctid = any(array(select ctid from event_delivery
         where taken_at < $1 and outcome <> 'pending' limit 5000))",
        to_db(before),
    )
    .execute(engine)
    .await?;
    let events = sqlx::query!(
        "delete from event where ctid = any(array(select ctid from event where at < $1 limit 5000))",
        to_db(before)
    )
    .execute(engine)
    .await?;
    Ok(deliveries.rows_affected() + events.rows_affected())
}
