//! Forms from JSON Schema: what field a part of config is edited with. The view only draws them.

use holon_flow::definition::pointer::escape;
use holon_model::{Map, Value};
use std::sync::Arc;

/// One field of a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// JSON pointer into config.
    pub pointer: String,
    /// Its name.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Whether it must be given.
    pub required: bool,
    /// Whether its expressions are evaluated for each item, with `item` and `index` in scope.
    pub each: bool,
    /// What it is when nothing is given.
    pub default: Option<Value>,
    /// A hint shown in an empty field.
    pub placeholder: String,
    /// Whether it is folded away until asked for.
    pub advanced: bool,
    /// Whether it cannot be computed: names of ports, connections.
    pub constant: bool,
    /// Whether it is a schema, from which forms are made.
    pub schema: bool,
    /// Shown only while the sibling at this pointer has one of these values; its default counts where it is left out.
    pub when: Option<(String, Vec<Value>, Option<Value>)>,
    /// How it is edited.
    pub input: Input,
}

/// How a value is edited.
#[expect(missing_docs, reason = "the fields are JSON Schema's own words")]
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Text; on lines if `multiline`.
    Text { multiline: bool, format: String },
    /// A number; whole if `whole`.
    Number { whole: bool, min: Option<Value>, max: Option<Value> },
    /// Yes or no.
    Switch,
    /// One of these values, with the words shown.
    Choice(Vec<(Value, String)>),
    /// A list; the schema of its items.
    List(Value),
    /// A map with free keys; the schema of its values.
    Table(Value),
    /// A map with these fields.
    Group(Vec<Field>),
    /// One of several forms: the words and the schema of each.
    Variant(Vec<(String, Value)>),
    /// Always an expression.
    Expression,
    /// Always text with `{{ }}`.
    Template,
    /// The name of a connection of one of these kinds.
    Connection(Vec<String>),
    /// Anything, as JSON.
    Json,
}

/// The fields of a kind's config.
pub fn fields(schema: &Value) -> Vec<Field> {
    group(schema, schema, "", 0)
}

/// The field that edits `schema` at `pointer`, such as an item of a list.
pub fn field(schema: &Value, root: &Value, pointer: &str, name: &str, required: bool) -> Field {
    build(schema, root, pointer, name, required, 0)
}

/// The hint of a setting that names a body of its node.
pub const BODY_HINT: &str = "x-holon-body";
/// The format of the field that edits one.
pub const BODY: &str = "body";

/// Forms inside forms stop here; what is deeper is edited as JSON.
const DEEPEST: u32 = 8;

fn group(schema: &Value, root: &Value, pointer: &str, depth: u32) -> Vec<Field> {
    let schema = resolve(schema, root);
    let Some(properties) = schema.get("properties").and_then(Value::as_map) else { return Vec::new() };
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str).collect();
    let listed: Vec<&str> = schema
        .get("x-holon-order")
        .and_then(Value::as_list)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let rank = |name: &str, schema: &Value| {
        let own = schema.get("x-holon-order").and_then(Value::as_int);
        let place = listed.iter().position(|found| *found == name).and_then(|at| i64::try_from(at).ok());
        (place.or(own).unwrap_or(i64::MAX), !required.contains(&name))
    };
    let mut ordered: Vec<(&Arc<str>, &Value)> = properties.iter().collect();
    ordered.sort_by_key(|(name, schema)| rank(name, schema));
    ordered
        .into_iter()
        .filter(|(_, schema)| schema.get("x-holon-hidden").and_then(Value::as_bool) != Some(true))
        .map(|(name, schema)| {
            let at = format!("{pointer}/{}", escape(name));
            let mut field = build(schema, root, &at, name, required.contains(&&**name), depth + 1);
            let condition = schema.get("x-holon-when");
            field.when = condition.and_then(|condition| {
                let sibling = condition.get("field")?.as_str()?;
                let default = properties.get(sibling).and_then(|schema| schema.get("default")).cloned();
                Some((format!("{pointer}/{}", escape(sibling)), condition.get("is")?.as_list()?.to_vec(), default))
            });
            field
        })
        .collect()
}

