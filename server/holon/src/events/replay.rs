//! Sets a subscription back, so that events are delivered again, in new runs.

use holon_authz::{Authorised, actions::ReplayEvents};
use holon_model::wire::events::{ReplaySubscription, Subscription};
use holon_model::{Intent, IntentPayload, SubscriptionId, Value};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Which subscription.
    pub id: SubscriptionId,
    /// Where to.
    pub to: ReplaySubscription,
}

impl IntentPayload for Replay {
    const TYPE: &'static str = "subscription.replay";
}

/// Sets it back. What waits for its run meanwhile is started too.
pub async fn replay(
    state: &AppState,
    _: Authorised<ReplayEvents>,
    intent: Intent<Replay>,
) -> Result<Subscription, Error> {
    let Replay { id, ref to } = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let last = store::lock(&mut tx, id).await?.ok_or(Error::NoSubscription(id))?;
    let from = match (to.from, to.since) {
        (Some(from), None) if from >= 1 => from,
        (None, Some(since)) => store::first_since(&mut tx, since).await?.unwrap_or(last + 1),
        _ => return Err(Error::NoPlace),
    };
    // Behind the last event there is nothing to go back to.
    let from = from.min(last + 1);
    store::set_back(&mut tx, id, from - 1, state.clock.now()).await?;
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &Value::map([("from", Value::Int(from))])).await?;
    let found = store::subscription(&mut tx, id).await?.ok_or(Error::NoSubscription(id))?;
    tx.commit().await?;
    Ok(found)
}
