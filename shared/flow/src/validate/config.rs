//! Config: that it fits its kind's schema, and what can be known of its dynamic parts before they have values.

use super::{Check, DiagnosticCode as Code, Place};
use crate::{
    capability::NodeKind,
    definition::{
        Node, duration,
        dynamic::Dynamic,
        names::{is_name, shown},
        pointer::{Pointer, escape},
    },
    expr::{CompiledConfig, Meter},
    known::Settings,
    schema::{CheckError, Options, check, well_formed},
    secrets::{is_secret_field, is_secret_header, without_password},
};
use holon_model::{
    Value,
    wire::flows::{Diagnostic, Severity},
};
use std::collections::BTreeSet;

/// Steps that checking the config of one node may take.
const FUEL: u64 = 200_000;

/// Where the headers of a request stand.
const HEADERS: &str = "/headers";

/// That a node's config is right by itself: what remains to be looked at depends on where the node stands.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    wholes: Vec<Whole>,
}

/// An expression that may be the whole output of another node, and what fits where it stands.
#[derive(Debug)]
pub(super) struct Whole {
    schema: Value,
    source: String,
    pointer: String,
}

impl Check<'_> {
    /// Checks a node's config.
    pub(super) fn config(
        &mut self,
        number: usize,
        node: &Node,
        kind: &NodeKind,
        settings: &Settings,
        place: &Place<'_>,
        at: &Pointer<'_>,
    ) {
        let compiled = self.expressions(number, settings, kind, place, at);
        let at = at.key("config");
        let parts = Parts { kind, number, place, compiled, at: &at };
        if let Some(checked) = settings.checked.get() {
            for Whole { schema, source, pointer } in &checked.wholes {
                self.whole_output(schema, source, pointer, &parts);
            }
            return;
        }
        let before = self.found.len();
        let wholes = self.own_config(node, &parts);
        // Where nothing more is listed, nobody knows what there was to say.
        if self.found.len() == before && !self.is_full() {
            settings.checked.get_or_init(|| Checked { wholes });
        }
    }

    /// Checks everything in config but its names.
    fn own_config(&mut self, node: &Node, parts: &Parts<'_>) -> Vec<Whole> {
        let (kind, at) = (parts.kind, parts.at);
        let schema = kind.config.as_value();
        let options = Options { dynamic: true, ..Options::default() };
        match check(schema, &node.config, options, &mut Meter::new(FUEL, 0)) {
            Ok(found) => {
                for miss in found {
                    let message = format!("{}: {}", kind.title, miss.message);
                    self.report(Code::InvalidConfig.at(&at.rest(&miss.pointer), message));
                }
            }
            Err(CheckError::Budget(_)) => {
                self.report(Code::LimitExceeded.at(at, "the config is too large to be checked"));
            }
            Err(CheckError::Schema(message)) => {
                self.report(Code::InvalidConfig.at(at, format!("the kind's own schema is broken: {message}")));
            }
        }
        self.wholes.clear();
        self.parts(schema, &node.config, &mut String::new(), parts, 0);
        self.ports_of(node, kind, at);
        self.secrets(&node.config, &mut String::new(), at, 0);
        std::mem::take(&mut self.wholes)
    }

    /// Ports that stand in config: names, each once.
    fn ports_of(&mut self, node: &Node, kind: &NodeKind, at: &Pointer<'_>) {
        let Some(from) = &kind.ports.outputs_from else { return };
        let items = node.config.pointer(&from.pointer).and_then(Value::as_list).unwrap_or_default();
        let mut seen: BTreeSet<&str> = kind.ports.outputs.iter().map(String::as_str).chain(["error"]).collect();
        let list = at.rest(&from.pointer);
        for (index, item) in items.iter().enumerate() {
            let Some(name) = item.get(&from.key).and_then(Value::as_str) else { continue };
            let item = list.index(index);
            let at = item.key(&from.key);
            if !is_name(name) {
                let message = format!(
                    "`{}` is not the name of a port: a small letter, then small letters, digits and `_`",
                    shown(name)
                );
                self.report(Code::InvalidPortName.at(&at, message));
            } else if !seen.insert(name) {
                self.report(Code::InvalidPortName.at(&at, format!("there is another port `{name}`")));
            }
        }
    }

    /// Walks schema and config together: what stands where only constants may, and dynamic values whose type is known.
    fn parts(&mut self, schema: &Value, config: &Value, pointer: &mut String, parts: &Parts<'_>, depth: usize) {
        const MAX_DEPTH: usize = 32;
        if depth > MAX_DEPTH {
            return;
        }
        let marked = |mark: &str| schema.get(mark) == Some(&Value::Bool(true));
        if marked("x-holon-static") && contains_dynamic(config, 0) {
            let title = schema.get("title").and_then(Value::as_str).unwrap_or("this");
            let message =
                format!("{title} must stand here as it is, not as an expression: it is read before the flow runs");
            return self.report(Code::InvalidConfig.at(&parts.at.rest(pointer), message));
        }
        if marked("x-holon-schema") && Dynamic::of(config).is_none() {
            if let Err(fault) = well_formed(config) {
                let inner = format!("{pointer}{}", fault.pointer);
                self.report(Code::InvalidSchema.at(&parts.at.rest(&inner), fault.message));
            }
            return;
        }
        if Dynamic::of(config).is_some() {
            return self.known_type(schema, config, pointer, parts);
        }
        self.address(schema, config, pointer, parts);
        if schema.get("x-holon-widget").and_then(Value::as_str) == Some("duration") {
            self.duration(schema, config, &parts.at.rest(pointer));
        }
        for branch in ["oneOf", "anyOf"].iter().filter_map(|word| schema.get(word)?.as_list()).flatten() {
            if fits_shape(branch, config) {
                self.parts(branch, config, pointer, parts, depth + 1);
            }
        }
        let length = pointer.len();
        match config {
            Value::Map(map) => {
                for (key, value) in map.iter() {
                    let property = schema.get("properties").and_then(|properties| properties.get(key));
                    if let Some(schema) = property.or_else(|| schema.get("additionalProperties")) {
                        pointer.push('/');
                        pointer.push_str(&escape(key));
                        self.parts(schema, value, pointer, parts, depth + 1);
                        pointer.truncate(length);
                    }
                }
            }
            Value::List(items) => {
                if let Some(schema) = schema.get("items") {
                    for (index, value) in items.iter().enumerate() {
                        pointer.push_str(&format!("/{index}"));
                        self.parts(schema, value, pointer, parts, depth + 1);
                        pointer.truncate(length);
                    }
                }
            }
            _ => {}
        }
    }

    /// A text gives text, and an expression without names gives what it gives: those must fit.
    fn known_type(&mut self, schema: &Value, config: &Value, pointer: &str, parts: &Parts<'_>) {
        let program = parts
            .compiled
            .and_then(|compiled| compiled.programs().find(|(at, _)| *at == pointer))
            .map(|(_, program)| program);
        let value = match Dynamic::of(config) {
            Some(Dynamic::Text(source)) if source.contains('{') => {
                // What it will say is not known, that it is text is.
                if !may_be(schema, "string") {
                    let message = format!("{}: a text gives text, and that does not fit here", parts.kind.title);
                    let hint = "Use an expression instead.".to_owned();
                    self.report(Code::TypeMismatch.hinted(&parts.at.rest(pointer), message, hint));
                }
                return;
            }
            Some(Dynamic::Text(source)) => {
                let text = Value::from(source);
                self.address(schema, &text, pointer, parts);
                text
            }
            _ => match program.and_then(|program| program.as_constant()) {
                Some(value) => value.clone(),
                None => {
                    let source = program.map_or("", |program| program.source().trim());
                    if source == "input" || source.starts_with("nodes.") {
                        let (source, pointer) = (source.to_owned(), pointer.to_owned());
                        self.wholes.push(Whole { schema: schema.clone(), source, pointer });
                    }
                    return self.whole_output(schema, source, pointer, parts);
                }
            },
        };
        if let Ok(found) = check(schema, &value, Options::default(), &mut Meter::new(FUEL, 0))
            && let Some(miss) = found.first()
        {
            let message =
                format!("{}: the expression gives {}, and {}", parts.kind.title, shown(&value.to_json()), miss.message);
            self.report(Code::TypeMismatch.at(&parts.at.rest(pointer), message));
        }
    }

    /// An expression that is the whole output of a node whose kind says what it gives.
    fn whole_output(&mut self, schema: &Value, source: &str, pointer: &str, parts: &Parts<'_>) {
        let shape = &parts.place.shape;
        let from = match source {
            "input" => shape.source(parts.number),
            source => source.strip_prefix("nodes.").and_then(|key| shape.number(key)),
        };
        let Some((node, Some(kind))) = from.map(|from| parts.place.nodes[from]) else { return };
        let gives = kind.output.as_value().get("type").and_then(Value::as_str);
        if let Some(gives) = gives.filter(|gives| !node.disabled && !may_be(schema, gives)) {
            let message =
                format!("{}: {} gives {}, and that does not fit here", parts.kind.title, kind.title, words(gives));
            self.report(Code::TypeMismatch.at(&parts.at.rest(pointer), message));
        }
    }

    /// An address that stands in config: it says where to. A warning, since every new node begins with `https://`.
    fn address(&mut self, schema: &Value, config: &Value, pointer: &str, parts: &Parts<'_>) {
        if schema.get("x-holon-address") != Some(&Value::Bool(true)) {
            return;
        }
        let Some((text, why)) = config.as_str().and_then(|text| Some((text, no_address(text)?))) else { return };
        let message = format!("{}: `{}` {why}", parts.kind.title, shown(text));
        let hint = "Write an address such as `https://api.example.com/orders`.".to_owned();
        self.report(Code::IncompleteAddress.hinted(&parts.at.rest(pointer), message, hint));
    }

    /// A duration that stands in config: it can be read, and is no longer than the kind allows.
    fn duration(&mut self, schema: &Value, config: &Value, at: &Pointer<'_>) {
        let most = schema.get("x-holon-max").and_then(|most| duration::parse(most).ok());
        let message = match (duration::parse(config), most) {
            (Err(message), _) => message,
            (Ok(given), Some(most)) if given > most => format!("at most {} is allowed", duration::format(most)),
            _ => return,
        };
        self.report(Code::InvalidConfig.at(at, message));
    }

    /// Secrets that stand in the flow: it is copied, exported and shown to everyone who may read it.
    fn secrets(&mut self, config: &Value, pointer: &mut String, at: &Pointer<'_>, depth: usize) {
        const MAX_DEPTH: usize = 8;
        if depth > MAX_DEPTH {
            return;
        }
        let length = pointer.len();
        match config {
            Value::Map(map) => {
                for (key, value) in map.iter() {
                    pointer.push('/');
                    pointer.push_str(&escape(key));
                    let header = length == HEADERS.len() && pointer.starts_with(HEADERS) && is_secret_header(key);
                    if header && stands_there(value, |_| true) {
                        self.secret(Severity::Error, &format!("the header `{key}` holds a secret"), &at.rest(pointer));
                    } else if is_secret_field(key) && is_literal(value) {
                        self.secret(Severity::Warning, &format!("`{key}` seems to hold a secret"), &at.rest(pointer));
                    } else {
                        self.secrets(value, pointer, at, depth + 1);
                    }
                    pointer.truncate(length);
                }
            }
            Value::List(items) => {
                for (index, value) in items.iter().enumerate() {
                    pointer.push_str(&format!("/{index}"));
                    self.secrets(value, pointer, at, depth + 1);
                    pointer.truncate(length);
                }
            }
            Value::Str(text) if without_password(text).is_some() => {
                self.secret(Severity::Warning, "the address holds a name and a password", &at.rest(pointer));
            }
            _ => {}
        }
    }

    fn secret(&mut self, severity: Severity, what: &str, at: &Pointer<'_>) {
        let message = format!("{what}; whoever can read the flow can read it");
        let hint = "Save it as a connection and choose that in the node.".to_owned();
        self.report(Diagnostic { severity, ..Code::SecretInDefinition.hinted(at, message, hint) });
    }
}

