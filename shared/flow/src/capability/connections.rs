//! Which connections a config names: settings whose schema says, by `x-holon-connection`, which kinds of them it takes.

use super::NodeKind;
use crate::definition::pointer::escape;
use holon_model::Value;

/// How deep schemas are walked; none of a manifest comes near.
const MAX_DEPTH: usize = 32;

/// A connection that a config names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedConnection<'a> {
    /// JSON pointer of the name in the config.
    pub pointer: String,
    /// Its name.
    pub name: &'a str,
    /// The kinds that fit there, as the API calls them.
    pub kinds: Vec<&'a str>,
}

impl NodeKind {
    /// The connections that this config names. What is not chosen yet is none.
    pub fn connections<'a>(&'a self, config: &'a Value) -> Vec<NamedConnection<'a>> {
        let mut found = Vec::new();
        walk(self.config.as_value(), config, &mut String::new(), &mut found, 0);
        found
    }
}

fn walk<'a>(
    schema: &'a Value,
    config: &'a Value,
    pointer: &mut String,
    found: &mut Vec<NamedConnection<'a>>,
    depth: usize,
) {
    if depth > MAX_DEPTH {
        return;
    }
    if let Some(kinds) = schema.get("x-holon-connection").and_then(Value::as_list) {
        let seen = found.iter().any(|one| one.pointer == *pointer);
        if let Some(name) = config.as_str().filter(|name| !name.is_empty() && !seen) {
            let kinds = kinds.iter().filter_map(Value::as_str).collect();
            found.push(NamedConnection { pointer: pointer.clone(), name, kinds });
        }
        return;
    }
    for branch in ["oneOf", "anyOf"].iter().filter_map(|word| schema.get(word)?.as_list()).flatten() {
        walk(branch, config, pointer, found, depth + 1);
    }
    let length = pointer.len();
    for (key, value) in config.as_map().into_iter().flatten() {
        if let Some(schema) = schema.get("properties").and_then(|properties| properties.get(key)) {
            pointer.push('/');
            pointer.push_str(&escape(key));
            walk(schema, value, pointer, found, depth + 1);
            pointer.truncate(length);
        }
    }
}