fn build(schema: &Value, root: &Value, pointer: &str, name: &str, required: bool, depth: u32) -> Field {
    let schema = resolve(schema, root);
    let text = |member: &str| schema.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let title = Some(text("title")).filter(|title| !title.is_empty()).unwrap_or_else(|| words(name));
    let flag = |member: &str| schema.get(member).and_then(Value::as_bool) == Some(true);
    let example = schema.get("examples").and_then(Value::as_list).and_then(|examples| examples.first());
    let shown = schema.get("x-holon-placeholder").or(example).or_else(|| schema.get("default"));
    let shown = shown.map(|value| value.as_str().map_or_else(|| value.to_json(), str::to_owned));
    Field {
        pointer: pointer.to_owned(),
        title,
        description: text("description"),
        required,
        each: flag("x-holon-each"),
        advanced: flag("x-holon-advanced"),
        constant: flag("x-holon-static"),
        schema: flag("x-holon-schema"),
        when: None,
        default: schema.get("default").cloned(),
        placeholder: shown.unwrap_or_default(),
        input: if depth > DEEPEST { Input::Json } else { input(schema, root, pointer, depth) },
    }
}

fn input(schema: &Value, root: &Value, pointer: &str, depth: u32) -> Input {
    let member = |name: &str| schema.get(name);
    match member("x-holon-widget").and_then(Value::as_str) {
        Some("expression") => return Input::Expression,
        Some("text") => return Input::Template,
        Some("code") => return Input::Json,
        Some("connection") => {
            let kinds = member("x-holon-connection").and_then(Value::as_list).unwrap_or_default();
            return Input::Connection(kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        }
        Some("duration") => return Input::Text { multiline: false, format: "duration".into() },
        _ => {}
    }
    if member(BODY_HINT).and_then(Value::as_bool) == Some(true) {
        return Input::Text { multiline: false, format: BODY.into() };
    }
    if let Some(values) = member("enum").and_then(Value::as_list) {
        let labels = member("x-holon-titles").and_then(Value::as_list).unwrap_or_default();
        let label = |index: usize, value: &Value| {
            let given = labels.get(index).and_then(Value::as_str).map(str::to_owned);
            given.unwrap_or_else(|| value.as_str().map_or_else(|| value.to_json(), str::to_owned))
        };
        return Input::Choice(
            values.iter().enumerate().map(|(index, value)| (value.clone(), label(index, value))).collect(),
        );
    }
    if let Some(variants) = member("oneOf").or_else(|| member("anyOf")).and_then(Value::as_list) {
        let variants: Vec<&Value> = variants.iter().map(|variant| resolve(variant, root)).collect();
        if variants.iter().all(|variant| variant.get("const").is_some()) {
            let constants =
                variants.iter().filter_map(|variant| Some(((*variant).get("const")?.clone(), variant_title(variant))));
            return Input::Choice(constants.collect());
        }
        return Input::Variant(variants.into_iter().map(|variant| (variant_title(variant), variant.clone())).collect());
    }
    let kind = match member("type") {
        Some(Value::Str(kind)) => kind.to_string(),
        Some(Value::List(kinds)) => {
            let mut named = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            match (named.next(), named.next()) {
                (Some(kind), None) => kind.to_owned(),
                _ => String::new(),
            }
        }
        _ => String::new(),
    };
    let format = member("format").and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind.as_str() {
        "string" => Input::Text { multiline: format == "multiline" || member("x-holon-multiline").is_some(), format },
        "integer" | "number" => {
            Input::Number { whole: kind == "integer", min: member("minimum").cloned(), max: member("maximum").cloned() }
        }
        "boolean" => Input::Switch,
        "array" => Input::List(member("items").map(|items| resolve(items, root).clone()).unwrap_or(Value::Bool(true))),
        _ if member("properties").is_some() => Input::Group(group(schema, root, pointer, depth)),
        "object" => match member("additionalProperties") {
            Some(Value::Bool(false)) => Input::Json,
            Some(values) => Input::Table(resolve(values, root).clone()),
            None => Input::Table(Value::Bool(true)),
        },
        _ => Input::Json,
    }
}

/// Follows `$ref` to `#/$defs/…`, a few steps at most.
pub fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let mut at = schema;
    for _ in 0..8 {
        match at.get("$ref").and_then(Value::as_str).and_then(|target| root.pointer(target.strip_prefix('#')?)) {
            Some(target) => at = target,
            None => break,
        }
    }
    at
}

