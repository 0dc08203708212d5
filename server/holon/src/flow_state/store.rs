//! All SQL of the state of flows, for requests.

use holon_model::wire::flow_state::StateEntry;
use holon_model::{FlowId, RunId, Timestamp, json};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::TenantTx;
use holon_runtime::store::MOST_KEYS;
use uuid::Uuid;

use super::Error;
use crate::identity::names;

/// Values up to so many bytes stand in lists.
const MOST_IN_LIST: i32 = 4_096;

/// Whether the tenant has this flow.
pub async fn flow_exists(tx: &mut TenantTx<'_>, flow: FlowId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from flow where tenant_id = $1 and flow_id = $2) as "there!""#,
        tx.tenant().0,
        flow.0,
    )
    .fetch_one(tx.conn())
    .await
}

/// Entries after a key, by key; large values are left out.
pub async fn list(
    tx: &mut TenantTx<'_>,
    flow: FlowId,
    prefix: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<StateEntry>, Error> {
    let rows = sqlx::query!(
        r#"select key, case when octet_length(value) <= $6 then value end as value, octet_length(value) as "bytes!", run_id, changed_by,
             updated_at
           from flow_state
           where tenant_id = $1 and environment_id = $2 and flow_id = $3 and key > $4 and starts_with(key, $5)
           order by key limit $7"#,
        tx.tenant().0,
        tx.context().environment.0,
        flow.0,
        after,
        prefix,
        MOST_IN_LIST,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| entry(row.key, row.value, row.bytes, (row.run_id, row.changed_by), from_db(row.updated_at)))
        .collect()
}

/// What is kept for a key.
pub async fn find(tx: &mut TenantTx<'_>, flow: FlowId, key: &str) -> Result<Option<StateEntry>, Error> {
    let row = sqlx::query!(
        r#"select value, octet_length(value) as "bytes!", run_id, changed_by, updated_at from flow_state
           where tenant_id = $1 and environment_id = $2 and flow_id = $3 and key = $4"#,
        tx.tenant().0,
        tx.context().environment.0,
        flow.0,
        key,
    )
    .fetch_optional(tx.conn())
    .await?;
    let entry = row.map(|row| {
        entry(key.to_owned(), Some(row.value), row.bytes, (row.run_id, row.changed_by), from_db(row.updated_at))
    });
    entry.transpose()
}

fn entry(
    key: String,
    value: Option<String>,
    bytes: i32,
    (run, changed_by): (Option<Uuid>, Option<String>),
    updated_at: Timestamp,
) -> Result<StateEntry, Error> {
    let value = value.map(|text| json::parse(text.as_bytes())).transpose();
    let value = value.map_err(|_| Error::Inconsistent(key.clone()))?;
    Ok(StateEntry { key, value, bytes: bytes.unsigned_abs(), updated_at, run: run.map(RunId), changed_by })
}

/// Says by name who changed what, where a person did or a program of one.
pub async fn with_names(tx: &mut TenantTx<'_>, entries: &mut [StateEntry]) -> Result<(), sqlx::Error> {
    let names = names::of(tx, entries.iter().filter_map(|entry| entry.changed_by.as_deref())).await?;
    for entry in entries {
        let name = entry.changed_by.as_ref().and_then(|by| names.get(by)).cloned();
        entry.changed_by = name.or(entry.changed_by.take());
    }
    Ok(())
}

/// Whether anything is kept for a key.
pub async fn has(tx: &mut TenantTx<'_>, flow: FlowId, key: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from flow_state where tenant_id = $1 and environment_id = $2 and flow_id = $3 and key = $4) as "there!""#,
        tx.tenant().0,
        tx.context().environment.0,
        flow.0,
        key,
    )
    .fetch_one(tx.conn())
    .await
}

/// Whether the flow keeps as many keys as it may.
pub async fn full(tx: &mut TenantTx<'_>, flow: FlowId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from flow_state where tenant_id = $1 and environment_id = $2 and flow_id = $3 offset $4 limit 1) as "full!""#,
        tx.tenant().0,
        tx.context().environment.0,
        flow.0,
        MOST_KEYS - 1,
    )
    .fetch_one(tx.conn())
    .await
}

/// Keeps a value for a key.
pub async fn put(
    tx: &mut TenantTx<'_>,
    (flow, key): (FlowId, &str),
    revision: Uuid,
    value: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into flow_state (tenant_id, environment_id, flow_id, key, revision, value, changed_by, updated_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8) \
         on conflict (tenant_id, environment_id, flow_id, key) do update set revision = excluded.revision, \
         value = excluded.value, run_id = null, changed_by = excluded.changed_by, updated_at = excluded.updated_at",
        tx.tenant().0,
        tx.context().environment.0,
        flow.0,
        key,
        revision,
        value,
        by,
        to_db(now),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets a key; false when nothing was kept.
pub async fn delete(tx: &mut TenantTx<'_>, flow: FlowId, key: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "delete from flow_state where tenant_id = $1 and environment_id = $2 and flow_id = $3 and key = $4",
        tx.tenant().0,
        tx.context().environment.0,
        flow.0,
        key,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets all that a flow keeps, in every environment: the flow is deleted.
pub async fn forget_flow(tx: &mut TenantTx<'_>, flow: FlowId) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from flow_state where tenant_id = $1 and flow_id = $2", tx.tenant().0, flow.0)
        .execute(tx.conn())
        .await?;
    Ok(())
}
