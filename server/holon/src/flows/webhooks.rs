//! The addresses of webhook and form triggers: made on publish, kept from version to version, gone with their trigger.

use std::collections::BTreeSet;

use holon_flow::Definition;
use holon_model::{EnvironmentId, FlowId, WebhookId, wire::flows::Webhook};
use holon_platform::clock::{Clock, mint, to_db};
use holon_platform::crypto::random_hex;
use holon_platform::db::TenantTx;

use super::Error;
use crate::forms;

/// Path of webhook addresses; the token follows.
pub const PREFIX: &str = "/hooks/";
/// Path of the editor's test addresses; the token follows.
pub const CATCH_PREFIX: &str = "/hooks/test/";
/// The kind whose nodes get an address for programs.
pub const KIND: &str = "trigger.webhook";

/// A trigger that has an address.
pub struct Trigger<'d> {
    /// Its key.
    pub key: &'d str,
    /// The method that it answers.
    pub method: &'d str,
    /// Whether it is a page for people.
    pub is_form: bool,
}

/// The triggers of a definition that have addresses: webhooks, and forms.
pub fn triggers(definition: &Definition) -> impl Iterator<Item = Trigger<'_>> {
    definition.graph.nodes.iter().filter(|(_, node)| !node.disabled).filter_map(|(key, node)| {
        let is_form = &*node.kind.name == forms::KIND;
        let given = node.config.get("method").and_then(holon_model::Value::as_str);
        let method = if is_form { "GET" } else { given.unwrap_or("POST") };
        (is_form || &*node.kind.name == KIND).then_some(Trigger { key, method, is_form })
    })
}

/// Gives every such trigger an address, and takes back those of triggers that are gone.
pub async fn sync(
    tx: &mut TenantTx<'_>,
    clock: &dyn Clock,
    environment: EnvironmentId,
    flow: FlowId,
    definition: &Definition,
) -> Result<(), Error> {
    let tenant = tx.tenant().0;
    let wanted: BTreeSet<&str> = triggers(definition).map(|trigger| trigger.key).collect();
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
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let trigger = triggers(definition).find(|trigger| trigger.key == row.node)?;
            let prefix = if trigger.is_form { forms::PREFIX } else { PREFIX };
            let method = trigger.method.to_owned();
            Some(Webhook {
                method,
                url: format!("{base}{prefix}{}", row.token),
                node: row.node,
                is_form: trigger.is_form,
            })
        })
        .collect())
}
