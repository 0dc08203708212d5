//! Routes of what people do to runs: cancel, terminate, pause, resume, retry, run again, fork; and one of these to many at once.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use holon_authz::actions::{CancelRuns, PauseRuns, ReadRuns, StartRuns, TerminateRuns};
use holon_model::wire::runs::{
    BulkAction, BulkResults, BulkRuns, CancelRun, ForkCheck, ForkRun, Forked, PauseRun, RunAgain, Started, TerminateRun,
};
use holon_model::{Code, Problem, RunId, Value};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::http::answer;
use super::{again, bulk, cancel, fork, pause, retry, terminate};
use crate::http::{Allowed, ApiResult, Caller, Fields, JsonBody, PAYLOAD, Path, ValueBody, idempotency_key};
use crate::state::AppState;

/// Characters of what somebody says who cancels, pauses or terminates.
const LONGEST_REASON: usize = 500;
/// Runs that are dealt with at once.
const MOST_RUNS: usize = 500;

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(cancel_run))
        .routes(routes!(terminate_run))
        .routes(routes!(pause_run))
        .routes(routes!(resume_run))
        .routes(routes!(retry_run))
        .routes(routes!(run_again))
        .routes(routes!(check_fork))
        .routes(routes!(fork_run))
        .routes(routes!(bulk_runs))
}

/// Asks a run to end. Its journal names who asked, and why if a reason is sent. A paused run goes on to its end. 202: it is in the
/// journal, or kept for the server that drives the run.
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "runs", params(("id" = RunId, Path)),
    request_body = Option<CancelRun>, responses((status = 202)))]
async fn cancel_run(
    State(state): State<AppState>,
    caller: Allowed<CancelRuns>,
    Path(run): Path<RunId>,
    body: Option<JsonBody<CancelRun>>,
) -> ApiResult<StatusCode> {
    let reason = reason("cancelled", body.and_then(|JsonBody(body)| body.reason), caller.caller())?;
    let intent = caller.intent(&*state.clock, cancel::Cancel { run, reason });
    cancel::cancel(&state, caller.proof(), intent).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Ends a run at once: nothing is cleaned up and no saga is undone. The runs that it called are asked to end.
#[utoipa::path(post, path = "/runs/{id}/terminate", tag = "runs", params(("id" = RunId, Path)),
    request_body = Option<TerminateRun>, responses((status = 202)))]
async fn terminate_run(
    State(state): State<AppState>,
    caller: Allowed<TerminateRuns>,
    Path(run): Path<RunId>,
    body: Option<JsonBody<TerminateRun>>,
) -> ApiResult<StatusCode> {
    let reason = reason("terminated", body.and_then(|JsonBody(body)| body.reason), caller.caller())?;
    let intent = caller.intent(&*state.clock, terminate::Terminate { run, reason });
    terminate::terminate(&state, caller.proof(), intent).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Pauses a run: it takes nothing in until it is resumed. Effects that are under way end, and what comes is kept until then.
#[utoipa::path(post, path = "/runs/{id}/pause", tag = "runs", params(("id" = RunId, Path)),
    request_body = Option<PauseRun>, responses((status = 202)))]
async fn pause_run(
    State(state): State<AppState>,
    caller: Allowed<PauseRuns>,
    Path(run): Path<RunId>,
    body: Option<JsonBody<PauseRun>>,
) -> ApiResult<StatusCode> {
    let reason = reason("paused", body.and_then(|JsonBody(body)| body.reason), caller.caller())?;
    let by = caller.caller().person.name.clone();
    let intent = caller.intent(&*state.clock, pause::Pause { run, by, reason });
    pause::pause(&state, caller.proof(), intent).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Lets a paused run go on, with all that came meanwhile; timers of the past fire now.
#[utoipa::path(post, path = "/runs/{id}/resume", tag = "runs", params(("id" = RunId, Path)), responses((status = 202)))]
async fn resume_run(
    State(state): State<AppState>,
    caller: Allowed<PauseRuns>,
    Path(run): Path<RunId>,
) -> ApiResult<StatusCode> {
    let intent = caller.intent(&*state.clock, pause::Resume(run));
    pause::resume(&state, caller.proof(), intent).await?;
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

/// Starts a new run of the version in force, from the same trigger, with the input of this one or with the one that is sent.
/// Nothing of this run is kept.
#[utoipa::path(post, path = "/runs/{id}/again", tag = "runs",
    params(("id" = RunId, Path), ("Idempotency-Key" = Option<String>, Header, description = "As when a run is started")),
    request_body = Option<RunAgain>, responses((status = 201, body = Started), (status = 200, body = Started)))]