struct Parts<'p> {
    kind: &'p NodeKind,
    number: usize,
    place: &'p Place<'p>,
    compiled: Option<&'p CompiledConfig>,
    at: &'p Pointer<'p>,
}

/// Whether a value of this JSON type could match the schema's `type`.
fn may_be(schema: &Value, kind: &str) -> bool {
    let fits = |wanted: &str| {
        wanted == kind || (wanted == "number" && kind == "integer") || (wanted == "integer" && kind == "number")
    };
    match schema.get("type") {
        None => true,
        Some(Value::List(types)) => types.iter().filter_map(Value::as_str).any(fits),
        Some(one) => one.as_str().is_none_or(fits),
    }
}

fn words(kind: &str) -> &str {
    match kind {
        "string" => "text",
        "array" => "a list",
        "object" => "a map",
        "boolean" => "true or false",
        "integer" | "number" => "a number",
        other => other,
    }
}

/// Whether a branch of alternatives could be the one that config is meant for: its type and required fields are there.
fn fits_shape(branch: &Value, config: &Value) -> bool {
    let Some(map) = config.as_map() else { return branch.get("type").and_then(Value::as_str) == Some("array") };
    let required = branch.get("required").and_then(Value::as_list).unwrap_or_default();
    branch.get("properties").is_some() && required.iter().filter_map(Value::as_str).all(|name| map.contains_key(name))
}

