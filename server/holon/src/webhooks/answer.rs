//! What the caller of a webhook is answered, and how a flow's own response becomes an HTTP answer.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use holon_engine::Response as FlowResponse;
use holon_model::{RunId, Value};

/// The header that names the run in every answer about one.
pub const RUN: HeaderName = HeaderName::from_static("holon-run");

/// Headers that are the server's to set: a flow answers from Holon's own origin, so it must not set cookies or policies there.
const OURS: [HeaderName; 12] = [
    header::SET_COOKIE,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TRAILER,
    header::CONTENT_SECURITY_POLICY,
    header::STRICT_TRANSPORT_SECURITY,
    header::X_CONTENT_TYPE_OPTIONS,
    HeaderName::from_static("clear-site-data"),
    HeaderName::from_static("service-worker-allowed"),
    RUN,
];

/// 202: the run is durably accepted.
pub fn accepted(run: RunId, replayed: bool) -> Response {
    let body = Value::map([("run", Value::from(run.to_string())), ("replayed", Value::Bool(replayed))]);
    (StatusCode::ACCEPTED, [(RUN, text(&run.to_string())), (header::CONTENT_TYPE, json())], body.to_json())
        .into_response()
}

/// What the flow's respond node says.
pub fn responded(run: RunId, response: &FlowResponse) -> Response {
    let status =
        StatusCode::from_u16(response.status).ok().filter(|status| status.as_u16() >= 200).unwrap_or(StatusCode::OK);
    let mut headers = sandboxed(run);
    for (name, value) in response.headers.as_map().into_iter().flatten() {
        let Ok(name) = HeaderName::try_from(&**name) else { continue };
        if OURS.contains(&name) {
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
        ]);
        let answer = responded(run, &FlowResponse { status: 201, headers, body: "<b>hi</b>".into() });
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.headers()["x-order"], "7");
        assert_eq!(answer.headers()["content-type"], "text/html");
        assert!(answer.headers().get("set-cookie").is_none());
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().starts_with("sandbox"));
    }
}
