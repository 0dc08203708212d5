//! Where `/metrics` is served.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use holon_model::{Code, Problem};
use holon_platform::crypto::constant_time_eq;
use holon_platform::shutdown::Shutdown;
use holon_platform::telemetry::Exposition;
use tokio::net::TcpListener;

use super::exposition;
use crate::http::ApiError;
use crate::listen::listen;
use crate::state::AppState;

/// How long a scrape in hand may take when the server drains.
const DRAIN_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);

/// The route at the server's own address; it is not there without a token.
pub fn router(state: &AppState) -> Router<AppState> {
    match state.config.metrics_token {
        Some(_) => Router::new().route("/metrics", get(behind_a_token)),
        None => Router::new(),
    }
}

/// Serves `/metrics` and nothing else, to whoever reaches the address.
pub async fn serve_apart(listener: TcpListener, state: AppState, shutdown: &Shutdown) {
    let router = Router::new().route("/metrics", get(open)).with_state(state);
    listen(listener, router, shutdown, DRAIN_WITHIN).await;
}

async fn open(State(state): State<AppState>) -> Response {
    let head = [(header::CONTENT_TYPE, Exposition::CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::OK, head, exposition(&state).await).into_response()
}

async fn behind_a_token(state: State<AppState>, headers: HeaderMap) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let wanted = state.config.metrics_token.as_ref();
    match (given, wanted) {
        (Some(given), Some(wanted)) if constant_time_eq(given, wanted.expose()) => open(state).await,
        _ => {
            let detail = "Metrics are shown to callers with the operator's token only.";
            ApiError::from(Problem::new(Code::Unauthenticated, detail)).into_response()
        }
    }
}
