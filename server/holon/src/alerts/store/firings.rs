//! What is to be told, and what came of it.

use holon_model::wire::alerts::{AlertChannel, AlertFiring, AlertWhat};
use holon_model::{AlertId, EnvironmentId, FiringId, FlowId, Millis, RunId, TenantId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use holon_platform::crypto::WrappedKey;
use holon_platform::db::TenantTx;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{NewFiring, Rule, channel, inconsistent, what};

/// Firings that are told at once.
const SOME: i64 = 32;
/// For how long a firing belongs to whoever claimed it; then it was left by a crash.
const CLAIMED_FOR: Millis = Millis(90_000);

/// A firing that is to be told now.
#[derive(Debug, Clone)]
pub struct Due {
    /// Whose.
    pub tenant: TenantId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// The environment's name.
    pub environment_name: String,
    /// The firing.
    pub id: FiringId,
    /// The rule.
    pub rule: AlertId,
    /// Its name.
    pub name: String,
    /// What it looks for.
    pub what: AlertWhat,
    /// Who is told.
    pub channel: AlertChannel,
    /// The address, sealed, with its version and the key that it is sealed under.
    pub sealed: Option<(Vec<u8>, WrappedKey)>,
    /// See `sealed`.
    pub version: i32,
    /// What it is signed with, or goes through.
    pub connection: Option<String>,
    /// Whom mail goes to.
    pub recipients: Vec<String>,
    /// The flow that is started.
    pub target: Option<FlowId>,
    /// When it fired.
    pub fired_at: Timestamp,
    /// `rule | test`.
    pub cause: String,
    /// In a sentence.
    pub summary: String,
    /// How much was found.
    pub count: i32,
    /// The last of it, JSON.
    pub items: String,
    /// How often it was tried, this time included.
    pub tries: i32,
}

#[expect(clippy::too_many_arguments, reason = "the columns of one row, read in two places")]
pub fn wire(
    id: Uuid,
    at: OffsetDateTime,
    cause: String,
    summary: String,
    count: i32,
    state: String,
    tries: i32,
    error: Option<String>,
    run: Option<Uuid>,
) -> AlertFiring {
    AlertFiring {
        id: FiringId(id),
        fired_at: from_db(at),
        cause,
        summary,
        count: count.unsigned_abs(),
        state,
        tries: tries.unsigned_abs(),
        error,
        run: run.map(RunId),
    }
}

/// Writes a firing down, as the engine.
pub async fn fire(engine: &mut PgConnection, rule: &Rule, new: &NewFiring<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into alert_firing (tenant_id, firing_id, rule_id, fired_at, cause, summary, count, items, state, next_try_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $4)",
        rule.tenant.0,
        new.id.0,
        new.rule.0,
        to_db(new.at),
        new.cause,
        new.summary,
        i32::try_from(new.count).unwrap_or(i32::MAX),
        new.items,
    )
    .execute(engine)
    .await?;
    Ok(())
}

/// The same for a test that a person asks for.
pub async fn add_test(tx: &mut TenantTx<'_>, new: &NewFiring<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into alert_firing (tenant_id, firing_id, rule_id, fired_at, cause, summary, count, items, state, next_try_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $4)",
        tx.tenant().0,
        new.id.0,
        new.rule.0,
        to_db(new.at),
        new.cause,
        new.summary,
        i32::try_from(new.count).unwrap_or(i32::MAX),
        new.items,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Claims firings that are due, oldest first: nobody else tells them meanwhile.
pub async fn claim_due(engine: &PgPool, now: Timestamp) -> Result<Vec<(TenantId, FiringId)>, sqlx::Error> {
    let rows = sqlx::query!(
        "update alert_firing f set next_try_at = $2, tries = f.tries + 1 from ( \
           select tenant_id, firing_id from alert_firing where state = 'pending' and next_try_at <= $1 \
           order by next_try_at limit $3 for update skip locked) d \
         where f.tenant_id = d.tenant_id and f.firing_id = d.firing_id returning f.tenant_id, f.firing_id",
        to_db(now),
        to_db(now.plus(CLAIMED_FOR)),
        SOME,
    )
    .fetch_all(engine)
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), FiringId(row.firing_id))).collect())
}

/// Claims one, unless somebody has.
pub async fn claim_one(
    engine: &PgPool,
    tenant: TenantId,
    id: FiringId,
    now: Timestamp,
) -> Result<Option<Due>, sqlx::Error> {
    let claimed = sqlx::query!(
        "update alert_firing set next_try_at = $3, tries = tries + 1 \
         where tenant_id = $1 and firing_id = $2 and state = 'pending' and next_try_at <= $4",
        tenant.0,
        id.0,
        to_db(now.plus(CLAIMED_FOR)),
        to_db(now),
    )
    .execute(engine)
    .await?;
    if claimed.rows_affected() == 0 { Ok(None) } else { due(engine, tenant, id).await }
}

