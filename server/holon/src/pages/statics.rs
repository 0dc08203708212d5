//! Static files with their precompressed forms. What stands under the build's id never changes, and an older build's id is not found; the
//! rest is asked for again, the icons, which each icon of a page asks for, only after a while.

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
const A_WHILE: HeaderValue = HeaderValue::from_static("public, max-age=600");
/// The icons. Every use of one names this file.
const ICONS: &str = "icons.svg";
/// Files at the root that browsers ask for by themselves.
const AT_ROOT: [&str; 3] = ["favicon.svg", "favicon.ico", "robots.txt"];

/// `/pkg/<build>/*`, `/pkg/*` and the few files at the root.
pub fn router(site: &Path, build: &str) -> Router<AppState> {
    let pkg = ServeDir::new(site.join("pkg")).precompressed_br().precompressed_gzip();
    let root = AT_ROOT.iter().filter(|name| site.join(name).is_file());
    // A tab of another build gets a clean "not found" for a module it does not have yet, never a module that does not fit.
    let of_build = Router::new().nest_service(&format!("/pkg/{build}"), pkg.clone()).layer(from_fn(forever));
    let icons = ServeFile::new(site.join("pkg").join(ICONS)).precompressed_br().precompressed_gzip();
    let icons = Router::new().route_service(&format!("/pkg/{ICONS}"), icons).layer(from_fn(a_while));
    let router = Router::new().nest_service("/pkg", pkg);
    let rest = root
        .fold(router, |router, name| router.route_service(&format!("/{name}"), ServeFile::new(site.join(name))))
        .layer(from_fn(ask_again));
    of_build.merge(icons).merge(rest)
}

async fn forever(request: Request, next: Next) -> Response {
    cached(next.run(request).await, FOREVER)
}

async fn a_while(request: Request, next: Next) -> Response {
    cached(next.run(request).await, A_WHILE)
}

async fn ask_again(request: Request, next: Next) -> Response {
    cached(next.run(request).await, ASK_AGAIN)
}

fn cached(mut response: Response, how: HeaderValue) -> Response {
    if response.status().is_success() {
        response.headers_mut().insert(header::CACHE_CONTROL, how);
    }
    response
}
