//! Routes of signals.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use holon_authz::actions::SignalRuns;
use holon_engine::MAX_SIGNAL_TEXT;
use holon_model::wire::signals::{SendSignal, SignalSent};
use holon_model::{Problem, RunId, Value};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::send;
use crate::http::{Allowed, ApiResult, Fields, PAYLOAD, Path, ValueBody, idempotency_key};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(signal_run)).routes(routes!(signal_waiting))
}

/// Sends a signal to one run; it may come before the run waits for it. 202: it is kept for the run, which has not taken it in yet.
#[utoipa::path(post, path = "/runs/{id}/signals", tag = "runs",
    params(("id" = RunId, Path), ("Idempotency-Key" = Option<String>, Header, description = "The `sender`, where the body names none")),
    request_body = SendSignal, responses((status = 200, body = SignalSent), (status = 202, body = SignalSent)))]
async fn signal_run(
    State(state): State<AppState>,
    caller: Allowed<SignalRuns>,
    Path(run): Path<RunId>,
    headers: HeaderMap,
    ValueBody(body): ValueBody<PAYLOAD>,
) -> ApiResult<(StatusCode, Json<SignalSent>)> {
    let signal = read(&body)?;
    let intent = caller.intent(&*state.clock, send::Signal { run: Some(run), signal });
    Ok(sent(send::send(&state, caller.proof(), intent.with_key(idempotency_key(&headers)?)).await?))
}

/// Sends a signal to every run of the environment that waits for this name and correlation now, and to every one that is found by this
/// correlation and may come to wait for the name, up to 1000 of them. A run that is found by nothing and begins to wait at this moment may
/// not be among them: what must not be lost is sent to its run.
#[utoipa::path(post, path = "/signals", tag = "runs",
    params(("Idempotency-Key" = Option<String>, Header, description = "The `sender`, where the body names none")),
    request_body = SendSignal, responses((status = 200, body = SignalSent), (status = 202, body = SignalSent),
        (status = 404, description = "Nobody waits for it.", body = Problem, content_type = "application/problem+json")))]
async fn signal_waiting(
    State(state): State<AppState>,
    caller: Allowed<SignalRuns>,
    headers: HeaderMap,
    ValueBody(body): ValueBody<PAYLOAD>,
) -> ApiResult<(StatusCode, Json<SignalSent>)> {
    let intent = caller.intent(&*state.clock, send::Signal { run: None, signal: read(&body)? });
    Ok(sent(send::send(&state, caller.proof(), intent.with_key(idempotency_key(&headers)?)).await?))
}

/// 202 where a run has not said yet whether it takes it.
fn sent(sent: SignalSent) -> (StatusCode, Json<SignalSent>) {
    (if sent.kept.is_empty() { StatusCode::OK } else { StatusCode::ACCEPTED }, Json(sent))
}

fn read(body: &Value) -> Result<SendSignal, Problem> {
    let known = ["name", "correlation", "sender", "payload"];
    let mut fields = Fields::of(body, &known, "The signal is not as it must be. Nothing was sent.");
    let signal = SendSignal {
        name: fields.required("name", MAX_SIGNAL_TEXT, "must name the signal"),
        correlation: fields.text("correlation", MAX_SIGNAL_TEXT).unwrap_or_default(),
        sender: fields.text("sender", MAX_SIGNAL_TEXT),
        payload: fields.value("payload"),
    };
    fields.done().map(|()| signal)
}