async fn run_again(
    State(state): State<AppState>,
    caller: Allowed<StartRuns>,
    Path(run): Path<RunId>,
    headers: HeaderMap,
    body: Option<ValueBody<PAYLOAD>>,
) -> ApiResult<Response> {
    let input = body.map(|ValueBody(body)| edited(&body)).transpose()?.flatten();
    let intent = caller.intent(&*state.clock, again::Again { run, input }).with_key(idempotency_key(&headers)?);
    let started = again::again(&state, caller.proof(), intent).await?;
    Ok(answer(&started))
}

/// Says step by step what of the inputs before `seq` fits a version. Nothing is changed.
#[utoipa::path(post, path = "/runs/{id}/fork/check", tag = "runs", params(("id" = RunId, Path)),
    request_body = ForkRun, responses((status = 200, body = ForkCheck)))]
async fn check_fork(
    State(state): State<AppState>,
    caller: Allowed<ReadRuns>,
    Path(run): Path<RunId>,
    JsonBody(body): JsonBody<ForkRun>,
) -> ApiResult<Json<ForkCheck>> {
    Ok(Json(fork::check(&state, caller.context(), caller.proof(), run, body).await?))
}

/// Starts a new run that copies the inputs before `seq` and goes on from there, with keys of its own.
#[utoipa::path(post, path = "/runs/{id}/fork", tag = "runs",
    params(("id" = RunId, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same key is the same run, for 24 hours")),
    request_body = ForkRun, responses((status = 201, body = Forked), (status = 200, body = Forked)))]
async fn fork_run(
    State(state): State<AppState>,
    caller: Allowed<StartRuns>,
    Path(run): Path<RunId>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ForkRun>,
) -> ApiResult<Response> {
    let intent = caller.intent(&*state.clock, fork::Fork { run, body }).with_key(idempotency_key(&headers)?);
    let forked = fork::fork(&state, caller.proof(), intent).await?;
    let status = if forked.replayed { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, [(header::LOCATION, format!("/api/v1/runs/{}", forked.run))], Json(forked)).into_response())
}

/// Does one thing to up to 500 runs, each by itself and under the caller's own permission: what fails stops none of the others.
#[utoipa::path(post, path = "/runs/bulk", tag = "runs",
    params(("Idempotency-Key" = Option<String>, Header, description = "For `retry`: the same key retries each run once, for 24 hours")),
    request_body = BulkRuns, responses((status = 200, body = BulkResults)))]
async fn bulk_runs(
    State(state): State<AppState>,
    caller: Allowed<ReadRuns>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<BulkRuns>,
) -> ApiResult<Json<BulkResults>> {
    let BulkRuns { action, runs, reason: given } = body;
    if runs.is_empty() || runs.len() > MOST_RUNS {
        let must = format!("must name 1 to {MOST_RUNS} runs");
        return Err(Problem::new(Code::ValidationFailed, "Nothing was done.").with_field("/runs", must).into());
    }
    let done = match action {
        BulkAction::Cancel => "cancelled",
        BulkAction::Terminate => "terminated",
        BulkAction::Pause => "paused",
        BulkAction::Retry | BulkAction::Resume if given.is_some() => {
            let must = "must be left out: neither a retry nor resuming keeps a reason";
            return Err(Problem::new(Code::ValidationFailed, "Nothing was done.").with_field("/reason", must).into());
        }
        BulkAction::Retry => "retried",
        BulkAction::Resume => "resumed",
    };
    let reason = reason(done, given, caller.caller())?;
    let asked = bulk::Bulk { action, runs, reason };
    let results = bulk::bulk(&state, caller.caller(), asked, idempotency_key(&headers)?).await;
    Ok(Json(BulkResults { results }))
}

/// The input that is sent with it, if one is: by Holon's own JSON reader, since its numbers must stay exact.
fn edited(body: &Value) -> Result<Option<Value>, Problem> {
    let fields = Fields::of(body, &["input"], "What is sent is not as it must be. No run was started.");
    let input = fields.has("input").then(|| fields.value("input"));
    fields.done().map(|()| input)
}

/// Who does it, and why if they say so.
fn reason(done: &str, given: Option<String>, caller: &Caller) -> Result<String, Problem> {
    let given = given.unwrap_or_default();
    let given = given.trim();
    if given.chars().count() > LONGEST_REASON || given.contains('\0') {
        let must = format!("must have at most {LONGEST_REASON} characters, none of them U+0000");
        return Err(Problem::new(Code::ValidationFailed, format!("Nothing was {done}.")).with_field("/reason", must));
    }
    let (name, label) = (&caller.person.name, caller.actor().label());
    Ok(if given.is_empty() {
        format!("{done} by {name} ({label})")
    } else {
        format!("{given} ({done} by {name}, {label})")
    })
}
