//! Every request has an id, one line in the log, and an answer even when a handler panics.

use std::panic::AssertUnwindSafe;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use holon_model::RequestId;
use holon_platform::clock::mint;
use tracing::{Instrument as _, field};

use crate::http::{ApiError, RequestScope};
use crate::state::AppState;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The layer. Query strings are not logged: they may hold what was typed into a search.
pub async fn trace(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id: RequestId = mint(&*state.clock);
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        method = %request.method(),
        path = %shown(request.uri().path()),
        tenant = field::Empty,
        actor = field::Empty,
        trace = field::Empty,
        run_id = field::Empty,
    );
    // Probes come every few seconds for ever.
    let probe = request.uri().path().starts_with("/health/");
    let began = state.clock.now();
    let mut response = RequestScope::run(
        id,
        async {
            let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
            let response = answered.unwrap_or_else(|panic| ApiError::internal(&message(&*panic)).into_response());
            let millis = state.clock.now().since(began).0;
            let status = response.status().as_u16();
            if probe {
                tracing::debug!(status, millis, "answered");
            } else {
                tracing::info!(status, millis, "answered");
            }
            response
        }
        .instrument(span),
    )
    .await;
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// Where what follows is a secret of its tenant: addresses of webhooks, of links, of deliveries, of forms.
const SECRET: [&str; 4] = ["/hooks/", "/t/", "/c/", "/f/"];

/// The log shows of a secret its beginning.
fn shown(path: &str) -> String {
    let secret = SECRET.iter().find_map(|prefix| Some((prefix, path.strip_prefix(prefix)?)));
    match secret {
        Some((prefix, token)) => format!("{prefix}{}…", token.chars().take(6).collect::<String>()),
        None => path.to_owned(),
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    format!("a handler panicked: {}", text.unwrap_or_default())
}
