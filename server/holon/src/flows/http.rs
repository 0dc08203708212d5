//! Routes of flows: extract, authorise, call, shape the answer.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use holon_authz::actions::{DeleteFlows, EditFlows, PublishFlows, ReadFlows};
use holon_model::document::Change;
use holon_model::wire::Page;
use holon_model::wire::flows::{
    ApplyCommands, Catch, Caught, CreateFlow, Example, Flow, FlowSummary, Publish, Published, Saved, Version,
    VersionSummary,
};
use holon_model::{Code, FlowId, Problem};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{apply, catch, create, delete, examples, publish, read, replace};
use crate::http::{Allowed, ApiError, ApiResult, DEFINITION, JsonBody, Path, Query, ValueBody, cursor};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_flows, create_flow))
        .routes(routes!(read_flow, replace_flow, delete_flow))
        .routes(routes!(apply_commands))
        .routes(routes!(publish_flow))
        .routes(routes!(list_changes))
        .routes(routes!(list_versions))
        .routes(routes!(read_version))
        .routes(routes!(open_catch))
        .routes(routes!(read_catch))
        .routes(routes!(list_examples))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// A part of the name.
    #[serde(default)]
    q: String,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 if absent.
    limit: Option<u16>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 if absent.
    limit: Option<u16>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WaitQuery {
    /// Seconds to wait for a delivery, at most 25.
    wait: Option<u64>,
}

/// Flows of the workspace, last saved first.
#[utoipa::path(get, path = "/flows", tag = "flows", params(ListQuery), responses((status = 200, body = Page<FlowSummary>)))]
async fn list_flows(
    State(state): State<AppState>,
    caller: Allowed<ReadFlows>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<FlowSummary>>> {
    let cursor = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let ask = read::ListFlows { search: query.q, cursor, limit: query.limit.unwrap_or(50) };
    Ok(Json(read::list(&state, caller.context(), caller.proof(), ask).await?))
}

/// Creates a flow: empty, from an example, or from a whole definition.
#[utoipa::path(post, path = "/flows", tag = "flows", request_body = CreateFlow, responses((status = 201, body = Flow)))]
async fn create_flow(
    State(state): State<AppState>,
    edit: Allowed<EditFlows>,
    seen: Allowed<ReadFlows>,
    JsonBody(body): JsonBody<CreateFlow, DEFINITION>,
) -> ApiResult<Response> {
    let intent = edit.intent(&*state.clock, create::Create(body));
    let id = create::create(&state, edit.proof(), intent).await?;
    let flow = read::read(&state, seen.context(), seen.proof(), id).await?;
    let location = [(header::LOCATION, format!("/api/v1/flows/{id}"))];
    Ok((StatusCode::CREATED, location, etag(flow.revision), Json(flow)).into_response())
}

/// One flow with its draft, what is wrong with it, and what is in force. The `ETag` is the revision.
#[utoipa::path(get, path = "/flows/{id}", tag = "flows", params(("id" = FlowId, Path)), responses((status = 200, body = Flow)))]
async fn read_flow(
    State(state): State<AppState>,
    caller: Allowed<ReadFlows>,
    Path(id): Path<FlowId>,
) -> ApiResult<Response> {
    let flow = read::read(&state, caller.context(), caller.proof(), id).await?;
    Ok((etag(flow.revision), Json(flow)).into_response())
}

/// Replaces the draft by a whole definition. `If-Match` says which revision was seen.
#[utoipa::path(put, path = "/flows/{id}", tag = "flows",
    params(("id" = FlowId, Path), ("If-Match" = String, Header, description = "The ETag that was read")),
    request_body(content = serde_json::Value, description = "A definition, as `/api/flow.schema.json` says"),
    responses((status = 200, body = Flow)))]
async fn replace_flow(
    State(state): State<AppState>,
    edit: Allowed<EditFlows>,
    seen: Allowed<ReadFlows>,
    Path(id): Path<FlowId>,
    headers: HeaderMap,
    ValueBody(definition): ValueBody<DEFINITION>,
) -> ApiResult<Response> {
    let intent = edit.intent(&*state.clock, replace::Replace { id, definition }).at_revision(if_match(&headers)?);
    replace::replace(&state, edit.proof(), intent).await?;
    let flow = read::read(&state, seen.context(), seen.proof(), id).await?;
    Ok((etag(flow.revision), Json(flow)).into_response())
}

/// Deletes a flow. Its versions stay readable through their runs.
#[utoipa::path(delete, path = "/flows/{id}", tag = "flows",
    params(("id" = FlowId, Path), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 204)))]
async fn delete_flow(
    State(state): State<AppState>,
    caller: Allowed<DeleteFlows>,
    Path(id): Path<FlowId>,
    headers: HeaderMap,
) -> ApiResult<StatusCode> {
    let intent = caller.intent(&*state.clock, delete::Delete(id)).at_revision(if_match(&headers)?);
    delete::delete(&state, caller.proof(), intent).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Applies the editor's commands to the draft, in order, all or none.
#[utoipa::path(post, path = "/flows/{id}/commands", tag = "flows", params(("id" = FlowId, Path)),
    request_body = ApplyCommands,
    responses((status = 200, body = Saved), (status = 412, description = "Somebody saved since `base_rev`", body = Problem,
        content_type = "application/problem+json")))]
