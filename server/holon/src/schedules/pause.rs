//! Pauses a schedule, and resumes it: what would have fired in between is not made up.

use holon_authz::{Authorised, actions::EditSchedules};
use holon_model::{Intent, IntentPayload, ScheduleId, Value};
use holon_platform::db::TenantTx;

use super::Error;
use super::store::{self, Next};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Pause(pub ScheduleId);

impl IntentPayload for Pause {
    const TYPE: &'static str = "schedule.pause";
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Resume(pub ScheduleId);

impl IntentPayload for Resume {
    const TYPE: &'static str = "schedule.resume";
}

/// Pauses. One that is paused stays so, without another audit row.
pub async fn pause(state: &AppState, _: Authorised<EditSchedules>, intent: Intent<Pause>) -> Result<(), Error> {
    let Pause(id) = intent.payload;
    set(state, &intent, id, true).await
}

/// Resumes from now on.
pub async fn resume(state: &AppState, _: Authorised<EditSchedules>, intent: Intent<Resume>) -> Result<(), Error> {
    let Resume(id) = intent.payload;
    set(state, &intent, id, false).await
}

async fn set<P: IntentPayload>(
    state: &AppState,
    intent: &Intent<P>,
    id: ScheduleId,
    paused: bool,
) -> Result<(), Error> {
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let (row, was) = store::lock(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    if was == paused {
        return Ok(());
    }
    let plan = row.plan().ok_or(Error::Inconsistent(id))?;
    let next = Next::after(&plan, id, state.clock.now());
    store::set_paused(&mut tx, id, paused, next).await?;
    audit::record(&mut tx, &*state.clock, intent, &id.to_string(), &Value::Null).await?;
    tx.commit().await?;
    Ok(())
}
