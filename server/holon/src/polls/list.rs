//! The polls of the environment, and one of them with what it found.

use holon_authz::{Authorised, actions::ReadPolls};
use holon_model::wire::Page;
use holon_model::wire::polls::{Poll, PollSummary};
use holon_model::{Context, FlowId, PollId, json};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::http::cursor;
use crate::state::AppState;

/// What one shows of what it found.
const FOUND: i64 = 50;

/// Which page.
#[derive(Debug, Clone, Default)]
pub struct ListPolls {
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// Where to go on.
    pub cursor: Option<PollId>,
    /// At most this many, 1 to 200.
    pub limit: u16,
}

/// A page of polls, last made first.
pub async fn list(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadPolls>,
    ask: ListPolls,
) -> Result<Page<PollSummary>, Error> {
    let limit = ask.limit.clamp(1, 200);
    let filter = store::Filter { flow: ask.flow, id: None, before: ask.cursor };
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let mut data = store::list(&mut tx, &filter, state.clock.now(), i64::from(limit) + 1).await?;
    tx.commit().await?;
    let more = data.len() > usize::from(limit);
    data.truncate(limit.into());
    let next_cursor = data.last().filter(|_| more).map(|last| cursor::encode(&last.id));
    Ok(Page { data, next_cursor })
}

/// One, whole.
pub async fn read(state: &AppState, context: &Context, _: Authorised<ReadPolls>, id: PollId) -> Result<Poll, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let summary = store::summary(&mut tx, id, state.clock.now()).await?.ok_or(Error::NotFound(id))?;
    let (cursor, seen) = store::memory(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    let found = store::found(&mut tx, id, FOUND).await?;
    tx.commit().await?;
    let cursor = json::parse(cursor.as_bytes()).map_err(|_| Error::Inconsistent(id))?;
    Ok(Poll { summary, cursor, seen, found })
}
