//! Static files with their precompressed forms. What carries a build id in its address never changes; the rest is asked for again.

use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tower_http::services::{ServeDir, ServeFile};

use crate::state::AppState;

const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// Files at the root that browsers ask for by themselves.
const AT_ROOT: [&str; 3] = ["favicon.svg", "favicon.ico", "robots.txt"];

/// `/pkg/*` and the few files at the root.
pub fn router(site: &Path) -> Router<AppState> {
    let pkg = ServeDir::new(site.join("pkg")).precompressed_br().precompressed_gzip();
    let root = AT_ROOT.iter().filter(|name| site.join(name).is_file());
    let router = Router::new().nest_service("/pkg", pkg);
    root.fold(router, |router, name| router.route_service(&format!("/{name}"), ServeFile::new(site.join(name))))
        .layer(from_fn(cache))
}

async fn cache(request: Request, next: Next) -> Response {
    let versioned = request.uri().query().is_some_and(|query| query.starts_with("v="));
    let mut response = next.run(request).await;
    if response.status().is_success() {
        response.headers_mut().insert(header::CACHE_CONTROL, if versioned { FOREVER } else { ASK_AGAIN });
    }
    response
}