fn variant_title(schema: &Value) -> String {
    let text = |member: &str| schema.get(member).and_then(Value::as_str).map(str::to_owned);
    text("title")
        .or_else(|| text("const"))
        .or_else(|| schema.get("const").map(Value::to_json))
        .or_else(|| schema.get("required")?.as_list()?.first()?.as_str().map(words))
        .or_else(|| text("type"))
        .unwrap_or_else(|| "Other".into())
}

/// `idempotency_header` is shown as "Idempotency header".
pub fn words(name: &str) -> String {
    let spaced = name.replace(['_', '-'], " ");
    let mut characters = spaced.chars();
    characters.next().map(|first| first.to_uppercase().collect::<String>() + characters.as_str()).unwrap_or_default()
}

/// How a value is written: as it is, or computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// A fixed value.
    Fixed,
    /// `{"$cel": source}`
    Expression(String),
    /// `{"$text": source}`
    Text(String),
}

/// How `value` is written.
pub fn mode(value: Option<&Value>) -> Mode {
    let single = value.and_then(Value::as_map).filter(|map| map.len() == 1);
    let source = |name: &str| single.and_then(|map| map.get(name)).and_then(Value::as_str).map(str::to_owned);
    source("$cel").map(Mode::Expression).or_else(|| source("$text").map(Mode::Text)).unwrap_or(Mode::Fixed)
}

/// The same value as an expression: what switching a field to `fx` starts with, and what a value with expressions inside is tried
/// as. Nothing when it holds what no expression says: text with expressions in it.
pub fn to_expression(value: Option<&Value>) -> Option<Value> {
    let source = match value {
        None | Some(Value::Null) => String::new(),
        Some(value) => {
            let mut out = String::new();
            write_source(value, &mut out)?;
            out
        }
    };
    Some(Value::map([("$cel", Value::from(source))]))
}

/// Writes a value of config as an expression writes it. JSON is one already, but for what is dynamic in it.
fn write_source(value: &Value, out: &mut String) -> Option<()> {
    match (mode(Some(value)), value) {
        (Mode::Expression(source), _) if source.trim().is_empty() => return None,
        (Mode::Expression(source), _) => {
            out.push_str(&source);
            // A remark reaches to the end of its line.
            if source.contains("//") {
                out.push('\n');
            }
        }
        (Mode::Text(source), _) if ["{{", "{%", "{#"].iter().any(|mark| source.contains(mark)) => return None,
        (Mode::Text(source), _) => holon_model::json::write_string(&source, out),
        (Mode::Fixed, Value::List(items)) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_source(item, out)?;
            }
            out.push(']');
        }
        (Mode::Fixed, Value::Map(map)) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                holon_model::json::write_string(constant_key(key, map.len()), out);
                out.push_str(": ");
                write_source(value, out)?;
            }
            out.push('}');
        }
        (Mode::Fixed, other) => out.push_str(&other.to_json()),
    }
    Some(())
}

/// `$$cel` alone in its map is a constant `$cel`.
fn constant_key(key: &str, members: usize) -> &str {
    let escaped = key.starts_with("$$") && matches!(key.trim_start_matches('$'), "cel" | "text");
    if escaped && members == 1 { &key[1..] } else { key }
}

/// The fixed value that an expression stands for, if it is a literal; else what a field starts with.
pub fn to_fixed(value: Option<&Value>, input: &Input) -> Option<Value> {
    match mode(value) {
        Mode::Expression(source) => holon_model::json::parse(source.trim().as_bytes())
            .ok()
            .filter(|value| suits(value, input))
            .or_else(|| blank(input)),
        Mode::Text(source) => Some(Value::from(source)),
        Mode::Fixed => value.cloned(),
    }
}

