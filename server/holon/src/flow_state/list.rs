//! What a flow keeps: all of it, and for one key.

use holon_authz::{Authorised, actions::ReadState};
use holon_model::wire::Page;
use holon_model::wire::flow_state::StateEntry;
use holon_model::{Context, FlowId};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::http::cursor;
use crate::state::AppState;

/// Which page.
#[derive(Debug, Clone)]
pub struct ListState {
    /// Of which flow.
    pub flow: FlowId,
    /// Keys that begin with this.
    pub prefix: String,
    /// Keys after this one.
    pub cursor: Option<String>,
    /// At most this many, 1 to 200.
    pub limit: u16,
}

/// A page of what a flow keeps, by key.
pub async fn list(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadState>,
    ask: ListState,
) -> Result<Page<StateEntry>, Error> {
    let limit = ask.limit.clamp(1, 200);
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    if !store::flow_exists(&mut tx, ask.flow).await? {
        return Err(Error::NoFlow(ask.flow));
    }
    let after = ask.cursor.as_deref().unwrap_or_default();
    let mut data = store::list(&mut tx, ask.flow, &ask.prefix, after, i64::from(limit) + 1).await?;
    store::with_names(&mut tx, &mut data).await?;
    tx.commit().await?;
    let more = data.len() > usize::from(limit);
    data.truncate(limit.into());
    let next_cursor = data.last().filter(|_| more).map(|last| cursor::encode(&last.key));
    Ok(Page { data, next_cursor })
}

/// What a flow keeps for a key.
pub async fn read(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadState>,
    (flow, key): (FlowId, String),
) -> Result<StateEntry, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let mut found = store::find(&mut tx, flow, &key).await?.ok_or(Error::NotFound)?;
    store::with_names(&mut tx, std::slice::from_mut(&mut found)).await?;
    tx.commit().await?;
    Ok(found)
}
