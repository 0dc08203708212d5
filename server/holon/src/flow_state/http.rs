//! Routes of the state of flows.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use holon_authz::actions::{EditState, ReadState};
use holon_model::FlowId;
use holon_model::wire::Page;
use holon_model::wire::flow_state::StateEntry;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{change, list};
use crate::http::{Allowed, ApiResult, Path, Query, ValueBody, cursor};
use crate::state::AppState;

/// The most of a body: a value with some room for the way it is written.
const BODY: usize = 256 << 10;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_state))
        .routes(routes!(read_state))
        .routes(routes!(put_state))
        .routes(routes!(delete_state))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Keys that begin with this only.
    prefix: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 if absent.
    limit: Option<u16>,
}

/// What a flow keeps in this environment, by key. Values of more than 4 KiB are left out: read their keys one by one.
#[utoipa::path(get, path = "/flows/{id}/state", tag = "flows", params(("id" = FlowId, Path), ListQuery),
    responses((status = 200, body = Page<StateEntry>)))]
async fn list_state(
    State(state): State<AppState>,
    caller: Allowed<ReadState>,
    Path(flow): Path<FlowId>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<StateEntry>>> {
    let cursor = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let prefix = query.prefix.unwrap_or_default();
    let ask = list::ListState { flow, prefix, cursor, limit: query.limit.unwrap_or(50) };
    Ok(Json(list::list(&state, caller.context(), caller.proof(), ask).await?))
}

/// What a flow keeps for a key.
#[utoipa::path(get, path = "/flows/{id}/state/{key}", tag = "flows", params(("id" = FlowId, Path), ("key" = String, Path)),
    responses((status = 200, body = StateEntry)))]
async fn read_state(
    State(state): State<AppState>,
    caller: Allowed<ReadState>,
    Path(of): Path<(FlowId, String)>,
) -> ApiResult<Json<StateEntry>> {
    Ok(Json(list::read(&state, caller.context(), caller.proof(), of).await?))
}

/// Keeps a value for a key; the body is the value. A step that is about to change the key does it on this one.
#[utoipa::path(put, path = "/flows/{id}/state/{key}", tag = "flows", params(("id" = FlowId, Path), ("key" = String, Path)),
    request_body(content = serde_json::Value, description = "The value"), responses((status = 200, body = StateEntry)))]
async fn put_state(
    State(state): State<AppState>,
    caller: Allowed<EditState>,
    Path((flow, key)): Path<(FlowId, String)>,
    ValueBody(value): ValueBody<BODY>,
) -> ApiResult<Json<StateEntry>> {
    let intent = caller.intent(&*state.clock, change::Put { flow, key, value });
    Ok(Json(change::put(&state, caller.proof(), intent).await?))
}

/// Forgets what a flow keeps for a key.
#[utoipa::path(delete, path = "/flows/{id}/state/{key}", tag = "flows", params(("id" = FlowId, Path), ("key" = String, Path)),
    responses((status = 204)))]
async fn delete_state(
    State(state): State<AppState>,
    caller: Allowed<EditState>,
    Path((flow, key)): Path<(FlowId, String)>,
) -> ApiResult<StatusCode> {
    change::delete(&state, caller.proof(), caller.intent(&*state.clock, change::Delete { flow, key })).await?;
    Ok(StatusCode::NO_CONTENT)
}
