//! `/c/{token}`: takes one delivery for the run that waits for it, or will. It is told to the run as a signal whose sender is the
//! address: so it counts once, whoever comes how often, and one that comes before the run waits is kept.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use holon_engine::Input;
use holon_model::error::FieldError;
use holon_model::{Code, Payload, Problem, Value};
use holon_platform::db::TenantTx;
use holon_runtime::{DeliverError, Delivered};

use super::open::{Held, held};
use super::store::{self, Purpose};
use super::{CALLBACK, Error};
use crate::http::{ApiError, Path};
use crate::middleware::ClientIp;
use crate::plain;
use crate::signals::delivery_problem;
use crate::state::AppState;
use crate::webhooks::{self, Delivery};

/// Path of callback addresses; the token follows.
pub const PREFIX: &str = "/c/";
/// What a refusal means for the sender.
const KEPT_NOTHING: &str = "Nothing was kept.";

fn unknown() -> Problem {
    Problem::new(Code::NotFound, "No run takes a delivery at this address.")
}

fn used() -> Problem {
    Problem::new(Code::Gone, "A delivery was taken at this address already. It takes one; this one was not kept.")
}

/// Takes one delivery for the run that waits for it, or will, by the method and of the form that the flow says. It counts once.
#[utoipa::path(method(get, post, put, patch, delete), path = "/c/{token}", tag = "deliveries", security(()),
    params(("token" = String, Path, description = "What the address ends with")),
    request_body(content = holon_model::Value, content_type = "*/*", description = "JSON, a form or a text, at most 2 MiB"),
    responses((status = 202, description = "It was taken, `accepted`, or is `kept` for the run.", body = holon_model::Value),
        (status = 200, description = "It was taken, in the flow's own words.", content_type = "text/plain", body = String)))]
pub async fn callback(
    State(state): State<AppState>,
    ip: ClientIp,
    Path(token): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    // Before the body: whoever guesses is not listened to.
    let held = held(&state, ip, &token).await?.ok_or_else(unknown)?;
    let Purpose::Callback { takes } = &held.row.purpose else { return Err(unknown().into()) };
    if held.row.used {
        return Err(used().into());
    }
    if held.row.revoked || held.row.expires_at <= state.clock.now() {
        return Err(unknown().into());
    }
    if let Some(refused) = wrong_method(takes, request.method()) {
        return Ok(refused);
    }
    let delivery = webhooks::read(request).await?;
    let value = checked(takes, &delivery)?;
    let address = held.id.to_string();
    let input = Input::Signal {
        name: CALLBACK.to_owned(),
        correlation: address.clone(),
        sender: address,
        payload: Payload::Inline(value),
    };
    match state.runtime.deliver(held.context.tenant, held.row.run, input).await {
        Ok(Delivered::TakenIn) => use_up(&state, &held).await,
        // Another one may have come first, and then this one does not count.
        Ok(Delivered::Kept) => return Ok(kept()),
        // Somebody was first, here or before a crash.
        Err(DeliverError::Refused { code: "duplicate_signal", .. }) => {
            use_up(&state, &held).await;
            return Err(used().into());
        }
        Err(DeliverError::Over | DeliverError::NotFound) => {
            let detail = "The run that this delivery was for is over. It was not kept.";
            return Err(Problem::new(Code::Gone, detail).into());
        }
        Err(error) => return Err(delivery_problem(error, "Send it again: it counts once.")),
    }
    Ok(told(takes))
}

/// What the run is told: all of the delivery but its address, which is a secret.
fn checked(takes: &Value, delivery: &Delivery) -> Result<Value, Problem> {
    let value = delivery.to_value(KEPT_NOTHING)?;
    let mut members = value.as_map().cloned().unwrap_or_default();
    members.remove("path");
    if let Some(schema) = takes.get("schema").filter(|schema| !schema.is_null()) {
        let body = members.get("body").cloned().unwrap_or_default();
        let wrong = plain::mismatches(schema, &body);
        if !wrong.is_empty() {
            let detail = format!("The body is not what the run waits for. {KEPT_NOTHING}");
            let mut problem = Problem::new(Code::ValidationFailed, detail);
            problem.errors = wrong
                .into_iter()
                .map(|error| FieldError { pointer: format!("/body{}", error.pointer), ..error })
                .collect();
            return Err(problem);
        }
    }
    Ok(Value::from(members))
}

fn wrong_method(takes: &Value, method: &Method) -> Option<Response> {
    let wanted = takes.get("method").and_then(Value::as_str).unwrap_or("POST");
    if wanted == "ANY" || wanted == method.as_str() {
        return None;
    }
    let detail = format!("This address takes {wanted}, not {method}. {KEPT_NOTHING}");
    let mut answer = ApiError::from(Problem::new(Code::MethodNotAllowed, detail)).into_response();
    if let Ok(allow) = wanted.parse() {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    Some(answer)
}

/// What the sender is told.
fn told(takes: &Value) -> Response {
    match takes.get("answer").and_then(Value::as_str).filter(|text| !text.is_empty()) {
        Some(text) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (StatusCode::OK, kind, text.to_owned()).into_response()
        }
        None => {
            let body = Value::map([("accepted", Value::Bool(true))]).to_json();
            (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
    }
}

/// What the sender is told when the run has not said yet whether it takes the delivery.
fn kept() -> Response {
    let body = Value::map([("accepted", Value::Bool(false)), ("kept", Value::Bool(true))]).to_json();
    (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// That the address was used. Where this cannot be written down, the run itself knows it, for as long as it lives.
async fn use_up(state: &AppState, held: &Held) {
    let noted = async {
        let mut tx = TenantTx::begin(&state.pools, &held.context).await?;
        store::use_up(&mut tx, held.id, state.clock.now()).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, link = %held.id, "an address was used and could not be marked so");
    }
}
