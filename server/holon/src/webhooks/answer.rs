//! What the caller of a webhook is answered, and how a flow's own response becomes an HTTP answer.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use holon_engine::Response as FlowResponse;
use holon_model::{Problem, RunId, Value};

use serde::Serialize;

use crate::http::ApiError;

/// The header that names the run in every answer about one.
pub const RUN: HeaderName = HeaderName::from_static("holon-run");

/// The header that says that a delivery was taken before, and the answer is the one of then.
pub const REPLAYED: HeaderName = HeaderName::from_static("holon-replayed");

/// Headers that a flow may set besides those of its own that begin with `x-`. It answers from the origin that people sign in at,
/// where a header that is not known to be harmless could set a cookie or a policy, ask for a password, or have browsers report
/// addresses elsewhere.
const THEIRS: [HeaderName; 16] = [
    header::CONTENT_TYPE,
    header::CONTENT_LANGUAGE,
    header::CONTENT_DISPOSITION,
    header::CACHE_CONTROL,
    header::EXPIRES,
    header::ETAG,
    header::LAST_MODIFIED,
    header::VARY,
    header::LOCATION,
    header::RETRY_AFTER,
    header::ALLOW,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];
/// Headers that begin with `x-` and mean something to browsers, to proxies or to Holon.
const NOT_THEIRS: [&str; 11] = [
    "x-accel-",
    "x-content-security-policy",
    "x-content-type-options",
    "x-dns-prefetch-control",
    "x-forwarded-",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "x-request-id",
    "x-sendfile",
    "x-webkit-csp",
    "x-xss-protection",
];

/// Whether a flow may set this header.
fn is_theirs(name: &HeaderName) -> bool {
    THEIRS.contains(name)
        || (name.as_str().starts_with("x-") && !NOT_THEIRS.iter().any(|prefix| name.as_str().starts_with(prefix)))
}

/// What a caller is told of the run that its delivery started.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Accepted {
    /// Whether the delivery was taken before, and this is the run of then.
    replayed: bool,
    /// The run.
    run: RunId,
}

/// 202: the run is durably accepted.
pub fn accepted(run: RunId, replayed: bool) -> Response {
    (StatusCode::ACCEPTED, [(RUN, text(&run.to_string()))], Json(Accepted { replayed, run })).into_response()
}

/// A problem about a run.
pub fn about(run: RunId, problem: Problem) -> Response {
    let mut answer = ApiError::from(problem).into_response();
    answer.headers_mut().insert(RUN, text(&run.to_string()));
    answer
}

/// What the flow's respond node says.
pub fn responded(run: RunId, response: &FlowResponse) -> Response {
    let status =
        StatusCode::from_u16(response.status).ok().filter(|status| status.as_u16() >= 200).unwrap_or(StatusCode::OK);
    let mut headers = sandboxed(run);
    for (name, value) in response.headers.as_map().into_iter().flatten() {
        let Ok(name) = HeaderName::try_from(&**name) else { continue };
        if !is_theirs(&name) {
            continue;
        }
        let texts = match value {
            Value::List(items) => items.iter().map(shown).collect(),
            one => vec![shown(one)],
        };
        for text in texts {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.append(name.clone(), value);
            }
        }
    }
    with_body(status, headers, &response.body)
}

/// The flow completed without a respond node: its output.
pub fn completed(run: RunId, output: &Value) -> Response {
    with_body(StatusCode::OK, sandboxed(run), output)
}

fn with_body(status: StatusCode, mut headers: HeaderMap, body: &Value) -> Response {
    let (kind, bytes) = match body {
        Value::Null => return (status, headers).into_response(),
        Value::Str(text) => (HeaderValue::from_static("text/plain; charset=utf-8"), text.to_string()),
        other => (json(), other.to_json()),
    };
    headers.entry(header::CONTENT_TYPE).or_insert(kind);
    (status, headers, bytes).into_response()
}

/// A flow may answer HTML, and does so from the origin that people sign in at: a browser must treat it as a stranger's.
fn sandboxed(run: RunId) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(RUN, text(&run.to_string()));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    headers
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_json(), str::to_owned)
}

fn text(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

fn json() -> HeaderValue {
    HeaderValue::from_static("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_sets_its_own_headers_and_none_of_ours() {
        let run = "run_01900000000070008000000000000001".parse().unwrap();
        let headers = Value::map([
            ("X-Order", Value::Int(7)),
            ("Set-Cookie", "session=stolen".into()),
            ("content-security-policy", "script-src *".into()),
            ("bad name", "x".into()),
            ("Content-Type", "text/html".into()),
            ("NEL", "{}".into()),
            ("Report-To", "{}".into()),
            ("WWW-Authenticate", "Basic".into()),
            ("Access-Control-Allow-Credentials", "true".into()),
            ("X-Frame-Options", "ALLOWALL".into()),
            ("X-Accel-Redirect", "/etc/passwd".into()),
            ("Holon-Run", "another".into()),
        ]);
        let answer = responded(run, &FlowResponse { status: 201, headers, body: "<b>hi</b>".into() });
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.headers()["x-order"], "7");
        assert_eq!(answer.headers()["content-type"], "text/html");
        let mut names: Vec<_> = answer.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-security-policy", "content-type", "holon-run", "x-order"]);
        assert_eq!(answer.headers()["holon-run"], run.to_string().as_str());
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().starts_with("sandbox"));
    }
}
