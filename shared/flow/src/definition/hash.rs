//! The hash of a definition: what it means, not how it is written or drawn (FLOW.md, "Hash").
//!
//! Covered: nodes, edges (sorted), result, input and output schemas, limits. Not covered: name, description, tags, notes, tests,
//! samples, layout.

use super::{Definition, Edge, Graph, Join, Node};
use holon_model::canon::Canon;

impl Definition {
    /// blake3 over the canonical encoding of everything that has a meaning.
    pub fn hash(&self) -> [u8; 32] {
        let mut canon = Canon::new();
        canon.text("holon.definition/1");
        graph(&self.graph, &mut canon);
        for schema in [&self.input, &self.output] {
            option(schema.as_ref(), &mut canon, |schema, canon| {
                canon.value(schema.as_value());
            });
        }
        // Written only where it is set, so that definitions without it keep their hash.
        if let Some(deadline) = self.limits.deadline {
            canon.tag(b'D').u64(deadline.0);
        }
        if let Some(concurrency) = &self.limits.concurrency {
            canon.tag(b'C').value(&concurrency.to_value());
        }
        if let Some(rate) = &self.limits.rate {
            canon.tag(b'R').value(&rate.to_value());
        }
        canon.hash()
    }
}

fn graph(graph: &Graph, canon: &mut Canon) {
    canon.tag(b'G').u64(graph.nodes.len() as u64);
    for (key, node) in &graph.nodes {
        canon.text(key);
        self::node(node, canon);
    }
    let mut edges: Vec<&Edge> = graph.edges.iter().collect();
    edges.sort_unstable();
    canon.u64(edges.len() as u64);
    for edge in edges {
        canon.text(&edge.from.node).text(&edge.from.port).text(&edge.to.node).text(&edge.to.port);
    }
    option(graph.result.as_ref(), canon, |result, canon| {
        canon.value(result);
    });
}

fn node(node: &Node, canon: &mut Canon) {
    canon.text(&node.kind.name).u64(node.kind.version.into()).value(&node.config);
    canon.tag(match node.join {
        Join::Any => b'a',
        Join::All => b'l',
        Join::First => b'f',
    });
    canon.tag(u8::from(node.disabled));
    option(node.policies.retry.as_ref(), canon, |retry, canon| {
        canon.u64(retry.attempts.into()).u64(retry.initial.0).u64(retry.factor_percent.into()).u64(retry.max.0);
        canon.tag(u8::from(retry.jitter));
    });
    // These are written only where they are set, by tags that stand for no timeout, so that nodes without them keep their hash.
    if let Some(cache) = &node.policies.cache {
        canon.tag(b'c').value(&cache.to_value());
    }
    if let Some(limit) = node.policies.concurrency {
        canon.tag(b'n').u64(limit.into());
    }
    if !node.policies.redact.is_empty() {
        canon.tag(b'r').value(&super::write::places(&node.policies.redact));
    }
    match (node.policies.timeout, &node.policies.fallback) {
        (None, _) => canon.tag(0),
        (Some(timeout), None) => canon.tag(1).u64(timeout.0),
        (Some(timeout), Some(fallback)) => canon.tag(2).u64(timeout.0).value(fallback),
    };
    canon.u64(node.bodies.len() as u64);
    for (name, body) in &node.bodies {
        canon.text(name);
        graph(body, canon);
    }
}

fn option<T>(value: Option<T>, canon: &mut Canon, write: impl FnOnce(T, &mut Canon)) {
    match value {
        None => {
            canon.tag(0);
        }
        Some(value) => {
            canon.tag(1);
            write(value, canon);
        }
    }
}
