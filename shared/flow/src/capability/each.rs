//! Per-item fields of config: where they are, and their value for one item.

use super::{NodeError, NodeKind, PureCall};
use crate::definition::pointer::escape;
use holon_model::Value;

/// Schemas nest no deeper than this here; a deeper one marks no per-item fields below it.
const MAX_DEPTH: usize = 32;

impl NodeKind {
    /// Pointers into `config` of the fields that the schema marks `x-holon-each`: they are left alone when config is
    /// evaluated, and evaluated per item by the kind.
    pub fn each_pointers(&self, config: &Value) -> Vec<String> {
        let mut found = Vec::new();
        walk(self.config.as_value(), config, &mut String::new(), 0, &mut found);
        found
    }
}

fn walk(schema: &Value, config: &Value, at: &mut String, depth: usize, found: &mut Vec<String>) {
    if depth > MAX_DEPTH {
        return;
    }
    if schema.get("x-holon-each") == Some(&Value::Bool(true)) {
        found.push(at.clone());
        return;
    }
    for branch in ["oneOf", "anyOf"].iter().filter_map(|word| schema.get(word)?.as_list()).flatten() {
        let before = found.len();
        walk(branch, config, at, depth + 1, found);
        // Branches that share a field mark it once.
        if found.len() > before {
            break;
        }
    }
    let below = |token: &str, schema: &Value, config: &Value, at: &mut String, found: &mut Vec<String>| {
        let length = at.len();
        at.push('/');
        at.push_str(&escape(token));
        walk(schema, config, at, depth + 1, found);
        at.truncate(length);
    };
    match config {
        Value::Map(map) => {
            for (key, value) in map.iter() {
                let property = schema.get("properties").and_then(|properties| properties.get(key));
                if let Some(schema) = property.or_else(|| schema.get("additionalProperties")) {
                    below(key, schema, value, at, found);
                }
            }
        }
        Value::List(items) => {
            if let Some(schema) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    below(&index.to_string(), schema, item, at, found);
                }
            }
        }
        _ => {}
    }
}

impl PureCall<'_> {
    /// The per-item field at `pointer` for one item: evaluated where it can be dynamic, null if it is absent.
    ///
    /// # Errors
    /// What evaluation says, with the item's index.
    pub fn per_item(&mut self, pointer: &str, item: &Value, index: i64) -> Result<Value, NodeError> {
        match self.config.pointer(pointer) {
            Some(Value::Map(_) | Value::List(_)) => self.each.eval(pointer, item, index, self.meter).map_err(|error| {
                let mut failed = NodeError::new(error.code(), format!("item {index}: {error}"));
                failed.detail = Value::map([("index", Value::Int(index)), ("field", pointer.into())]);
                failed
            }),
            Some(field) => Ok(field.clone()),
            None => Ok(Value::Null),
        }
    }

    /// The config field that names what to work on, else the input.
    pub fn subject(&self, field: &str) -> Value {
        self.config.get(field).unwrap_or(self.input).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::json;

    #[test]
    fn marked_fields_are_found_wherever_they_stand() {
        let schema = json::parse(
            br#"{"properties":{"where":{"x-holon-each":true},"by":{"items":{"properties":{"key":{"x-holon-each":true},"n":{}}}},
                "page":{"oneOf":[{"const":"none"},{"properties":{"next":{"x-holon-each":true}}}]}}}"#,
        )
        .unwrap();
        let config = json::parse(
            br#"{"where":{"$cel":"item"},"by":[{"key":{"$cel":"item.a"},"n":{"$cel":"1"}},{"key":"b"},{"key":{"$text":"{{ item }}"}}],
                "page":{"next":{"$cel":"item.next"}}}"#,
        )
        .unwrap();
        let mut found = Vec::new();
        walk(&schema, &config, &mut String::new(), 0, &mut found);
        assert_eq!(found, ["/by/0/key", "/by/1/key", "/by/2/key", "/page/next", "/where"]);
    }
}
