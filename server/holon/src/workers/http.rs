//! Routes of workers.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use holon_authz::actions::{ClaimWork as MayClaim, ReadWork};
use holon_model::wire::Page;
use holon_model::wire::workers::{
    ClaimWork, ClaimedWork, CompleteWork, FailWork, Heartbeat, HeartbeatTaken, WORK_STATES, WorkItem, WorkPool,
};
use holon_model::{ClaimId, Code, Problem, RunId, Value};
use holon_runtime::{Delivered, store::is_pool};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{claim, finish, heartbeat, list};
use crate::http::{Allowed, ApiResult, Fields, JsonBody, PAYLOAD, Path, Query, ValueBody, cursor, one_of};
use crate::state::AppState;

/// Bytes of what a worker says of its progress.
const MOST_PROGRESS: usize = 4 << 10;
/// Bytes of what else there is to say of a failure.
const MOST_DETAIL: usize = 64 << 10;
const LONGEST_NAME: usize = 100;
const LONGEST_CODE: usize = 64;
const LONGEST_MESSAGE: usize = 2_000;
/// Seconds that a failure can ask for before the next attempt.
const LONGEST_PAUSE: i64 = 3_600;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_pools))
        .routes(routes!(list_work))
        .routes(routes!(claim_work))
        .routes(routes!(beat))
        .routes(routes!(complete_work))
        .routes(routes!(fail_work))
}

/// The pools of the environment that have tasks, or workers that were seen in the last day.
#[utoipa::path(get, path = "/workers/pools", tag = "workers", responses((status = 200, body = Page<WorkPool>)))]
async fn list_pools(State(state): State<AppState>, caller: Allowed<ReadWork>) -> ApiResult<Json<Page<WorkPool>>> {
    Ok(Json(list::pools(&state, caller.context(), caller.proof()).await?))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Of this pool.
    pool: Option<String>,
    /// `waiting` or `claimed`; absent: both.
    state: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 if absent.
    limit: Option<u16>,
}

/// What is handed out to workers, of the oldest run first.
#[utoipa::path(get, path = "/workers/tasks", tag = "workers", params(ListQuery), responses((status = 200, body = Page<WorkItem>)))]
async fn list_work(
    State(state): State<AppState>,
    caller: Allowed<ReadWork>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<WorkItem>>> {
    let ask = list::ListWork {
        pool: query.pool,
        state: one_of("state", query.state, &WORK_STATES)?,
        cursor: query.cursor.as_deref().map(cursor::decode).transpose()?,
        limit: query.limit.unwrap_or(50),
    };
    Ok(Json(list::work(&state, caller.context(), caller.proof(), ask).await?))
}

/// Claims tasks of a pool; waits for them up to 30 seconds when there are none. Whoever claims sends heartbeats until it says what became
/// of each.
#[utoipa::path(post, path = "/workers/claims", tag = "workers", request_body = ClaimWork,
    responses((status = 200, body = ClaimedWork)))]
async fn claim_work(
    State(state): State<AppState>,
    caller: Allowed<MayClaim>,
    JsonBody(ask): JsonBody<ClaimWork>,
) -> ApiResult<Json<ClaimedWork>> {
    let ask = checked(ask)?;
    let pools = caller.caller().pools.as_deref();
    Ok(Json(claim::claim(&state, caller.context(), caller.proof(), pools, ask).await?))
}

fn checked(mut ask: ClaimWork) -> Result<ClaimWork, Problem> {
    let mut refused = Problem::new(Code::ValidationFailed, "Nothing was claimed.");
    if !is_pool(&ask.pool) {
        refused = refused.with_field("/pool", "needs 1 to 64 letters, digits, `.`, `_` and `-`");
    }
    ask.worker = ask.worker.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    if ask.worker.as_ref().is_some_and(|name| name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control))
    {
        refused = refused.with_field("/worker", "has at most 100 characters on one line");
    }
    if ask.most.is_some_and(|most| !(1..=16).contains(&most)) {
        refused = refused.with_field("/most", "is 1 to 16");
    }
    if ask.wait.is_some_and(|wait| wait > 30) {
        refused = refused.with_field("/wait", "is 0 to 30 seconds");
    }
    if refused.errors.is_empty() { Ok(ask) } else { Err(refused) }
}

/// Keeps a claim. A worker that is told that its task is not wanted any more stops: what it says of it then counts for nothing.
#[utoipa::path(post, path = "/runs/{id}/work/{claim}/heartbeat", tag = "workers",
    params(("id" = RunId, Path), ("claim" = ClaimId, Path)), request_body = Heartbeat,
    responses((status = 200, body = HeartbeatTaken)))]
async fn beat(
    State(state): State<AppState>,
    caller: Allowed<MayClaim>,
    Path(at): Path<(RunId, ClaimId)>,
    ValueBody(body): ValueBody<PAYLOAD>,
) -> ApiResult<Json<HeartbeatTaken>> {
    let fields = Fields::of(&body, &["progress"], "The heartbeat was not taken.");
    let beat = Heartbeat { progress: fields.value("progress") };
    fields.done()?;
    bounded("progress", &beat.progress, MOST_PROGRESS)?;
    let pools = caller.caller().pools.as_deref();
    Ok(Json(heartbeat::heartbeat(&state, caller.context(), caller.proof(), pools, at, beat).await?))
}

