//! Answers that the framework made by itself (unknown routes, wrong methods, rejections) become problems too.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use holon_model::{Code, Problem};

use crate::http::ApiError;

/// The layer, for what is not a page.
pub async fn as_problems(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || has_a_body_of_ours(response.headers()) {
        return response;
    }
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => (Code::NotFound, format!("There is nothing at {path}.")),
        StatusCode::METHOD_NOT_ALLOWED => {
            let allow = response.headers().get(header::ALLOW).and_then(|v| v.to_str().ok()).unwrap_or_default();
            (Code::MethodNotAllowed, format!("{path} does not answer {method}; it answers {allow}."))
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            (Code::PayloadTooLarge, "The body is larger than this address reads.".to_owned())
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            (Code::UnsupportedMediaType, "The content type is not one that this address reads.".to_owned())
        }
        StatusCode::SERVICE_UNAVAILABLE => (Code::Unavailable, "Holon is not ready. Try again shortly.".to_owned()),
        s if s.is_client_error() => (Code::InvalidRequest, format!("The request is not well formed ({s}).")),
        _ => return ApiError::internal(&format!("{method} {path} answered {status} without a reason")).into_response(),
    };
    let mut answer = ApiError::from(Problem::new(code, detail)).into_response();
    *answer.status_mut() = status;
    if let Some(allow) = response.headers().get(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow.clone());
    }
    answer
}

/// The framework's own errors are plain text or empty.
fn has_a_body_of_ours(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| !kind.starts_with("text/plain"))
}
