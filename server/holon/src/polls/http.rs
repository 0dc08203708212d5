//! Routes of polls.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use holon_authz::actions::{ForgetPolls, LookPolls, ReadPolls};
use holon_model::wire::Page;
use holon_model::wire::polls::{Poll, PollSummary};
use holon_model::{FlowId, PollId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{forget, list, look_now};
use crate::http::{Allowed, ApiResult, Path, Query, cursor};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_polls))
        .routes(routes!(read_poll))
        .routes(routes!(look_poll))
        .routes(routes!(forget_poll))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Polls of this flow only.
    flow: Option<FlowId>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 if absent.
    limit: Option<u16>,
}

/// Polls of the environment, last made first. Publishing a flow with a polling trigger makes one.
#[utoipa::path(get, path = "/polls", tag = "polls", params(ListQuery), responses((status = 200, body = Page<PollSummary>)))]
async fn list_polls(
    State(state): State<AppState>,
    caller: Allowed<ReadPolls>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<PollSummary>>> {
    let cursor = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let ask = list::ListPolls { flow: query.flow, cursor, limit: query.limit.unwrap_or(50) };
    Ok(Json(list::list(&state, caller.context(), caller.proof(), ask).await?))
}

/// One poll, with its cursor and what it found last.
#[utoipa::path(get, path = "/polls/{id}", tag = "polls", params(("id" = PollId, Path)),
    responses((status = 200, body = Poll)))]
async fn read_poll(
    State(state): State<AppState>,
    caller: Allowed<ReadPolls>,
    Path(id): Path<PollId>,
) -> ApiResult<Json<Poll>> {
    Ok(Json(list::read(&state, caller.context(), caller.proof(), id).await?))
}

/// Has a poll look now, within a second or two; also one that waits because its looks failed.
#[utoipa::path(post, path = "/polls/{id}/look", tag = "polls", params(("id" = PollId, Path)),
    responses((status = 202, body = PollSummary)))]
async fn look_poll(
    State(state): State<AppState>,
    caller: Allowed<LookPolls>,
    Path(id): Path<PollId>,
) -> ApiResult<(StatusCode, Json<PollSummary>)> {
    let intent = caller.intent(&*state.clock, look_now::LookNow(id));
    Ok((StatusCode::ACCEPTED, Json(look_now::look_now(&state, caller.proof(), intent).await?)))
}

/// Has a poll forget what it has seen, its keys and its cursor. The next look, at once, is a first one: what its trigger says of that
/// decides whether runs are started for what is there.
#[utoipa::path(post, path = "/polls/{id}/forget", tag = "polls", params(("id" = PollId, Path)),
    responses((status = 200, body = PollSummary)))]
async fn forget_poll(
    State(state): State<AppState>,
    caller: Allowed<ForgetPolls>,
    Path(id): Path<PollId>,
) -> ApiResult<Json<PollSummary>> {
    let intent = caller.intent(&*state.clock, forget::Forget(id));
    Ok(Json(forget::forget(&state, caller.proof(), intent).await?))
}
