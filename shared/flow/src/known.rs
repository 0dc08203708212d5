//! What is known of the nodes of a definition, each by itself: its kind, its expressions read, its ports, that its config is right.
//!
//! Validation and compilation go by it. It is made for one definition, out of what was known of the definition before it where there is
//! one: an edit changes few nodes, and nothing of the others is read again. Expressions are read when somebody first asks for them.

use crate::{
    Catalogue, Definition, Graph, Node, NodeKind,
    definition::{Key, Policies, cache::Cache},
    expr::{CompiledConfig, dynamic::Located},
    validate::Checked,
};
use holon_model::Value;
use std::sync::{Arc, OnceLock};

/// What is known of a definition.
#[derive(Debug, Default)]
pub struct Known {
    pub(crate) graph: KnownGraph,
    next: u64,
}

/// What is known of a graph.
#[derive(Debug, Default)]
pub struct KnownGraph {
    /// Its nodes in the order of their keys, as the graph has them.
    pub nodes: Vec<KnownNode>,
    /// Its result, if it has one.
    pub result: Option<Arc<Expressions>>,
}

/// What is known of a node.
#[derive(Debug)]
pub struct KnownNode {
    key: Key,
    /// What does not depend on where it stands.
    pub settings: Arc<Settings>,
    /// Its bodies in the order of their names, as the node has them.
    pub bodies: Vec<(Key, KnownGraph)>,
}

/// What a node says of itself, and what follows from that alone.
#[derive(Debug)]
pub struct Settings {
    /// Without its bodies.
    node: Node,
    kind: Option<Arc<NodeKind>>,
    config: Expressions,
    fallback: Option<Expressions>,
    named: Vec<(String, Vec<String>)>,
    ports: Arc<[Arc<str>]>,
    pub(crate) checked: OnceLock<Checked>,
}

/// A value with dynamic parts.
#[derive(Debug)]
pub struct Expressions {
    /// No other value that was ever known in the same line of definitions has it.
    pub number: u64,
    source: Value,
    each: Vec<String>,
    read: OnceLock<Result<CompiledConfig, Vec<Located>>>,
}

impl Known {
    /// What is known of a definition with these kinds.
    pub fn of(definition: &Definition, catalogue: &Catalogue) -> Self {
        Self::after(definition, catalogue, &Self::default())
    }

    /// The same where something is known of the definition before it, with the same kinds: what did not change is taken from there.
    pub fn after(definition: &Definition, catalogue: &Catalogue, before: &Self) -> Self {
        let mut next = before.next;
        let graph = KnownGraph::after(&definition.graph, catalogue, Some(&before.graph), &mut next);
        Self { graph, next }
    }

    /// What is known of its own graph.
    pub fn graph(&self) -> &KnownGraph {
        &self.graph
    }
}

impl KnownGraph {
    fn after(graph: &Graph, catalogue: &Catalogue, before: Option<&Self>, next: &mut u64) -> Self {
        let mut known = before.map(|before| before.nodes.as_slice()).unwrap_or_default();
        let node = |(key, node): (&Key, &Node)| {
            // Both stand in the order of their keys.
            while known.first().is_some_and(|known| known.key < *key) {
                known = &known[1..];
            }
            let before = known.first().filter(|known| known.key == *key);
            let same = before.map(|before| &before.settings).filter(|before| is_same(&before.node, node));
            let settings = same.cloned().unwrap_or_else(|| Arc::new(Settings::new(node, catalogue, next)));
            let bodies = node.bodies.iter().map(|(name, body)| {
                let mut bodies = before.iter().flat_map(|before| &before.bodies);
                let before = bodies.find(|(known, _)| known == name).map(|(_, body)| body);
                (name.clone(), Self::after(body, catalogue, before, next))
            });
            KnownNode { key: key.clone(), bodies: bodies.collect(), settings }
        };
        let nodes = graph.nodes.iter().map(node).collect();
        let before = before.and_then(|before| before.result.as_ref());
        let result = graph.result.as_ref().map(|result| {
            let same = before.filter(|before| before.source.is_same(result));
            same.cloned().unwrap_or_else(|| Arc::new(Expressions::new(result, Vec::new(), next)))
        });
        Self { nodes, result }
    }
}