/// Says that a task is done. 202: it is kept for the run, which has not taken it in yet. 409: the claim was lost, and nothing happened.
#[utoipa::path(post, path = "/runs/{id}/work/{claim}/complete", tag = "workers",
    params(("id" = RunId, Path), ("claim" = ClaimId, Path)), request_body = CompleteWork,
    responses((status = 204), (status = 202)))]
async fn complete_work(
    State(state): State<AppState>,
    caller: Allowed<MayClaim>,
    Path(at): Path<(RunId, ClaimId)>,
    ValueBody(body): ValueBody<PAYLOAD>,
) -> ApiResult<StatusCode> {
    let fields = Fields::of(&body, &["output"], "The task was not completed.");
    let output = fields.value("output");
    fields.done()?;
    finished(&state, &caller, at, finish::End::Completed(output)).await
}

/// Says that a task could not be done. 202 and 409 as for one that is done.
#[utoipa::path(post, path = "/runs/{id}/work/{claim}/fail", tag = "workers",
    params(("id" = RunId, Path), ("claim" = ClaimId, Path)), request_body = FailWork,
    responses((status = 204), (status = 202)))]
async fn fail_work(
    State(state): State<AppState>,
    caller: Allowed<MayClaim>,
    Path(at): Path<(RunId, ClaimId)>,
    ValueBody(body): ValueBody<PAYLOAD>,
) -> ApiResult<StatusCode> {
    finished(&state, &caller, at, finish::End::Failed(failed(&body)?)).await
}

async fn finished(
    state: &AppState,
    caller: &Allowed<MayClaim>,
    (run, claim): (RunId, ClaimId),
    end: finish::End,
) -> ApiResult<StatusCode> {
    let pools = caller.caller().pools.clone();
    let intent = caller.intent(&*state.clock, finish::Finish { run, claim, pools, end });
    Ok(match finish::finish(state, caller.proof(), intent).await? {
        Delivered::TakenIn => StatusCode::NO_CONTENT,
        Delivered::Kept => StatusCode::ACCEPTED,
    })
}

fn failed(body: &Value) -> Result<FailWork, Problem> {
    let known = ["code", "message", "retryable", "retry_after", "detail"];
    let wrong = "The failure is not as it must be. Nothing was changed.";
    let mut fields = Fields::of(body, &known, wrong);
    let code = fields.required("code", LONGEST_CODE, "must name what went wrong, for programs");
    let message = fields.required("message", LONGEST_MESSAGE, "must say what went wrong, for people");
    let (retryable, retry_after, detail) =
        (fields.value("retryable"), fields.value("retry_after"), fields.value("detail"));
    fields.done()?;
    let refuse = |pointer: &str, why: &str| Problem::new(Code::ValidationFailed, wrong).with_field(pointer, why);
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !code.starts_with(|c: char| c.is_ascii_lowercase()) || !code.chars().all(fits) {
        return Err(refuse("/code", "has small letters, digits and `_`, and starts with a letter"));
    }
    let retryable = match retryable {
        Value::Null => true,
        Value::Bool(said) => said,
        _ => return Err(refuse("/retryable", "is true or false")),
    };
    let retry_after = match retry_after {
        Value::Null => None,
        Value::Int(seconds) if (0..=LONGEST_PAUSE).contains(&seconds) => u16::try_from(seconds).ok(),
        _ => return Err(refuse("/retry_after", "is 0 to 3600 seconds")),
    };
    bounded("detail", &detail, MOST_DETAIL)?;
    Ok(FailWork { code, message, retryable, retry_after, detail })
}

fn bounded(member: &str, value: &Value, most: usize) -> Result<(), Problem> {
    if value.to_json().len() <= most {
        return Ok(());
    }
    let detail = format!("`{member}` is larger than {most} bytes of JSON. Nothing was changed.");
    Err(Problem::new(Code::PayloadTooLarge, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::json;

    fn wrong(body: &str) -> Vec<String> {
        let failed = failed(&json::parse(body.as_bytes()).unwrap());
        failed.err().into_iter().flat_map(|problem| problem.errors).map(|error| error.pointer).collect()
    }

    #[test]
    fn a_failure_is_read_member_by_member_and_trying_again_could_help_unless_it_says_otherwise() {
        let body = json::parse(br#"{"code": "no_disk", "message": "The disk is full."}"#).unwrap();
        assert!(failed(&body).unwrap().retryable);
        assert_eq!(wrong(r#"{"code": "No disk", "message": "x"}"#), ["/code"]);
        assert_eq!(wrong(r#"{"code": "x"}"#), ["/message"]);
        assert_eq!(wrong(r#"{"code": "x", "message": "x", "retryable": 1}"#), ["/retryable"]);
        assert_eq!(wrong(r#"{"code": "x", "message": "x", "retry_after": 3601}"#), ["/retry_after"]);
        assert_eq!(wrong(r#"{"code": "x", "message": "x", "why": 1}"#), ["/why"]);
    }

    #[test]
    fn a_claim_says_all_that_is_wrong_with_it() {
        let ask = ClaimWork { pool: "a b".into(), worker: Some("x\ny".into()), most: Some(17), wait: Some(31) };
        let pointers: Vec<String> = checked(ask).unwrap_err().errors.into_iter().map(|error| error.pointer).collect();
        assert_eq!(pointers, ["/pool", "/worker", "/most", "/wait"]);
        assert_eq!(
            checked(ClaimWork { pool: "a".into(), worker: Some(" ".into()), ..ClaimWork::default() }).unwrap().worker,
            None
        );
    }
}
