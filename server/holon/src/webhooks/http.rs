//! Routes of incoming webhooks. They stand outside `/api`: their callers are other programs, known by the address.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;

use super::delivery::{Delivery, MAX_BODY};
use super::{catching, receive};
use crate::http::{ApiError, ApiResult, Path, read_body};
use crate::state::AppState;

/// The feature's routes.
pub fn router() -> Router<AppState> {
    Router::new().route("/hooks/{token}", any(hook)).route("/hooks/test/{token}", any(test_hook))
}

async fn hook(State(state): State<AppState>, Path(token): Path<String>, request: Request) -> ApiResult<Response> {
    // Before the body: whoever guesses addresses is not listened to.
    let listening = receive::listening(&state, &token).await?;
    let delivery = read(request).await?;
    receive::receive(&state, &listening, delivery).await
}

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
