//! Routes of incoming webhooks. They stand outside `/api`: their callers are other programs, known by the address.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use super::delivery::{Delivery, MAX_BODY};
use super::{answer::Accepted, catching, receive};
use crate::http::{ApiError, ApiResult, Path, read_body};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    // Every method reaches them, also those that the document has no word for.
    let (schemas, paths, _): UtoipaMethodRouter<AppState> = routes!(hook);
    let router = OpenApiRouter::new().routes((schemas, paths, any(hook)));
    let (schemas, paths, _): UtoipaMethodRouter<AppState> = routes!(test_hook);
    router.routes((schemas, paths, any(test_hook)))
}

/// Takes a delivery for the flow that listens at this address, by the method, with the signature and the key that its trigger asks for.
/// Publishing the flow makes the address. What is taken is durably accepted before it is answered; `Holon-Run` names the run.
#[utoipa::path(method(get, post, put, patch, delete), path = "/hooks/{token}", tag = "deliveries", security(()),
    params(("token" = String, Path, description = "What the address ends with")),
    request_body(content = holon_model::Value, content_type = "*/*", description = "JSON, a form or a text, at most 2 MiB"),
    responses(
        (status = 202, description = "The run is durably accepted. A trigger that answers at once says so.", body = Accepted),
        (status = 200, description = "The output of the run, of a trigger that waits for it.", body = holon_model::Value),
        (status = "default", description = "What the flow responds, with the status, headers and body that it says.")))]
async fn hook(State(state): State<AppState>, Path(token): Path<String>, request: Request) -> ApiResult<Response> {
    // Before the body: whoever guesses addresses is not listened to.
    let listening = receive::listening(&state, &token).await?;
    let delivery = read(request).await?;
    receive::receive(&state, &listening, delivery).await
}

/// Keeps a delivery as a sample for the editor that opened this address; no run is started.
#[utoipa::path(method(get, post, put, patch, delete), path = "/hooks/test/{token}", tag = "deliveries", security(()),
    params(("token" = String, Path, description = "What the address ends with")),
    request_body(content = holon_model::Value, content_type = "*/*", description = "JSON, a form or a text, at most 2 MiB"),
    responses((status = 200, description = "It was caught.", content_type = "text/plain", body = String)))]
async fn test_hook(State(state): State<AppState>, Path(token): Path<String>, request: Request) -> ApiResult<Response> {
    let catcher = catching::catcher(&state, &token).await?;
    let delivery = read(request).await?;
    catching::keep(&state, catcher, &token, &delivery).await?;
    Ok((StatusCode::OK, "Caught. The editor shows it.\n").into_response())
}

/// The whole request, its body at most [`MAX_BODY`] bytes.
///
/// # Errors
/// When it is larger, or does not arrive.
pub async fn read(request: Request<Body>) -> Result<Delivery, ApiError> {
    let (parts, body) = request.into_parts();
    let body = read_body(body, MAX_BODY).await?;
    Ok(Delivery { method: parts.method, uri: parts.uri, headers: parts.headers, body })
}
