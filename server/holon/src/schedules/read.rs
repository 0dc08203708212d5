//! One schedule: its next ten times and its last firings.

use holon_authz::{Authorised, actions::ReadSchedules};
use holon_model::wire::schedules::Schedule;
use holon_model::{Context, ScheduleId};
use holon_platform::db::TenantTx;

use super::plan::Times;
use super::{Error, store};
use crate::state::AppState;

/// Firings shown.
const FIRINGS: i64 = 50;

/// One schedule, whole.
pub async fn read(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadSchedules>,
    id: ScheduleId,
) -> Result<Schedule, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let filter = store::Filter { id: Some(id), ..store::Filter::default() };
    let summary = store::list(&mut tx, &filter, 1).await?.pop().ok_or(Error::NotFound(id))?;
    let firings = store::firings(&mut tx, &[id.0], FIRINGS).await?.into_iter().map(|(_, firing)| firing).collect();
    tx.commit().await?;
    let times = Times::read(&summary.cron, &summary.time_zone).map_err(|_| Error::Inconsistent(id))?;
    Ok(Schedule { next: times.ahead(state.clock.now()), summary, firings })
}
