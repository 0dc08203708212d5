//! The names of flows that are gone: their versions stay, and know what the flow was called last.

use std::collections::BTreeMap;

use holon_model::FlowId;
use holon_platform::db::TenantTx;

/// What a flow is called of which not even a version is left.
const DELETED: &str = "Deleted flow";

/// Gives those of `rows` their name that have none, because their flow is gone.
///
/// # Errors
/// When the database does not answer.
pub async fn name<T>(
    tx: &mut TenantTx<'_>,
    rows: &mut [T],
    of: impl Fn(&mut T) -> (FlowId, &mut String),
) -> Result<(), sqlx::Error> {
    let nameless = |row: &mut T| {
        let (flow, name) = of(row);
        name.is_empty().then_some(flow.0)
    };
    let mut gone: Vec<_> = rows.iter_mut().filter_map(nameless).collect();
    if gone.is_empty() {
        return Ok(());
    }
    gone.sort_unstable();
    gone.dedup();
    let tenant = tx.tenant().0;
    let found = sqlx::query!(
        r#"select distinct on (flow_id) flow_id, definition::json ->> 'name' as name from flow_version
           where tenant_id = $1 and flow_id = any($2) order by flow_id, version desc"#,
        tenant,
        &gone,
    )
    .fetch_all(tx.conn())
    .await?;
    let names: BTreeMap<_, _> = found.into_iter().map(|row| (row.flow_id, row.name)).collect();
    for row in rows {
        let (flow, name) = of(row);
        if name.is_empty() {
            *name = match names.get(&flow.0).cloned().flatten().filter(|name| !name.is_empty()) {
                Some(name) => format!("{name} (deleted)"),
                None => DELETED.to_owned(),
            };
        }
    }
    Ok(())
}
