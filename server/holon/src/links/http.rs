//! Routes of links: those of the API, and the addresses that links are.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::any;
use holon_authz::actions::{AnswerTasks, ReadTasks};
use holon_model::wire::Page;
use holon_model::wire::links::{Link, MadeLink, MakeLink};
use holon_model::{LinkId, RunId};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use super::{callback, create, list, page, revoke};
use crate::http::{Allowed, ApiResult, JsonBody, Path};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_links, make_link)).routes(routes!(revoke_link))
}

/// What links lead to. It stands outside `/api`: whoever comes is known by the address only.
pub fn pages() -> OpenApiRouter<AppState> {
    // Every method reaches it, also those that the document has no word for.
    let (schemas, paths, _): UtoipaMethodRouter<AppState> = routes!(callback::callback);
    OpenApiRouter::new().routes(routes!(page::look, page::take)).routes((schemas, paths, any(callback::callback)))
}

/// The links to a task, newest first, without their addresses.
#[utoipa::path(get, path = "/runs/{id}/tasks/{task}/links", tag = "tasks",
    params(("id" = RunId, Path), ("task" = String, Path, description = "The task's id: 32 hexadecimal digits")),
    responses((status = 200, body = Page<Link>)))]
async fn list_links(
    State(state): State<AppState>,
    caller: Allowed<ReadTasks>,
    Path((run, task)): Path<(RunId, String)>,
) -> ApiResult<Json<Page<Link>>> {
    Ok(Json(list::list(&state, caller.context(), caller.proof(), run, &task).await?))
}

/// Makes an address at which the task is answered once, without signing in. The answer is the only time that it is shown.
#[utoipa::path(post, path = "/runs/{id}/tasks/{task}/links", tag = "tasks",
    params(("id" = RunId, Path), ("task" = String, Path, description = "The task's id: 32 hexadecimal digits")),
    request_body = MakeLink, responses((status = 201, body = MadeLink)))]
async fn make_link(
    State(state): State<AppState>,
    caller: Allowed<AnswerTasks>,
    Path((run, task)): Path<(RunId, String)>,
    body: Option<JsonBody<MakeLink>>,
) -> ApiResult<(StatusCode, Json<MadeLink>)> {
    let link = body.map(|JsonBody(link)| link).unwrap_or_default();
    let intent = caller.intent(&*state.clock, create::Create { run, task, link });
    Ok((StatusCode::CREATED, Json(create::create(&state, caller.proof(), intent).await?)))
}

/// Takes a link back at once.
#[utoipa::path(delete, path = "/runs/{id}/tasks/{task}/links/{link}", tag = "tasks",
    params(("id" = RunId, Path), ("task" = String, Path, description = "The task's id: 32 hexadecimal digits"), ("link" = LinkId, Path)),
    responses((status = 204)))]
async fn revoke_link(
    State(state): State<AppState>,
    caller: Allowed<AnswerTasks>,
    Path((run, task, link)): Path<(RunId, String, LinkId)>,
) -> ApiResult<StatusCode> {
    let intent = caller.intent(&*state.clock, revoke::Revoke { run, task, link });
    revoke::revoke(&state, caller.proof(), intent).await?;
    Ok(StatusCode::NO_CONTENT)
}
