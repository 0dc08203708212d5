//! Routes by which runs are started, found, read and followed: extract, authorise, call, shape the answer. What people do to
//! runs has its routes in `operating.rs`, recorded ones in `replays/`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use holon_authz::actions::{ReadRuns, StartRuns};
use holon_engine::EventId;
use holon_model::wire::Page;
use holon_model::wire::runs::{ENDED, GOING, JournalRow, PARKED, Run, RunSummary, StartRun, Started, Starter};
use holon_model::{Code, FlowId, Problem, RunId, Timestamp, Value};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{events, read, start, starters, store};
use crate::http::{
    Allowed, ApiError, ApiResult, Fields, PAYLOAD, Path, Query, ValueBody, cursor, idempotency_key, one_of,
};
use crate::state::AppState;

/// Longer than any key of a node.
const LONGEST_KEY: usize = 1_000;
/// Longer than any kind of trigger, and than any correlation.
const LONGEST_TEXT: usize = 2_000;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_runs))
        .routes(routes!(start_run))
        .routes(routes!(list_starters))
        .routes(routes!(read_run))
        .routes(routes!(read_journal))
        .routes(routes!(run_events))
        .routes(routes!(workspace_events))
        .merge(super::operating::router())
        .merge(super::replays::router())
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Runs of this flow only.
    flow: Option<FlowId>,
    /// Runs in this status only: `queued`, `running`, `waiting`, `paused`, `completed`, `failed`, `cancelled`, `terminated` or
    /// `continued`; `parked` for those that are paused and that no person paused.
    status: Option<String>,
    /// Runs that this started only, such as `trigger.webhook`: one of `GET /api/v1/starters`.
    trigger: Option<String>,
    /// Runs that were accepted then or later: RFC 3339, such as `2026-01-05T08:00:00Z`.
    since: Option<String>,
    /// Runs that were accepted before then.
    until: Option<String>,
    /// Runs about this only.
    correlation: Option<String>,
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
    /// At most this many, 1 to 200; 200 if absent.
    limit: Option<u16>,
}

/// Runs of the workspace, newest first. Filters combine.
#[utoipa::path(get, path = "/runs", tag = "runs",
    params(ListQuery, ("label" = Option<Vec<String>>, Query, description = "Runs with this label only, as `key:value`; may be repeated: with all of them")),
    responses((status = 200, body = Page<RunSummary>)))]
async fn list_runs(
    State(state): State<AppState>,
    caller: Allowed<ReadRuns>,
    Query(query): Query<ListQuery>,
    RawQuery(raw): RawQuery,
) -> ApiResult<Json<Page<RunSummary>>> {
    let filter = store::Filter {
        flow: query.flow,
        status: one_of("status", query.status, &[&GOING[..], &ENDED, &[PARKED]].concat())?,
        trigger: storable("trigger", query.trigger)?,
        since: instant("since", query.since.as_deref())?,
        until: instant("until", query.until.as_deref())?,
        correlation: storable("correlation", query.correlation)?,
        labels: labels(raw.as_deref().unwrap_or_default())?,
        before: query.cursor.as_deref().map(cursor::decode).transpose()?,
    };
    Ok(Json(read::list(&state, caller.context(), caller.proof(), filter, query.limit.unwrap_or(50)).await?))
}

/// What can start a run: the kinds that `trigger` of a list may name, with what people call them.
#[utoipa::path(get, path = "/starters", tag = "runs", responses((status = 200, body = Page<Starter>)))]
async fn list_starters(State(state): State<AppState>, _: Allowed<ReadRuns>) -> Json<Page<Starter>> {
    Json(Page { data: starters::all(&state.catalogue), next_cursor: None })
}

fn refused(name: &str, must: &str) -> Problem {
    Problem::new(Code::ValidationFailed, format!("The parameter `{name}` {must}.")).with_field(format!("/{name}"), must)
}

/// A text that a column may hold: what it does not hold is not found by it, and must not look like an empty list.
fn storable(name: &str, given: Option<String>) -> Result<Option<String>, Problem> {
    match given {
        Some(text) if text.is_empty() || text.len() > LONGEST_TEXT || text.contains('\0') => {
            Err(refused(name, "must say something, and not contain U+0000"))
        }
        given => Ok(given),
    }
}

