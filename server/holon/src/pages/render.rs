//! Renders a page of the app for one caller: the same use cases as REST answer its ports, in process.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use holon_model::{Code, Problem};
use leptos::nonce::Nonce;
use leptos::prelude::provide_context;
use tokio_util::task::LocalPoolHandle;

use crate::http::{ApiError, Visitor};
use crate::middleware::CspNonce;
use crate::ports;
use crate::state::AppState;

/// Threads that render. A page's reactive owner holds values that must be dropped on the thread that made them, while a request
/// of the multi-threaded runtime may move between any two: so a page is rendered, to its last byte, on one of these.
#[derive(Clone)]
pub struct Renderers(LocalPoolHandle);

impl Renderers {
    /// One a core, at most four.
    pub fn new() -> Self {
        Self(LocalPoolHandle::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(4)))
    }
}

/// Pages that are for people who are not signed in.
const OPEN: [&str; 2] = ["/sign-in", "/sign-up"];

/// Any address that is nothing else.
pub async fn page(
    State(state): State<AppState>,
    visitor: Visitor,
    Extension(nonce): Extension<CspNonce>,
    Extension(renderers): Extension<Renderers>,
    request: Request<Body>,
) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") || path.starts_with("/hooks/") || path.starts_with("/health/") {
        return ApiError::from(Problem::new(Code::NotFound, format!("There is no address `{path}`."))).into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let detail = format!("`{path}` is a page; it answers GET.");
        return ApiError::from(Problem::new(Code::MethodNotAllowed, detail)).into_response();
    }
    let open = OPEN.contains(&path);
    if visitor.0.is_none() && !open {
        return Redirect::to(&sign_in(&request)).into_response();
    }
    if visitor.0.is_some() && open {
        return Redirect::to("/").into_response();
    }
    let (build, manifest) = (state.build.id.clone(), state.build.clone());
    let status = holon_app::shell::PageStatus::default();
    let (given, seen) = (ports::in_process(&state, &visitor, request.headers()), status.clone());
    let context = move || {
        provide_context(Nonce::from_value(nonce.0.clone()));
        provide_context(manifest.manifest());
        provide_context(given.clone());
        provide_context(status.clone());
    };
    let rendered = renderers.0.spawn_pinned(move || async move {
        let render = leptos_axum::render_app_async_with_context(context, move || holon_app::shell(&build));
        let (parts, body) = render(request).await.into_parts();
        axum::body::to_bytes(body, usize::MAX).await.map(|bytes| Response::from_parts(parts, Body::from(bytes)))
    });
    let mut response = match rendered.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return ApiError::internal(&error).into_response(),
        Err(error) => return ApiError::internal(&error).into_response(),
    };
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::from_u16(seen.get()).unwrap_or(StatusCode::OK);
    }
    // A page holds what one person may see at one moment.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// The sign-in page, which leads back to where the person wanted to go.
fn sign_in(request: &Request<Body>) -> String {
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    if wanted == "/" {
        return "/sign-in".into();
    }
    let next: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    format!("/sign-in?next={next}")
}