fn contains_dynamic(value: &Value, depth: usize) -> bool {
    const MAX_DEPTH: usize = 32;
    if depth > MAX_DEPTH || Dynamic::of(value).is_some() {
        return true;
    }
    match value {
        Value::Map(map) => map.values().any(|value| contains_dynamic(value, depth + 1)),
        Value::List(items) => items.iter().any(|value| contains_dynamic(value, depth + 1)),
        _ => false,
    }
}

/// Text that stands in the definition and is long enough to be a secret.
fn is_literal(value: &Value) -> bool {
    const SHORTEST: usize = 4;
    stands_there(value, |text| text.len() >= SHORTEST)
}

/// Whether the definition says such a text: itself, or as a template without expressions, or as an expression that is one
/// literal. A blank one is none.
fn stands_there(value: &Value, such: impl Fn(&str) -> bool + Copy) -> bool {
    let said = |text: &str| !text.trim().is_empty() && such(text.trim());
    match (Dynamic::of(value), value) {
        (Some(Dynamic::Text(source)), _) => !source.contains('{') && said(source),
        (Some(Dynamic::Cel(source)), _) => {
            let source = source.trim();
            let inner =
                |quote: char| source.strip_prefix(quote)?.strip_suffix(quote).filter(|text| !text.contains(quote));
            inner('\'').or_else(|| inner('"')).is_some_and(said)
        }
        (None, Value::Str(text)) => said(text),
        (None, Value::List(items)) => items.iter().any(|item| stands_there(item, such)),
        _ => false,
    }
}

/// What keeps a text from being `https://host…`.
fn no_address(text: &str) -> Option<&'static str> {
    if text.contains("{{") && !text.contains("}}") {
        return Some("has a `{{` that is never closed with `}}`");
    }
    let Some((scheme, rest)) = text.trim().split_once("://") else {
        return Some("is an address without `https://` and a host");
    };
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Some("is an address of another protocol than `https` and `http`");
    }
    (rest.is_empty() || rest.starts_with(['/', '?', '#', ':'])).then_some("is an address without a host")
}
