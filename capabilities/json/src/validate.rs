//! `json.validate`: the value passes unchanged, or every mistake is listed.

use holon_flow::{
    capability::{NodeError, Output, PureCall},
    schema::{CheckError, Mismatch, Options, check},
};
use holon_model::Value;

pub(crate) fn run(call: &mut PureCall<'_>) -> Result<Output, NodeError> {
    let schema = call.config.get("schema").cloned().unwrap_or(Value::Bool(true));
    let value = call.subject("value");
    let options =
        Options { formats: call.config.get("formats").and_then(Value::as_bool).unwrap_or(true), ..Options::default() };
    let found = check(&schema, &value, options, call.meter).map_err(|error| match error {
        CheckError::Schema(_) => NodeError::new("bad_schema", error.to_string()),
        CheckError::Budget(error) => error.into(),
    })?;
    if found.is_empty() { Ok(Output::One(value)) } else { Err(invalid(&found)) }
}

fn invalid(found: &[Mismatch]) -> NodeError {
    let first = &found[0];
    let place = if first.pointer.is_empty() { String::new() } else { format!(" at `{}`", first.pointer) };
    let more = match found.len() {
        1 => String::new(),
        2 => "; there is one more mistake".to_owned(),
        many => format!("; there are {} more mistakes", many - 1),
    };
    let mut error =
        NodeError::new("invalid", format!("the data does not match the schema: {}{place}{more}", first.message));
    error.detail = Value::list(found.iter().map(|miss| {
        Value::map([
            ("pointer", Value::from(miss.pointer.as_str())),
            ("message", miss.message.as_str().into()),
            ("keyword", miss.keyword.into()),
        ])
    }));
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_flow::{capability::trial, expr::Meter};
    use holon_model::json;

    fn value(text: &str) -> Value {
        json::parse(text.as_bytes()).unwrap()
    }

    fn with(config: &str, input: &str, fuel: u64) -> Result<Output, NodeError> {
        let capability = crate::capability().unwrap();
        trial::run(&capability.kinds[0], &value(config), &value(input), &mut Meter::new(fuel, 100_000))
    }

    const ORDER: &str = r#"{"schema":{"type":"object","required":["id"],"properties":{"id":{"type":"string","format":"uuid"},
        "lines":{"items":{"properties":{"qty":{"minimum":1}}}}}}}"#;

    #[test]
    fn what_matches_passes_unchanged_with_its_exact_numbers() {
        let input = r#"{"id":"01234567-89ab-cdef-0123-456789abcdef","price":0.1000000000000000000000000001}"#;
        assert_eq!(with(ORDER, input, 1_000), Ok(Output::One(value(input))));
        assert_eq!(with(r#"{"schema":true,"value":[1]}"#, "null", 10), Ok(Output::One(value("[1]"))));
    }

    #[test]
    fn what_does_not_match_fails_with_every_mistake() {
        let error = with(ORDER, r#"{"id":"x","lines":[{"qty":0},{"qty":-1}]}"#, 1_000).unwrap_err();
        assert_eq!(error.code, "invalid");
        assert_eq!(
            error.message,
            "the data does not match the schema: `x` is not a valid uuid at `/id`; there are 2 more mistakes"
        );
        assert_eq!(error.detail.pointer("/1/pointer"), Some(&"/lines/0/qty".into()));
        assert_eq!(error.detail.pointer("/2/keyword"), Some(&"minimum".into()));
        let unformatted = ORDER.replacen('{', r#"{"formats":false,"#, 1);
        assert!(with(&unformatted, r#"{"id":"x"}"#, 1_000).is_ok());
    }

    #[test]
    fn a_schema_that_cannot_be_used_and_a_budget_that_is_used_up_say_so() {
        assert_eq!(with(r##"{"schema":{"$ref":"#/a"}}"##, "1", 100).unwrap_err().code, "bad_schema");
        assert_eq!(with(ORDER, r#"{"id":"x"}"#, 3).unwrap_err().code, "out_of_fuel");
    }

    #[test]
    fn the_manifest_is_right() {
        assert_eq!(crate::capability().unwrap().kinds.len(), 1);
    }
}
