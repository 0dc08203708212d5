//! Receives a delivery: whose address, the method, the signature on the raw bytes, the value, the key, and then a run.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use holon_engine::Outcome;
use holon_model::wire::connections::ConnectionKind;
use holon_model::{Code, Problem, RunId, Value};
use holon_runtime::{Answer, Definitions as _, Idempotency, StartRequest};

use super::delivery::Delivery;
use super::known::Listening;
use super::store::Address;
use super::{answer, dedup};
use crate::flows;
use crate::http::ApiError;
use crate::runs::{self, checked_input};
use crate::state::AppState;

/// How long a caller of a synchronous webhook is kept.
const PATIENCE: Duration = Duration::from_secs(30);

fn gone() -> Problem {
    Problem::new(Code::NotFound, "No flow listens at this address.")
}

/// What listens at the address of this token.
///
/// # Errors
/// When nothing does, or that cannot be read.
pub async fn listening(state: &AppState, token: &str) -> Result<Arc<Listening>, ApiError> {
    Ok(state.webhooks.find(token).await?.ok_or_else(gone)?)
}

/// Starts the run that this delivery asks for, and answers its caller.
pub async fn receive(state: &AppState, listening: &Listening, delivery: Delivery) -> Result<Response, ApiError> {
    let (address, version) = (&listening.address, listening.version);
    let place = state.receiving.enter(address.tenant)?;
    let context = listening.context();
    let flow = state.definitions.load(address.tenant, address.flow, version).await.map_err(runs::definition_problem)?;
    // The address of a form is a page and takes no deliveries.
    let node =
        flow.definition.graph.nodes.get(address.node.as_str()).filter(|node| &*node.kind.name == flows::WEBHOOK_KIND);
    let config = node.map(|node| &node.config).ok_or_else(gone)?;

    if let Some(refused) = wrong_method(config, &delivery.method) {
        return Ok(refused);
    }
    verify(state, address, config, &delivery).await?;
    let value = delivery.to_value("No run was started.")?;
    checked_input(&flow.definition, &value)?;
    let value = flow.compiled.redacted(value);
    let key = dedup::key(config, &delivery, &value)?;
    let idempotency = key.map(|key| Idempotency {
        scope: address.webhook.to_string(),
        // A repeated delivery differs in its headers; the key alone says that it is the same.
        request_hash: *blake3::hash(key.text.as_bytes()).as_bytes(),
        key: key.text,
        window: key.window,
    });
    let marks = runs::of_trigger(config, &value);
    let sync = config.get("answer").and_then(Value::as_str) == Some("sync");
    let request = StartRequest {
        tenant: address.tenant,
        environment: address.environment,
        flow: address.flow,
        version,
        run: state.runtime.mint(),
        input: value,
        environment_name: address.environment_name.clone(),
        trigger: Some(address.node.clone()),
        trigger_kind: flows::WEBHOOK_KIND.into(),
        actor: context.actor.label(),
        budget: context.budget,
        vars: Value::map::<&str>([]),
        idempotency,
        marks,
        audit: None,
    };
    let waiting = sync.then(|| state.runtime.expect_answer(address.tenant, request.run));
    let started = state.runtime.start(request).await.map_err(runs::start_problem)?;
    drop(place);
    crate::metrics::note_run(started.run);
    let Some(waiting) = waiting else { return Ok(answer::accepted(started.run, started.replayed)) };
    let answer = async {
        // A repeated delivery is answered like the first one, from its journal if it has answered already.
        if started.replayed {
            state.runtime.answer_of(address.tenant, started.run).await.ok().flatten()
        } else {
            waiting.answer().await
        }
    };
    let open = config.pointer("/auth/hmac").is_some() || config.get("show_errors") == Some(&Value::Bool(true));
    let mut told = answered(started.run, tokio::time::timeout(PATIENCE, answer).await.ok().flatten(), open);
    if started.replayed {
        told.headers_mut().insert(answer::REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(told)
}

fn wrong_method(config: &Value, method: &Method) -> Option<Response> {
    let wanted = config.get("method").and_then(Value::as_str).unwrap_or("POST");
    if wanted == "ANY" || wanted == method.as_str() {
        return None;
    }
    let problem = Problem::new(
        Code::MethodNotAllowed,
        format!("This webhook answers {wanted}, not {method}. No run was started."),
    );
    let mut answer = ApiError::from(problem).into_response();
    if let Ok(allow) = wanted.parse() {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    Some(answer)
}

/// Checks the signature, failing closed: an address that asks for one and cannot check it lets nobody in.
async fn verify(state: &AppState, address: &Address, config: &Value, delivery: &Delivery) -> Result<(), ApiError> {
    let Some(hmac) = config.pointer("/auth/hmac") else { return Ok(()) };
    let refused = |why: &str| Problem::new(Code::BadSignature, format!("{why} No run was started."));
    let name = hmac.get("connection").and_then(Value::as_str).unwrap_or_default();
    let connection = state.connections.resolve(address.tenant, address.environment, name).await.map_err(|error| {
        tracing::warn!(%error, flow = %address.flow, "the key of a webhook's signature cannot be had");
        refused("The signature cannot be checked: the connection with its key is missing.")
    })?;
    // A token or password of another service is no key of ours, and whoever knows it must not be let in for that.
    if connection.kind != ConnectionKind::HmacKey {
        tracing::warn!(flow = %address.flow, name, "the connection of a webhook's signature is no key for signatures");
        return Err(refused("The signature cannot be checked: its connection holds no key for signatures.").into());
    }
    let header = |name: &str| delivery.header(name).map(str::to_owned);
    holon_cap_triggers::verify(config, &header, &delivery.body, connection.secret.expose(), state.clock.now())
        .map_err(|why| refused(&format!("{why}.")).into())
}

/// The answer of the run, or that there is none yet. Each names the run. Why it has none is told to callers who are `open`ly
/// spoken to: what went wrong inside a flow is nothing for whoever happens to know its address.
fn answered(run: RunId, found: Option<Answer>, open: bool) -> Response {
    let problem = match found {
        Some(Answer::Responded(response)) => return answer::responded(run, &response),
        Some(Answer::Ended(Outcome::Ok(output) | Outcome::Kept { value: output, .. })) => {
            return answer::completed(run, &output.to_value());
        }
        Some(Answer::Ended(Outcome::Failed { .. } | Outcome::Cancelled { .. })) if !open => {
            let detail = format!("{run} did not come to an answer. Whoever owns the flow sees why: name the run.");
            Problem::new(Code::RunFailed, detail)
        }
        Some(Answer::Ended(Outcome::Failed { error })) => {
            Problem::new(Code::RunFailed, format!("{run} failed: {} ({})", error.message, error.code))
        }
        Some(Answer::Ended(Outcome::Continued { .. })) => {
            Problem::new(Code::RunFailed, format!("{run} goes on in another run and has no answer."))
        }
        Some(Answer::Ended(Outcome::Cancelled { reason })) => {
            Problem::new(Code::RunFailed, format!("{run} was cancelled: {reason}"))
        }
        None => {
            let seconds = PATIENCE.as_secs();
            let detail = format!("{run} was accepted and goes on; it has not answered within {seconds} s.");
            Problem::new(Code::RunTimeout, detail)
        }
    };
    answer::about(run, problem)
}