async fn apply_commands(
    State(state): State<AppState>,
    caller: Allowed<EditFlows>,
    Path(id): Path<FlowId>,
    JsonBody(body): JsonBody<ApplyCommands, DEFINITION>,
) -> ApiResult<Json<Saved>> {
    let base = body.base_rev;
    let intent = caller.intent(&*state.clock, apply::Apply { id, body }).at_revision(Some(base));
    Ok(Json(apply::apply(&state, caller.proof(), intent).await?))
}

/// Publishes the draft as an immutable version and puts it in force. A draft that means what the version in force means makes no
/// new one: `unchanged` says so.
#[utoipa::path(post, path = "/flows/{id}/publish", tag = "flows",
    params(("id" = FlowId, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read: a newer draft is not published")),
    request_body = Publish, responses((status = 200, body = Published)))]
async fn publish_flow(
    State(state): State<AppState>,
    caller: Allowed<PublishFlows>,
    Path(id): Path<FlowId>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Publish>,
) -> ApiResult<Json<Published>> {
    let base = headers.contains_key(header::IF_MATCH).then(|| if_match(&headers)).transpose()?.flatten();
    let intent = caller.intent(&*state.clock, publish::Publish { id, message: body.message }).at_revision(base);
    Ok(Json(publish::publish(&state, caller.proof(), intent).await?))
}

/// Changes of the draft, newest first: who changed what when. An autosave is one change, named by its commands.
#[utoipa::path(get, path = "/flows/{id}/changes", tag = "flows", params(("id" = FlowId, Path), PageQuery),
    responses((status = 200, body = Page<Change>)))]
async fn list_changes(
    State(state): State<AppState>,
    caller: Allowed<ReadFlows>,
    Path(id): Path<FlowId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<Change>>> {
    let before = query.cursor.as_deref().map(cursor::decode).transpose()?;
    Ok(Json(read::changes(&state, caller.context(), caller.proof(), id, before, query.limit.unwrap_or(50)).await?))
}

/// Published versions, newest first.
#[utoipa::path(get, path = "/flows/{id}/versions", tag = "flows", params(("id" = FlowId, Path), ListQuery),
    responses((status = 200, body = Page<VersionSummary>)))]
async fn list_versions(
    State(state): State<AppState>,
    caller: Allowed<ReadFlows>,
    Path(id): Path<FlowId>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<VersionSummary>>> {
    let before = query.cursor.as_deref().map(cursor::decode).transpose()?;
    Ok(Json(read::versions(&state, caller.context(), caller.proof(), id, before, query.limit.unwrap_or(50)).await?))
}

/// One version, whole.
#[utoipa::path(get, path = "/flows/{id}/versions/{number}", tag = "flows",
    params(("id" = FlowId, Path), ("number" = i32, Path)), responses((status = 200, body = Version)))]
async fn read_version(
    State(state): State<AppState>,
    caller: Allowed<ReadFlows>,
    Path((id, number)): Path<(FlowId, i32)>,
) -> ApiResult<Json<Version>> {
    Ok(Json(read::version(&state, caller.context(), caller.proof(), id, number).await?))
}

/// Opens a test address that keeps the next delivery as a sample, for a quarter of an hour.
#[utoipa::path(post, path = "/flows/{id}/catch", tag = "flows", params(("id" = FlowId, Path)),
    responses((status = 200, body = Catch)))]
async fn open_catch(
    State(state): State<AppState>,
    caller: Allowed<EditFlows>,
    Path(id): Path<FlowId>,
) -> ApiResult<Json<Catch>> {
    let intent = caller.intent(&*state.clock, catch::OpenCatch(id));
    Ok(Json(catch::open(&state, caller.proof(), intent).await?))
}

/// What a test address caught.
#[utoipa::path(get, path = "/flows/{id}/catch/{token}", tag = "flows",
    params(("id" = FlowId, Path), ("token" = String, Path), WaitQuery), responses((status = 200, body = Caught)))]
async fn read_catch(
    State(state): State<AppState>,
    caller: Allowed<ReadFlows>,
    Path((id, token)): Path<(FlowId, String)>,
    Query(query): Query<WaitQuery>,
) -> ApiResult<Json<Caught>> {
    let wait = Duration::from_secs(query.wait.unwrap_or(0).min(25));
    Ok(Json(catch::caught(&state, caller.context(), caller.proof(), id, &token, wait).await?))
}

/// The examples to start from.
#[utoipa::path(get, path = "/examples", tag = "flows", responses((status = 200, body = Page<Example>)))]
async fn list_examples(_: Allowed<ReadFlows>) -> Json<Page<Example>> {
    Json(Page { data: examples::all(), next_cursor: None })
}

fn etag(revision: i64) -> [(header::HeaderName, HeaderValue); 1] {
    let text = format!("\"{revision}\"");
    [(header::ETAG, HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("\"0\"")))]
}

/// The revision in `If-Match`; `*` matches whatever is there.
fn if_match(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        let detail = "Send `If-Match` with the ETag that you read, so that nobody's newer change is overwritten.";
        return Err(Problem::new(Code::PreconditionRequired, detail).into());
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    match text.trim_matches('"').parse() {
        Ok(revision) => Ok(Some(revision)),
        Err(_) => Err(Problem::new(
            Code::InvalidRequest,
            "`If-Match` is the ETag that reading the flow answered, such as `\"7\"`.",
        )
        .into()),
    }
}
