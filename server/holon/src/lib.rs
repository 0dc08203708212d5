//! The server: composition root and feature slices. A feature is a folder; `router` puts their routes together.

pub mod alerts;
pub mod api;
pub mod audit;
pub mod backup;
pub mod compose;
pub mod connections;
pub mod definitions;
pub mod events;
pub mod failures;
pub mod flow_state;
pub mod flows;
pub mod forms;
pub mod health;
pub mod http;
pub mod identity;
pub mod links;
pub mod listen;
pub mod metrics;
pub mod middleware;
pub mod overview;
mod pace;
pub mod pages;
pub mod pauses;
pub mod plain;
pub mod polls;
pub mod ports;
pub mod retention;
pub mod runs;
pub mod schedules;
pub mod serve;
pub mod settings;
pub mod signals;
pub mod single_flight;
pub mod state;
pub mod tasks;
pub mod tokens;
pub mod webhooks;
pub mod workers;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// The REST API, described.
fn described() -> OpenApiRouter<AppState> {
    let features = OpenApiRouter::new()
        .merge(identity::router())
        .merge(overview::router())
        .merge(settings::router())
        .merge(retention::router())
        .merge(alerts::router())
        .merge(tokens::router())
        .merge(connections::router())
        .merge(flows::router())
        .merge(flow_state::router())
        .merge(events::router())
        .merge(runs::router())
        .merge(pauses::router())
        .merge(schedules::router())
        .merge(polls::router())
        .merge(signals::router())
        .merge(tasks::router())
        .merge(links::router())
        .merge(workers::router())
        .merge(api::kinds_router());
    OpenApiRouter::with_openapi(api::document_frame()).nest("/api/v1", features)
}

/// What the REST API is, for its document and for walks over it.
pub fn open_api() -> OpenApi {
    described().into_openapi()
}

/// Every route, with what stands in front of them.
pub fn router(state: AppState) -> Router {
    let (rest, open_api) = described().split_for_parts();
    Router::new()
        .merge(rest.layer(from_fn_with_state(state.clone(), middleware::limit_requests)))
        .merge(api::router(&open_api, &state.build.id))
        .merge(webhooks::router())
        .merge(links::pages())
        .merge(forms::router())
        .merge(health::router())
        .merge(metrics::router(&state))
        .merge(pages::router(&state))
        .layer(from_fn_with_state(state.clone(), metrics::count_request))
        .layer(from_fn_with_state(state.clone(), middleware::refuse_cross_site))
        .layer(from_fn(middleware::as_problems))
        .layer(from_fn_with_state(state.clone(), middleware::trace))
        .layer(from_fn_with_state(state.clone(), middleware::security_headers))
        .with_state(state)
}
