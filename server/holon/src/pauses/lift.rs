//! Lets something go on that was paused. What is not paused stays so, without an audit row.

use holon_authz::Authorised;
use holon_authz::actions::{PauseFlows, PauseInstance, PauseWorkspace};
use holon_model::{FlowId, Intent, IntentPayload, Value};
use holon_platform::db::TenantTx;

use super::store::Subject;
use super::{Error, set, store};
use crate::{audit, flows, identity, state::AppState};

/// What is asked, of the flow if one is named.
#[derive(Debug, Clone, Copy)]
pub struct Lift(pub Option<FlowId>);

impl IntentPayload for Lift {
    const TYPE: &'static str = "pause.lift";
}

/// Lets runs of a flow begin again.
pub async fn flow(state: &AppState, _: Authorised<PauseFlows>, intent: Intent<Lift>) -> Result<(), Error> {
    let Lift(Some(id)) = intent.payload else { return Err(Error::Inconsistent("no flow is named".into())) };
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    if !flows::store::lock(&mut tx, id).await? {
        return Err(Error::NoFlow(id));
    }
    if store::delete(&mut tx, Subject::Flow(id)).await? {
        audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &Value::Null).await?;
        tx.commit().await?;
        set::seen(state).await;
    }
    Ok(())
}

/// Lets runs of the workspace begin again.
pub async fn workspace(state: &AppState, _: Authorised<PauseWorkspace>, intent: Intent<Lift>) -> Result<(), Error> {
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    if store::delete(&mut tx, Subject::Workspace).await? {
        let subject = intent.context.tenant.to_string();
        audit::record(&mut tx, &*state.clock, &intent, &subject, &Value::Null).await?;
        tx.commit().await?;
        set::seen(state).await;
    }
    Ok(())
}

/// Lets runs of the instance begin again.
pub async fn instance(state: &AppState, _: Authorised<PauseInstance>, intent: Intent<Lift>) -> Result<(), Error> {
    let mut tx = state.pools.auth.begin().await?;
    if store::delete_instance(&mut tx).await? {
        identity::bind_tenant(&mut tx, intent.context.tenant).await?;
        audit::record_in(&mut tx, &*state.clock, &intent, "instance", &Value::Null).await?;
        tx.commit().await?;
        set::seen(state).await;
    }
    Ok(())
}
