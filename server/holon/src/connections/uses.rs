//! Which flows name a connection: what stops working when it goes.

use holon_authz::Authorised;
use holon_authz::actions::ReadConnections;
use holon_model::wire::Page;
use holon_model::wire::connections::ConnectionUse;
use holon_model::{ConnectionId, Context, Value, json};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::state::AppState;

/// Where a node names a connection, in whatever part of its config.
const FIELD: &str = "connection";

/// The flows that name it, by name: in their draft, in the version in force, or in both.
pub async fn uses(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadConnections>,
    id: ConnectionId,
) -> Result<Page<ConnectionUse>, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let name = store::name(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let found = store::flows_with(&mut tx, &name).await?;
    tx.commit().await?;
    let names_it =
        |definition: &str| json::parse(definition.as_bytes()).is_ok_and(|definition| has(&definition, &name));
    let mut data: Vec<ConnectionUse> = found
        .into_iter()
        .map(|flow| ConnectionUse {
            flow: flow.id,
            name: flow.name,
            draft: names_it(&flow.draft),
            published: flow.published.as_deref().is_some_and(names_it),
        })
        .filter(|flow| flow.draft || flow.published)
        .collect();
    data.sort_by(|a, b| (&a.name, a.flow).cmp(&(&b.name, b.flow)));
    Ok(Page { data, next_cursor: None })
}

fn has(value: &Value, name: &str) -> bool {
    match value {
        Value::Map(map) => {
            map.iter().any(|(key, value)| (&**key == FIELD && value.as_str() == Some(name)) || has(value, name))
        }
        Value::List(items) => items.iter().any(|item| has(item, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_used_where_a_field_names_it_and_not_where_its_name_is_only_a_word() {
        let definition = |text: &str| json::parse(text.as_bytes()).unwrap();
        let hook = definition(r#"{"nodes": {"hook": {"config": {"auth": {"hmac": {"connection": "github"}}}}}}"#);
        assert!(has(&hook, "github") && !has(&hook, "git"));
        assert!(!has(&definition(r#"{"tags": ["github"], "nodes": {"github": {"note": "github"}}}"#), "github"));
    }
}
