//! For whoever starts and stops servers: is the process alive, and may it be sent work.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use crate::state::AppState;

/// The feature's routes. They stand outside `/api` and need no session.
pub fn router() -> Router<AppState> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready))
}

/// The process answers.
async fn live() -> Response {
    answer(StatusCode::OK, "live")
}

/// The database answers as every role, and the server does not drain.
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
    (status, [(header::CACHE_CONTROL, "no-store")], Json(serde_json::json!({ "status": text }))).into_response()
}
