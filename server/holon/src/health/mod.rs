//! For whoever starts and stops servers: is the process alive, and may it be sent work.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

/// The feature's routes. They stand outside `/api` and need no session.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

/// How it is.
#[derive(Serialize, utoipa::ToSchema)]
struct Health {
    /// `live`, `ready`, or why it is not.
    status: String,
}

/// The process answers.
#[utoipa::path(get, path = "/health/live", tag = "health", security(()), responses((status = 200, body = Health)))]
async fn live() -> Response {
    answer(StatusCode::OK, "live")
}

/// The database answers as every role, and the server does not drain.
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()),
    responses((status = 200, body = Health), (status = 503, description = "It may not be sent work.", body = Health)))]
async fn ready(State(state): State<AppState>) -> Response {
    if state.shutdown.has_begun() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, "draining");
    }
    if !state.pools.answer().await {
        return answer(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer");
    }
    answer(StatusCode::OK, "ready")
}

fn answer(status: StatusCode, text: &str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(Health { status: text.to_owned() })).into_response()
}