fn suits(value: &Value, input: &Input) -> bool {
    match input {
        Input::Text { .. } => value.as_str().is_some(),
        Input::Number { .. } => value.as_decimal().is_some(),
        Input::Switch => value.as_bool().is_some(),
        Input::List(_) => value.as_list().is_some(),
        Input::Table(_) | Input::Group(_) => value.as_map().is_some(),
        Input::Choice(choices) => choices.iter().any(|(choice, _)| choice == value),
        Input::Connection(_) => value.as_str().is_some(),
        Input::Variant(_) | Input::Json | Input::Expression | Input::Template => true,
    }
}

/// What a new item or variant starts with; `None` leaves it out.
pub fn blank(input: &Input) -> Option<Value> {
    match input {
        Input::Text { .. } => Some(Value::str("")),
        Input::Number { min, .. } => Some(min.clone().unwrap_or(Value::Int(0))),
        Input::Switch => Some(Value::Bool(false)),
        Input::Choice(choices) => choices.first().map(|(value, _)| value.clone()),
        Input::List(_) => Some(Value::list([])),
        Input::Table(_) => Some(Value::Map(Arc::default())),
        Input::Group(fields) => Some(filled(fields)),
        Input::Expression => Some(Value::map([("$cel", Value::str(""))])),
        Input::Template => Some(Value::map([("$text", Value::str(""))])),
        Input::Variant(_) | Input::Json | Input::Connection(_) => None,
    }
}

/// A map with the required fields and the defaults.
fn filled(fields: &[Field]) -> Value {
    let mut map = Map::new();
    for field in fields.iter().filter(|field| field.required) {
        let name = field.pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
        if let Some(value) = field.default.clone().or_else(|| blank(&field.input)) {
            map.insert(name.into(), value);
        }
    }
    Value::from(map)
}

/// A value that fits a schema, to start from when a variant is chosen or an item added.
pub fn start(schema: &Value, root: &Value) -> Value {
    let schema = resolve(schema, root);
    if let Some(value) = schema.get("const").or_else(|| schema.get("default")) {
        return value.clone();
    }
    let field = build(schema, root, "", "", true, 0);
    let mut value = match &field.input {
        Input::Variant(variants) => variants.first().map(|(_, variant)| start(variant, root)).unwrap_or_default(),
        other => blank(other).unwrap_or_default(),
    };
    // Constants mark a variant: they must be there.
    if let (Value::Map(map), Some(properties)) = (&mut value, schema.get("properties").and_then(Value::as_map)) {
        let map = Arc::make_mut(map);
        for (name, property) in properties {
            if let Some(constant) = property.get("const") {
                map.insert(name.clone(), constant.clone());
            }
        }
    }
    value
}

/// Which variant a value is of: the first that it fits.
pub fn variant_of(variants: &[(String, Value)], value: &Value, root: &Value) -> Option<usize> {
    variants.iter().position(|(_, schema)| fits(schema, value, root))
}

