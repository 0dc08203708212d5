//! A definition as JSON: what `parse` reads back to the same definition. Whatever has its default value is left out.

use super::{Definition, Graph, Join, Node, Policies, Retry, RunLimits, duration};
use holon_model::{Decimal, Map, Value};

impl Definition {
    /// The JSON form (FLOW.md, "Definition").
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        put(&mut map, "holon", Value::Int(1));
        put(&mut map, "name", self.name.as_str().into());
        if !self.description.is_empty() {
            put(&mut map, "description", self.description.as_str().into());
        }
        if !self.tags.is_empty() {
            put(&mut map, "tags", Value::list(self.tags.iter().map(|tag| tag.as_str().into())));
        }
        for (field, schema) in [("input", &self.input), ("output", &self.output)] {
            if let Some(schema) = schema {
                put(&mut map, field, schema.as_value().clone());
            }
        }
        let limits = self.limits.to_value();
        if limits.as_map().is_some_and(|limits| !limits.is_empty()) {
            put(&mut map, "limits", limits);
        }
        graph_into(&self.graph, &mut map);
        if !self.tests.is_null() {
            put(&mut map, "tests", self.tests.clone());
        }
        if !self.samples.is_empty() {
            put(
                &mut map,
                "samples",
                Value::map(self.samples.iter().map(|(path, value)| (path.as_str(), value.clone()))),
            );
        }
        if !self.layout.is_null() {
            put(&mut map, "layout", self.layout.clone());
        }
        map.into()
    }
}

impl RunLimits {
    /// The JSON form: `{deadline?, concurrency?, rate?}`.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        if let Some(deadline) = self.deadline {
            put(&mut map, "deadline", duration::format(deadline).into());
        }
        if let Some(concurrency) = &self.concurrency {
            put(&mut map, "concurrency", concurrency.to_value());
        }
        if let Some(rate) = &self.rate {
            put(&mut map, "rate", rate.to_value());
        }
        map.into()
    }
}

impl Graph {
    /// The JSON form: `{nodes, edges, result?}`.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        graph_into(self, &mut map);
        map.into()
    }
}

impl Node {
    /// The JSON form: `{kind, config, join?, policies?, bodies?, disabled?, note?}`.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        put(&mut map, "kind", self.kind.to_string().into());
        if self.config.as_map().is_none_or(|config| !config.is_empty()) {
            put(&mut map, "config", self.config.clone());
        }
        if self.join != Join::Any {
            put(&mut map, "join", self.join.as_str().into());
        }
        if self.policies != Policies::default() {
            put(&mut map, "policies", self.policies.to_value());
        }
        if !self.bodies.is_empty() {
            put(&mut map, "bodies", Value::map(self.bodies.iter().map(|(name, body)| (name.clone(), body.to_value()))));
        }
        if self.disabled {
            put(&mut map, "disabled", true.into());
        }
        if !self.note.is_empty() {
            put(&mut map, "note", self.note.as_str().into());
        }
        map.into()
    }
}

impl Policies {
    /// The JSON form: `{retry?, timeout?, cache?, concurrency?, redact?}`; a timeout with a fallback is `{after, fallback}`.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        if let Some(retry) = &self.retry {
            put(&mut map, "retry", retry.to_value());
        }
        if let Some(timeout) = self.timeout {
            let after = Value::from(duration::format(timeout));
            let timeout = match &self.fallback {
                Some(fallback) => Value::map([("after", after), ("fallback", fallback.clone())]),
                None => after,
            };
            put(&mut map, "timeout", timeout);
        }
        if let Some(cache) = &self.cache {
            put(&mut map, "cache", cache.to_value());
        }
        if let Some(limit) = self.concurrency {
            put(&mut map, "concurrency", Value::map([("limit", Value::from(limit))]));
        }
        if !self.redact.is_empty() {
            put(&mut map, "redact", places(&self.redact));
        }
        map.into()
    }
}

/// Places, as a definition writes them.
pub(super) fn places(places: &[String]) -> Value {
    Value::list(places.iter().map(|place| place.as_str().into()))
}

impl Retry {
    /// The JSON form: `{attempts, initial, factor, max, jitter}`, defaults but `attempts` left out.
    pub fn to_value(&self) -> Value {
        let default = Self::default();
        let mut map = Map::new();
        put(&mut map, "attempts", self.attempts.into());
        if self.initial != default.initial {
            put(&mut map, "initial", duration::format(self.initial).into());
        }
        if self.factor_percent != default.factor_percent {
            let factor = if self.factor_percent.is_multiple_of(100) {
                Value::from(self.factor_percent / 100)
            } else {
                Value::Decimal(Decimal::new(self.factor_percent.into(), 2).normalize())
            };
            put(&mut map, "factor", factor);
        }
        if self.max != default.max {
            put(&mut map, "max", duration::format(self.max).into());
        }
        if self.jitter != default.jitter {
            put(&mut map, "jitter", self.jitter.into());
        }
        map.into()
    }
}

impl Join {
    /// As written: `any`, `all` or `first`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
            Self::First => "first",
        }
    }
}

fn graph_into(graph: &Graph, map: &mut Map) {
    put(map, "nodes", Value::map(graph.nodes.iter().map(|(key, node)| (key.clone(), node.to_value()))));
    let edges = graph
        .edges
        .iter()
        .map(|edge| Value::map([("from", Value::from(edge.from.to_string())), ("to", edge.to.to_string().into())]));
    put(map, "edges", Value::list(edges));
    if let Some(result) = &graph.result {
        put(map, "result", result.clone());
    }
}

fn put(map: &mut Map, field: &str, value: Value) {
    map.insert(field.into(), value);
}
