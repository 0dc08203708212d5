//! The order in which somebody wrote the properties of a schema. A value has none, so it is kept as `x-holon-order` beside them.

use holon_model::{Map, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Where the order stands.
const ORDER: &str = "x-holon-order";

/// A schema that was read from `text`, with the order of its properties wherever forms would show another one. An order that stands
/// there already counts.
#[must_use]
pub fn ordered(text: &str, mut schema: Value) -> Value {
    if let Ok(written) = serde_json::from_str(text) {
        order(&mut schema, &written);
    }
    schema
}

/// What a text says of order.
#[derive(Default)]
struct Written {
    /// Names of its members, as they come.
    names: Vec<String>,
    members: BTreeMap<String, Written>,
    items: Vec<Written>,
}

fn order(schema: &mut Value, written: &Written) {
    let Value::Map(map) = schema else { return };
    let map = Arc::make_mut(map);
    for (word, below) in &written.members {
        let Some(inner) = map.get_mut(word.as_str()) else { continue };
        match word.as_str() {
            "properties" | "$defs" => {
                let Value::Map(named) = inner else { continue };
                let named = Arc::make_mut(named);
                for (name, written) in &below.members {
                    if let Some(schema) = named.get_mut(name.as_str()) {
                        order(schema, written);
                    }
                }
            }
            "items" | "additionalProperties" => order(inner, below),
            "oneOf" | "anyOf" | "allOf" => {
                let Value::List(branches) = inner else { continue };
                for (schema, written) in Arc::make_mut(branches).iter_mut().zip(&below.items) {
                    order(schema, written);
                }
            }
            _ => {}
        }
    }
    let Some(properties) = written.members.get("properties") else { return };
    if !map.contains_key(ORDER) && properties.names != shown(map) {
        let names = properties.names.iter().map(|name| Value::from(name.as_str()));
        map.insert(ORDER.into(), Value::list(names));
    }
}

/// The order in which a form shows the properties of a schema that says none.
fn shown(schema: &Map) -> Vec<String> {
    let required = schema.get("required").and_then(Value::as_list).unwrap_or_default();
    let is_required = |name: &str| required.iter().filter_map(Value::as_str).any(|known| known == name);
    let names = schema.get("properties").and_then(Value::as_map).into_iter().flatten();
    let mut names: Vec<String> = names.map(|(name, _)| name.to_string()).collect();
    names.sort_by_key(|name| !is_required(name));
    names
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Written;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
        let mut written = Written::default();
        while let Some((name, below)) = map.next_entry::<String, Written>()? {
            written.names.push(name.clone());
            written.members.insert(name, below);
        }
        Ok(written)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Written, A::Error> {
        let mut written = Written::default();
        while let Some(item) = items.next_element()? {
            written.items.push(item);
        }
        Ok(written)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Written, E> {
        Ok(Written::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Written, E> {
        Ok(Written::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Written, E> {
        Ok(Written::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Written, E> {
        Ok(Written::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Written, E> {
        Ok(Written::default())
    }

    fn visit_unit<E>(self) -> Result<Written, E> {
        Ok(Written::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form;

    fn read(text: &str) -> Value {
        ordered(text, holon_model::json::parse(text.as_bytes()).unwrap())
    }

    fn drawn(schema: &Value) -> Vec<String> {
        form::fields(schema).into_iter().map(|field| field.pointer).collect()
    }

    #[test]
    fn forms_show_fields_in_the_order_in_which_they_were_written() {
        let text = r#"{"type":"object","required":["days","from"],"properties":{
            "name":{"type":"string"},"from":{"type":"string","default":1.5},"days":{"type":"integer","minimum":1}}}"#;
        let schema = read(text);
        assert_eq!(drawn(&schema), ["/name", "/from", "/days"]);
        assert_eq!(ordered(&schema.to_json(), schema.clone()), schema, "what was ordered stays so");
    }

    #[test]
    fn groups_and_items_have_an_order_too_and_a_property_may_be_called_like_a_word_of_schemas() {
        let schema = read(
            r#"{"properties":{"properties":{"type":"array","items":{"properties":{"b":{},"a":{}}}},"group":{"properties":{"z":{},"y":{"const":null}}}}}"#,
        );
        assert_eq!(drawn(&schema), ["/properties", "/group"]);
        assert_eq!(schema.pointer("/properties/properties/items/x-holon-order").unwrap().to_json(), r#"["b","a"]"#);
        assert_eq!(schema.pointer("/properties/group/x-holon-order").unwrap().to_json(), r#"["z","y"]"#);
        assert!(schema.pointer("/properties/x-holon-order").is_none());
    }

    #[test]
    fn nothing_is_added_where_the_order_is_what_it_would_be_or_stands_there() {
        for text in [
            r#"{"properties":{"a":{},"b":{}}}"#,
            r#"{"required":["b"],"properties":{"b":{},"a":{}}}"#,
            r#"{"x-holon-order":["a","b"],"properties":{"b":{},"a":{}}}"#,
            r#"{"properties":3}"#,
            "true",
        ] {
            assert_eq!(read(text), holon_model::json::parse(text.as_bytes()).unwrap(), "{text}");
        }
    }
}
