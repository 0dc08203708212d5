//! A workspace chooses how long the history of its runs is kept.

use holon_authz::Authorised;
use holon_authz::actions::EditWorkspace;
use holon_model::wire::retention::{Retention, SaveRetention};
use holon_model::{Intent, IntentPayload, Value};
use holon_platform::db::TenantTx;

use super::{DAYS, Error, read, store};
use crate::audit;
use crate::state::AppState;

/// For how many days.
#[derive(Debug, Clone, Copy)]
pub struct Choose(pub SaveRetention);

impl IntentPayload for Choose {
    const TYPE: &'static str = "retention.choose";
}

/// Chooses; the next sweep goes by it.
pub async fn choose(
    state: &AppState,
    _: Authorised<EditWorkspace>,
    intent: Intent<Choose>,
) -> Result<Retention, Error> {
    let Choose(SaveRetention { days }) = intent.payload;
    let most = state.config.history_days_most.unwrap_or(*DAYS.end());
    if days.is_some_and(|days| !(*DAYS.start()..=most).contains(&days)) {
        return Err(Error::Days(most));
    }
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    store::choose(&mut tx, days, &intent.context.actor.label(), state.clock.now()).await?;
    let detail = Value::map([("days", days.map_or(Value::Null, |days| Value::from(i64::from(days))))]);
    audit::record(&mut tx, &*state.clock, &intent, "history", &detail).await?;
    let kept = read::in_tx(state, &mut tx, None).await?;
    tx.commit().await?;
    Ok(kept)
}
