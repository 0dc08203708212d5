//! Routes of runs: extract, authorise, call, shape the answer.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use holon_authz::actions::{CancelRuns, ReadRuns, StartRuns};
use holon_engine::EventId;
use holon_model::wire::Page;
use holon_model::wire::runs::{CancelRun, ENDED, GOING, JournalRow, Run, RunSummary, StartRun, Started};
use holon_model::{Code, FlowId, Problem, RunId, Value};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{again, cancel, events, read, retry, start};
use crate::http::{
    Allowed, ApiError, ApiResult, Caller, Fields, JsonBody, PAYLOAD, Path, Query, ValueBody, cursor, idempotency_key,
    one_of,
};
use crate::state::AppState;

/// Longer than any key of a node.
const LONGEST_KEY: usize = 1_000;
/// Characters of what somebody says who cancels.
const LONGEST_REASON: usize = 500;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_runs))
        .routes(routes!(start_run))
        .routes(routes!(read_run))
        .routes(routes!(read_journal))
        .routes(routes!(cancel_run))
        .routes(routes!(retry_run))
        .routes(routes!(run_again))
        .routes(routes!(run_events))
        .routes(routes!(workspace_events))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Runs of this flow only.
    flow: Option<FlowId>,
    /// Runs in this status only: `queued`, `running`, `waiting`, `paused`, `completed`, `failed`, `cancelled`, `terminated` or
    /// `continued`.
    status: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 if absent.
    limit: Option<u16>,
}

/// Runs of the workspace, newest first.
#[utoipa::path(get, path = "/runs", tag = "runs", params(ListQuery), responses((status = 200, body = Page<RunSummary>)))]
async fn list_runs(
    State(state): State<AppState>,
    caller: Allowed<ReadRuns>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<RunSummary>>> {
    let cursor = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let status = one_of("status", query.status, &[&GOING[..], &ENDED].concat())?;
    let ask = read::ListRuns { flow: query.flow, status, cursor, limit: query.limit.unwrap_or(50) };
    Ok(Json(read::list(&state, caller.context(), caller.proof(), ask).await?))
}

/// Starts a run of the version in force. Answered after the run is durable: 201, or 200 if this key had started it before.
#[utoipa::path(post, path = "/flows/{id}/runs", tag = "runs",
    params(("id" = FlowId, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body is the same run, for 24 hours")),
    request_body = StartRun, responses((status = 201, body = Started), (status = 200, body = Started)))]
async fn start_run(
    State(state): State<AppState>,
    caller: Allowed<StartRuns>,
    Path(flow): Path<FlowId>,
    headers: HeaderMap,
    ValueBody(body): ValueBody<PAYLOAD>,
) -> ApiResult<Response> {
    let body = read_start(&body)?;
    let intent = caller.intent(&*state.clock, start::Start { flow, body }).with_key(idempotency_key(&headers)?);
    let started = start::start(&state, caller.proof(), intent).await?;
    Ok(answer(&started))
}

/// One run with the state of its nodes.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", params(("id" = RunId, Path)), responses((status = 200, body = Run)))]
async fn read_run(
    State(state): State<AppState>,
    caller: Allowed<ReadRuns>,
    Path(id): Path<RunId>,
) -> ApiResult<Json<Run>> {
    Ok(Json(read::read(&state, caller.context(), caller.proof(), id).await?))
}

/// The journal of a run: its inputs as they were accepted, each with the log hash after it.
#[utoipa::path(get, path = "/runs/{id}/journal", tag = "runs", params(("id" = RunId, Path), ListQuery),
    responses((status = 200, body = Page<JournalRow>)))]
async fn read_journal(
    State(state): State<AppState>,
    caller: Allowed<ReadRuns>,
    Path(id): Path<RunId>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<JournalRow>>> {
    let from = query.cursor.as_deref().map(cursor::decode).transpose()?.unwrap_or(0);
    let limit = query.limit.unwrap_or(200);
    Ok(Json(read::journal(&state, caller.context(), caller.proof(), id, from, limit).await?))
}

/// Asks a run to end. Its journal names who asked, and why if a reason is sent.
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "runs", params(("id" = RunId, Path)),
    request_body = Option<CancelRun>, responses((status = 202)))]