impl Settings {
    fn new(node: &Node, catalogue: &Catalogue, next: &mut u64) -> Self {
        let Node { kind, config, join, policies, bodies: _, disabled, note: _ } = node;
        let own = Node {
            config: config.clone(),
            join: *join,
            policies: policies.clone(),
            disabled: *disabled,
            ..Node::new(kind.clone())
        };
        let kind = catalogue.get(kind).cloned();
        // A kind that does not exist has nothing to say.
        let (each, named, ports) = kind.as_ref().map_or_else(Default::default, |kind| {
            (kind.each_pointers(config), kind.named_pointers(config), kind.outputs(config))
        });
        Self {
            kind,
            config: Expressions::new(config, each, next),
            fallback: policies.fallback.as_ref().map(|fallback| Expressions::new(fallback, Vec::new(), next)),
            named,
            ports: ports.into_iter().map(Arc::from).collect(),
            checked: OnceLock::new(),
            node: own,
        }
    }

    /// Its kind, if there is one of its name.
    pub fn kind(&self) -> Option<&Arc<NodeKind>> {
        self.kind.as_ref()
    }

    /// Its config.
    pub fn config(&self) -> &Expressions {
        &self.config
    }

    /// What it gives when its time is up.
    pub fn fallback(&self) -> Option<&Expressions> {
        self.fallback.as_ref()
    }

    /// Fields of config whose expressions see names of their own, as [`NodeKind::named_pointers`].
    pub fn named(&self) -> &[(String, Vec<String>)] {
        &self.named
    }

    /// Its out-ports, as [`NodeKind::outputs`]; none of a kind that does not exist.
    pub fn ports(&self) -> &Arc<[Arc<str>]> {
        &self.ports
    }
}

impl Expressions {
    fn new(source: &Value, each: Vec<String>, next: &mut u64) -> Self {
        let number = *next;
        *next += 1;
        Self { number, source: source.clone(), each, read: OnceLock::new() }
    }

    /// Pointers to the fields that are evaluated for each item.
    pub fn each(&self) -> &[String] {
        &self.each
    }

    /// Ready to be evaluated.
    ///
    /// # Errors
    /// Each dynamic value that cannot be read, with its pointer.
    pub fn read(&self) -> Result<&CompiledConfig, &[Located]> {
        let read = self.read.get_or_init(|| CompiledConfig::new(&self.source, &self.each));
        read.as_ref().map_err(Vec::as_slice)
    }
}

/// Whether nothing tells two nodes apart but their bodies and remarks. Values in them are compared as they are written: a number that
/// is written differently is a difference that people see.
fn is_same(a: &Node, b: &Node) -> bool {
    let Node { kind, config, join, policies, bodies: _, disabled, note: _ } = a;
    let Policies { retry, timeout, fallback, cache, concurrency, redact } = policies;
    let value = |a: &Option<Value>, b: &Option<Value>| match (a, b) {
        (Some(a), Some(b)) => a.is_same(b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let answers = match (cache, &b.policies.cache) {
        (Some(Cache { ttl, key }), Some(b)) => *ttl == b.ttl && value(key, &b.key),
        (a, b) => a.is_none() && b.is_none(),
    };
    (kind, join, disabled) == (&b.kind, &b.join, &b.disabled)
        && (retry, timeout, concurrency, redact)
            == (&b.policies.retry, &b.policies.timeout, &b.policies.concurrency, &b.policies.redact)
        && answers
        && value(fallback, &b.policies.fallback)
        && config.is_same(&b.config)
}
