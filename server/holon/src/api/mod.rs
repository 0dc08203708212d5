//! What describes the API: the OpenAPI document, a readable page of it, the JSON Schema of flows, the catalogue of node kinds, and a page
//! for every error code.

mod answers;
mod errors;
mod examples;
mod kinds;
mod page;
mod security;

use std::sync::Arc;

use axum::Extension;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::external_docs::ExternalDocsBuilder;
use utoipa::openapi::{OpenApi, PathItem, path::Operation};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

pub use kinds::router as kinds_router;

/// The JSON Schema of definitions; `shared/flow` keeps the file true.
const FLOW_SCHEMA: &str = include_str!("../../../../docs/flow.schema.json");

/// The document and its page, made once.
#[derive(Clone)]
pub struct Described {
    json: Arc<str>,
    page: Arc<str>,
}

impl Described {
    /// For the routes that `open_api` describes, which are reached at `base`.
    pub fn of(open_api: &OpenApi, build: &str, base: &str) -> Self {
        Self {
            json: open_api.to_pretty_json().unwrap_or_default().into(),
            page: page::render(open_api, build, base).into(),
        }
    }
}

/// The pages about the API. They need [`Described`] as an extension.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(document))
        .routes(routes!(flow_schema))
        .route("/api/docs", get(readable))
        .route("/docs/errors/{code}", get(errors::page))
}

/// Title and version of the document.
pub fn document_frame() -> OpenApi {
    let mut frame = OpenApiRouter::<AppState>::new().into_openapi();
    frame.info.title = "Holon".into();
    frame.info.version = "1".into();
    frame.info.description = Some(
        "Build, run and embed automations. Errors are `application/problem+json`, and each `code` has a page at `/docs/errors/<code>`; \
         lists are paged by `cursor`; call with `Authorization: Bearer holon_pat_…` or a browser's session. A flow's definition has a \
         [JSON Schema](/api/flow.schema.json) of its own."
            .into(),
    );
    let page = ExternalDocsBuilder::new().url("/api/docs").description(Some("The same, to read and to try."));
    frame.external_docs = Some(page.build());
    frame
}

/// Says of every operation what is the same for all of its kind: who may call it, which errors it answers, what a body looks like.
/// `cookie` is the name of the session's.
pub fn complete(mut api: OpenApi, cookie: &str) -> OpenApi {
    answers::describe(&mut api);
    security::describe(&mut api, cookie);
    examples::describe(&mut api);
    api
}

/// The operations of a path, by the method's name in the document.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", &mut item.get),
        ("post", &mut item.post),
        ("put", &mut item.put),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "about", security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = serde_json::Value)))]
async fn document(Extension(described): Extension<Described>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], described.json.to_string()).into_response()
}

/// The JSON Schema of a flow's definition: what `POST /api/v1/flows` and `PUT /api/v1/flows/{id}` take.
#[utoipa::path(get, path = "/api/flow.schema.json", tag = "about", security(()),
    responses((status = 200, description = "JSON Schema, draft 2020-12", content_type = "application/schema+json", body = serde_json::Value)))]
async fn flow_schema() -> Response {
    ([(header::CONTENT_TYPE, "application/schema+json")], FLOW_SCHEMA).into_response()
}

async fn readable(Extension(described): Extension<Described>) -> Html<String> {
    Html(described.page.to_string())
}
