//! Whether a schema is one: checked when a definition is saved, so that no run meets a schema that cannot be used.

use super::{pattern, walk::resolve};
use crate::definition::{names::shown, pointer::Pointer};
use holon_model::Value;

/// What is wrong with a schema, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SchemaFault {
    /// JSON pointer into the schema.
    pub pointer: String,
    /// What is wrong there, for people.
    pub message: String,
}

const TYPES: &[&str] = &["null", "boolean", "integer", "number", "string", "array", "object"];
const COUNTS: &[&str] =
    &["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"];
const NUMBERS: &[&str] = &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
const SCHEMAS: &[&str] =
    &["additionalProperties", "propertyNames", "contains", "not", "if", "then", "else", "additionalItems"];
const LISTS: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
const MAPS: &[&str] = &["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
const REFUSED: &[&str] = &["$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems"];

/// Schemas stand in schemas no deeper than JSON itself may.
const MAX_DEPTH: usize = 96;

/// Checks that `schema` is a schema that can be used.
///
/// # Errors
/// The first thing that is wrong.
pub fn well_formed(schema: &Value) -> Result<(), SchemaFault> {
    node(schema, schema, &Pointer::ROOT, 0)
}

fn node(root: &Value, schema: &Value, at: &Pointer<'_>, depth: usize) -> Result<(), SchemaFault> {
    let map = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Map(map) if depth <= MAX_DEPTH => map,
        Value::Map(_) => return fault(at, "schemas stand in schemas too deeply"),
        other => return fault(at, format!("a schema is a map, true or false, not {}", other.type_name())),
    };
    for (keyword, value) in map.iter() {
        let at = at.key(keyword);
        let word = &**keyword;
        if REFUSED.contains(&word) {
            return fault(&at, format!("`{word}` is not understood here"));
        }
        if COUNTS.contains(&word) && value.as_int().is_none_or(|count| count < 0) {
            return fault(&at, format!("`{word}` is a whole number from 0"));
        }
        if NUMBERS.contains(&word) {
            match value.as_decimal() {
                None => return fault(&at, format!("`{word}` is a number")),
                Some(step) if word == "multipleOf" && step <= 0.into() => {
                    return fault(&at, "`multipleOf` must be greater than 0");
                }
                Some(_) => {}
            }
        }
        if SCHEMAS.contains(&word) || (word == "items" && value.as_list().is_none()) {
            node(root, value, &at, depth + 1)?;
        }
        if LISTS.contains(&word) || (word == "items" && value.as_list().is_some()) {
            let Some(items) = value.as_list() else { return fault(&at, format!("`{word}` is a list of schemas")) };
            for (index, item) in items.iter().enumerate() {
                node(root, item, &at.index(index), depth + 1)?;
            }
        }
        if MAPS.contains(&word) {
            let Some(items) = value.as_map() else { return fault(&at, format!("`{word}` is a map of schemas")) };
            for (key, item) in items {
                if word == "patternProperties"
                    && let Err(message) = pattern(key)
                {
                    return fault(&at.key(key), message);
                }
                node(root, item, &at.key(key), depth + 1)?;
            }
        }
        single(root, word, value, &at)?;
    }
    Ok(())
}

fn single(root: &Value, word: &str, value: &Value, at: &Pointer<'_>) -> Result<(), SchemaFault> {
    match (word, value) {
        ("type", Value::List(types)) => {
            for (index, one) in types.iter().enumerate() {
                single(root, "type", one, &at.index(index))?;
            }
        }
        ("type", one) if !one.as_str().is_some_and(|one| TYPES.contains(&one)) => {
            return fault(at, format!("a type is one of {}", TYPES.join(", ")));
        }
        ("enum", value) if value.as_list().is_none() => return fault(at, "`enum` is a list"),
        ("required", value)
            if !value.as_list().is_some_and(|names| names.iter().all(|name| name.as_str().is_some())) =>
        {
            return fault(at, "`required` is a list of names");
        }
        ("uniqueItems", value) if value.as_bool().is_none() => return fault(at, "`uniqueItems` is true or false"),
        ("format", value) if value.as_str().is_none() => return fault(at, "`format` is text"),
        ("pattern", value) => {
            let Some(source) = value.as_str() else { return fault(at, "`pattern` is text") };
            if let Err(message) = pattern(source) {
                return fault(at, message);
            }
        }
        ("$ref", value) => {
            let Some(reference) = value.as_str() else { return fault(at, "a `$ref` is text") };
            if resolve(root, reference).is_none() {
                let message =
                    format!("`{}` leads nowhere in this schema; nothing outside it is fetched", shown(reference));
                return fault(at, message);
            }
        }
        _ => {}
    }
    Ok(())
}

fn fault(at: &Pointer<'_>, message: impl Into<String>) -> Result<(), SchemaFault> {
    Err(SchemaFault { pointer: at.to_string(), message: message.into() })
}
