//! Routes of signals.

use axum::Json;
use axum::extract::State;
use holon_authz::actions::SignalRuns;
use holon_engine::MAX_SIGNAL_TEXT;
use holon_flow::definition::pointer::escape;
use holon_model::error::FieldError;
use holon_model::wire::signals::{SendSignal, SignalSent};
use holon_model::{Code, Problem, RunId, Value};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::send;
use crate::http::{Allowed, ApiResult, Path, ValueBody};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(signal_run)).routes(routes!(signal_waiting))
}

/// Sends a signal to one run; it may come before the run waits for it.
#[utoipa::path(post, path = "/runs/{id}/signals", tag = "runs", params(("id" = RunId, Path)), request_body = SendSignal,
    responses((status = 200, body = SignalSent)))]
async fn signal_run(
    State(state): State<AppState>,
    caller: Allowed<SignalRuns>,
    Path(run): Path<RunId>,
    ValueBody(body): ValueBody,
) -> ApiResult<Json<SignalSent>> {
    let intent = caller.intent(&*state.clock, send::Send { run: Some(run), signal: read(&body)? });
    Ok(Json(send::send(&state, caller.proof(), intent).await?))
}

/// Sends a signal to every run of the environment that waits for this name and correlation now.
#[utoipa::path(post, path = "/signals", tag = "runs", request_body = SendSignal, responses((status = 200, body = SignalSent)))]
async fn signal_waiting(
    State(state): State<AppState>,
    caller: Allowed<SignalRuns>,
    ValueBody(body): ValueBody,
) -> ApiResult<Json<SignalSent>> {
    let intent = caller.intent(&*state.clock, send::Send { run: None, signal: read(&body)? });
    Ok(Json(send::send(&state, caller.proof(), intent).await?))
}

/// Reads the body with our own values: numbers must come as they were sent.
fn read(body: &Value) -> Result<SendSignal, Problem> {
    let mut refused = Problem::new(Code::ValidationFailed, "The signal is not as it must be. Nothing was sent.");
    let Some(fields) = body.as_map() else {
        return Err(
            refused.with_field("", "must be an object with `name`, and `correlation`, `sender`, `payload` as needed")
        );
    };
    for key in fields.keys().filter(|key| !["name", "correlation", "sender", "payload"].contains(&&***key)) {
        refused = refused.with_field(format!("/{}", escape(key)), "is not a field of a signal");
    }
    let mut text = |key: &str| match fields.get(key) {
        None | Some(Value::Null) => None,
        Some(Value::Str(text)) if text.len() <= MAX_SIGNAL_TEXT && !text.contains('\0') => Some(text.to_string()),
        Some(_) => {
            let wrong = format!("must be a text of at most {MAX_SIGNAL_TEXT} bytes, without the character U+0000");
            refused.errors.push(FieldError { pointer: format!("/{key}"), detail: wrong, code: None });
            None
        }
    };
    let (name, correlation, sender) = (text("name"), text("correlation"), text("sender"));
    let name = name.unwrap_or_default();
    if name.is_empty() && !refused.errors.iter().any(|error| error.pointer == "/name") {
        refused = refused.with_field("/name", "must name the signal");
    }
    if !refused.errors.is_empty() {
        return Err(refused);
    }
    let payload = fields.get("payload").cloned().unwrap_or_default();
    Ok(SendSignal { name, correlation: correlation.unwrap_or_default(), sender, payload })
}
