//! Reading a definition from JSON: everything that is not one is a located diagnostic, and nothing is guessed.
//!
//! This says whether the JSON has the shape of a definition; whether the definition makes sense is `validate`'s to say.

use super::{
    Definition, Edge, Graph, Join, Key, KindRef, Node, Policies, PortRef, Retry, RunLimits, duration, limits,
    names::{check_key, did_you_mean, is_name, shown},
    pointer::Pointer,
};
use crate::validate::DiagnosticCode as Code;
use holon_model::{Map, Millis, SchemaRef, Value, wire::flows::Diagnostic};
use std::{collections::BTreeMap, sync::Arc};

const DEFINITION: &[&str] = &[
    "holon",
    "name",
    "description",
    "tags",
    "input",
    "output",
    "limits",
    "nodes",
    "edges",
    "result",
    "tests",
    "samples",
    "layout",
];
const GRAPH: &[&str] = &["nodes", "edges", "result"];
const NODE: &[&str] = &["kind", "config", "join", "policies", "bodies", "disabled", "note"];

impl Definition {
    /// Reads a definition.
    ///
    /// # Errors
    /// Everything that is wrong with its shape, located; at most [`limits::MAX_DIAGNOSTICS`] and one that says there are more.
    pub fn from_value(value: &Value) -> Result<Self, Vec<Diagnostic>> {
        let mut reader = Reader::default();
        let definition = reader.definition(value);
        if reader.found.is_empty() { Ok(definition) } else { Err(reader.found) }
    }
}

impl Graph {
    /// Reads a graph by itself, such as one that is pasted.
    ///
    /// # Errors
    /// As [`Definition::from_value`].
    pub fn from_value(value: &Value) -> Result<Self, Vec<Diagnostic>> {
        let mut reader = Reader::default();
        let at = Pointer::ROOT;
        let graph = reader.map(value, &at, "a graph", GRAPH).map(|map| reader.graph(map, &at, 0)).unwrap_or_default();
        if reader.found.is_empty() { Ok(graph) } else { Err(reader.found) }
    }
}

impl Node {
    /// Reads a node by itself, such as one that a command carries.
    ///
    /// # Errors
    /// As [`Definition::from_value`].
    pub fn from_value(value: &Value) -> Result<Self, Vec<Diagnostic>> {
        let mut reader = Reader::default();
        let node = reader.node(value, &Pointer::ROOT, 0);
        match node {
            Some(node) if reader.found.is_empty() => Ok(node),
            _ => Err(reader.found),
        }
    }
}

impl RunLimits {
    /// Reads limits by themselves.
    ///
    /// # Errors
    /// As [`Definition::from_value`].
    pub fn from_value(value: &Value) -> Result<Self, Vec<Diagnostic>> {
        let mut reader = Reader::default();
        let limits = reader.run_limits(value, &Pointer::ROOT);
        if reader.found.is_empty() { Ok(limits) } else { Err(reader.found) }
    }
}

impl Policies {
    /// Reads policies by themselves.
    ///
    /// # Errors
    /// As [`Definition::from_value`].
    pub fn from_value(value: &Value) -> Result<Self, Vec<Diagnostic>> {
        let mut reader = Reader::default();
        let policies = reader.policies(value, &Pointer::ROOT);
        if reader.found.is_empty() { Ok(policies) } else { Err(reader.found) }
    }
}

#[derive(Default)]
pub(super) struct Reader {
    found: Vec<Diagnostic>,
    nodes: usize,
    edges: usize,
}

