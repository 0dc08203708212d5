//! Redaction: what a flow says is not to be kept is replaced before anything is journaled or hashed, by the same code on the server
//! and in the preview. What is replaced is nowhere: not in the run, not in its history.
//!
//! A flow says it where it says what comes in: in the schema of its input and in that of a person's form, with `x-holon-redact`, and
//! at a node, with the policy `redact`, for what the node is given from outside: places in it, as JSON pointers.

use holon_model::{SchemaRef, Value};
use std::borrow::Cow;

/// What stands in the place of what was there.
pub const REDACTED: &str = "[redacted]";

/// The mark in a schema.
const MARK: &str = "x-holon-redact";
/// What stands in a place for every member or item.
const EACH: &str = "*";
/// References in a row that lead to no part of the value.
const MOST_HOPS: u32 = 16;
/// Steps that one value may take. A schema that takes more (references that multiply) is not gone through: then all is replaced.
const MOST_STEPS: u32 = 4_000_000;

/// What of a flow's input is replaced.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Redaction {
    /// The schema, where it marks anything.
    schema: Option<SchemaRef>,
}

impl Redaction {
    /// That of an input schema, if there is one.
    #[must_use]
    pub fn of(schema: Option<&SchemaRef>) -> Self {
        Self { schema: schema.filter(|schema| marks(schema.as_value())).cloned() }
    }

    /// That of places in a value, as JSON pointers in which `*` stands for every member or item.
    #[must_use]
    pub fn at(places: &[String]) -> Self {
        let marked = || Value::map([(MARK, Value::Bool(true))]);
        let schema = |place: &String| {
            place.split('/').skip(1).collect::<Vec<_>>().into_iter().rev().fold(marked(), |inner, part| match part {
                EACH => Value::map([("additionalProperties", inner.clone()), ("items", inner)]),
                name => {
                    let name = name.replace("~1", "/").replace("~0", "~");
                    Value::map([("properties", Value::map([(name, inner)]))])
                }
            })
        };
        let all = (!places.is_empty()).then(|| Value::map([("allOf", Value::list(places.iter().map(schema)))]));
        Self { schema: all.map(SchemaRef) }
    }

    /// What it replaces, as a schema with marks; null: nothing.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        self.schema.as_ref().map_or(&Value::Null, SchemaRef::as_value)
    }

    /// Whether nothing is replaced, whatever the input.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.schema.is_none()
    }

    /// The input without what is marked. Done again it changes nothing more.
    #[must_use]
    pub fn apply(&self, input: Value) -> Value {
        let Some(schema) = &self.schema else { return input };
        let root = schema.as_value();
        let mut left = MOST_STEPS;
        Walk { root, left: &mut left }.value(root, input, 0).unwrap_or_else(|| Value::from(REDACTED))
    }
}

/// A schema without what it asks of marked places, for values in which those may be replaced already.
#[must_use]
pub fn lenient(schema: &Value) -> Cow<'_, Value> {
    if marks(schema) { Cow::Owned(without_bounds(schema)) } else { Cow::Borrowed(schema) }
}

fn without_bounds(schema: &Value) -> Value {
    match schema {
        Value::Map(map) if map.get(MARK) == Some(&Value::Bool(true)) => Value::Bool(true),
        Value::Map(map) => Value::map(map.iter().map(|(name, part)| (name.clone(), without_bounds(part)))),
        Value::List(items) => Value::list(items.iter().map(without_bounds)),
        other => other.clone(),
    }
}

/// Whether a schema has the mark anywhere.
#[must_use]
pub fn marks(schema: &Value) -> bool {
    match schema {
        Value::Map(map) => map.get(MARK) == Some(&Value::Bool(true)) || map.iter().any(|(_, part)| marks(part)),
        Value::List(items) => items.iter().any(marks),
        _ => false,
    }
}

struct Walk<'s> {
    root: &'s Value,
    left: &'s mut u32,
}