fn instant(name: &str, given: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = given else { return Ok(None) };
    let read = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
        refused(name, "must be an instant as RFC 3339 writes them, such as `2026-01-05T08:00:00Z`; a `+` in a query is written `%2B`")
    })?;
    let millis = read.unix_timestamp_nanos().div_euclid(1_000_000);
    Ok(Some(Timestamp(i64::try_from(millis).unwrap_or(i64::MAX))))
}

/// The labels that are asked for: a parameter that may be repeated.
fn labels(raw: &str) -> Result<BTreeMap<String, String>, Problem> {
    let mut labels = BTreeMap::new();
    for (_, text) in url::form_urlencoded::parse(raw.as_bytes()).filter(|(name, _)| name == "label") {
        let found = text.split_once(':').filter(|(key, _)| !key.is_empty());
        let storable = found.filter(|_| text.len() <= LONGEST_TEXT && !text.contains('\0'));
        let Some((key, value)) = storable else { return Err(refused("label", "must be written `key:value`")) };
        match labels.insert(key.to_owned(), value.to_owned()) {
            Some(other) if other != value => {
                return Err(refused("label", "names one key with two values, which no run has"));
            }
            _ => {}
        }
    }
    Ok(labels)
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
#[utoipa::path(get, path = "/runs/{id}/journal", tag = "runs", params(("id" = RunId, Path), PageQuery),
    responses((status = 200, body = Page<JournalRow>)))]
async fn read_journal(
    State(state): State<AppState>,
    caller: Allowed<ReadRuns>,
    Path(id): Path<RunId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<JournalRow>>> {
    let from = query.cursor.as_deref().map(cursor::decode).transpose()?.unwrap_or(0);
    let limit = query.limit.unwrap_or(200);
    Ok(Json(read::journal(&state, caller.context(), caller.proof(), id, from, limit).await?))
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
async fn workspace_events(
    State(state): State<AppState>,
    caller: Allowed<ReadRuns>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    Ok(events::of_workspace(&state, caller.context(), caller.proof(), headers)?.into_response())
}

/// The answer to a start: 201, or 200 where the key had started the run before.
pub(super) fn answer(started: &Started) -> Response {
    let status = if started.replayed { StatusCode::OK } else { StatusCode::CREATED };
    (status, [(header::LOCATION, format!("/api/v1/runs/{}", started.id))], Json(started)).into_response()
}

/// The body by Holon's own JSON reader: the input's numbers must stay exact and its errors located.
fn read_start(body: &Value) -> Result<StartRun, Problem> {
    let known = ["input", "trigger", "labels", "correlation"];
    let mut fields = Fields::of(body, &known, "The start is not as it must be. No run was started.");
    let start = StartRun {
        trigger: fields.text("trigger", LONGEST_KEY),
        input: fields.value("input"),
        labels: fields.texts("labels"),
        correlation: fields.text("correlation", LONGEST_TEXT),
    };
    fields.done().map(|()| start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_from_a_repeated_parameter_and_a_slip_is_no_empty_list() {
        let found = labels("status=failed&label=team:a%3Ab&label=order%3A7&label=order:7").unwrap();
        let pairs: Vec<_> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("order", "7"), ("team", "a:b")]);
        for slip in ["label=team", "label=:a", "label=", "label=a:%00", "label=a:1&label=a:2"] {
            assert_eq!(labels(slip).unwrap_err().code, Code::ValidationFailed, "{slip}");
        }
    }

    #[test]
    fn instants_are_read_with_their_offset_to_the_millisecond() {
        let read = |text: &str| instant("since", Some(text)).map(|at| at.map(|at| at.0));
        assert_eq!(read("1970-01-01T01:00:00.0015+01:00").unwrap(), Some(1));
        assert_eq!(read("1969-12-31T23:59:59.9999Z").unwrap(), Some(-1));
        for slip in ["yesterday", "2026-01-05", "1795250000000", ""] {
            assert_eq!(read(slip).unwrap_err().code, Code::ValidationFailed, "{slip}");
        }
    }
}
