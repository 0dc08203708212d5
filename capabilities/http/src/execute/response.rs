//! From an answer to `{status, headers, body}`, or to the failure it is.

use super::request::Prepared;
use holon_flow::{capability::NodeError, definition::names::shown};
use holon_model::{Map, Value, json};
use holon_platform::egress::EgressResponse;
use http::{HeaderMap, header::CONTENT_TYPE};

/// Bytes of a failed answer's body that its error keeps.
const KEPT_OF_FAILURE: u64 = 16 * 1024;

/// The node's output, unless the status says that it failed.
pub(super) fn to_value(config: &Value, prepared: &Prepared, response: &EgressResponse) -> Result<Value, NodeError> {
    let status = response.status;
    let fails = config.get("fail_on_status").and_then(Value::as_bool).unwrap_or(true);
    let mode = config.get("response").and_then(Value::as_str).unwrap_or("auto");
    if fails && (status.is_client_error() || status.is_server_error()) {
        return Err(failure(prepared, response));
    }
    let body = body(mode, response)?;
    Ok(Value::map([
        ("status", Value::Int(status.as_u16().into())),
        ("headers", headers(&response.headers)),
        ("body", body),
    ]))
}

/// Names in small letters; values of one name joined as RFC 9110 says, cookies apart since they cannot be.
fn headers(headers: &HeaderMap) -> Value {
    let mut map = Map::new();
    for name in headers.keys() {
        let values: Vec<String> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        let value = if name == http::header::SET_COOKIE {
            Value::list(values.into_iter().map(Value::from))
        } else {
            values.join(", ").into()
        };
        map.insert(name.as_str().into(), value);
    }
    map.into()
}

fn body(mode: &str, response: &EgressResponse) -> Result<Value, NodeError> {
    let bytes = &response.body;
    if mode == "none" || bytes.is_empty() {
        return Ok(Value::Null);
    }
    let media = response.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = essence == "application/json" || essence.ends_with("+json");
    if mode == "json" || (mode == "auto" && is_json) {
        return json::parse_foreign(bytes).map_err(|error| {
            let mut failed = NodeError::new("invalid_json", format!("the answer is not valid JSON: {error}"));
            failed.detail = Value::map([
                ("line", Value::from(error.line)),
                ("column", error.column.into()),
                ("pointer", error.pointer.as_str().into()),
            ]);
            failed
        });
    }
    text(bytes, media).map(Value::from).ok_or_else(|| {
        let message = if essence.is_empty() {
            "the answer is not text; read it as `none` if it is not needed".to_owned()
        } else {
            format!("the answer ({}) is not text; read it as `none` if it is not needed", shown(&essence))
        };
        NodeError::new("not_text", message)
    })
}

/// UTF-8, or Latin-1 where the answer says so.
fn text(bytes: &[u8], media: &str) -> Option<String> {
    let media = media.to_ascii_lowercase();
    if media.contains("charset=iso-8859-1") || media.contains("charset=latin1") {
        return Some(bytes.iter().map(|byte| char::from(*byte)).collect());
    }
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

/// Seconds to wait before another attempt. A date is held against the answer's own clock, which it was made by.
fn retry_after(headers: &HeaderMap) -> Option<i64> {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).map(str::trim);
    let after = text(http::header::RETRY_AFTER)?;
    if let Ok(seconds) = after.parse::<u32>() {
        return Some(seconds.into());
    }
    let (until, now) =
        (httpdate::parse_http_date(after).ok()?, httpdate::parse_http_date(text(http::header::DATE)?).ok()?);
    // What has passed is no pause.
    let pause = until.duration_since(now).unwrap_or_default();
    i64::try_from(pause.as_secs()).ok()
}

fn failure(prepared: &Prepared, response: &EgressResponse) -> NodeError {
    let status = response.status;
    let reason = status.canonical_reason().map(|reason| format!(" {reason}")).unwrap_or_default();
    let mut failed =
        NodeError::new("http_status", format!("answered {}{reason} ({})", status.as_u16(), prepared.shown()));
    failed.retryable = matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error();
    let kept = body("auto", response).unwrap_or_default();
    let kept = match kept {
        Value::Str(text) if text.len() as u64 > KEPT_OF_FAILURE => {
            let end = (0..=KEPT_OF_FAILURE as usize).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            Value::from(&text[..end])
        }
        large if large.weight() > KEPT_OF_FAILURE => Value::Null,
        small => small,
    };
    let mut detail = vec![
        ("status", Value::Int(status.as_u16().into())),
        ("url", prepared.place().into()),
        ("headers", headers(&response.headers)),
        ("body", kept),
    ];
    if let Some(seconds) = retry_after(&response.headers) {
        detail.push(("retry_after", Value::Int(seconds)));
    }
    failed.detail = Value::map(detail);
    failed
}
