//! Tries a rule out: tells whoever it tells that this is a test, now, and says what came of it.

use holon_authz::{Authorised, actions::EditAlerts};
use holon_model::wire::alerts::AlertFiring;
use holon_model::{AlertId, FiringId, Intent, IntentPayload, Value};
use holon_platform::clock::mint;
use holon_platform::db::TenantTx;

use super::store::{self, NewFiring};
use super::{Error, deliver};
use crate::{audit, state::AppState};

/// Which.
#[derive(Debug, Clone, Copy)]
pub struct TryOut(pub AlertId);

impl IntentPayload for TryOut {
    const TYPE: &'static str = "alert.test";
}

/// Tells once; what could not be told is tried again later like any firing.
pub async fn try_out(
    state: &AppState,
    _: Authorised<EditAlerts>,
    intent: Intent<TryOut>,
) -> Result<AlertFiring, Error> {
    let TryOut(rule) = intent.payload;
    let tenant = intent.context.tenant;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let name = store::list(&mut tx, Some(rule)).await?.pop().ok_or(Error::NotFound)?.name;
    let id: FiringId = mint(&*state.clock);
    let now = state.clock.now();
    let summary = format!("This is a test of the alert “{name}”. Nothing is wrong.");
    let firing = NewFiring { id, rule, at: now, cause: "test", summary: &summary, count: 1, items: "[]" };
    store::add_test(&mut tx, &firing).await?;
    audit::record(&mut tx, &*state.clock, &intent, &rule.to_string(), &Value::Null).await?;
    tx.commit().await?;
    if let Some(due) = store::claim_one(&state.pools.engine, tenant, id, now).await? {
        deliver::deliver(state, deliver::Deliver::of(&*state.clock, due)).await?;
    }
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let firing = store::firing(&mut tx, id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(firing)
}
