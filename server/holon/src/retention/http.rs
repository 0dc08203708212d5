//! Routes of how long history is kept.

use axum::Json;
use axum::extract::State;
use holon_authz::actions::{EditWorkspace, ReadWorkspace};
use holon_model::wire::retention::{Retention, SaveRetention};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{choose, read};
use crate::http::{Allowed, ApiResult, JsonBody, Query};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_retention, put_retention))
}

#[derive(Debug, Clone, Copy, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// What would go if history were kept for so many days.
    days: Option<u32>,
}

/// What the workspace keeps of runs that are over, and what would go.
#[utoipa::path(get, path = "/retention", tag = "workspace", params(Asked), responses((status = 200, body = Retention)))]
async fn get_retention(
    State(state): State<AppState>,
    caller: Allowed<ReadWorkspace>,
    Query(asked): Query<Asked>,
) -> ApiResult<Json<Retention>> {
    Ok(Json(read::read(&state, caller.context(), caller.proof(), asked.days).await?))
}

/// Chooses how long the history of runs is kept. What is older goes within a day and cannot be had back.
#[utoipa::path(put, path = "/retention", tag = "workspace", request_body = SaveRetention,
    responses((status = 200, body = Retention)))]
async fn put_retention(
    State(state): State<AppState>,
    caller: Allowed<EditWorkspace>,
    JsonBody(body): JsonBody<SaveRetention>,
) -> ApiResult<Json<Retention>> {
    let intent = caller.intent(&*state.clock, choose::Choose(body));
    Ok(Json(choose::choose(&state, caller.proof(), intent).await?))
}
