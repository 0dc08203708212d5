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

use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::api::Described;
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

/// What stands outside of it and is for programs and for people without a session: addresses that flows and links have, and probes.
fn addresses() -> OpenApiRouter<AppState> {
    webhooks::router().merge(links::pages()).merge(forms::router()).merge(health::router())
}

/// What all of them are, for the document and for walks over it. `cookie` is the name of the session's.
pub fn open_api(cookie: &str) -> OpenApi {
    let mut open_api = described().into_openapi();
    open_api.merge(addresses().into_openapi());
    open_api.merge(api::router().into_openapi());
    api::complete(open_api, cookie)
}

/// Every route, with what stands in front of them.
pub fn router(state: AppState) -> Router {
    let about = Described::of(&open_api(&state.config.cookie_name()), &state.build.id, &state.config.public_base());
    let (rest, _) = described().split_for_parts();
    Router::new()
        .merge(rest.layer(from_fn_with_state(state.clone(), middleware::limit_requests)))
        .merge(Router::from(api::router()).layer(Extension(about)))
        .merge(Router::from(addresses()))
        .merge(metrics::router(&state))
        .merge(pages::router(&state))
        .layer(from_fn_with_state(state.clone(), metrics::count_request))
        .layer(from_fn_with_state(state.clone(), middleware::refuse_cross_site))
        .layer(from_fn(middleware::as_problems))
        .layer(from_fn_with_state(state.clone(), middleware::trace))
        .layer(from_fn_with_state(state.clone(), middleware::security_headers))
        .with_state(state)
}
