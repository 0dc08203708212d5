//! The same delivery only once: which key names a delivery, by a header or an expression.

use holon_flow::definition::duration;
use holon_model::{Code, Millis, Problem, Value};

use super::delivery::Delivery;
use crate::runs;

/// What the trigger's window is when it says nothing.
const DAY: Millis = Millis(86_400_000);
/// Keys longer than this are hashed by the sender or are no keys.
const LONGEST: usize = 500;

/// The key of a delivery and how long it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub text: String,
    /// For how long.
    pub window: Millis,
}

/// The key that names this delivery, if the trigger says how and the delivery has one.
///
/// # Errors
/// An expression that fails on this delivery, or a key that is too long.
pub fn key(config: &Value, delivery: &Delivery, value: &Value) -> Result<Option<Key>, Problem> {
    let Some(dedup) = config.get("dedup") else { return Ok(None) };
    let window = dedup.get("window").and_then(|window| duration::parse(window).ok()).unwrap_or(DAY);
    let from_header = dedup.get("header").and_then(Value::as_str).and_then(|name| delivery.header(name));
    let text = match (from_header, dedup.get("expression")) {
        (Some(text), _) => Some(text.to_owned()),
        (None, Some(expression)) => from_expression(expression, value)?,
        (None, None) => None,
    };
    match text {
        Some(text) if text.len() > LONGEST => Err(Problem::new(
            Code::InvalidRequest,
            format!(
                "The key that names this delivery has {} bytes; at most {LONGEST} are kept. No run was started.",
                text.len()
            ),
        )),
        Some(text) if text.contains('\0') => Err(Problem::new(
            Code::InvalidRequest,
            "The key that names this delivery has the character U+0000, which cannot be kept. No run was started.",
        )),
        Some(text) => Ok(Some(Key { text, window })),
        None => Ok(None),
    }
}

fn from_expression(expression: &Value, value: &Value) -> Result<Option<String>, Problem> {
    let Some(source) = expression.get("$cel").and_then(Value::as_str) else { return Ok(None) };
    runs::evaluated(source, value).map_err(|error| {
        Problem::new(
            Code::InvalidRequest,
            format!(
                "The trigger's expression for the delivery's key failed on this delivery: {error}. No run was started."
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderMap, Method};

    fn delivery() -> Delivery {
        let mut headers = HeaderMap::new();
        headers.insert("x-delivery", "abc".parse().unwrap());
        Delivery { method: Method::POST, uri: "/".parse().unwrap(), headers, body: bytes::Bytes::new() }
    }

    fn dedup(json: &str) -> Value {
        Value::map([("dedup", holon_model::json::parse(json.as_bytes()).unwrap())])
    }

    #[test]
    fn a_header_names_the_delivery_before_an_expression_does() {
        let value = Value::map([("body", Value::map([("id", Value::Int(7))]))]);
        let both = dedup(r#"{"header": "X-Delivery", "expression": {"$cel": "trigger.body.id"}, "window": "1h"}"#);
        let found = key(&both, &delivery(), &value).unwrap().unwrap();
        assert_eq!(found, Key { text: "abc".into(), window: Millis(3_600_000) });
        let expression = dedup(r#"{"header": "X-Other", "expression": {"$cel": "trigger.body.id"}}"#);
        assert_eq!(key(&expression, &delivery(), &value).unwrap().unwrap().text, "7");
    }

    #[test]
    fn nothing_names_a_delivery_without_settings_and_a_failing_expression_starts_nothing() {
        assert_eq!(key(&Value::map::<&str>([]), &delivery(), &Value::Null).unwrap(), None);
        let failing = dedup(r#"{"expression": {"$cel": "trigger.body.id"}}"#);
        assert_eq!(key(&failing, &delivery(), &Value::map::<&str>([])).unwrap_err().code, Code::InvalidRequest);
        let unkept = Value::map([("body", Value::map([("id", Value::from("a\0b"))]))]);
        assert_eq!(key(&failing, &delivery(), &unkept).unwrap_err().code, Code::InvalidRequest);
    }
}
