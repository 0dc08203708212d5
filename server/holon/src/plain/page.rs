//! The document around a plain page, and the one page that all links lead to that are not there any more.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use holon_model::{Problem, Timestamp};
use holon_platform::clock::to_db;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::html::{Html, element, text, void};
use super::strings;
use crate::http::ApiError;
use crate::state::AppState;

/// What only such pages may load and do: no script at all, and forms that lead back here.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// A page to be answered.
#[derive(Debug, Clone)]
pub struct Page {
    /// Of the answer.
    pub status: StatusCode,
    /// In the window's title and as its heading.
    pub title: String,
    /// Below the heading.
    pub body: Html,
    /// Seconds after which the browser asks again by itself.
    pub again_after: Option<u32>,
}

impl Page {
    /// A page of 200.
    pub fn new(title: impl Into<String>, body: Html) -> Self {
        Self { status: StatusCode::OK, title: title.into(), body, again_after: None }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The answer. Its address is a secret, so it is kept by nobody, found by nobody and told to nobody.
    pub fn answer(self, state: &AppState) -> Response {
        let headers: [(HeaderName, HeaderValue); 6] = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
            // Not `no-referrer`: with that a browser sends forms with the origin `null`.
            (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow")),
            (header::VARY, HeaderValue::from_static("cookie")),
        ];
        (self.status, headers, self.document(&state.build.id)).into_response()
    }

    fn document(self, build: &str) -> String {
        let style = format!("/pkg/{build}/holon.css");
        let seconds = self.again_after.map(|seconds| seconds.to_string());
        let again = seconds
            .map_or_else(Html::none, |seconds| void("meta", &[("http-equiv", "refresh"), ("content", &seconds)]));
        let head = [
            void("meta", &[("charset", "utf-8")]),
            void("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]),
            void("meta", &[("name", "color-scheme"), ("content", "light dark")]),
            again,
            element("title", &[], text(&self.title)),
            void("link", &[("rel", "stylesheet"), ("href", &style)]),
            void("link", &[("rel", "icon"), ("href", "/favicon.svg"), ("type", "image/svg+xml")]),
        ];
        let main = element("h1", &[], text(&self.title)).and(self.body);
        let foot = element("p", &[("class", "plain-foot")], mark().and(text(strings::HOLON)));
        let body = element("main", &[], main).and(element("footer", &[], foot));
        let head = element("head", &[], head.into_iter().collect());
        element("html", &[("lang", "en")], head.and(element("body", &[("class", "plain-page")], body))).into_document()
    }
}

/// What everybody sees whose link leads nowhere, whatever the reason: what it is tells nothing about tokens.
pub fn gone(state: &AppState) -> Response {
    let what = element("p", &[("class", "muted")], text(strings::GONE_WHAT));
    Page::new(strings::GONE, what).with_status(StatusCode::NOT_FOUND).answer(state)
}

/// Something went wrong that is not the link's fault: a problem, said on a page.
pub fn trouble(state: &AppState, error: ApiError) -> Response {
    let retry_after = error.retry_after();
    let problem = Problem::from(error);
    let said = element("p", &[], text(&problem.detail));
    let id = problem.request_id.as_deref().unwrap_or_default();
    let body = said.and(element("p", &[("class", "muted small")], text(id)));
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = Page::new(problem.title, body).with_status(status).answer(state);
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

/// A time for people whose zone is not known.
pub fn moment(at: Timestamp) -> String {
    const FORM: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    to_db(at).format(FORM).unwrap_or_default()
}

/// A notice with an icon; `class` is `bad`, `warn` or nothing more.
pub fn notice(class: &str, name: &str, role: &str, title: &str, detail: Html) -> Html {
    let class = format!("notice {class}");
    let mut inside = icon(name).and(element("span", &[("class", "title")], text(title)));
    if !detail.is_none() {
        inside = inside.and(element("div", &[("class", "detail")], detail));
    }
    element("div", &[("class", class.trim()), ("role", role)], inside)
}

/// An icon of the sprite.
pub fn icon(name: &str) -> Html {
    let href = format!("/pkg/icons.svg#{name}");
    element("svg", &[("class", "icon"), ("aria-hidden", "true")], element("use", &[("href", &href)], Html::none()))
}

fn mark() -> Html {
    let circle = [("cx", "16"), ("cy", "16"), ("r", "13.25"), ("stroke", "currentColor"), ("stroke-width", "2.5")];
    let arc = [("d", "M16.9 8.2a6.4 6.4 0 1 0 6.9 6.9"), ("stroke", "var(--accent)"), ("stroke-width", "3")];
    let inside = element("circle", &circle, Html::none()).and(element("path", &arc, Html::none()));
    element(
        "svg",
        &[("width", "16"), ("height", "16"), ("viewBox", "0 0 32 32"), ("fill", "none"), ("aria-hidden", "true")],
        inside,
    )
}
