//! Security headers on every answer. Scripts run only with this answer's nonce.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use holon_platform::config::CookieMode;
use holon_platform::crypto::random_token;

use crate::state::AppState;

/// The nonce of one answer, in the request's extensions for whoever renders a page.
#[derive(Clone, Debug)]
pub struct CspNonce(pub String);

/// The layer. An answer that brings a header of its own keeps it.
pub async fn security_headers(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let nonce = random_token();
    request.extensions_mut().insert(CspNonce(nonce.clone()));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    if let Ok(policy) = HeaderValue::try_from(policy(&nonce, &state.config.public_base())) {
        set(header::CONTENT_SECURITY_POLICY, policy);
    }
    set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    set(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    set(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
    set(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), usb=(), payment=(), serial=(), midi=()"),
    );
    set(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin-allow-popups"));
    set(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    if state.config.cookie_mode() == CookieMode::Host {
        let year = HeaderValue::from_static("max-age=63072000; includeSubDomains");
        set(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

fn policy(nonce: &str, base: &str) -> String {
    let socket = base.replacen("http", "ws", 1);
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self' \
         'nonce-{nonce}'; style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src \
         'self' {socket}; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors \
         'none'; object-src 'none'"
    )
}
