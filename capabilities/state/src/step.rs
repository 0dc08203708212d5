//! What a step does with the value of its key: which key it is, and what becomes of what is kept.

use std::sync::Arc;

use holon_flow::capability::NodeError;
use holon_flow::expr;
use holon_model::Value;

/// Characters of a key.
pub const MOST_KEY: usize = 200;
/// Bytes of a value, as JSON.
pub const MOST_VALUE: usize = 64 << 10;

/// What is wrong with a key, if anything is.
///
/// # Errors
/// A sentence for people.
pub fn valid_key(key: &str) -> Result<(), String> {
    let characters = key.chars().count();
    if !(1..=MOST_KEY).contains(&characters) {
        return Err(format!("a key has 1 to {MOST_KEY} characters, and this one has {characters}"));
    }
    match key.chars().find(|c| c.is_control()) {
        Some(_) => Err("a key has no control characters".into()),
        None => Ok(()),
    }
}

/// What is wrong with a value, if anything is.
///
/// # Errors
/// A code and a sentence for people.
pub fn storable(value: &Value) -> Result<(), (&'static str, String)> {
    if has_blob(value) {
        return Err(("bad_value", "a blob is no value that a flow can keep: keep what is needed of it".into()));
    }
    let bytes = value.to_json().len();
    if bytes > MOST_VALUE {
        let message =
            format!("the value has {bytes} bytes as JSON, more than the {MOST_VALUE} that may be kept for a key");
        return Err(("value_too_large", message));
    }
    Ok(())
}

fn has_blob(value: &Value) -> bool {
    match value {
        Value::Blob(_) => true,
        Value::List(items) => items.iter().any(has_blob),
        Value::Map(map) => map.values().any(has_blob),
        _ => false,
    }
}

/// The key of a step.
pub(crate) fn key(config: &Value) -> Result<Arc<str>, NodeError> {
    let key: Arc<str> = match config.get("key") {
        Some(Value::Str(text)) => text.clone(),
        Some(Value::Int(number)) => number.to_string().into(),
        _ => return Err(NodeError::new("bad_key", "a key is a text or a whole number")),
    };
    valid_key(&key).map_err(|message| NodeError::new("bad_key", message))?;
    Ok(key)
}

/// What `state.get` gives.
pub(crate) fn got(kept: Option<Value>, config: &Value) -> Value {
    kept.unwrap_or_else(|| config.get("default").cloned().unwrap_or_default())
}

/// What `state.put` keeps.
pub(crate) fn put(config: &Value, input: &Value) -> Result<Value, NodeError> {
    let value = config.get("value").unwrap_or(input);
    storable(value).map_err(|(code, message)| NodeError::new(code, message))?;
    Ok(value.clone())
}

/// What `state.increment` keeps.
pub(crate) fn sum(kept: Option<&Value>, config: &Value) -> Result<Value, NodeError> {
    let number = |value: &Value| match value {
        Value::Int(_) | Value::Decimal(_) => Ok(value.clone()),
        other => Err(other.type_name()),
    };
    let kept = kept.map_or(Ok(Value::Int(0)), number).map_err(|found| {
        NodeError::new("not_a_number", format!("what is kept for this key is no number, it is a {found}"))
    })?;
    let by = config.get("by").map_or(Ok(Value::Int(1)), number);
    let by = by.map_err(|found| NodeError::new("bad_config", format!("`by` is no number, it is a {found}")))?;
    let sum = match (&kept, &by) {
        (Value::Int(kept), Value::Int(by)) => kept.checked_add(*by).map(Value::Int),
        _ => kept.as_decimal().zip(by.as_decimal()).and_then(|(kept, by)| expr::add(kept, by)).map(Value::Decimal),
    };
    sum.ok_or_else(|| NodeError::new("out_of_range", "the sum is too large for a number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::json;

    fn value(text: &str) -> Value {
        json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_are_added_exactly_and_what_is_no_number_is_refused() {
        let sum = |kept: Option<&str>, by: &str| sum(kept.map(value).as_ref(), &value(by)).map_err(|error| error.code);
        assert_eq!(sum(None, "{}"), Ok(Value::Int(1)));
        assert_eq!(sum(Some("41"), r#"{"by":-1}"#), Ok(Value::Int(40)));
        assert_eq!(sum(Some("0.1"), r#"{"by":0.2}"#), Ok(value("0.3")));
        assert_eq!(sum(Some("9223372036854775807"), r#"{"by":1}"#), Err("out_of_range".into()));
        assert_eq!(sum(Some("\"7\""), "{}"), Err("not_a_number".into()));
        assert_eq!(sum(Some("null"), "{}"), Err("not_a_number".into()));
    }

    #[test]
    fn keys_and_values_have_bounds() {
        assert_eq!(key(&value(r#"{"key":7}"#)).unwrap(), "7".into());
        assert!(valid_key(&"ä".repeat(MOST_KEY)).is_ok());
        for wrong in ["", "a\nb", &"a".repeat(MOST_KEY + 1)] {
            assert!(valid_key(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(key(&value(r#"{"key":null}"#)).unwrap_err().code, "bad_key");
        assert!(storable(&Value::from("a".repeat(MOST_VALUE - 2))).is_ok());
        assert_eq!(storable(&Value::from("a".repeat(MOST_VALUE - 1))).unwrap_err().0, "value_too_large");
    }
}