/// A firing that was claimed, with what it takes to tell it.
pub async fn due(engine: &PgPool, tenant: TenantId, id: FiringId) -> Result<Option<Due>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select f.rule_id, f.fired_at, f.cause, f.summary, f.count, f.items, f.tries, r.environment_id, e.name as place,
             r.name, r.what, r.channel, r.sealed, r.version, r.connection, r.recipients, r.target_flow, k.key_id as "key_id?",
             k.wrapped as "wrapped?"
           from alert_firing f
           join alert_rule r on r.tenant_id = f.tenant_id and r.rule_id = f.rule_id
           join environment e on e.tenant_id = r.tenant_id and e.environment_id = r.environment_id
           left join tenant_key k on k.tenant_id = r.tenant_id and k.key_id = r.key_id
           where f.tenant_id = $1 and f.firing_id = $2 and f.state = 'pending'"#,
        tenant.0,
        id.0,
    )
    .fetch_optional(engine)
    .await?;
    row.map(|row| {
        let key = row.key_id.zip(row.wrapped).map(|(id, bytes)| WrappedKey { id, bytes });
        Ok(Due {
            tenant,
            environment: EnvironmentId(row.environment_id),
            environment_name: row.place,
            id,
            rule: AlertId(row.rule_id),
            name: row.name,
            what: what(&row.what).ok_or_else(|| inconsistent(&row.what))?,
            channel: channel(&row.channel).ok_or_else(|| inconsistent(&row.channel))?,
            sealed: row.sealed.zip(key),
            version: row.version,
            connection: row.connection,
            recipients: row.recipients.unwrap_or_default(),
            target: row.target_flow.map(FlowId),
            fired_at: from_db(row.fired_at),
            cause: row.cause,
            summary: row.summary,
            count: row.count,
            items: row.items,
            tries: row.tries,
        })
    })
    .transpose()
}

/// What came of telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It was heard; perhaps by a run.
    Delivered(Option<RunId>),
    /// It is tried again then.
    Again(String, Timestamp),
    /// It is not.
    Failed(String),
}

/// Writes it down; false when that was done before.
pub async fn settle(tx: &mut PgConnection, due: &Due, settled: &Settled, now: Timestamp) -> Result<bool, sqlx::Error> {
    let (state, error, run, next) = match settled {
        Settled::Delivered(run) => ("delivered", None, *run, now),
        Settled::Again(why, at) => ("pending", Some(why), None, *at),
        Settled::Failed(why) => ("failed", Some(why), None, now),
    };
    let done = sqlx::query!(
        "update alert_firing set state = $3, error = $4, run_id = $5, next_try_at = $6, \
         ended_at = case when $3 = 'pending' then null else $7::timestamptz end \
         where tenant_id = $1 and firing_id = $2 and state = 'pending'",
        due.tenant.0,
        due.id.0,
        state,
        error.map(String::as_str),
        run.map(|run| run.0),
        to_db(next),
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One firing.
pub async fn firing(tx: &mut TenantTx<'_>, id: FiringId) -> Result<Option<AlertFiring>, sqlx::Error> {
    let row = sqlx::query!(
        "select firing_id, fired_at, cause, summary, count, state, tries, error, run_id from alert_firing \
         where tenant_id = $1 and firing_id = $2",
        tx.tenant().0,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|r| wire(r.firing_id, r.fired_at, r.cause, r.summary, r.count, r.state, r.tries, r.error, r.run_id)))
}

/// The last firings of a rule, newest first.
pub async fn firings(tx: &mut TenantTx<'_>, rule: AlertId, limit: i64) -> Result<Vec<AlertFiring>, sqlx::Error> {
    let rows = sqlx::query!(
        "select firing_id, fired_at, cause, summary, count, state, tries, error, run_id from alert_firing \
         where tenant_id = $1 and rule_id = $2 order by firing_id desc limit $3",
        tx.tenant().0,
        rule.0,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| wire(r.firing_id, r.fired_at, r.cause, r.summary, r.count, r.state, r.tries, r.error, r.run_id))
        .collect())
}

/// Forgets old firings, what stands and was seen before `tasks` and what else was seen before `seen`, some at a time; how many.
pub async fn forget(
    engine: &PgPool,
    (fired, tasks, seen): (Timestamp, Timestamp, Timestamp),
) -> Result<u64, sqlx::Error> {
    let firings = sqlx::query!(
        "delete from alert_firing where ctid = any(array(select ctid from alert_firing \
         where fired_at < $1 and state <> 'pending' limit 5000))",
        to_db(fired),
    )
    .execute(engine)
    .await?;
    let seen = sqlx::query!(
        "delete from alert_seen where ctid = any(array(select s.ctid from alert_seen s \
         join alert_rule r on r.tenant_id = s.tenant_id and r.rule_id = s.rule_id \
         where s.seen_at < $1 and (s.seen_at < $2 or r.what not in ('approval_waiting', 'poll_failing', 'run_parked')) limit 5000))",
        to_db(seen),
        to_db(tasks),
    )
    .execute(engine)
    .await?;
    Ok(firings.rows_affected() + seen.rows_affected())
}
