//! What requests ask: publishing a flow makes subscriptions, programs publish events, people read and set back.

use holon_model::wire::events::{Delivery, EventSummary, Subscription};
use holon_model::{EnvironmentId, FlowId, PublishedId, RunId, SubscriptionId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::TenantTx;

use crate::events::sync::Plan;
use crate::identity::names;

/// Events of a tenant that may wait for their places.
const MOST_UNPLACED: i64 = 50_000;
/// Subscriptions that are listed.
const MOST_LISTED: i64 = 1_000;
/// Deliveries that are shown of an event.
const MOST_DELIVERIES: i64 = 20;

/// Takes away the subscriptions of a flow whose triggers are not among `nodes`.
pub async fn keep_only(
    tx: &mut TenantTx<'_>,
    environment: EnvironmentId,
    flow: FlowId,
    nodes: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from subscription where tenant_id = $1 and environment_id = $2 and flow_id = $3 and not (node = any($4))",
        tx.tenant().0,
        environment.0,
        flow.0,
        nodes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many subscriptions the tenant has.
pub async fn count(tx: &mut TenantTx<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from subscription where tenant_id = $1"#, tx.tenant().0)
        .fetch_one(tx.conn())
        .await
}

/// Makes a trigger's subscription, or makes it what the new version says.
pub async fn put(
    tx: &mut TenantTx<'_>,
    (environment, flow, version): (EnvironmentId, FlowId, i32),
    id: SubscriptionId,
    node: &str,
    plan: &Plan,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into subscription (tenant_id, subscription_id, environment_id, flow_id, version, node, pattern, ordered, position, \
         created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, \
         coalesce((select last from event_order where tenant_id = $1 and environment_id = $3), 0), $9) \
         on conflict (tenant_id, environment_id, flow_id, node) do update set version = excluded.version, \
         pattern = excluded.pattern, ordered = excluded.ordered",
        tx.tenant().0,
        id.0,
        environment.0,
        flow.0,
        version,
        node,
        plan.pattern,
        plan.ordered,
        to_db(now),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether so many events of the tenant wait for their places that no more are accepted.
pub async fn crowded(tx: &mut TenantTx<'_>) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from event_outbox where tenant_id = $1 offset $2 limit 1) as "crowded!""#,
        tx.tenant().0,
        MOST_UNPLACED,
    )
    .fetch_one(tx.conn())
    .await
}

/// Publishes an event; false when one with its id was published before.
pub async fn publish(
    tx: &mut TenantTx<'_>,
    id: PublishedId,
    (subject, data): (&str, &str),
    by: &str,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into event_outbox (tenant_id, environment_id, event_id, subject, data, published_by, published_at) \
         select $1, $2, $3, $4, $5, $6, $7 \
         where not exists (select from event where tenant_id = $1 and event_id = $3) on conflict (tenant_id, event_id) do nothing",
        tx.tenant().0,
        tx.context().environment.0,
        id.0,
        subject,
        data,
        by,
        to_db(now),
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether the event of this id is this one.
pub async fn is_same(
    tx: &mut TenantTx<'_>,
    id: PublishedId,
    (subject, data): (&str, &str),
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from event_outbox where tenant_id = $1 and event_id = $2 and subject = $3 and data = $4)
             or exists (select from event where tenant_id = $1 and event_id = $2 and subject = $3 and data = $4) as "same!""#,
        tx.tenant().0,
        id.0,
        subject,
        data,
    )
    .fetch_one(tx.conn())
    .await
}

/// Events before a place, the last first, without what came of them.
pub async fn list(
    tx: &mut TenantTx<'_>,
    subject: &str,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<EventSummary>, sqlx::Error> {
    let rows = sqlx::query!(
        "select position, event_id, subject, bytes, published_at, run_id, published_by from event
         where tenant_id = $1 and environment_id = $2 and ($3::bigint is null or position < $3) and starts_with(subject, $4)
         order by position desc limit $5",
        tx.tenant().0,
        tx.context().environment.0,
        before,
        subject,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let summary = rows.into_iter().map(|row| EventSummary {
        position: row.position,
        id: PublishedId(row.event_id),
        subject: row.subject,
        bytes: row.bytes.unsigned_abs(),
        published_at: from_db(row.published_at),
        run: row.run_id.map(RunId),
        published_by: row.published_by,
        deliveries: Vec::new(),
    });
    Ok(summary.collect())
}

/// One event of the environment, and its data.
pub async fn find(tx: &mut TenantTx<'_>, id: PublishedId) -> Result<Option<(EventSummary, String)>, sqlx::Error> {
    let row = sqlx::query!(
        "select position, subject, data, bytes, published_at, run_id, published_by from event
         where tenant_id = $1 and event_id = $2 and environment_id = $3",
        tx.tenant().0,
        id.0,
        tx.context().environment.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| {
        let summary = EventSummary {
            position: row.position,
            id,
            subject: row.subject,
            bytes: row.bytes.unsigned_abs(),
            published_at: from_db(row.published_at),
            run: row.run_id.map(RunId),
            published_by: row.published_by,
            deliveries: Vec::new(),
        };
        (summary, row.data)
    }))
}

/// Says by name who published what, where a person did or a program of one.
pub async fn with_names(tx: &mut TenantTx<'_>, events: &mut [EventSummary]) -> Result<(), sqlx::Error> {
    let names = names::of(tx, events.iter().filter_map(|event| event.published_by.as_deref())).await?;
    for event in events {
        let name = event.published_by.as_ref().and_then(|by| names.get(by)).cloned();
        event.published_by = name.or(event.published_by.take());
    }
    Ok(())
}

/// Adds what came of some events.
pub async fn with_deliveries(tx: &mut TenantTx<'_>, events: &mut [EventSummary]) -> Result<(), sqlx::Error> {
    let positions: Vec<i64> = events.iter().map(|event| event.position).collect();
    let rows = sqlx::query!(
        r#"select p.position as "position!", d.subscription_id, d.outcome, d.reason, d.run_id, d.flow_id, d.name
           from unnest($3::bigint[]) as p(position)
           cross join lateral (
             select d.subscription_id, d.outcome, d.reason, d.run_id, s.flow_id, f.name
             from subscription s
             join event_delivery d on d.tenant_id = s.tenant_id and d.subscription_id = s.subscription_id and d.position = p.position
             join flow f on f.tenant_id = s.tenant_id and f.flow_id = s.flow_id
             where s.tenant_id = $1 and s.environment_id = $2
             order by d.taken_at desc limit $4) d"#,
        tx.tenant().0,
        tx.context().environment.0,
        &positions,
        MOST_DELIVERIES,
    )
    .fetch_all(tx.conn())
    .await?;
    for row in rows {
        let Some(event) = events.iter_mut().find(|event| event.position == row.position) else { continue };
        event.deliveries.push(Delivery {
            subscription: SubscriptionId(row.subscription_id),
            flow: FlowId(row.flow_id),
            flow_name: row.name,
            run: (row.outcome == "started").then_some(RunId(row.run_id)),
            outcome: row.outcome,
            reason: row.reason,
        });
    }
    Ok(())
}

/// One subscription of the environment, locked: the last event that there is.
pub async fn lock(tx: &mut TenantTx<'_>, id: SubscriptionId) -> Result<Option<i64>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select subscription_id from subscription where tenant_id = $1 and subscription_id = $2 and environment_id = $3 for update",
        tx.tenant().0,
        id.0,
        tx.context().environment.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    if found.is_none() {
        return Ok(None);
    }
    let last = sqlx::query_scalar!(
        "select last from event_order where tenant_id = $1 and environment_id = $2",
        tx.tenant().0,
        tx.context().environment.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(Some(last.unwrap_or(0)))
}

/// The first event of the environment that got its place at a time or later.
pub async fn first_since(tx: &mut TenantTx<'_>, since: Timestamp) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select min(position) from event where tenant_id = $1 and environment_id = $2 and at >= $3",
        tx.tenant().0,
        tx.context().environment.0,
        to_db(since),
    )
    .fetch_one(tx.conn())
    .await
}

/// Sets a subscription back to behind a place.
pub async fn set_back(
    tx: &mut TenantTx<'_>,
    id: SubscriptionId,
    position: i64,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update subscription set position = $3, replay = replay + 1, set_back_at = $4 where tenant_id = $1 and subscription_id = $2",
        tx.tenant().0,
        id.0,
        position,
        to_db(now),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Subscriptions of the environment by flow, or one of them.
pub async fn subscriptions(
    tx: &mut TenantTx<'_>,
    id: Option<SubscriptionId>,
) -> Result<Vec<Subscription>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select s.subscription_id, s.flow_id, f.name, s.version, s.node, s.pattern, s.ordered, s.position,
             coalesce((select last from event_order where tenant_id = $1 and environment_id = $2), 0) as "last!",
             (select count(*) from event_delivery d where d.tenant_id = s.tenant_id and d.subscription_id = s.subscription_id
               and d.outcome = 'pending') as "waiting!"
           from subscription s join flow f on f.tenant_id = s.tenant_id and f.flow_id = s.flow_id
           where s.tenant_id = $1 and s.environment_id = $2 and ($3::uuid is null or s.subscription_id = $3)
           order by f.name, s.node limit $4"#,
        tx.tenant().0,
        tx.context().environment.0,
        id.map(|id| id.0),
        MOST_LISTED,
    )
    .fetch_all(tx.conn())
    .await?;
    let subscription = rows.into_iter().map(|row| Subscription {
        id: SubscriptionId(row.subscription_id),
        flow: FlowId(row.flow_id),
        flow_name: row.name,
        version: row.version,
        node: row.node,
        pattern: row.pattern,
        ordered: row.ordered,
        position: row.position,
        last: row.last,
        waiting: u32::try_from(row.waiting).unwrap_or(u32::MAX),
    });
    Ok(subscription.collect())
}

/// One of them.
pub async fn subscription(tx: &mut TenantTx<'_>, id: SubscriptionId) -> Result<Option<Subscription>, sqlx::Error> {
    Ok(subscriptions(tx, Some(id)).await?.pop())
}
