//! Pauses something, or changes how and why it is paused.

use holon_authz::Authorised;
use holon_authz::actions::{PauseFlows, PauseInstance, PauseWorkspace};
use holon_model::wire::pauses::{Intake, Pause, PutPause};
use holon_model::{FlowId, Intent, IntentPayload, Value};
use holon_platform::db::TenantTx;

use super::store::Subject;
use super::{Error, read, store};
use crate::{audit, flows, identity, state::AppState};

/// Characters of a reason.
const LONGEST_REASON: usize = 500;

/// What is asked, of the flow if one is named.
#[derive(Debug, Clone)]
pub struct Set {
    /// Which flow.
    pub flow: Option<FlowId>,
    /// How and why.
    pub body: PutPause,
    /// Who, as people are called.
    pub by: String,
}

impl IntentPayload for Set {
    const TYPE: &'static str = "pause.set";
}

impl Set {
    fn pause(&self, state: &AppState) -> Result<Pause, Error> {
        let reason = self.body.reason.trim();
        if reason.chars().count() > LONGEST_REASON {
            return Err(Error::LongReason);
        }
        let (mode, reason, by) = (self.body.mode, reason.to_owned(), self.by.clone());
        Ok(Pause { mode, reason, by, since: state.clock.now() })
    }
}

/// What the audit log says of a pause.
pub(super) fn detail(pause: &Pause) -> Value {
    Value::map([("mode", Value::from(store::word(pause.mode))), ("reason", Value::from(pause.reason.as_str()))])
}

/// Pauses a flow in the environment.
pub async fn flow(state: &AppState, _: Authorised<PauseFlows>, intent: Intent<Set>) -> Result<Intake, Error> {
    let Some(id) = intent.payload.flow else { return Err(Error::Inconsistent("no flow is named".into())) };
    let pause = intent.payload.pause(state)?;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    if !flows::store::lock(&mut tx, id).await? {
        return Err(Error::NoFlow(id));
    }
    store::put(&mut tx, Subject::Flow(id), &pause).await?;
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &detail(&pause)).await?;
    tx.commit().await?;
    seen(state).await;
    read::counted(state, &intent.context, Subject::Flow(id)).await
}

/// Pauses the workspace.
pub async fn workspace(state: &AppState, _: Authorised<PauseWorkspace>, intent: Intent<Set>) -> Result<Intake, Error> {
    let pause = intent.payload.pause(state)?;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    store::put(&mut tx, Subject::Workspace, &pause).await?;
    let subject = intent.context.tenant.to_string();
    audit::record(&mut tx, &*state.clock, &intent, &subject, &detail(&pause)).await?;
    tx.commit().await?;
    seen(state).await;
    read::counted(state, &intent.context, Subject::Workspace).await
}

/// Pauses the instance.
pub async fn instance(state: &AppState, _: Authorised<PauseInstance>, intent: Intent<Set>) -> Result<Intake, Error> {
    let pause = intent.payload.pause(state)?;
    let mut tx = state.pools.auth.begin().await?;
    store::put_instance(&mut tx, &pause).await?;
    identity::bind_tenant(&mut tx, intent.context.tenant).await?;
    audit::record_in(&mut tx, &*state.clock, &intent, "instance", &detail(&pause)).await?;
    tx.commit().await?;
    seen(state).await;
    read::of_instance(state).await
}

/// This process knows at once; the others look within half a second.
pub(super) async fn seen(state: &AppState) {
    if let Err(error) = state.runtime.look_at_pauses().await {
        tracing::warn!(%error, "what is paused is seen a moment later");
    }
}
