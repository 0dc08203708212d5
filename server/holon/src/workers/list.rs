//! Pools with their workers, and what is handed out.

use holon_authz::{Authorised, actions::ReadWork};
use holon_model::wire::Page;
use holon_model::wire::workers::{WorkItem, WorkPool};
use holon_model::{Context, Millis, RunId};
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::{Error, store};
use crate::http::cursor;
use crate::state::AppState;

/// Workers that were not seen for longer are not shown.
const SHOWN: Millis = Millis(24 * 3_600_000);

/// The pools of the environment that have tasks or workers, by name.
pub async fn pools(state: &AppState, context: &Context, _: Authorised<ReadWork>) -> Result<Page<WorkPool>, Error> {
    let now = state.clock.now();
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let data = store::pools(&mut tx, now, now.minus(SHOWN)).await?;
    tx.commit().await?;
    Ok(Page { data, next_cursor: None })
}

/// Which page of tasks.
#[derive(Debug, Clone, Default)]
pub struct ListWork {
    /// Of this pool.
    pub pool: Option<String>,
    /// `waiting` or `claimed`.
    pub state: Option<String>,
    /// Where to go on.
    pub cursor: Option<(RunId, Uuid, i32)>,
    /// At most this many, 1 to 200.
    pub limit: u16,
}

/// What is handed out, of the oldest run first.
pub async fn work(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadWork>,
    ask: ListWork,
) -> Result<Page<WorkItem>, Error> {
    let limit = ask.limit.clamp(1, 200);
    let claimed = ask.state.map(|state| state == "claimed");
    let filter = store::Filter { pool: ask.pool, claimed, after: ask.cursor };
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let mut data = store::list(&mut tx, &filter, state.clock.now(), i64::from(limit) + 1).await?;
    tx.commit().await?;
    let more = data.len() > usize::from(limit);
    data.truncate(limit.into());
    let place = |item: &WorkItem| {
        let attempt = i32::try_from(item.attempt).unwrap_or(i32::MAX);
        Some(cursor::encode(&(item.run, Uuid::try_parse(&item.key).ok()?, attempt)))
    };
    let next_cursor = data.last().filter(|_| more).and_then(place);
    Ok(Page { data, next_cursor })
}
