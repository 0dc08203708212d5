//! Deletes an alert rule with its firings.

use holon_authz::{Authorised, actions::EditAlerts};
use holon_model::{AlertId, Intent, IntentPayload, Value};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::{audit, state::AppState};

/// Which.
#[derive(Debug, Clone, Copy)]
pub struct Delete(pub AlertId);

impl IntentPayload for Delete {
    const TYPE: &'static str = "alert.delete";
}

/// Deletes it.
pub async fn delete(state: &AppState, _: Authorised<EditAlerts>, intent: Intent<Delete>) -> Result<(), Error> {
    let Delete(id) = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let name = store::delete(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let detail = Value::map([("name", Value::from(name.as_str()))]);
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &detail).await?;
    tx.commit().await?;
    Ok(())
}
