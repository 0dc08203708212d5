//! `/f/{token}`: the page of a form. Public ones are for whoever has the address, others for members of the workspace.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use holon_model::Value;
use holon_runtime::{Answer, Definitions as _, LoadedFlow};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::submit::{Sent, is_failure, submit};
use super::{KIND, PREFIX, page};
use crate::http::{ApiError, Caller, Path, Visitor};
use crate::links::sent;
use crate::middleware::{Bucket, ClientIp};
use crate::plain;
use crate::runs;
use crate::state::AppState;
use crate::webhooks::{self, Listening};

/// Forms that one address may send.
const SENDS: Bucket = Bucket { name: "form_sends", burst: 30, refill: 2_000 };

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(look, take))
}

/// A form that somebody may see.
struct Found {
    listening: Arc<Listening>,
    flow: Arc<LoadedFlow>,
    config: Value,
    /// Who it is, where the form is for members.
    by: Option<Caller>,
}

/// Who may not see a form.
enum Hidden {
    /// It is not there, or not for them: the same.
    Gone,
    /// They must say who they are.
    SignIn,
}

/// Shows the form, to whoever has the address or to members of the workspace, as its trigger says.
#[utoipa::path(get, path = "/f/{token}", tag = "forms", operation_id = "look_at_form", security(()),
    params(("token" = String, Path, description = "What the address ends with")),
    responses((status = 200, description = "The form, a page.", content_type = "text/html", body = String),
        (status = 303, description = "To the sign-in page, where the form is for members.")))]
async fn look(State(state): State<AppState>, visitor: Visitor, Path(token): Path<String>) -> Response {
    match find(&state, &visitor, &token).await {
        Ok(Ok(found)) => page::form(&found.config, None, &[]).answer(&state),
        Ok(Err(hidden)) => hide(&state, &hidden, &token),
        Err(error) => plain::trouble(&state, error),
    }
}

/// Takes what was filled in, and starts a run with it.
#[utoipa::path(post, path = "/f/{token}", tag = "forms", operation_id = "send_form", security(()),
    params(("token" = String, Path, description = "What the address ends with")),
    request_body(content = serde_json::Value, content_type = "application/x-www-form-urlencoded", description = "The fields of the form"),
    responses((status = 200, description = "A page of thanks, or the page that the flow responds.", content_type = "text/html", body = String),
        (status = 303, description = "To the sign-in page, where the form is for members."),
        (status = "default", description = "What the flow responds.")))]
async fn take(
    State(state): State<AppState>,
    visitor: Visitor,
    ip: ClientIp,
    Path(token): Path<String>,
    request: Request<Body>,
) -> Response {
    match taken(&state, &visitor, ip, &token, request).await {
        Ok(answer) => answer,
        Err(error) => plain::trouble(&state, error),
    }
}

async fn taken(
    state: &AppState,
    visitor: &Visitor,
    ip: ClientIp,
    token: &str,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    // Before the body: whoever guesses is not listened to.
    let found = match find(state, visitor, token).await? {
        Ok(found) => found,
        Err(hidden) => return Ok(hide(state, &hidden, token)),
    };
    state.throttle.take(state.clock.now(), &[(SENDS, ip.bucket())])?;
    let data = sent(request).await?;
    let again = |wrong: &[holon_model::error::FieldError]| {
        Ok(page::form(&found.config, Some(&data), wrong).with_status(StatusCode::UNPROCESSABLE_ENTITY).answer(state))
    };
    let schema = found.config.get("schema").cloned().unwrap_or_default();
    let value = match plain::read(&schema, &data) {
        Ok(value) => value,
        Err(wrong) => return again(&wrong),
    };
    if !schema.is_null() {
        let wrong = plain::mismatches(&schema, &value);
        if !wrong.is_empty() {
            return again(&wrong);
        }
    }
    let asked = (value, found.by.as_ref(), page::once(&data));
    let (run, answer) = match submit(state, &found.listening, &found.flow, asked).await? {
        Sent::Started(run, answer) => (run, answer),
        Sent::Wrong(wrong) => return again(&wrong),
    };
    let waited = found.config.get("answer").and_then(Value::as_str) == Some("sync");
    Ok(match answer {
        Some(Answer::Responded(response)) => match page::answered(&found.config, &response) {
            Some(page) => page.answer(state),
            None => webhooks::responded(run, &response),
        },
        Some(answer) if is_failure(&answer) => page::failed(run).answer(state),
        Some(_) => page::thanks(&found.config, false).answer(state),
        None => page::thanks(&found.config, waited).answer(state),
    })
}

/// The form at this address, for this visitor.
async fn find(state: &AppState, visitor: &Visitor, token: &str) -> Result<Result<Found, Hidden>, ApiError> {
    let Some(listening) = state.webhooks.find(token).await? else { return Ok(Err(Hidden::Gone)) };
    let address = &listening.address;
    let loaded = state.definitions.load(address.tenant, address.flow, listening.version).await;
    let flow = loaded.map_err(runs::definition_problem)?;
    let node = flow.definition.graph.nodes.get(address.node.as_str());
    let Some(node) = node.filter(|node| &*node.kind.name == KIND && !node.disabled) else {
        return Ok(Err(Hidden::Gone));
    };
    let config = node.config.clone();
    let members = config.get("access").and_then(Value::as_str) == Some("members");
    let by = match &visitor.0 {
        _ if !members => None,
        None => return Ok(Err(Hidden::SignIn)),
        Some(caller) if caller.context.tenant != address.tenant => return Ok(Err(Hidden::Gone)),
        Some(caller) => Some(caller.clone()),
    };
    Ok(Ok(Found { listening, flow, config, by }))
}

fn hide(state: &AppState, hidden: &Hidden, token: &str) -> Response {
    match hidden {
        Hidden::Gone => plain::gone(state),
        Hidden::SignIn => {
            let next: String = url::form_urlencoded::byte_serialize(format!("{PREFIX}{token}").as_bytes()).collect();
            Redirect::to(&format!("/sign-in?next={next}")).into_response()
        }
    }
}