/// Whether a value has the form that a schema describes, as far as choosing a variant needs it. What is computed fits.
pub fn fits(schema: &Value, value: &Value, root: &Value) -> bool {
    let schema = resolve(schema, root);
    if schema == &Value::Bool(false) {
        return false;
    }
    if mode(Some(value)) != Mode::Fixed {
        return true;
    }
    if let Some(constant) = schema.get("const") {
        return constant == value;
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_list) {
        return values.contains(value);
    }
    let of_type = |kind: &str| match kind {
        "string" => value.as_str().is_some(),
        "integer" => value.as_int().is_some(),
        "number" => value.as_decimal().is_some(),
        "boolean" => value.as_bool().is_some(),
        "array" => value.as_list().is_some(),
        "object" => value.as_map().is_some(),
        "null" => value.is_null(),
        _ => true,
    };
    let typed = match schema.get("type") {
        Some(Value::Str(kind)) => of_type(kind),
        Some(Value::List(kinds)) => kinds.iter().filter_map(Value::as_str).any(of_type),
        _ => true,
    };
    let Some(map) = value.as_map().filter(|_| typed) else { return typed };
    let required = schema.get("required").and_then(Value::as_list).unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_map);
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    required.iter().filter_map(Value::as_str).all(|name| map.contains_key(name))
        && map.iter().all(|(name, value)| match properties.and_then(|properties| properties.get(name)) {
            Some(schema) => fits(schema, value, root),
            None => !closed,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        holon_model::json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn each_schema_gets_the_field_that_fits_it() {
        let schema = json(
            r##"{"type":"object","required":["url"],"x-holon-order":["method","url"],
            "$defs":{"pair":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}},
            "properties":{"url":{"type":"string"},"method":{"enum":["GET","POST"]},"text":{"type":"string","format":"multiline"},
              "on":{"type":"boolean"},"headers":{"type":"object","additionalProperties":{"type":"string"}},
              "list":{"type":"array","items":{"$ref":"#/$defs/pair"}},"any":{},
              "auth":{"oneOf":[{"const":"none","title":"None"},{"title":"HMAC","type":"object","properties":{"hmac":{"type":"object"}},"required":["hmac"]}]}}}"##,
        );
        let fields = fields(&schema);
        assert_eq!(fields[0].pointer, "/method");
        assert_eq!((fields[1].pointer.as_str(), fields[1].required), ("/url", true));
        let input = |name: &str| &fields.iter().find(|field| field.pointer == format!("/{name}")).unwrap().input;
        assert!(matches!(input("text"), Input::Text { multiline: true, .. }));
        assert!(matches!(input("on"), Input::Switch));
        assert!(matches!(input("headers"), Input::Table(_)));
        assert!(matches!(input("any"), Input::Json));
        let Input::List(items) = input("list") else { panic!() };
        assert_eq!(start(items, &schema).to_json(), r#"{"a":0}"#);
        let Input::Variant(variants) = input("auth") else { panic!() };
        assert_eq!(variant_of(variants, &Value::str("none"), &schema), Some(0));
        assert_eq!(variant_of(variants, &json(r#"{"hmac":{}}"#), &schema), Some(1));
        assert_eq!(start(&variants[1].1, &schema).to_json(), r#"{"hmac":{}}"#);
    }

    #[test]
    fn a_field_changes_between_fixed_and_computed_without_losing_a_literal() {
        let number = Input::Number { whole: true, min: None, max: None };
        let computed = to_expression(Some(&Value::Int(5))).unwrap();
        assert_eq!(mode(Some(&computed)), Mode::Expression("5".into()));
        assert_eq!(to_fixed(Some(&computed), &number), Some(Value::Int(5)));
        assert_eq!(to_fixed(Some(&json(r#"{"$cel":"input.x"}"#)), &number), Some(Value::Int(0)));
    }

    #[test]
    fn a_value_with_expressions_inside_becomes_one_expression_of_the_same_value() {
        let source = |text: &str| match mode(to_expression(Some(&json(text))).as_ref()) {
            Mode::Expression(source) => source,
            other => panic!("{other:?}"),
        };
        let report =
            r#"{"regions":{"$cel":"nodes.ranked"},"report":{"$cel":"nodes.report"},"tags":["a",1.50,null,true]}"#;
        assert_eq!(
            source(report),
            r#"{"regions": nodes.ranked, "report": nodes.report, "tags": ["a", 1.50, null, true]}"#
        );
        assert_eq!(
            source(r#"[{"$cel":"1 // one"},{"$text":"plain \"text\""}]"#),
            "[1 // one\n, \"plain \\\"text\\\"\"]"
        );
        assert_eq!(source(r#"{"$$cel":"kept"}"#), r#"{"$cel": "kept"}"#);
        // What no expression says is not turned into text that looks like it.
        assert_eq!(to_expression(Some(&json(r#"{"line":{"$text":"Hello {{ input.name }}"}}"#))), None);
        let scope = json(r#"{"nodes":{"ranked":[1],"report":"x"}}"#);
        let program = holon_flow::expr::Program::compile(&source(report)).unwrap();
        let mut meter = holon_flow::expr::Meter::new(1000, 100_000);
        let value = program.eval(&holon_flow::expr::MapScope(scope), &mut meter).unwrap();
        assert_eq!(value.to_json(), r#"{"regions":[1],"report":"x","tags":["a",1.50,null,true]}"#);
    }
}