async fn cancel_run(
    State(state): State<AppState>,
    caller: Allowed<CancelRuns>,
    Path(run): Path<RunId>,
    body: Option<JsonBody<CancelRun>>,
) -> ApiResult<StatusCode> {
    let reason = reason(body, caller.caller())?;
    let intent = caller.intent(&*state.clock, cancel::Cancel { run, reason });
    cancel::cancel(&state, caller.proof(), intent).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Starts a new run that goes on from before the failure of this one.
#[utoipa::path(post, path = "/runs/{id}/retry", tag = "runs",
    params(("id" = RunId, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same key is the same run, for 24 hours")),
    responses((status = 201, body = Started), (status = 200, body = Started)))]
async fn retry_run(
    State(state): State<AppState>,
    caller: Allowed<StartRuns>,
    Path(run): Path<RunId>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let intent = caller.intent(&*state.clock, retry::Retry(run)).with_key(idempotency_key(&headers)?);
    let started = retry::retry(&state, caller.proof(), intent).await?;
    Ok(answer(&started))
}

/// Starts a new run of the version in force with the input of this one, from the same trigger. Nothing of this run is kept.
#[utoipa::path(post, path = "/runs/{id}/again", tag = "runs",
    params(("id" = RunId, Path), ("Idempotency-Key" = Option<String>, Header, description = "As when a run is started")),
    responses((status = 201, body = Started), (status = 200, body = Started)))]
async fn run_again(
    State(state): State<AppState>,
    caller: Allowed<StartRuns>,
    Path(run): Path<RunId>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let intent = caller.intent(&*state.clock, again::Again(run)).with_key(idempotency_key(&headers)?);
    let started = again::again(&state, caller.proof(), intent).await?;
    Ok(answer(&started))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FollowQuery {
    /// Events after this id only, for those that cannot send `Last-Event-ID`; that header wins.
    after: Option<String>,
}

/// The events of a run as server-sent events: `id` is `seq.index`; `Last-Event-ID` resumes after it; `event: end` is the last.
#[utoipa::path(get, path = "/runs/{id}/events", tag = "runs",
    params(("id" = RunId, Path), ("Last-Event-ID" = Option<String>, Header), FollowQuery),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn run_events(
    State(state): State<AppState>,
    caller: Allowed<ReadRuns>,
    Path(id): Path<RunId>,
    Query(query): Query<FollowQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    // A browser that connects again by itself still asks for the address that it began with.
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let after = header.or(query.after.as_deref()).filter(|text| !text.is_empty());
    let after: Option<EventId> = after.map(str::parse).transpose().map_err(|error: &str| {
        ApiError::from(Problem::new(Code::InvalidRequest, format!("`Last-Event-ID` or `after`: {error}.")))
    })?;
    Ok(events::of_run(&state, caller.context(), caller.proof(), id, after, headers).await?.into_response())
}

/// The line of every run of the workspace that starts, changes or ends, as server-sent events.
#[utoipa::path(get, path = "/events/runs", tag = "runs", responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn workspace_events(State(state): State<AppState>, caller: Allowed<ReadRuns>, headers: HeaderMap) -> Response {
    events::of_workspace(&state, caller.context(), caller.proof(), headers).into_response()
}

fn answer(started: &Started) -> Response {
    let status = if started.replayed { StatusCode::OK } else { StatusCode::CREATED };
    (status, [(header::LOCATION, format!("/api/v1/runs/{}", started.id))], Json(started)).into_response()
}

/// The body by Holon's own JSON reader: the input's numbers must stay exact and its errors located.
fn read_start(body: &Value) -> Result<StartRun, Problem> {
    let mut fields = Fields::of(body, &["input", "trigger"], "The start is not as it must be. No run was started.");
    let start = StartRun {
        trigger: fields.text("trigger", LONGEST_KEY),
        input: fields.value("input"),
        ..StartRun::default()
    };
    fields.done().map(|()| start)
}

/// Who cancels, and why if they say so.
fn reason(body: Option<JsonBody<CancelRun>>, caller: &Caller) -> Result<String, Problem> {
    let given = body.and_then(|JsonBody(body)| body.reason).unwrap_or_default();
    let given = given.trim();
    if given.chars().count() > LONGEST_REASON || given.contains('\0') {
        let must = format!("must have at most {LONGEST_REASON} characters, none of them U+0000");
        return Err(Problem::new(Code::ValidationFailed, "The run was not cancelled.").with_field("/reason", must));
    }
    let (name, label) = (&caller.person.name, caller.actor().label());
    Ok(if given.is_empty() {
        format!("cancelled by {name} ({label})")
    } else {
        format!("{given} (cancelled by {name}, {label})")
    })
}
