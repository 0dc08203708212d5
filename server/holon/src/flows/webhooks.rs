//! The addresses of webhook triggers: made on publish, kept from version to version, gone with their trigger.

use std::collections::BTreeSet;

use holon_flow::Definition;
use holon_model::{EnvironmentId, FlowId, WebhookId, wire::flows::Webhook};
use holon_platform::clock::{Clock, mint, to_db};
use holon_platform::crypto::random_hex;
use holon_platform::db::TenantTx;

use super::Error;

/// Path of webhook addresses; the token follows.
pub const PREFIX: &str = "/hooks/";
/// Path of the editor's test addresses; the token follows.
pub const CATCH_PREFIX: &str = "/hooks/test/";
/// The kind whose nodes get an address.
pub const KIND: &str = "trigger.webhook";

/// The webhook triggers of a definition: key and method.
pub fn triggers(definition: &Definition) -> impl Iterator<Item = (&str, &str)> {
    definition
        .graph
        .nodes
        .iter()
        .filter(|(_, node)| &*node.kind.name == KIND && !node.disabled)
        .map(|(key, node)| (&**key, node.config.get("method").and_then(holon_model::Value::as_str).unwrap_or("POST")))
}

/// Gives every webhook trigger an address, and takes back those of triggers that are gone.
pub async fn sync(
    tx: &mut TenantTx<'_>,
    clock: &dyn Clock,
    environment: EnvironmentId,
    flow: FlowId,
    definition: &Definition,
) -> Result<(), Error> {
    let tenant = tx.tenant().0;
    let wanted: BTreeSet<&str> = triggers(definition).map(|(key, _)| key).collect();
    let keep: Vec<String> = wanted.iter().map(|key| (*key).to_owned()).collect();
    sqlx::query!(
        "delete from webhook where tenant_id = $1 and environment_id = $2 and flow_id = $3 and not (node = any($4))",
        tenant,
        environment.0,
        flow.0,
        &keep,
    )
    .execute(tx.conn())
    .await?;
    for node in wanted {
        sqlx::query!(
            "insert into webhook (tenant_id, webhook_id, environment_id, flow_id, node, token, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (tenant_id, environment_id, flow_id, node) do nothing",
            tenant,
            mint::<WebhookId>(clock).0,
            environment.0,
            flow.0,
            node,
            random_hex::<16>(),
            to_db(clock.now()),
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

/// The addresses of a flow under `base`, the instance's public address without a slash at its end.
pub async fn addresses(
    tx: &mut TenantTx<'_>,
    base: &str,
    environment: EnvironmentId,
    flow: FlowId,
    definition: &Definition,
) -> Result<Vec<Webhook>, Error> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        "select node, token from webhook where tenant_id = $1 and environment_id = $2 and flow_id = $3 order by node",
        tenant,
        environment.0,
        flow.0,
    )
    .fetch_all(tx.conn())
    .await?;
    let method =
        |node: &str| triggers(definition).find(|(key, _)| *key == node).map_or("POST", |(_, method)| method).to_owned();
    Ok(rows
        .into_iter()
        .map(|row| Webhook { method: method(&row.node), url: format!("{base}{PREFIX}{}", row.token), node: row.node })
        .collect())
}
