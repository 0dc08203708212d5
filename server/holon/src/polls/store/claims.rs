//! Claiming polls that are due: one replica looks at a time.

use holon_model::{EnvironmentId, FlowId, Millis, PollId, TenantId, Timestamp};
use holon_platform::clock::to_db;
use sqlx::PgPool;
use uuid::Uuid;

use super::Row;

/// What is claimed.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Due by then.
    pub now: Timestamp,
    /// For how long they are nobody else's.
    pub until: Timestamp,
    /// Tenants that have as many looks under way as they may.
    pub busy: Vec<TenantId>,
    /// How many, and how many of one tenant.
    pub most: usize,
}

/// Claims polls that are due, tenants in turn.
pub async fn claim(engine: &PgPool, claim: &Claim) -> Result<Vec<Row>, sqlx::Error> {
    let busy: Vec<Uuid> = claim.busy.iter().map(|tenant| tenant.0).collect();
    let rows = sqlx::query!(
        // Outside, the conditions stand again: they are looked at once more when somebody else has just claimed one.
        "with taken as (
           select tenant_id, poll_id from poll
           where next_look_at <= $1 and (looking_until is null or looking_until <= $1) and (tenant_id, poll_id) in (
             select tenant_id, poll_id from (
               select tenant_id, poll_id, next_look_at,
                 row_number() over (partition by tenant_id order by next_look_at) as turn
               from poll where next_look_at <= $1 and (looking_until is null or looking_until <= $1)
                 and not (tenant_id = any($3))) due
             order by turn, next_look_at limit $4)
           for update skip locked)
         update poll p set look = p.look + 1, looking_until = $2
         from taken t, environment e
         where p.tenant_id = t.tenant_id and p.poll_id = t.poll_id
           and e.tenant_id = p.tenant_id and e.environment_id = p.environment_id
         returning p.tenant_id, p.poll_id, p.environment_id, e.name, p.flow_id, p.version, p.node, p.every_ms, p.cursor,
           p.looked, p.epoch, p.look, p.failures",
        to_db(claim.now),
        to_db(claim.until),
        &busy,
        i64::try_from(claim.most).unwrap_or(i64::MAX),
    )
    .fetch_all(engine)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Row {
            tenant: TenantId(row.tenant_id),
            id: PollId(row.poll_id),
            environment: EnvironmentId(row.environment_id),
            environment_name: row.name,
            flow: FlowId(row.flow_id),
            version: row.version,
            node: row.node,
            every: Millis(row.every_ms.unsigned_abs()),
            cursor: row.cursor,
            looked: row.looked,
            epoch: row.epoch,
            look: row.look,
            failures: row.failures,
        })
        .collect())
}
