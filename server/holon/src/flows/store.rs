//! All SQL of flows: drafts, changes, versions and what is in force.

use holon_model::document::{Change, Document, DocumentKind};
use holon_model::wire::flows::{FlowSummary, VersionSummary};
use holon_model::{EnvironmentId, FlowId, PersonId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use holon_platform::db::TenantTx;
use uuid::Uuid;

/// The content of a flow's draft as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The definition's description.
    pub description: String,
    /// The definition's JSON text.
    pub definition: String,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// A flow's draft as it is stored.
pub type Draft = Document<FlowId, Stored>;

/// A version as stored.
#[derive(Debug, Clone)]
pub struct StoredVersion {
    /// What a list shows.
    pub summary: VersionSummary,
    /// The definition's JSON text.
    pub definition: String,
}

/// Where a page of a list goes on: the last row of the page before.
#[derive(Debug, Clone, Copy)]
pub struct After {
    /// Its time.
    pub at: Timestamp,
    /// Its id.
    pub id: Uuid,
}

/// Writes a new flow.
pub async fn insert(tx: &mut TenantTx<'_>, draft: &Draft) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().0;
    let Some(made) = draft.history.first() else { return Err(sqlx::Error::RowNotFound) };
    sqlx::query!(
        "insert into flow (tenant_id, flow_id, name, name_key, description, definition, definition_hash, revision, created_at, \
         updated_at, updated_by) values ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8, $9)",
        tenant,
        draft.id.0,
        draft.name,
        draft.name.to_lowercase(),
        draft.body.description,
        draft.body.definition,
        draft.body.hash,
        to_db(made.at),
        made.by.map(|person| person.0),
    )
    .execute(tx.conn())
    .await?;
    change(tx, draft.id, made).await
}

/// Saves a draft that was changed once since it was read; false when somebody saved in between.
pub async fn save(tx: &mut TenantTx<'_>, draft: &Draft) -> Result<bool, sqlx::Error> {
    let tenant = tx.tenant().0;
    let Some(made) = draft.history.first() else { return Ok(false) };
    let done = sqlx::query!(
        "update flow set name = $4, name_key = $5, description = $6, definition = $7, definition_hash = $8, \
         revision = revision + 1, updated_at = $9, updated_by = $10 where tenant_id = $1 and flow_id = $2 and revision = $3",
        tenant,
        draft.id.0,
        draft.revision - 1,
        draft.name,
        draft.name.to_lowercase(),
        draft.body.description,
        draft.body.definition,
        draft.body.hash,
        to_db(made.at),
        made.by.map(|person| person.0),
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    change(tx, draft.id, made).await?;
    Ok(true)
}

async fn change(tx: &mut TenantTx<'_>, id: FlowId, made: &Change) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "insert into flow_change (tenant_id, flow_id, revision, at, by_person, summary) values ($1, $2, $3, $4, $5, $6)",
        tenant,
        id.0,
        made.revision,
        to_db(made.at),
        made.by.map(|person| person.0),
        made.summary,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The draft of a flow, with the change that made its revision.
pub async fn draft(tx: &mut TenantTx<'_>, id: FlowId) -> Result<Option<Draft>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let row = sqlx::query!(
        r#"select f.path, f.name, f.description, f.definition, f.definition_hash, f.revision, f.updated_at, f.updated_by,
             c.summary as "summary?", p.name as "by_name?"
           from flow f
           left join flow_change c on c.tenant_id = f.tenant_id and c.flow_id = f.flow_id and c.revision = f.revision
           left join member p on p.tenant_id = f.tenant_id and p.person_id = f.updated_by
           where f.tenant_id = $1 and f.flow_id = $2"#,
        tenant,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Document {
        id,
        kind: DocumentKind::Flow,
        path: row.path,
        name: row.name,
        revision: row.revision,
        history: vec![Change {
            revision: row.revision,
            at: from_db(row.updated_at),
            by: row.updated_by.map(PersonId),
            by_name: row.by_name,
            summary: row.summary.unwrap_or_default(),
        }],
        body: Stored { description: row.description, definition: row.definition, hash: row.definition_hash },
    }))
}

/// A page of the changes of a flow's draft, newest first, below revision `before`.
pub async fn changes(tx: &mut TenantTx<'_>, id: FlowId, before: i64, limit: i64) -> Result<Vec<Change>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"select c.revision, c.at, c.by_person, p.name as "by_name?", c.summary from flow_change c
           left join member p on p.tenant_id = c.tenant_id and p.person_id = c.by_person
           where c.tenant_id = $1 and c.flow_id = $2 and c.revision < $3 order by c.revision desc limit $4"#,
        tenant,
        id.0,
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Change {
            revision: row.revision,
            at: from_db(row.at),
            by: row.by_person.map(PersonId),
            by_name: row.by_name,
            summary: row.summary,
        })
        .collect())
}

/// Removes a flow at revision `base`; false when that is no longer the present one. Its versions stay: runs read them.
pub async fn delete(tx: &mut TenantTx<'_>, id: FlowId, base: i64) -> Result<bool, sqlx::Error> {
    let tenant = tx.tenant().0;
    let done =
        sqlx::query!("delete from flow where tenant_id = $1 and flow_id = $2 and revision = $3", tenant, id.0, base)
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected() == 1)
}

