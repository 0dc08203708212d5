//! Refuses unsafe requests that another site's page made a browser send (CSRF, login CSRF). It looks at what browsers
//! say of a request's origin and not at tokens in pages, so it also covers requests without a session.
//! The rule is that of Go 1.25's `CrossOriginProtection`, with the public address instead of `Host`.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use holon_model::{Code, Problem};

use crate::http::ApiError;
use crate::identity::cookie;
use crate::state::AppState;

/// The layer.
pub async fn refuse_cross_site(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match check(&state, request.method(), request.uri().path(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(why) => ApiError::from(Problem::new(Code::CrossSite, why)).into_response(),
    }
}

fn check(state: &AppState, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), String> {
    // Deliveries come from other sites by their nature and carry no cookie that means anything there.
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        || path.starts_with("/hooks/")
        || path.starts_with("/c/")
    {
        return Ok(());
    }
    let has_cookie = cookie::read(&state.config, headers).is_some();
    // A page of another site cannot set this header without our leave, which is never given (no CORS).
    if headers.contains_key(header::AUTHORIZATION) && !has_cookie {
        return Ok(());
    }
    let base = state.config.public_base();
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or("null");
        if !state.config.public_origins().iter().any(|own| own == origin) {
            return Err(format!(
                "The request came from a page at {origin}, but this server's address is {base}. Open {base} instead, or \
                 set HOLON_PUBLIC_URL to the address that people open."
            ));
        }
    }
    match headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or("cross-site")) {
        Some("same-origin" | "none") => Ok(()),
        // localhost and 127.0.0.1 are other sites to a browser, and the same machine to us: the origin was compared.
        Some(_) if state.config.public_is_local() && headers.contains_key(header::ORIGIN) => Ok(()),
        Some(site) => Err(format!("The request came from another site ({site}). Open {base} and try again there.")),
        None if headers.contains_key(header::ORIGIN) => Ok(()),
        None if has_cookie => Err("The request carries a session but does not say from which page it came.".to_owned()),
        None => Ok(()),
    }
}
