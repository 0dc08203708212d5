//! All SQL of incoming webhooks: whose address it is, what is in force there, and what the editor catches.

use holon_flow::redact::Redaction;
use holon_model::{Context, EnvironmentId, FlowId, SchemaRef, TenantId, Timestamp, Value, WebhookId, json};
use holon_platform::clock::to_db;
use holon_platform::db::{Pools, TenantTx};

/// Whose address it is.
#[derive(Debug, Clone)]
pub struct Address {
    /// The tenant.
    pub tenant: TenantId,
    /// The environment.
    pub environment: EnvironmentId,
    /// Its name, `run.environment` in expressions.
    pub environment_name: String,
    /// The address itself.
    pub webhook: WebhookId,
    /// The flow.
    pub flow: FlowId,
    /// Key of the trigger node.
    pub node: String,
}

/// The address of this token, looked up before a tenant is known.
pub async fn address(pools: &Pools, token: &str) -> Result<Option<Address>, sqlx::Error> {
    let row = sqlx::query!(
        "select w.tenant_id, w.environment_id, e.name, w.webhook_id, w.flow_id, w.node from webhook w \
         join environment e on e.tenant_id = w.tenant_id and e.environment_id = w.environment_id where w.token = $1",
        token,
    )
    .fetch_optional(&pools.auth)
    .await?;
    Ok(row.map(|row| Address {
        tenant: TenantId(row.tenant_id),
        environment: EnvironmentId(row.environment_id),
        environment_name: row.name,
        webhook: WebhookId(row.webhook_id),
        flow: FlowId(row.flow_id),
        node: row.node,
    }))
}

/// The tenant and environment of a test address that still waits; the environment is the tenant's first.
pub async fn catching(
    pools: &Pools,
    token: &str,
    now: Timestamp,
) -> Result<Option<(TenantId, EnvironmentId)>, sqlx::Error> {
    let row = sqlx::query!(
        "select c.tenant_id, e.environment_id from webhook_catch c join environment e on e.tenant_id = c.tenant_id \
         where c.token = $1 and c.expires_at > $2 and c.caught is null order by e.created_at limit 1",
        token,
        to_db(now),
    )
    .fetch_optional(&pools.auth)
    .await?;
    Ok(row.map(|row| (TenantId(row.tenant_id), EnvironmentId(row.environment_id))))
}

/// Keeps what a test address caught, without what the draft marks to be replaced; false when something was caught already.
pub async fn keep_caught(
    pools: &Pools,
    context: &Context,
    token: &str,
    value: &Value,
) -> Result<bool, holon_platform::db::TxError> {
    let mut tx = TenantTx::begin(pools, context).await?;
    let tenant = tx.tenant().0;
    let draft = sqlx::query_scalar!(
        "select f.definition from webhook_catch c join flow f on f.tenant_id = c.tenant_id and f.flow_id = c.flow_id \
         where c.tenant_id = $1 and c.token = $2",
        tenant,
        token,
    )
    .fetch_optional(tx.conn())
    .await?;
    let schema = draft.and_then(|draft| json::parse(draft.as_bytes()).ok()?.get("input").cloned()).map(SchemaRef);
    let text = Redaction::of(schema.as_ref()).apply(value.clone()).to_json();
    let done = sqlx::query!(
        "update webhook_catch set caught = $3 where tenant_id = $1 and token = $2 and caught is null",
        tenant,
        token,
        text,
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a test address. Those of the tenant that are over go: nothing else reads them.
pub async fn open_catch(
    tx: &mut TenantTx<'_>,
    flow: FlowId,
    token: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().0;
    sqlx::query!("delete from webhook_catch where tenant_id = $1 and expires_at < $2", tenant, to_db(now))
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "insert into webhook_catch (tenant_id, token, flow_id, expires_at) values ($1, $2, $3, $4)",
        tenant,
        token,
        flow.0,
        to_db(until),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a test address of this flow caught, if anything yet; none when there is no such address any more.
pub async fn caught(
    tx: &mut TenantTx<'_>,
    flow: FlowId,
    token: &str,
    now: Timestamp,
) -> Result<Option<Option<String>>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let row = sqlx::query!(
        "select caught from webhook_catch where tenant_id = $1 and token = $2 and flow_id = $3 and expires_at > $4",
        tenant,
        token,
        flow.0,
        to_db(now),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| row.caught))
}
