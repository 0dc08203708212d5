//! All schedules of the environment.

use holon_authz::{Authorised, actions::ReadSchedules};
use holon_model::wire::Page;
use holon_model::wire::schedules::ScheduleSummary;
use holon_model::{Context, FlowId, ScheduleId};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::http::cursor;
use crate::state::AppState;

/// Which page.
#[derive(Debug, Clone, Default)]
pub struct ListSchedules {
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// Where to go on.
    pub cursor: Option<ScheduleId>,
    /// At most this many, 1 to 200.
    pub limit: u16,
}

/// A page of schedules, last made first.
pub async fn list(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadSchedules>,
    ask: ListSchedules,
) -> Result<Page<ScheduleSummary>, Error> {
    let limit = ask.limit.clamp(1, 200);
    let filter = store::Filter { flow: ask.flow, id: None, before: ask.cursor };
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let mut data = store::list(&mut tx, &filter, i64::from(limit) + 1).await?;
    tx.commit().await?;
    let more = data.len() > usize::from(limit);
    data.truncate(limit.into());
    let next_cursor = data.last().filter(|_| more).map(|last| cursor::encode(&last.id));
    Ok(Page { data, next_cursor })
}
