//! The catalogue of node kinds: everything that they say of themselves.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use holon_authz::actions::ReadWorkspace;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::http::Allowed;
use crate::state::AppState;

/// The route.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_kinds))
}

/// Node kinds with their forms, ports, effect classes and documentation.
#[utoipa::path(get, path = "/kinds", tag = "kinds", responses((status = 200, body = holon_model::Value)))]
async fn list_kinds(State(state): State<AppState>, _: Allowed<ReadWorkspace>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], state.catalogue.to_value().to_json()).into_response()
}