/// A page of flows, last saved first; `search` is a part of the name, any case.
pub async fn list(
    tx: &mut TenantTx<'_>,
    environment: EnvironmentId,
    search: &str,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<FlowSummary>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"select f.flow_id, f.name, f.description, f.revision, f.updated_at, d.version as "version?",
           (v.definition_hash <> f.definition_hash) as "changed?"
           from flow f
           left join flow_deployment d on d.tenant_id = f.tenant_id and d.flow_id = f.flow_id and d.environment_id = $2
           left join flow_version v on v.tenant_id = d.tenant_id and v.flow_id = d.flow_id and v.version = d.version
           where f.tenant_id = $1 and ($3 = '' or position($3 in f.name_key) > 0)
             and ($4::timestamptz is null or (f.updated_at, f.flow_id) < ($4, $5::uuid))
           order by f.updated_at desc, f.flow_id desc limit $6"#,
        tenant,
        environment.0,
        search.to_lowercase(),
        after.map(|after| to_db(after.at)),
        after.map(|after| after.id),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| FlowSummary {
            id: FlowId(row.flow_id),
            name: row.name,
            description: row.description,
            revision: row.revision,
            changed: row.changed.unwrap_or(false),
            version: row.version,
            updated_at: from_db(row.updated_at),
            last_run: None,
        })
        .collect())
}

/// Keeps a version; the next number of this flow.
pub async fn insert_version(
    tx: &mut TenantTx<'_>,
    id: FlowId,
    draft: &Draft,
    message: &str,
    at: Timestamp,
) -> Result<i32, sqlx::Error> {
    let tenant = tx.tenant().0;
    let by = tx.context().actor.person().map(|person| person.0);
    sqlx::query_scalar!(
        r#"insert into flow_version (tenant_id, flow_id, version, definition, definition_hash, message, published_at, published_by)
           select $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6, $7 from flow_version where tenant_id = $1 and flow_id = $2
           returning version"#,
        tenant,
        id.0,
        draft.body.definition,
        &draft.body.hash,
        message,
        to_db(at),
        by,
    )
    .fetch_one(tx.conn())
    .await
}

/// Locks a flow's row until the transaction ends, so that two publishes come one after the other.
pub async fn lock(tx: &mut TenantTx<'_>, id: FlowId) -> Result<bool, sqlx::Error> {
    let tenant = tx.tenant().0;
    let row = sqlx::query!("select flow_id from flow where tenant_id = $1 and flow_id = $2 for update", tenant, id.0)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.is_some())
}

/// Puts a version in force.
pub async fn deploy(
    tx: &mut TenantTx<'_>,
    environment: EnvironmentId,
    id: FlowId,
    version: i32,
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "insert into flow_deployment (tenant_id, environment_id, flow_id, version) values ($1, $2, $3, $4) \
         on conflict (tenant_id, environment_id, flow_id) do update set version = excluded.version",
        tenant,
        environment.0,
        id.0,
        version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The number of the version in force, if any.
pub async fn deployed_version(
    tx: &mut TenantTx<'_>,
    environment: EnvironmentId,
    id: FlowId,
) -> Result<Option<i32>, sqlx::Error> {
    let tenant = tx.tenant().0;
    sqlx::query_scalar!(
        "select version from flow_deployment where tenant_id = $1 and environment_id = $2 and flow_id = $3",
        tenant,
        environment.0,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// The version in force, if any.
pub async fn deployed(
    tx: &mut TenantTx<'_>,
    environment: EnvironmentId,
    id: FlowId,
) -> Result<Option<StoredVersion>, sqlx::Error> {
    match deployed_version(tx, environment, id).await? {
        Some(number) => version_of(tx, id, number).await,
        None => Ok(None),
    }
}

/// One version, whole.
pub async fn version_of(tx: &mut TenantTx<'_>, id: FlowId, number: i32) -> Result<Option<StoredVersion>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let row = sqlx::query!(
        r#"select v.definition_hash, v.published_at, p.name as "by?", v.message, v.definition from flow_version v
           left join member p on p.tenant_id = v.tenant_id and p.person_id = v.published_by
           where v.tenant_id = $1 and v.flow_id = $2 and v.version = $3"#,
        tenant,
        id.0,
        number,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| StoredVersion {
        summary: VersionSummary {
            version: number,
            hash: holon_model::canon::hex(&row.definition_hash),
            published_at: from_db(row.published_at),
            published_by: row.by,
            message: row.message,
        },
        definition: row.definition,
    }))
}

/// A page of versions, newest first, below `before`.
pub async fn versions(
    tx: &mut TenantTx<'_>,
    id: FlowId,
    before: i32,
    limit: i64,
) -> Result<Vec<VersionSummary>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"select v.version, v.definition_hash, v.published_at, p.name as "by?", v.message from flow_version v
           left join member p on p.tenant_id = v.tenant_id and p.person_id = v.published_by
           where v.tenant_id = $1 and v.flow_id = $2 and v.version < $3 order by v.version desc limit $4"#,
        tenant,
        id.0,
        before,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| VersionSummary {
            version: row.version,
            hash: holon_model::canon::hex(&row.definition_hash),
            published_at: from_db(row.published_at),
            published_by: row.by,
            message: row.message,
        })
        .collect())
}
