//! The events of the environment, one of them, and who subscribes.

use holon_authz::{Authorised, actions::ReadEvents};
use holon_model::wire::Page;
use holon_model::wire::events::{EventSummary, PublishedEvent, Subscription};
use holon_model::{Context, PublishedId, json};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::http::cursor;
use crate::state::AppState;

/// Which page.
#[derive(Debug, Clone, Default)]
pub struct ListEvents {
    /// Events whose subject begins with this.
    pub subject: String,
    /// Before this one.
    pub cursor: Option<i64>,
    /// At most this many, 1 to 200.
    pub limit: u16,
}

/// A page of events, the last first.
pub async fn list(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadEvents>,
    ask: ListEvents,
) -> Result<Page<EventSummary>, Error> {
    let limit = ask.limit.clamp(1, 200);
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let mut data = store::list(&mut tx, &ask.subject, ask.cursor, i64::from(limit) + 1).await?;
    let more = data.len() > usize::from(limit);
    data.truncate(limit.into());
    store::with_deliveries(&mut tx, &mut data).await?;
    store::with_names(&mut tx, &mut data).await?;
    tx.commit().await?;
    let next_cursor = data.last().filter(|_| more).map(|last| cursor::encode(&last.position));
    Ok(Page { data, next_cursor })
}

/// One event, with what it tells.
pub async fn read(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadEvents>,
    id: PublishedId,
) -> Result<PublishedEvent, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let (summary, data) = store::find(&mut tx, id).await?.ok_or(Error::NoEvent(id))?;
    let mut found = vec![summary];
    store::with_deliveries(&mut tx, &mut found).await?;
    store::with_names(&mut tx, &mut found).await?;
    tx.commit().await?;
    let data = json::parse(data.as_bytes()).map_err(|_| Error::Inconsistent(id))?;
    let summary = found.pop().ok_or(Error::NoEvent(id))?;
    Ok(PublishedEvent { summary, data })
}

/// All subscriptions of the environment.
pub async fn subscriptions(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadEvents>,
) -> Result<Page<Subscription>, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let data = store::subscriptions(&mut tx, None).await?;
    tx.commit().await?;
    Ok(Page { data, next_cursor: None })
}
