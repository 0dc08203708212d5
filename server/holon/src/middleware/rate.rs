//! How many API requests a workspace makes to this server, where the operator bounds them. Every answer says how the bound stands.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use holon_model::{Code, Millis, Problem};
use holon_runtime::RateShown;

use crate::http::{ApiError, find_caller, rate_headers};
use crate::state::AppState;

/// What they are counted in.
const MINUTE: Millis = Millis(60_000);

/// Lets a request through, or answers that there were too many.
pub async fn limit_requests(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let Some(limit) = state.config.requests_per_minute.map(u64::from).filter(|limit| *limit > 0) else {
        return next.run(request).await;
    };
    let (mut parts, body) = request.into_parts();
    // Whoever is nobody is told so by the route, which asks the same.
    let caller = find_caller(&mut parts, &state).await.ok().flatten();
    let request = Request::from_parts(parts, body);
    let Some(caller) = caller else { return next.run(request).await };
    let shown = |left, after| RateShown { of: "requests", limit, per: MINUTE, left, after };
    match state.asked.take(caller.tenant.id, state.clock.now(), limit, MINUTE.0 * 1_000 / limit) {
        Err(after) => {
            let detail = format!(
                "This workspace may make {limit} API requests a minute. Nothing was done; send it again later."
            );
            ApiError::from(Problem::new(Code::TooManyRequests, detail)).limited(shown(0, after)).into_response()
        }
        Ok(left) => {
            let mut response = next.run(request).await;
            rate_headers(response.headers_mut(), &shown(left, Millis(0)));
            response
        }
    }
}