impl Reader {
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        match self.found.len() {
            n if n < limits::MAX_DIAGNOSTICS => self.found.push(diagnostic),
            limits::MAX_DIAGNOSTICS => {
                self.found.push(Code::MoreProblems.at(&Pointer::ROOT, "there are more problems than are listed here"));
            }
            _ => {}
        }
    }

    fn wrong_type(&mut self, value: &Value, at: &Pointer<'_>, what: &str) {
        self.report(Code::WrongType.at(at, format!("this must be {what}, it is {}", article(value.type_name()))));
    }

    /// The map that `value` must be; unknown fields are reported.
    pub(super) fn map<'v>(
        &mut self,
        value: &'v Value,
        at: &Pointer<'_>,
        what: &str,
        known: &[&str],
    ) -> Option<&'v Map> {
        let Some(map) = value.as_map() else {
            self.wrong_type(value, at, &format!("a map: {what}"));
            return None;
        };
        for field in map.keys().filter(|field| !known.contains(&&***field)) {
            let hint = did_you_mean(field, known.iter().copied())
                .unwrap_or_else(|| format!("Fields are: {}.", known.join(", ")));
            let message = format!("{what} has no field `{}`", shown(field));
            self.report(Code::UnknownField.hinted(&at.key(field), message, hint));
        }
        Some(map)
    }

    fn text(&mut self, map: &Map, at: &Pointer<'_>, field: &str, most: usize) -> String {
        match map.get(field) {
            None => String::new(),
            Some(Value::Str(text)) if text.chars().nth(most).is_some() => {
                self.report(
                    Code::LimitExceeded.at(&at.key(field), format!("`{field}` is longer than {most} characters")),
                );
                String::new()
            }
            Some(Value::Str(text)) => text.to_string(),
            Some(other) => {
                self.wrong_type(other, &at.key(field), "a string");
                String::new()
            }
        }
    }

    fn bool(&mut self, map: &Map, at: &Pointer<'_>, field: &str, default: bool) -> bool {
        match map.get(field) {
            None => default,
            Some(Value::Bool(value)) => *value,
            Some(other) => {
                self.wrong_type(other, &at.key(field), "true or false");
                default
            }
        }
    }

    fn definition(&mut self, value: &Value) -> Definition {
        let at = Pointer::ROOT;
        if value.weight() > limits::MAX_WEIGHT {
            self.report(Code::LimitExceeded.at(&at, "the definition is larger than 16 MiB"));
            return Definition::default();
        }
        let Some(map) = self.map(value, &at, "a definition", DEFINITION) else { return Definition::default() };
        match map.get("holon") {
            Some(Value::Int(1)) => {}
            None => self.report(Code::MissingField.hinted(&at, "`holon` is missing", "Add `\"holon\": 1`.".to_owned())),
            Some(_) => {
                let message = "`holon` must be 1: this version of Holon reads definitions of the first form";
                self.report(Code::UnsupportedVersion.at(&at.key("holon"), message));
            }
        }
        Definition {
            name: self.text(map, &at, "name", limits::MAX_NAME),
            description: self.text(map, &at, "description", limits::MAX_TEXT),
            tags: self.tags(map, &at),
            input: self.schema(map, &at, "input"),
            output: self.schema(map, &at, "output"),
            limits: map.get("limits").map(|value| self.run_limits(value, &at.key("limits"))).unwrap_or_default(),
            graph: self.graph(map, &at, 0),
            tests: self.part(map, &at, "tests", "a list", |value| value.as_list().is_some()),
            samples: self.samples(map, &at),
            layout: self.part(map, &at, "layout", "a map", |value| value.as_map().is_some()),
        }
    }

    fn tags(&mut self, map: &Map, at: &Pointer<'_>) -> Vec<String> {
        let Some(value) = map.get("tags") else { return Vec::new() };
        let at = at.key("tags");
        let Some(items) = value.as_list() else {
            self.wrong_type(value, &at, "a list of strings");
            return Vec::new();
        };
        if items.len() > limits::MAX_TAGS {
            self.report(Code::LimitExceeded.at(&at, format!("a flow has at most {} tags", limits::MAX_TAGS)));
            return Vec::new();
        }
        let mut tags = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match item.as_str() {
                Some(tag) if !tag.is_empty() && tag.chars().count() <= limits::MAX_TAG => tags.push(tag.to_owned()),
                Some(_) => {
                    let message = format!("a tag has 1 to {} characters", limits::MAX_TAG);
                    self.report(Code::InvalidValue.at(&at.index(index), message));
                }
                None => self.wrong_type(item, &at.index(index), "a string"),
            }
        }
        tags
    }

    fn run_limits(&mut self, value: &Value, at: &Pointer<'_>) -> RunLimits {
        let fields = ["deadline", "concurrency", "rate"];
        let Some(map) = self.map(value, at, "limits", &fields) else { return RunLimits::default() };
        RunLimits {
            deadline: map.get("deadline").and_then(|value| self.duration(value, &at.key("deadline"), 1)),
            concurrency: map.get("concurrency").and_then(|value| self.concurrency(value, &at.key("concurrency"))),
            rate: map.get("rate").and_then(|value| self.rate(value, &at.key("rate"))),
        }
    }

    fn schema(&mut self, map: &Map, at: &Pointer<'_>, field: &str) -> Option<SchemaRef> {
        let value = map.get(field)?;
        if !matches!(value, Value::Map(_) | Value::Bool(_)) {
            self.wrong_type(value, &at.key(field), "a JSON Schema: a map, true or false");
        }
        Some(SchemaRef(value.clone()))
    }

    fn part(&mut self, map: &Map, at: &Pointer<'_>, field: &str, what: &str, fits: fn(&Value) -> bool) -> Value {
        match map.get(field) {
            Some(value) if fits(value) => value.clone(),
            Some(value) => {
                self.wrong_type(value, &at.key(field), what);
                Value::Null
            }
            None => Value::Null,
        }
    }

    fn samples(&mut self, map: &Map, at: &Pointer<'_>) -> BTreeMap<String, Value> {
        let Some(value) = map.get("samples") else { return BTreeMap::new() };
        let Some(samples) = value.as_map() else {
            self.wrong_type(value, &at.key("samples"), "a map of values by path of node");
            return BTreeMap::new();
        };
        samples.iter().map(|(path, value)| (path.to_string(), value.clone())).collect()
    }

    fn graph(&mut self, map: &Map, at: &Pointer<'_>, depth: usize) -> Graph {
        if depth > limits::MAX_DEPTH {
            self.report(
                Code::LimitExceeded.at(at, format!("scopes stand in scopes more than {} deep", limits::MAX_DEPTH)),
            );
            return Graph::default();
        }
        let mut nodes = BTreeMap::new();
        match map.get("nodes") {
            Some(Value::Map(items)) => {
                self.nodes += items.len();
                if self.nodes > limits::MAX_NODES {
                    let message = format!("the flow has more than {} nodes", limits::MAX_NODES);
                    self.report(Code::LimitExceeded.hinted(
                        &at.key("nodes"),
                        message,
                        "Split it into several flows.".to_owned(),
                    ));
                    return Graph::default();
                }
                let at = at.key("nodes");
                for (key, value) in items.iter() {
                    let at = at.key(key);
                    if let Some(key) = self.key(key, &at)
                        && let Some(node) = self.node(value, &at, depth)
                    {
                        nodes.insert(key, node);
                    }
                }
            }
            Some(other) => self.wrong_type(other, &at.key("nodes"), "a map of nodes by key"),
            None => self.report(Code::MissingField.at(at, "`nodes` is missing")),
        }
        Graph { nodes, edges: self.edges(map, at), result: map.get("result").cloned() }
    }

    fn key(&mut self, key: &Arc<str>, at: &Pointer<'_>) -> Option<Key> {
        match check_key(key) {
            Ok(()) => Some(key.clone()),
            Err(message) => {
                let hint = format!("Call it `{}`.", super::names::key_from(key));
                self.report(Code::InvalidKey.hinted(at, message, hint));
                None
            }
        }
    }

    fn edges(&mut self, map: &Map, at: &Pointer<'_>) -> Vec<Edge> {
        let Some(value) = map.get("edges") else { return Vec::new() };
        let at = at.key("edges");
        let Some(items) = value.as_list() else {
            self.wrong_type(value, &at, "a list of edges");
            return Vec::new();
        };
        self.edges += items.len();
        if self.edges > limits::MAX_EDGES {
            self.report(Code::LimitExceeded.at(&at, format!("the flow has more than {} edges", limits::MAX_EDGES)));
            return Vec::new();
        }
        let mut edges = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let at = at.index(index);
            let Some(map) = self.map(item, &at, "an edge", &["from", "to"]) else { continue };
            if let (Some(from), Some(to)) = (self.end(map, &at, "from"), self.end(map, &at, "to")) {
                edges.push(Edge { from, to });
            }
        }
        edges
    }

    fn end(&mut self, map: &Map, at: &Pointer<'_>, field: &str) -> Option<PortRef> {
        match map.get(field) {
            Some(Value::Str(text)) => match text.parse::<PortRef>() {
                Ok(end) if check_key(&end.node).is_ok() && is_name(&end.port) => Some(end),
                _ => {
                    let message = format!(
                        "`{}` is not an end of an edge: it is written `key.port`, such as `hook.out`",
                        shown(text)
                    );
                    self.report(Code::InvalidPort.at(&at.key(field), message));
                    None
                }
            },
            Some(other) => {
                self.wrong_type(other, &at.key(field), "a string `key.port`");
                None
            }
            None => {
                self.report(Code::MissingField.at(at, format!("`{field}` is missing")));
                None
            }
        }
    }

    fn node(&mut self, value: &Value, at: &Pointer<'_>, depth: usize) -> Option<Node> {
        let map = self.map(value, at, "a node", NODE)?;
        let kind = match map.get("kind") {
            Some(Value::Str(text)) => match text.parse::<KindRef>() {
                Ok(kind) => Some(kind),
                Err(message) => {
                    self.report(Code::InvalidKind.at(&at.key("kind"), format!("`{}`: {message}", shown(text))));
                    None
                }
            },
            Some(other) => {
                self.wrong_type(other, &at.key("kind"), "a string `name@version`");
                None
            }
            None => {
                self.report(Code::MissingField.at(at, "`kind` is missing"));
                None
            }
        };
        let config = match map.get("config") {
            Some(config @ Value::Map(_)) => config.clone(),
            Some(other) => {
                self.wrong_type(other, &at.key("config"), "a map");
                Value::Null
            }
            None => Value::Map(Arc::default()),
        };
        let join = match map.get("join").map(|value| (value, value.as_str())) {
            None | Some((_, Some("any"))) => Join::Any,
            Some((_, Some("all"))) => Join::All,
            Some((_, Some("first"))) => Join::First,
            Some((_, Some(_))) => {
                self.report(Code::InvalidValue.at(&at.key("join"), "`join` is `any`, `all` or `first`"));
                Join::Any
            }
            Some((other, None)) => {
                self.wrong_type(other, &at.key("join"), "`any`, `all` or `first`");
                Join::Any
            }
        };
        let policies = map.get("policies").map(|value| self.policies(value, &at.key("policies"))).unwrap_or_default();
        let bodies = self.bodies(map, at, depth);
        let disabled = self.bool(map, at, "disabled", false);
        let note = self.text(map, at, "note", limits::MAX_TEXT);
        Some(Node { kind: kind?, config, join, policies, bodies, disabled, note })
    }

    fn bodies(&mut self, map: &Map, at: &Pointer<'_>, depth: usize) -> BTreeMap<Key, Graph> {
        let Some(value) = map.get("bodies") else { return BTreeMap::new() };
        let at = at.key("bodies");
        let Some(items) = value.as_map() else {
            self.wrong_type(value, &at, "a map of graphs by name");
            return BTreeMap::new();
        };
        let mut bodies = BTreeMap::new();
        for (name, value) in items {
            let at = at.key(name);
            if let Some(name) = self.key(name, &at)
                && let Some(map) = self.map(value, &at, "a body", GRAPH)
            {
                bodies.insert(name, self.graph(map, &at, depth + 1));
            }
        }
        bodies
    }

    fn policies(&mut self, value: &Value, at: &Pointer<'_>) -> Policies {
        let fields = ["retry", "timeout", "cache", "concurrency", "redact"];
        let Some(map) = self.map(value, at, "policies", &fields) else { return Policies::default() };
        let retry = map.get("retry").and_then(|value| self.retry(value, &at.key("retry")));
        let (timeout, fallback) =
            map.get("timeout").map(|value| self.timeout(value, &at.key("timeout"))).unwrap_or_default();
        let cache = map.get("cache").and_then(|value| self.cache(value, &at.key("cache")));
        let concurrency = map.get("concurrency").and_then(|value| self.at_a_time(value, &at.key("concurrency")));
        let redact = map.get("redact").map(|value| self.places(value, &at.key("redact"))).unwrap_or_default();
        Policies { retry, timeout, fallback, cache, concurrency, redact }
    }

    /// A list of JSON pointers.
    fn places(&mut self, value: &Value, at: &Pointer<'_>) -> Vec<String> {
        let Some(items) = value.as_list() else {
            self.wrong_type(value, at, "a list of JSON pointers");
            return Vec::new();
        };
        if items.len() > limits::MAX_PLACES {
            self.report(Code::InvalidValue.at(at, format!("at most {} places are named", limits::MAX_PLACES)));
        }
        let mut places = Vec::with_capacity(items.len().min(limits::MAX_PLACES));
        for (number, item) in items.iter().enumerate().take(limits::MAX_PLACES) {
            let place = item.as_str().filter(|place| place.is_empty() || place.starts_with('/'));
            match place.filter(|place| place.len() <= limits::MAX_PLACE) {
                Some(place) => places.push(place.to_owned()),
                None => {
                    let message = format!("a place is a JSON pointer of at most {} bytes", limits::MAX_PLACE);
                    let hint = "Such as `/body/card/number`, or `/body/lines/*/pin` for all of a list.".to_owned();
                    self.report(Code::InvalidValue.hinted(&at.index(number), message, hint));
                }
            }
        }
        places
    }

    /// `{limit}`: how many of a node go on at a time.
    fn at_a_time(&mut self, value: &Value, at: &Pointer<'_>) -> Option<u32> {
        let map = self.map(value, at, "a concurrency policy", &["limit"])?;
        if !map.contains_key("limit") {
            self.report(Code::MissingField.at(at, "`limit` is missing: how many go on at a time"));
        }
        self.count(map, at, "limit", 1, limits::MAX_CONCURRENCY)
    }

    /// A duration, or `{after, fallback?}`.
    fn timeout(&mut self, value: &Value, at: &Pointer<'_>) -> (Option<Millis>, Option<Value>) {
        if value.as_map().is_none() {
            return (self.duration(value, at, 1), None);
        }
        let Some(map) = self.map(value, at, "a timeout", &["after", "fallback"]) else { return (None, None) };
        let after = match map.get("after") {
            Some(after) => self.duration(after, &at.key("after"), 1),
            None => {
                self.report(Code::MissingField.at(at, "`after` is missing"));
                None
            }
        };
        (after, map.get("fallback").cloned())
    }

    fn retry(&mut self, value: &Value, at: &Pointer<'_>) -> Option<Retry> {
        let map = self.map(value, at, "a retry policy", &["attempts", "initial", "factor", "max", "jitter"])?;
        let mut retry = Retry::default();
        if let Some(value) = map.get("attempts") {
            match value.as_int().and_then(|n| u32::try_from(n).ok()).filter(|n| (1..=limits::MAX_ATTEMPTS).contains(n))
            {
                Some(attempts) => retry.attempts = attempts,
                None => {
                    let message = format!("`attempts` is a whole number from 1 to {}", limits::MAX_ATTEMPTS);
                    self.report(Code::InvalidValue.at(&at.key("attempts"), message));
                }
            }
        }
        if let Some(value) = map.get("factor") {
            match Retry::percent(value) {
                Some(percent) => retry.factor_percent = percent,
                None => {
                    let message = "`factor` is a number from 1 to 100 with at most two decimals";
                    self.report(Code::InvalidValue.at(&at.key("factor"), message));
                }
            }
        }
        if let Some(initial) = map.get("initial").and_then(|value| self.duration(value, &at.key("initial"), 0)) {
            retry.initial = initial;
        }
        if let Some(max) = map.get("max").and_then(|value| self.duration(value, &at.key("max"), 0)) {
            retry.max = max;
        }
        retry.jitter = self.bool(map, at, "jitter", retry.jitter);
        Some(retry)
    }

    pub(super) fn duration(&mut self, value: &Value, at: &Pointer<'_>, least: u64) -> Option<Millis> {
        match duration::parse(value) {
            Ok(duration) if duration.0 >= least => Some(duration),
            Ok(_) => {
                self.report(Code::InvalidValue.at(at, "the duration must be longer than nothing"));
                None
            }
            Err(message) => {
                self.report(Code::InvalidValue.at(at, message));
                None
            }
        }
    }
}

/// `a list`, `an int`, `null`.
fn article(name: &str) -> String {
    match name {
        "null" => name.to_owned(),
        "int" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}
