//! What describes the API: the OpenAPI document, a readable page of it, the catalogue of node kinds, and a page for every error code.

mod errors;
mod kinds;
mod page;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Router, routing::get};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

pub use kinds::router as kinds_router;

/// The document, made once.
#[derive(Clone)]
struct Described {
    json: Arc<str>,
    page: Arc<str>,
}

/// The pages about the API, for the routes that `open_api` describes.
pub fn router(open_api: &OpenApi, build: &str) -> Router<AppState> {
    let described = Described {
        json: open_api.to_pretty_json().unwrap_or_default().into(),
        page: page::render(open_api, build).into(),
    };
    Router::new()
        .route("/api/openapi.json", get(document))
        .route("/api/docs", get(readable))
        .route("/docs/errors/{code}", get(errors::page))
        .layer(Extension(described))
}

/// Title and version of the document.
pub fn document_frame() -> OpenApi {
    let mut frame = OpenApiRouter::<AppState>::new().into_openapi();
    frame.info.title = "Holon".into();
    frame.info.version = "1".into();
    frame.info.description = Some(
        "Build, run and embed automations. Errors are `application/problem+json`; lists are paged by `cursor`; \
         sign in with a session cookie or `Authorization: Bearer holon_pat_…`."
            .into(),
    );
    frame
}

async fn document(State(_): State<AppState>, Extension(described): Extension<Described>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], described.json.to_string()).into_response()
}

async fn readable(State(_): State<AppState>, Extension(described): Extension<Described>) -> Html<String> {
    Html(described.page.to_string())
}
