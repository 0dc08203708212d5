//! What requests ask.

use holon_model::wire::alerts::{Alert, SaveAlert};
use holon_model::{AlertId, FlowId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::firings::wire;
use super::{channel, channel_text, inconsistent, what, what_text};

/// An address that was sealed.
#[derive(Debug)]
pub struct SealedUrl {
    /// The sealed bytes.
    pub bytes: Vec<u8>,
    /// Under which key.
    pub key: Uuid,
    /// What may be shown.
    pub shown: String,
}

/// How many rules the tenant has.
pub async fn count(tx: &mut TenantTx<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from alert_rule where tenant_id = $1"#, tx.tenant().0)
        .fetch_one(tx.conn())
        .await
}

/// A rule of this environment, locked: its version, and whether it has an address.
pub async fn lock(tx: &mut TenantTx<'_>, id: AlertId) -> Result<Option<(i32, bool)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select version, sealed is not null as "sealed!" from alert_rule
           where tenant_id = $1 and environment_id = $2 and rule_id = $3 for update"#,
        tx.tenant().0,
        tx.context().environment.0,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.version, row.sealed)))
}

/// Whether there is such a flow.
pub async fn has_flow(tx: &mut TenantTx<'_>, flow: FlowId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from flow where tenant_id = $1 and flow_id = $2) as "found!""#,
        tx.tenant().0,
        flow.0,
    )
    .fetch_one(tx.conn())
    .await
}

/// Whether there is a connection of this name and kind in this environment.
pub async fn has_connection(tx: &mut TenantTx<'_>, name: &str, kind: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from connection where tenant_id = $1 and environment_id = $2 and name = $3
             and kind = $4) as "found!""#,
        tx.tenant().0,
        tx.context().environment.0,
        name,
        kind,
    )
    .fetch_one(tx.conn())
    .await
}

fn number(number: Option<u64>) -> Option<i64> {
    number.map(|number| i64::try_from(number).unwrap_or(i64::MAX))
}

/// Makes a rule, or makes it what `body` says. An address that is not given anew stays; its seal names the version that it was
/// given with, so that the version is only moved on with it.
pub async fn put(
    tx: &mut TenantTx<'_>,
    id: AlertId,
    version: i32,
    body: &SaveAlert,
    quiet: u64,
    sealed: Option<&SealedUrl>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into alert_rule (tenant_id, rule_id, environment_id, name, what, flow_id, window_ms, threshold, channel, \
         sealed, key_id, version, shown, connection, target_flow, quiet_ms, enabled, created_at, since, looked_at, \
         next_look_at, recipients) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $18, $18, $18, $19) \
         on conflict (tenant_id, rule_id) do update set name = excluded.name, what = excluded.what, \
         flow_id = excluded.flow_id, window_ms = excluded.window_ms, threshold = excluded.threshold, \
         channel = excluded.channel, \
         sealed = case when $9 in ('flow', 'email') then null else coalesce(excluded.sealed, alert_rule.sealed) end, \
         key_id = case when $9 in ('flow', 'email') then null else coalesce(excluded.key_id, alert_rule.key_id) end, \
         version = case when excluded.sealed is null then alert_rule.version else excluded.version end, \
         shown = case when $9 in ('flow', 'email') then null else coalesce(excluded.shown, alert_rule.shown) end, \
         connection = excluded.connection, recipients = excluded.recipients, target_flow = excluded.target_flow, quiet_ms = excluded.quiet_ms, \
         enabled = excluded.enabled, since = excluded.since, looked_at = excluded.looked_at, \
         next_look_at = excluded.next_look_at, fired_at = null, held = 0, held_items = '[]'",
        tx.tenant().0,
        id.0,
        tx.context().environment.0,
        body.name.trim(),
        what_text(body.what),
        body.flow.map(|flow| flow.0),
        number(body.window),
        number(body.threshold),
        channel_text(body.channel),
        sealed.map(|sealed| sealed.bytes.as_slice()),
        sealed.map(|sealed| sealed.key),
        version,
        sealed.map(|sealed| sealed.shown.as_str()),
        body.connection.as_deref(),
        body.target.map(|flow| flow.0),
        number(Some(quiet)),
        body.enabled.unwrap_or(true),
        to_db(now),
        body.recipients.as_deref(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Deletes a rule and says what it was called.
pub async fn delete(tx: &mut TenantTx<'_>, id: AlertId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "delete from alert_rule where tenant_id = $1 and environment_id = $2 and rule_id = $3 returning name",
        tx.tenant().0,
        tx.context().environment.0,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// The rules of the environment, last made first, or one of them; each with its last firing.
pub async fn list(tx: &mut TenantTx<'_>, id: Option<AlertId>) -> Result<Vec<Alert>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select r.rule_id, r.name, r.what, r.flow_id, r.window_ms, r.threshold, r.channel, r.shown, r.connection,
             r.recipients, r.target_flow, r.quiet_ms, r.enabled, r.created_at, f.firing_id as "firing_id?", f.fired_at as "fired_at?",
             f.cause as "cause?", f.summary as "summary?", f.count as "count?", f.state as "state?", f.tries as "tries?",
             f.error, f.run_id
           from alert_rule r
           left join lateral (
             select * from alert_firing f where f.tenant_id = $1 and f.rule_id = r.rule_id
             order by f.firing_id desc limit 1) f on true
           where r.tenant_id = $1 and r.environment_id = $2 and ($3::uuid is null or r.rule_id = $3)
           order by r.rule_id desc"#,
        tx.tenant().0,
        tx.context().environment.0,
        id.map(|id| id.0),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let last = match (row.firing_id, row.fired_at, row.cause, row.summary, row.count, row.state, row.tries) {
                (Some(id), Some(at), Some(cause), Some(summary), Some(count), Some(state), Some(tries)) => {
                    Some(wire(id, at, cause, summary, count, state, tries, row.error, row.run_id))
                }
                _ => None,
            };
            Ok(Alert {
                id: AlertId(row.rule_id),
                name: row.name,
                what: what(&row.what).ok_or_else(|| inconsistent(&row.what))?,
                flow: row.flow_id.map(FlowId),
                window: row.window_ms.map(i64::unsigned_abs),
                threshold: row.threshold.map(i64::unsigned_abs),
                channel: channel(&row.channel).ok_or_else(|| inconsistent(&row.channel))?,
                url: row.shown,
                connection: row.connection,
                recipients: row.recipients,
                target: row.target_flow.map(FlowId),
                quiet: row.quiet_ms.unsigned_abs(),
                enabled: row.enabled,
                created_at: from_db(row.created_at),
                last,
            })
        })
        .collect()
}
