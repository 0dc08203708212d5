//! Has a poll look now, because a person asks; also one that backs off. Paused flows stay so.

use holon_authz::{Authorised, actions::LookPolls};
use holon_model::wire::polls::PollSummary;
use holon_model::{Intent, IntentPayload, PollId, Value};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct LookNow(pub PollId);

impl IntentPayload for LookNow {
    const TYPE: &'static str = "poll.look";
}

/// Makes it due. While somebody looks, that look is the one that was asked for.
pub async fn look_now(
    state: &AppState,
    _: Authorised<LookPolls>,
    intent: Intent<LookNow>,
) -> Result<PollSummary, Error> {
    let LookNow(id) = intent.payload;
    let now = state.clock.now();
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    if !store::make_due(&mut tx, id, now).await? {
        return Err(Error::NotFound(id));
    }
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &Value::Null).await?;
    let summary = store::summary(&mut tx, id, now).await?.ok_or(Error::NotFound(id))?;
    tx.commit().await?;
    Ok(summary)
}
