//! What `event.publish` publishes.

use holon_flow::capability::{LocalRecords, NodeError};
use holon_model::Value;

use crate::subject::valid_subject;

/// Bytes of an event's data, as JSON.
pub const MOST_DATA: usize = 256 << 10;

/// The subject and the data of a step.
pub(crate) fn event(config: &Value, input: &Value) -> Result<(String, Value), NodeError> {
    let subject = config.get("subject").and_then(Value::as_str);
    let subject = subject.ok_or_else(|| NodeError::new("bad_subject", "a subject is a text"))?;
    valid_subject(subject).map_err(|message| NodeError::new("bad_subject", message))?;
    let data = config.get("data").unwrap_or(input);
    let bytes = data.to_json().len();
    if bytes > MOST_DATA {
        let message = format!("the data has {bytes} bytes as JSON, more than the {MOST_DATA} of an event");
        return Err(NodeError::new("data_too_large", message));
    }
    Ok((subject.to_owned(), data.clone()))
}

/// What the step gives.
pub(crate) fn published(id: &str, subject: String) -> Value {
    Value::map([("id", Value::from(id)), ("subject", Value::from(subject))])
}

/// The same in a preview: nobody is told.
pub(crate) fn local(_: &mut LocalRecords, config: &Value, input: &Value) -> Result<Value, NodeError> {
    let (subject, _) = event(config, input)?;
    Ok(published("event_00000000000000000000000000000000", subject))
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::json;

    #[test]
    fn data_is_the_input_unless_it_is_said_and_bounds_hold() {
        let config = |text: &str| json::parse(text.as_bytes()).unwrap();
        let given = event(&config(r#"{"subject":"a.b"}"#), &Value::Int(7)).unwrap();
        assert_eq!(given, ("a.b".into(), Value::Int(7)));
        let said = event(&config(r#"{"subject":"a.b","data":null}"#), &Value::Int(7)).unwrap();
        assert_eq!(said.1, Value::Null);
        assert_eq!(event(&config(r#"{"subject":"a.*"}"#), &Value::Null).unwrap_err().code, "bad_subject");
        let large = Value::from("x".repeat(MOST_DATA));
        assert_eq!(event(&config(r#"{"subject":"a"}"#), &large).unwrap_err().code, "data_too_large");
    }

    #[test]
    fn the_manifest_is_right() {
        assert_eq!(crate::capability().unwrap().kinds.len(), 2);
    }
}
