//! The catalogue of node kinds: everything that they say of themselves, and what people read of them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use holon_authz::actions::ReadWorkspace;
use holon_flow::{Catalogue, NodeKind};
use holon_model::{Code, Problem, Value};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::http::{Allowed, ApiResult, Path};
use crate::state::AppState;

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_kinds)).routes(routes!(read_kind))
}

/// Node kinds with their forms, ports, effect classes, documentation and capability: `permissions` is what whoever publishes a flow
/// with them must hold.
#[utoipa::path(get, path = "/kinds", tag = "kinds", responses((status = 200, body = holon_model::Value)))]
async fn list_kinds(State(state): State<AppState>, _: Allowed<ReadWorkspace>) -> Response {
    json(&Value::list(state.catalogue.kinds().map(|kind| documented(&state.catalogue, kind))))
}

/// One of them, by `name@version`.
#[utoipa::path(get, path = "/kinds/{kind}", tag = "kinds", params(("kind" = String, Path)),
    responses((status = 200, body = holon_model::Value)))]
async fn read_kind(
    State(state): State<AppState>,
    Path(name): Path<String>,
    _: Allowed<ReadWorkspace>,
) -> ApiResult<Response> {
    let kind = state.catalogue.kinds().find(|kind| kind.reference().to_string() == name);
    let kind = kind.ok_or_else(|| {
        Problem::new(Code::NotFound, "There is no such kind of node. `GET /api/v1/kinds` lists them.")
    })?;
    Ok(json(&documented(&state.catalogue, kind)))
}

/// What it says of itself, with its documentation and of which capability it is.
fn documented(catalogue: &Catalogue, kind: &NodeKind) -> Value {
    let mut value = kind.to_value();
    let capability = catalogue.capability_of(&kind.reference()).map(|capability| {
        let text = |text: &str| Value::from(text);
        Value::map([
            ("id", text(&capability.id)),
            ("version", text(&capability.version)),
            ("title", text(&capability.title)),
            ("summary", text(&capability.summary)),
            ("permissions", Value::list(capability.permissions.iter().map(|needed| text(needed)))),
        ])
    });
    let help = holon_catalogue::help(&kind.reference().to_string()).unwrap_or_default();
    if let Value::Map(map) = &mut value {
        let map = Arc::make_mut(map);
        map.insert("documentation".into(), help.into());
        map.insert("capability".into(), capability.unwrap_or_default());
    }
    value
}

fn json(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_json()).into_response()
}
