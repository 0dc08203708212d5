//! Queries: lists, one flow, its versions. They change nothing, so they are no intents.

use holon_authz::{Authorised, actions::ReadFlows};
use holon_model::document::Change;
use holon_model::wire::Page;
use holon_model::wire::flows::{Flow, FlowSummary, Version, VersionSummary};
use holon_model::{Context, FlowId, Timestamp, canon::hex, json};
use holon_platform::db::TenantTx;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::check::checked_here;
use super::error::stored;
use super::{Error, store, webhooks};
use crate::http::cursor;
use crate::state::AppState;

/// Which page of flows.
#[derive(Debug, Clone, Default)]
pub struct ListFlows {
    /// A part of the name.
    pub search: String,
    /// Where to go on.
    pub cursor: Option<Cursor>,
    /// At most this many, 1 to 200.
    pub limit: u16,
}

/// The last row of the page before.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Cursor(i64, Uuid);

/// A page of flows, last saved first.
pub async fn list(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadFlows>,
    ask: ListFlows,
) -> Result<Page<FlowSummary>, Error> {
    let limit = usize::from(ask.limit.clamp(1, 200));
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let after = ask.cursor.map(|Cursor(at, id)| store::After { at: Timestamp(at), id });
    // One more than asked tells whether there is a next page.
    let mut data = store::list(&mut tx, context.environment, &ask.search, after, limit as i64 + 1).await?;
    let more = data.len() > limit;
    data.truncate(limit);
    let next_cursor = data.last().filter(|_| more).map(|last| cursor::encode(&Cursor(last.updated_at.0, last.id.0)));
    crate::runs::last_statuses(&mut tx, &mut data).await?;
    tx.commit().await?;
    Ok(Page { data, next_cursor })
}

/// One flow, whole.
pub async fn read(state: &AppState, context: &Context, _: Authorised<ReadFlows>, id: FlowId) -> Result<Flow, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let draft = store::draft(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    let read = checked_here(&mut tx, &state.catalogue, stored(id, &draft.body.definition)?).await?;
    let published = store::deployed(&mut tx, context.environment, id).await?;
    let webhooks = match &published {
        Some(version) => {
            let definition = stored(id, &version.definition)?;
            webhooks::addresses(&mut tx, &state.config.public_base(), context.environment, id, &definition).await?
        }
        None => Vec::new(),
    };
    tx.commit().await?;
    Ok(Flow {
        id,
        name: read.definition.name.clone(),
        path: draft.path,
        revision: draft.revision,
        definition: json::parse(draft.body.definition.as_bytes()).map_err(|_| Error::Inconsistent(id))?,
        hash: hex(&draft.body.hash),
        diagnostics: read.diagnostics,
        published: published.map(|version| version.summary),
        webhooks,
        updated_at: draft.history.first().map_or(Timestamp(0), |made| made.at),
    })
}

/// A page of versions, newest first.
pub async fn versions(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadFlows>,
    id: FlowId,
    before: Option<i32>,
    limit: u16,
) -> Result<Page<VersionSummary>, Error> {
    let limit = usize::from(limit.clamp(1, 200));
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    store::draft(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    let mut data = store::versions(&mut tx, id, before.unwrap_or(i32::MAX), limit as i64 + 1).await?;
    tx.commit().await?;
    let more = data.len() > limit;
    data.truncate(limit);
    let next_cursor = data.last().filter(|_| more).map(|last| cursor::encode(&last.version));
    Ok(Page { data, next_cursor })
}

/// A page of the changes of the draft, newest first: who changed what when.
pub async fn changes(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadFlows>,
    id: FlowId,
    before: Option<i64>,
    limit: u16,
) -> Result<Page<Change>, Error> {
    let limit = usize::from(limit.clamp(1, 200));
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    store::draft(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    let mut data = store::changes(&mut tx, id, before.unwrap_or(i64::MAX), limit as i64 + 1).await?;
    tx.commit().await?;
    let more = data.len() > limit;
    data.truncate(limit);
    let next_cursor = data.last().filter(|_| more).map(|last| cursor::encode(&last.revision));
    Ok(Page { data, next_cursor })
}

/// One version, whole.
pub async fn version(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadFlows>,
    id: FlowId,
    number: i32,
) -> Result<Version, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let found = store::version_of(&mut tx, id, number).await?.ok_or(Error::NoVersion(id, number))?;
    tx.commit().await?;
    let definition = json::parse(found.definition.as_bytes()).map_err(|_| Error::Inconsistent(id))?;
    Ok(Version { summary: found.summary, definition })
}
