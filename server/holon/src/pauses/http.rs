//! Routes of pauses.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use holon_authz::Action;
use holon_authz::actions::{PauseFlows, PauseInstance, PauseWorkspace, ReadFlows, ReadSettings, ReadWorkspace};
use holon_model::wire::pauses::{Intake, PutPause};
use holon_model::{FlowId, Intent};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{lift, read, set};
use crate::http::{Allowed, ApiResult, JsonBody, Path};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(read_flow_pause, pause_flow, resume_flow))
        .routes(routes!(read_workspace_pause, pause_workspace, resume_workspace))
        .routes(routes!(read_instance_pause, pause_instance, resume_instance))
}

fn wish<A: Action>(state: &AppState, caller: &Allowed<A>, flow: Option<FlowId>, body: PutPause) -> Intent<set::Set> {
    let by = caller.caller().person.name.clone();
    caller.intent(&*state.clock, set::Set { flow, body, by })
}

/// Whether the flow is paused, and how many of its runs have not ended.
#[utoipa::path(get, path = "/flows/{id}/pause", tag = "flows", params(("id" = FlowId, Path)),
    responses((status = 200, body = Intake)))]
async fn read_flow_pause(
    State(state): State<AppState>,
    caller: Allowed<ReadFlows>,
    Path(id): Path<FlowId>,
) -> ApiResult<Json<Intake>> {
    Ok(Json(read::flow(&state, caller.context(), caller.proof(), id).await?))
}

/// Pauses the flow: starts are refused (503, `paused`) and its schedules do not fire. What has begun goes on, with the runs that it
/// calls.
#[utoipa::path(put, path = "/flows/{id}/pause", tag = "flows", params(("id" = FlowId, Path)), request_body = PutPause,
    responses((status = 200, body = Intake)))]
async fn pause_flow(
    State(state): State<AppState>,
    caller: Allowed<PauseFlows>,
    Path(id): Path<FlowId>,
    JsonBody(body): JsonBody<PutPause>,
) -> ApiResult<Json<Intake>> {
    Ok(Json(set::flow(&state, caller.proof(), wish(&state, &caller, Some(id), body)).await?))
}

/// Lets runs of the flow begin again.
#[utoipa::path(delete, path = "/flows/{id}/pause", tag = "flows", params(("id" = FlowId, Path)),
    responses((status = 204)))]
async fn resume_flow(
    State(state): State<AppState>,
    caller: Allowed<PauseFlows>,
    Path(id): Path<FlowId>,
) -> ApiResult<StatusCode> {
    lift::flow(&state, caller.proof(), caller.intent(&*state.clock, lift::Lift(Some(id)))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the workspace is paused, and how many of its runs have not ended.
#[utoipa::path(get, path = "/workspace/pause", tag = "workspace", responses((status = 200, body = Intake)))]
async fn read_workspace_pause(
    State(state): State<AppState>,
    caller: Allowed<ReadWorkspace>,
) -> ApiResult<Json<Intake>> {
    Ok(Json(read::workspace(&state, caller.context(), caller.proof()).await?))
}

/// Pauses all flows of the workspace.
#[utoipa::path(put, path = "/workspace/pause", tag = "workspace", request_body = PutPause,
    responses((status = 200, body = Intake)))]
async fn pause_workspace(
    State(state): State<AppState>,
    caller: Allowed<PauseWorkspace>,
    JsonBody(body): JsonBody<PutPause>,
) -> ApiResult<Json<Intake>> {
    Ok(Json(set::workspace(&state, caller.proof(), wish(&state, &caller, None, body)).await?))
}

/// Lets runs of the workspace begin again. Flows that are paused by themselves stay so.
#[utoipa::path(delete, path = "/workspace/pause", tag = "workspace", responses((status = 204)))]
async fn resume_workspace(State(state): State<AppState>, caller: Allowed<PauseWorkspace>) -> ApiResult<StatusCode> {
    lift::workspace(&state, caller.proof(), caller.intent(&*state.clock, lift::Lift(None))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the instance is paused, and how many runs of all workspaces have not ended. For its operator.
#[utoipa::path(get, path = "/instance/pause", tag = "instance", responses((status = 200, body = Intake)))]
async fn read_instance_pause(State(state): State<AppState>, caller: Allowed<ReadSettings>) -> ApiResult<Json<Intake>> {
    Ok(Json(read::instance(&state, caller.proof()).await?))
}

/// Pauses everything, for its operator: `drain` before a deploy that is to find nothing under way.
#[utoipa::path(put, path = "/instance/pause", tag = "instance", request_body = PutPause,
    responses((status = 200, body = Intake)))]
async fn pause_instance(
    State(state): State<AppState>,
    caller: Allowed<PauseInstance>,
    JsonBody(body): JsonBody<PutPause>,
) -> ApiResult<Json<Intake>> {
    Ok(Json(set::instance(&state, caller.proof(), wish(&state, &caller, None, body)).await?))
}

/// Lets runs begin again. Workspaces and flows that are paused by themselves stay so.
#[utoipa::path(delete, path = "/instance/pause", tag = "instance", responses((status = 204)))]
async fn resume_instance(State(state): State<AppState>, caller: Allowed<PauseInstance>) -> ApiResult<StatusCode> {
    lift::instance(&state, caller.proof(), caller.intent(&*state.clock, lift::Lift(None))).await?;
    Ok(StatusCode::NO_CONTENT)
}
