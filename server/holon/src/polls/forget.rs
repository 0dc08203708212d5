//! Has a poll forget what it has seen: its keys and its cursor. The look that follows at once is a first one.

use holon_authz::{Authorised, actions::ForgetPolls};
use holon_model::wire::polls::PollSummary;
use holon_model::{Intent, IntentPayload, PollId, Value};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Forget(pub PollId);

impl IntentPayload for Forget {
    const TYPE: &'static str = "poll.forget";
}

/// Forgets. A look that is under way starts what it has begun with, and writes nothing down.
pub async fn forget(
    state: &AppState,
    _: Authorised<ForgetPolls>,
    intent: Intent<Forget>,
) -> Result<PollSummary, Error> {
    let Forget(id) = intent.payload;
    let now = state.clock.now();
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let forgotten = store::forget(&mut tx, id, now).await?.ok_or(Error::NotFound(id))?;
    let detail = i64::try_from(forgotten).map_or(Value::Null, Value::from);
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &detail).await?;
    let summary = store::summary(&mut tx, id, now).await?.ok_or(Error::NotFound(id))?;
    tx.commit().await?;
    Ok(summary)
}
