//! Queries: whether something is paused, and what has not ended yet.

use holon_authz::Authorised;
use holon_authz::actions::{ReadFlows, ReadSettings, ReadWorkspace};
use holon_model::wire::pauses::Intake;
use holon_model::{Context, FlowId};
use holon_platform::db::TenantTx;

use super::store::Subject;
use super::{Error, store};
use crate::{flows, state::AppState};

/// Of a flow in the environment.
pub async fn flow(state: &AppState, context: &Context, _: Authorised<ReadFlows>, id: FlowId) -> Result<Intake, Error> {
    counted(state, context, Subject::Flow(id)).await
}

/// Of the workspace.
pub async fn workspace(state: &AppState, context: &Context, _: Authorised<ReadWorkspace>) -> Result<Intake, Error> {
    counted(state, context, Subject::Workspace).await
}

/// Of the instance.
pub async fn instance(state: &AppState, _: Authorised<ReadSettings>) -> Result<Intake, Error> {
    of_instance(state).await
}

pub(super) async fn counted(state: &AppState, context: &Context, subject: Subject) -> Result<Intake, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    if let Subject::Flow(id) = subject
        && flows::store::draft(&mut tx, id).await?.is_none()
    {
        return Err(Error::NoFlow(id));
    }
    let pause = store::find(&mut tx, subject).await?;
    let intake = store::counts(&mut tx, subject).await?;
    tx.commit().await?;
    Ok(Intake { pause, ..intake })
}

pub(super) async fn of_instance(state: &AppState) -> Result<Intake, Error> {
    let mut engine = state.pools.engine.acquire().await?;
    store::of_instance(&mut engine).await
}
