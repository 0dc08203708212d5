//! Per-item fields of config: where they are, and their value for one item; and fields whose expressions see names of their own.

use super::{NodeError, NodeKind, PureCall};
use crate::definition::pointer::escape;
use holon_model::Value;

/// Schemas nest no deeper than this here; a deeper one marks no per-item fields below it.
const MAX_DEPTH: usize = 32;

impl NodeKind {
    /// Pointers into `config` of the fields that the schema marks `x-holon-each`: they are left alone when config is
    /// evaluated, and evaluated per item by the kind.
    pub fn each_pointers(&self, config: &Value) -> Vec<String> {
        let each = |schema: &Value| (schema.get("x-holon-each") == Some(&Value::Bool(true))).then_some(());
        let mut found = Vec::new();
        walk(self.config.as_value(), config, &mut String::new(), 0, &mut Marked { mark: &each, found: &mut found });
        found.into_iter().map(|(pointer, ())| pointer).collect()
    }

    /// Pointers into `config` of the fields that the schema marks `x-holon-names`, with the names that expressions see there and
    /// below, in place of all others.
    pub fn named_pointers(&self, config: &Value) -> Vec<(String, Vec<String>)> {
        let names = |schema: &Value| {
            let names = schema.get("x-holon-names")?.as_list()?;
            Some(names.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>())
        };
        let mut found = Vec::new();
        walk(self.config.as_value(), config, &mut String::new(), 0, &mut Marked { mark: &names, found: &mut found });
        found
    }
}

/// What is looked for in a schema, and where it was found.
struct Marked<'m, T> {
    mark: &'m dyn Fn(&Value) -> Option<T>,
    found: &'m mut Vec<(String, T)>,
}

fn walk<T>(schema: &Value, config: &Value, at: &mut String, depth: usize, marked: &mut Marked<'_, T>) {
    if depth > MAX_DEPTH {
        return;
    }
    if let Some(mark) = (marked.mark)(schema) {
        marked.found.push((at.clone(), mark));
        return;
    }
    for branch in ["oneOf", "anyOf"].iter().filter_map(|word| schema.get(word)?.as_list()).flatten() {
        let before = marked.found.len();
        walk(branch, config, at, depth + 1, marked);
        // Branches that share a field mark it once.
        if marked.found.len() > before {
            break;
        }
    }
    let below = |token: &str, schema: &Value, config: &Value, at: &mut String, marked: &mut Marked<'_, T>| {
        let length = at.len();
        at.push('/');
        at.push_str(&escape(token));
        walk(schema, config, at, depth + 1, marked);
        at.truncate(length);
    };
    match config {
        Value::Map(map) => {
            for (key, value) in map.iter() {
                let property = schema.get("properties").and_then(|properties| properties.get(key));
                if let Some(schema) = property.or_else(|| schema.get("additionalProperties")) {
                    below(key, schema, value, at, marked);
                }
            }
        }
        Value::List(items) => {
            if let Some(schema) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    below(&index.to_string(), schema, item, at, marked);
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
        let mark = |schema: &Value| schema.get("x-holon-each").is_some().then_some(());
        walk(&schema, &config, &mut String::new(), 0, &mut Marked { mark: &mark, found: &mut found });
        let found: Vec<&str> = found.iter().map(|(pointer, ())| pointer.as_str()).collect();
        assert_eq!(found, ["/by/0/key", "/by/1/key", "/by/2/key", "/page/next", "/where"]);
    }
}
