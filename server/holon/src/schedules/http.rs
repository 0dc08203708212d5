//! Routes of schedules.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use holon_authz::actions::{EditSchedules, ReadSchedules, StartRuns};
use holon_model::wire::Page;
use holon_model::wire::runs::Started;
use holon_model::wire::schedules::{PreviewSchedule, Schedule, SchedulePreview, ScheduleSummary};
use holon_model::{FlowId, ScheduleId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{fire, list, pause, preview, read};
use crate::http::{Allowed, ApiResult, JsonBody, Path, Query, cursor};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_schedules))
        .routes(routes!(preview_schedule))
        .routes(routes!(read_schedule))
        .routes(routes!(pause_schedule))
        .routes(routes!(resume_schedule))
        .routes(routes!(fire_schedule))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Schedules of this flow only.
    flow: Option<FlowId>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 if absent.
    limit: Option<u16>,
}

/// Schedules of the environment, last made first. Publishing a flow with a schedule trigger makes one.
#[utoipa::path(get, path = "/schedules", tag = "schedules", params(ListQuery),
    responses((status = 200, body = Page<ScheduleSummary>)))]
async fn list_schedules(
    State(state): State<AppState>,
    caller: Allowed<ReadSchedules>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<ScheduleSummary>>> {
    let cursor = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let ask = list::ListSchedules { flow: query.flow, cursor, limit: query.limit.unwrap_or(50) };
    Ok(Json(list::list(&state, caller.context(), caller.proof(), ask).await?))
}

/// The next ten times that an expression names, or what is wrong with it and where.
#[utoipa::path(post, path = "/schedules/preview", tag = "schedules", request_body = PreviewSchedule,
    responses((status = 200, body = SchedulePreview)))]
async fn preview_schedule(
    State(state): State<AppState>,
    _: Allowed<ReadSchedules>,
    JsonBody(body): JsonBody<PreviewSchedule>,
) -> Json<SchedulePreview> {
    Json(preview::preview(&body, state.clock.now()))
}

/// One schedule with its next ten times and its last firings.
#[utoipa::path(get, path = "/schedules/{id}", tag = "schedules", params(("id" = ScheduleId, Path)),
    responses((status = 200, body = Schedule)))]
async fn read_schedule(
    State(state): State<AppState>,
    caller: Allowed<ReadSchedules>,
    Path(id): Path<ScheduleId>,
) -> ApiResult<Json<Schedule>> {
    Ok(Json(read::read(&state, caller.context(), caller.proof(), id).await?))
}

/// Pauses a schedule: it fires no more until it is resumed.
#[utoipa::path(post, path = "/schedules/{id}/pause", tag = "schedules", params(("id" = ScheduleId, Path)),
    responses((status = 204)))]
async fn pause_schedule(
    State(state): State<AppState>,
    caller: Allowed<EditSchedules>,
    Path(id): Path<ScheduleId>,
) -> ApiResult<StatusCode> {
    pause::pause(&state, caller.proof(), caller.intent(&*state.clock, pause::Pause(id))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Resumes a schedule from now on; what would have fired in between is not made up.
#[utoipa::path(post, path = "/schedules/{id}/resume", tag = "schedules", params(("id" = ScheduleId, Path)),
    responses((status = 204)))]
async fn resume_schedule(
    State(state): State<AppState>,
    caller: Allowed<EditSchedules>,
    Path(id): Path<ScheduleId>,
) -> ApiResult<StatusCode> {
    pause::resume(&state, caller.proof(), caller.intent(&*state.clock, pause::Resume(id))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fires a schedule now, beside its times. The answer names the run: 201 when it has started, 202 when it starts as soon as it can.
#[utoipa::path(post, path = "/schedules/{id}/fire", tag = "schedules", params(("id" = ScheduleId, Path)),
    responses((status = 201, body = Started), (status = 202, body = Started)))]
async fn fire_schedule(
    State(state): State<AppState>,
    caller: Allowed<StartRuns>,
    Path(id): Path<ScheduleId>,
) -> ApiResult<(StatusCode, Json<Started>)> {
    let intent = caller.intent(&*state.clock, fire::Fire(id));
    Ok(match fire::fire(&state, caller.proof(), intent).await? {
        fire::Fired::Started(started) => (StatusCode::CREATED, Json(started)),
        fire::Fired::Pending(started) => (StatusCode::ACCEPTED, Json(started)),
    })
}
