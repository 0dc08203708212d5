//! Deletes a flow: its draft, its addresses and what is in force. Versions stay, since runs read them.

use holon_authz::{Authorised, actions::DeleteFlows};
use holon_model::{FlowId, Intent, IntentPayload, Value};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::{audit, flow_state, state::AppState};

/// What is asked; `base_revision` of the intent is the `If-Match`.
#[derive(Debug, Clone, Copy)]
pub struct Delete(pub FlowId);

impl IntentPayload for Delete {
    const TYPE: &'static str = "flow.delete";
}

/// Deletes the flow at the revision that the asker had seen.
pub async fn delete(state: &AppState, _: Authorised<DeleteFlows>, intent: Intent<Delete>) -> Result<(), Error> {
    let Delete(id) = intent.payload;
    let _changing = state.webhooks.changing(id);
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let present = store::draft(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    let base = intent.base_revision.unwrap_or(present.revision);
    if !store::delete(&mut tx, id, base).await? {
        return Err(Error::Stale { base, present: present.revision });
    }
    flow_state::store::forget_flow(&mut tx, id).await?;
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &Value::Null).await?;
    tx.commit().await?;
    Ok(())
}
