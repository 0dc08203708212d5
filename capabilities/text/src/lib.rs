//! Text made from a template. Evaluation is the flow language's own; this kind gives its result a place and a shape.

use holon_flow::{
    Capability, ManifestError,
    capability::{NodeError, Output, PureCall},
};
use holon_model::Value;

/// What people read of its kinds.
pub const HELP: &str = include_str!("../help.md");

/// The capability.
///
/// # Errors
/// When `capability.json` is not right; a test holds that it is.
pub fn capability() -> Result<Capability, ManifestError> {
    Capability::from_manifest(include_str!("../capability.json"), &[("text.template@1", template)])
}

/// `text` arrives evaluated: what is left is to trim it, and to put it where it is wanted.
fn template(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    let text = match call.config.get("text") {
        Some(Value::Str(text)) => text.clone(),
        None | Some(Value::Null) => "".into(),
        Some(Value::Map(_) | Value::List(_) | Value::Blob(_)) => {
            let message =
                "the template gave a list, a map or a blob; write it as text, with `{{ … }}` around expressions";
            return Err(NodeError::new("bad_config", message));
        }
        Some(scalar) => call.meter.json(scalar).into(),
    };
    call.meter.step(1 + text.len() as u64 / 64)?;
    let trim = call.config.get("trim").and_then(Value::as_bool).unwrap_or(false);
    let text = if trim { text.trim().into() } else { text };
    match call.config.get("into").and_then(Value::as_str).filter(|field| !field.is_empty()) {
        None => Ok(Output::One(Value::Str(text))),
        Some(field) => {
            let mut map = match call.input {
                Value::Map(map) => (**map).clone(),
                Value::Null => Default::default(),
                other => {
                    let message = format!(
                        "the text is to go into the field `{field}` of the input, but that is no map, it is a {}",
                        other.type_name()
                    );
                    return Err(NodeError::new("bad_input", message));
                }
            };
            call.meter.alloc(16 * (1 + map.len() as u64))?;
            map.insert(field.into(), Value::Str(text));
            Ok(Output::One(map.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_flow::{capability::trial, expr::Meter};
    use holon_model::json;

    fn run(config: &str, input: &str) -> Result<Output, NodeError> {
        let (config, input) = (json::parse(config.as_bytes()).unwrap(), json::parse(input.as_bytes()).unwrap());
        trial::run(&capability().unwrap().kinds[0], &config, &input, &mut Meter::new(100, 1_000))
    }

    #[test]
    fn the_text_comes_out_or_goes_into_a_field() {
        assert_eq!(run(r#"{"text":" a "}"#, "1"), Ok(Output::One(" a ".into())));
        assert_eq!(run(r#"{"text":" a ","trim":true}"#, "1"), Ok(Output::One("a".into())));
        assert_eq!(run(r#"{"text":{"$text":"{{ input.a }}!"}}"#, r#"{"a":1.50}"#), Ok(Output::One("1.50!".into())));
        assert_eq!(run(r#"{"text":1.50}"#, "1"), Ok(Output::One("1.50".into())));
        let expected = Value::map([("a", Value::Int(1)), ("message", "hi".into())]);
        assert_eq!(run(r#"{"text":"hi","into":"message"}"#, r#"{"a":1}"#), Ok(Output::One(expected)));
    }

    #[test]
    fn what_has_no_place_is_refused() {
        assert_eq!(run(r#"{"text":"hi","into":"message"}"#, "[1]").unwrap_err().code, "bad_input");
        assert_eq!(run(r#"{"text":[]}"#, "[1]").unwrap_err().code, "bad_config");
    }

    #[test]
    fn the_manifest_is_right() {
        assert_eq!(capability().unwrap().kinds.len(), 1);
    }
}