impl Walk<'_> {
    /// The value without what this schema marks; nothing when it would take too long to say.
    fn value(&mut self, schema: &Value, value: Value, hops: u32) -> Option<Value> {
        *self.left = self.left.checked_sub(1)?;
        let Some(map) = schema.as_map() else { return Some(value) };
        if map.get(MARK) == Some(&Value::Bool(true)) {
            return Some(if value == Value::Null { value } else { Value::from(REDACTED) });
        }
        let mut value = value;
        // Each of them may describe the value, so what any of them marks is replaced.
        for name in ["allOf", "anyOf", "oneOf"] {
            for part in map.get(name).and_then(Value::as_list).unwrap_or_default() {
                value = self.hop(part, value, hops)?;
            }
        }
        for name in ["if", "then", "else"] {
            if let Some(part) = map.get(name) {
                value = self.hop(part, value, hops)?;
            }
        }
        if let Some(target) =
            map.get("$ref").and_then(Value::as_str).and_then(|to| self.root.pointer(to.strip_prefix('#')?))
        {
            value = self.hop(&target.clone(), value, hops)?;
        }
        match value {
            Value::Map(members) => {
                let named = map.get("properties").and_then(Value::as_map);
                let others = map.get("additionalProperties");
                if named.is_none() && others.is_none() {
                    return Some(Value::Map(members));
                }
                let mut made = Vec::with_capacity(members.len());
                for (key, member) in members.iter() {
                    let schema = named.and_then(|named| named.get(&**key)).or(others);
                    let member = member.clone();
                    made.push((
                        key.clone(),
                        match schema {
                            Some(schema) => self.value(schema, member, 0)?,
                            None => member,
                        },
                    ));
                }
                Some(Value::map(made))
            }
            Value::List(items) => {
                let first = map.get("prefixItems").and_then(Value::as_list).unwrap_or_default();
                let others = map.get("items");
                if first.is_empty() && others.is_none() {
                    return Some(Value::List(items));
                }
                let mut made = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    made.push(match first.get(index).or(others) {
                        Some(schema) => self.value(schema, item.clone(), 0)?,
                        None => item.clone(),
                    });
                }
                Some(Value::list(made))
            }
            other => Some(other),
        }
    }

    /// The same value by another part of the schema.
    fn hop(&mut self, schema: &Value, value: Value, hops: u32) -> Option<Value> {
        if hops >= MOST_HOPS { None } else { self.value(schema, value, hops + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::json;

    fn value(text: &str) -> Value {
        json::parse(text.as_bytes()).unwrap()
    }

    fn redacted(schema: &str, input: &str) -> String {
        let redaction = Redaction::of(Some(&SchemaRef(value(schema))));
        let once = redaction.apply(value(input));
        assert_eq!(redaction.apply(once.clone()), once, "again it changes nothing");
        once.to_json()
    }

    #[test]
    fn what_is_marked_is_replaced_wherever_it_stands() {
        let schema = r##"{"$defs": {"card": {"type": "object", "properties": {"number": {"type": "string", "x-holon-redact": true}}}},
            "properties": {"body": {"properties": {"card": {"$ref": "#/$defs/card"}, "pin": {"x-holon-redact": true},
                "all": {"items": {"$ref": "#/$defs/card"}}}, "additionalProperties": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/card"}]}},
              "headers": {"properties": {"authorization": {"x-holon-redact": true}}},
              "pair": {"prefixItems": [true, {"x-holon-redact": true}]}}}"##;
        for (input, expected) in [
            (
                r#"{"body":{"card":{"number":"4111","name":"Ada"}}}"#,
                r#"{"body":{"card":{"name":"Ada","number":"[redacted]"}}}"#,
            ),
            (r#"{"body":{"pin":1234}}"#, r#"{"body":{"pin":"[redacted]"}}"#),
            (r#"{"body":{"pin":null}}"#, r#"{"body":{"pin":null}}"#),
            (r#"{"body":{"pin":{"a":[1]}}}"#, r#"{"body":{"pin":"[redacted]"}}"#),
            (r#"{"body":{"all":[{"number":1},{"n":2}]}}"#, r#"{"body":{"all":[{"number":"[redacted]"},{"n":2}]}}"#),
            (r#"{"body":{"other":{"number":1}}}"#, r#"{"body":{"other":{"number":"[redacted]"}}}"#),
            (
                r#"{"headers":{"authorization":"x","host":"y"}}"#,
                r#"{"headers":{"authorization":"[redacted]","host":"y"}}"#,
            ),
            (r#"{"pair":[1,2,3]}"#, r#"{"pair":[1,"[redacted]",3]}"#),
            (r#"{"body":"text","number":1}"#, r#"{"body":"text","number":1}"#),
        ] {
            assert_eq!(redacted(schema, input), expected, "{input}");
        }
    }

    #[test]
    fn what_stands_at_a_place_is_replaced_and_nothing_beside_it() {
        let places =
            ["/body/card/number", "/headers/set-cookie", "/body/all/*/pin", "/a~1b", "/list/*"].map(str::to_owned);
        let redaction = Redaction::at(&places);
        for (given, expected) in [
            (
                r#"{"body":{"card":{"number":1,"name":"Ada"}}}"#,
                r#"{"body":{"card":{"name":"Ada","number":"[redacted]"}}}"#,
            ),
            (
                r#"{"body":{"all":[{"pin":1,"n":2},3]},"headers":{"set-cookie":["x"],"host":"y"}}"#,
                r#"{"body":{"all":[{"n":2,"pin":"[redacted]"},3]},"headers":{"host":"y","set-cookie":"[redacted]"}}"#,
            ),
            (
                r#"{"body":{"all":{"x":{"pin":1}}},"a/b":2}"#,
                r#"{"a/b":"[redacted]","body":{"all":{"x":{"pin":"[redacted]"}}}}"#,
            ),
            (r#"{"list":[1,{"a":2}],"number":1}"#, r#"{"list":["[redacted]","[redacted]"],"number":1}"#),
            (r#"{"body":"text"}"#, r#"{"body":"text"}"#),
        ] {
            let once = redaction.apply(value(given));
            assert_eq!(once.to_json(), expected);
            assert_eq!(redaction.apply(once.clone()), once, "again it changes nothing");
        }
        assert_eq!(Redaction::at(&[String::new()]).apply(value("[1]")), Value::from(REDACTED), "the whole of it");
        assert!(Redaction::at(&[]).is_empty());
    }

    #[test]
    fn what_is_replaced_already_is_asked_nothing_of() {
        let schema = value(
            r#"{"type":"object","required":["pin"],"properties":{"pin":{"type":"integer","x-holon-redact":true},"n":{"type":"integer"}}}"#,
        );
        let expected = r#"{"properties":{"n":{"type":"integer"},"pin":true},"required":["pin"],"type":"object"}"#;
        assert_eq!(lenient(&schema).to_json(), expected);
        assert!(matches!(lenient(&Value::Bool(true)), Cow::Borrowed(_)));
    }

    #[test]
    fn a_schema_without_marks_costs_nothing_and_changes_nothing() {
        let schema = SchemaRef(value(r#"{"properties": {"a": {"type": "string", "x-holon-redact": false}}}"#));
        assert!(Redaction::of(Some(&schema)).is_empty() && Redaction::of(None).is_empty());
    }

    #[test]
    fn a_schema_that_goes_round_in_circles_lets_nothing_through() {
        let schema = r##"{"properties": {"a": {"x-holon-redact": true}}, "anyOf": [{"$ref": "#"}, {"$ref": "#"}]}"##;
        assert_eq!(redacted(schema, r#"{"a": 1, "b": 2}"#), r#""[redacted]""#);
        // One that goes down with the value is gone through.
        let tree = r##"{"properties": {"secret": {"x-holon-redact": true}, "child": {"$ref": "#"}}}"##;
        let input = r#"{"child":{"child":{"secret":1}}}"#;
        assert_eq!(redacted(tree, input), r#"{"child":{"child":{"secret":"[redacted]"}}}"#);
    }
}
