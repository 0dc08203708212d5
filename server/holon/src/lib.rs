//! The server: composition root and feature slices. A feature is a folder; `router` puts their routes together.

pub mod audit;
pub mod connections;
pub mod health;
pub mod http;
pub mod identity;
pub mod middleware;
pub mod overview;
pub mod serve;
pub mod settings;
pub mod state;
pub mod tokens;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// The REST API, described.
fn api() -> OpenApiRouter<AppState> {
    let features = OpenApiRouter::new()
        .merge(identity::router())
        .merge(overview::router())
        .merge(settings::router())
        .merge(tokens::router())
        .merge(connections::router());
    OpenApiRouter::new().nest("/api/v1", features)
}

/// What the REST API is, for its document and for walks over it.
pub fn open_api() -> OpenApi {
    api().into_openapi()
}

/// Every route, with what stands in front of them.
pub fn router(state: AppState) -> Router {
    let (api, _) = api().split_for_parts();
    Router::new()
        .merge(api)
        .merge(health::router())
        .fallback(|| async { StatusCode::NOT_FOUND })
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .layer(from_fn_with_state(state.clone(), middleware::refuse_cross_site))
        .layer(from_fn(middleware::as_problems))
        .layer(from_fn_with_state(state.clone(), middleware::security_headers))
        .layer(from_fn_with_state(state.clone(), middleware::trace))
        .with_state(state)
}
