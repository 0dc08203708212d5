//! The route of the overview.

use axum::Json;
use axum::extract::State;
use holon_authz::actions::ReadWorkspace;
use holon_model::wire::identity::Overview;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::http::{Allowed, ApiResult};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_overview))
}

/// Whether everything is fine, in one line, and what to look at.
#[utoipa::path(get, path = "/overview", tag = "workspace", responses((status = 200, body = Overview)))]
async fn get_overview(State(state): State<AppState>, caller: Allowed<ReadWorkspace>) -> ApiResult<Json<Overview>> {
    Ok(Json(super::overview(&state, caller.context(), caller.proof()).await?))
}
