//! From a definition to a flow in an arena: topological order, ports as indices, compiled config, ancestors as bits.
//!
//! This module owns what the machine cannot run without. Everything else that can be said about a definition is said by
//! `holon_flow::validate`, which editor and server ask first.

use crate::{
    arena::{BehaviourKind, CEdge, CGraph, CNode, Compiled, GraphId, Needs, NodeId, index, len},
    config::Config,
    path::static_path,
};
use holon_flow::{
    Catalogue, Definition, Graph, Node,
    capability::{Behaviour, Bodies, NodeError, Primitive},
    definition::{Key, pointer::Pointer},
    known::{Expressions, Known, KnownGraph, KnownNode},
    redact::{Redaction, marks},
    validate::DiagnosticCode,
};
use holon_model::wire::flows::Diagnostic;
use std::{collections::BTreeSet, sync::Arc};

/// Compiles a definition that is to run durably.
///
/// # Errors
/// Everything that keeps it from running, each at its place.
pub fn compile(definition: &Definition, catalogue: &Catalogue) -> Result<Arc<Compiled>, Vec<Diagnostic>> {
    let (compiled, diagnostics) = compile_draft(definition, catalogue);
    if diagnostics.is_empty() { Ok(compiled) } else { Err(diagnostics) }
}

/// Compiles whatever can be compiled of a draft: a node that cannot run fails when it is reached, an edge that leads nowhere or
/// back is left out, and each is reported. So the rest of a half-edited flow still shows its data.
pub fn compile_draft(definition: &Definition, catalogue: &Catalogue) -> (Arc<Compiled>, Vec<Diagnostic>) {
    compile_known(definition, &Known::of(definition, catalogue))
}

/// The same by what is known of this definition: expressions of nodes that did not change since the one before are not read again.
pub(crate) fn compile_known(definition: &Definition, known: &Known) -> (Arc<Compiled>, Vec<Diagnostic>) {
    let mut compiler = Compiler {
        graphs: Vec::new(),
        diagnostics: Vec::new(),
        signals: BTreeSet::new(),
        needs: Needs::default(),
        redacts_given: false,
    };
    compiler.graph(&definition.graph, known.graph(), String::new(), &Pointer::ROOT);
    let compiled = Compiled {
        hash: definition.hash(),
        graphs: compiler.graphs,
        samples: definition.samples.clone(),
        deadline: definition.limits.deadline,
        signals: compiler.signals,
        needs: compiler.needs,
        redaction: Redaction::of(definition.input.as_ref()),
        redacts_given: compiler.redacts_given,
    };
    (Arc::new(compiled), compiler.diagnostics)
}

struct Compiler {
    graphs: Vec<CGraph>,
    diagnostics: Vec<Diagnostic>,
    signals: BTreeSet<Arc<str>>,
    needs: Needs,
    redacts_given: bool,
}

/// An edge between nodes of one graph, by their place in key order: source, its port, target, its port.
type KeyEdge = (usize, u32, usize, u32);

impl Compiler {
    fn report(&mut self, code: DiagnosticCode, at: &Pointer<'_>, message: String) -> NodeError {
        self.diagnostics.push(code.at(at, message.clone()));
        NodeError::new(code.as_str(), message)
    }

    fn graph(&mut self, graph: &Graph, known: &KnownGraph, prefix: String, at: &Pointer<'_>) -> GraphId {
        let id = len(&self.graphs);
        // The place is taken before bodies are compiled, so that the definition's own graph is 0.
        self.graphs.push(CGraph {
            nodes: Vec::new(),
            by_key: Vec::new(),
            roots: Vec::new(),
            sinks: Vec::new(),
            has_trigger: false,
            result: None,
            prefix: prefix.clone(),
        });
        let nodes_at = at.key("nodes");
        let each = graph.nodes.iter().zip(&known.nodes);
        let mut nodes: Vec<CNode> =
            each.map(|((key, node), known)| self.node((key, node), known, &prefix, &nodes_at.key(key))).collect();
        let edges = self.edges(graph, &nodes, at);
        let (order, edges) = self.sort(&nodes, edges, at);
        // `order` lists places in key order; nodes are moved into topological order.
        let mut number = vec![0; nodes.len()];
        for (to, from) in order.iter().enumerate() {
            number[*from] = index(to);
        }
        for (from, port, to, in_port) in edges {
            nodes[to].ins.push(CEdge { from: number[from], port, in_port });
            nodes[from].outs.push((port, number[to]));
        }
        let by_key = nodes.iter().zip(&number).map(|(node, number)| (node.key.clone(), *number)).collect();
        let mut slots: Vec<Option<CNode>> = nodes.into_iter().map(Some).collect();
        let mut nodes: Vec<CNode> = order.iter().filter_map(|place| slots[*place].take()).collect();
        finish(&mut nodes);
        let result = known.result.as_ref().map(|result| self.config(result, &at.key("result")));
        let compiled = &mut self.graphs[id as usize];
        compiled.by_key = by_key;
        compiled.roots = select(&nodes, |node| node.ins.is_empty());
        compiled.sinks = select(&nodes, |node| node.outs.iter().all(|(port, _)| Some(*port) == node.error_port));
        compiled.has_trigger = nodes.iter().any(|node| matches!(node.behaviour, BehaviourKind::Trigger));
        compiled.nodes = nodes;
        compiled.result = result;
        id
    }

    fn node(&mut self, (key, node): (&Key, &Node), known: &KnownNode, prefix: &str, at: &Pointer<'_>) -> CNode {
        let settings = &known.settings;
        let Some(kind) = settings.kind().cloned() else {
            let message = format!("there is no node kind `{}`", node.kind);
            let error = self.report(DiagnosticCode::UnknownKind, &at.key("kind"), message);
            return broken(key, node, known, error);
        };
        let mut config = self.config(settings.config(), &at.key("config"));
        let bodies_at = at.key("bodies");
        if let Bodies::Fixed(fixed) = &kind.bodies {
            for (body, _) in
                fixed.iter().filter(|(body, optional)| !optional && !node.bodies.contains_key(body.as_str()))
            {
                let message = format!("the node `{key}` needs the body `{body}`");
                config = Config::Broken(self.report(DiagnosticCode::MissingBody, &bodies_at.key(body), message));
            }
        }
        let fallback = settings.fallback();
        let fallback =
            fallback.map(|fallback| self.config(fallback, &at.key("policies").key("timeout").key("fallback")));
        self.need(&kind.behaviour, &node.config);
        let asks = kind.asks_whether_done(&node.config);
        self.needs.tasks |= asks;
        let redaction = Redaction::at(&node.policies.redact);
        self.redacts_given |= !redaction.is_empty() || marks(&node.config);
        self.needs.workers |= kind.handed_out();
        let bodies = node.bodies.iter().zip(&known.bodies).map(|((name, body), (_, known))| {
            (name.clone(), self.graph(body, known, static_path(prefix, key, name), &bodies_at.key(name)))
        });
        let bodies = bodies.collect();
        let ports = settings.ports().clone();
        CNode {
            key: key.clone(),
            kind_ref: node.kind.clone(),
            behaviour: (&kind.behaviour).into(),
            class: kind.class(&node.config),
            asks,
            number: settings.config().number,
            config,
            join: node.join,
            policies: node.policies.clone(),
            signal: node.config.get("name").and_then(holon_model::Value::as_str).map(str::to_owned),
            redaction,
            fallback,
            disabled: node.disabled,
            bodies,
            ins: Vec::new(),
            outs: Vec::new(),
            out_port: ports.iter().position(|port| **port == *"out").map_or(0, index),
            error_port: if kind.ports.error { ports.len().checked_sub(1).map(index) } else { None },
            ports,
            handles_error: false,
            ancestors: Vec::new(),
            kind,
        }
    }

    fn config(&mut self, config: &Expressions, at: &Pointer<'_>) -> Config {
        for (pointer, error) in config.read().err().unwrap_or_default() {
            let code = DiagnosticCode::InvalidExpression;
            let mut diagnostic = code.at(&at.rest(pointer), error.to_string());
            if let holon_flow::expr::ExprError::Syntax { start, end, hint, .. } = error {
                diagnostic.span = Some((*start, *end));
                diagnostic.hint.clone_from(hint);
            }
            self.diagnostics.push(diagnostic);
        }
        Config::of(config)
    }

    /// Notes what the node needs of the host.
    fn need(&mut self, behaviour: &Behaviour, config: &holon_model::Value) {
        match behaviour {
            Behaviour::Primitive(Primitive::Signal) => {
                self.needs.signals = true;
                self.signals.extend(config.get("name").and_then(holon_model::Value::as_str).map(Arc::from));
            }
            // A saga whose compensation keeps failing asks a person.
            Behaviour::Primitive(Primitive::Approval | Primitive::Saga) => self.needs.tasks = true,
            Behaviour::Primitive(Primitive::Flow | Primitive::Batch) => self.needs.children = true,
            Behaviour::Primitive(Primitive::Continue) => self.needs.continuing = true,
            _ => {}
        }
    }

    /// Edges whose ends exist, each once.
    fn edges(&mut self, graph: &Graph, nodes: &[CNode], at: &Pointer<'_>) -> Vec<KeyEdge> {
        // In order, as the graph has them.
        let keys: Vec<&str> = graph.nodes.keys().map(|key| &**key).collect();
        let edges_at = at.key("edges");
        let mut edges = Vec::with_capacity(graph.edges.len());
        for (number, edge) in graph.edges.iter().enumerate() {
            let at = edges_at.index(number);
            let mut find = |end: &str| {
                let found = keys.binary_search(&end).ok();
                if found.is_none() {
                    self.report(DiagnosticCode::UnknownNode, &at, format!("there is no node `{end}` in this graph"));
                }
                found
            };
            let (Some(from), Some(to)) = (find(&edge.from.node), find(&edge.to.node)) else { continue };
            let Some(port) = nodes[from].port(&edge.from.port) else {
                let message = format!("the node `{}` has no port `{}`", edge.from.node, edge.from.port);
                self.report(DiagnosticCode::UnknownPort, &at, message);
                continue;
            };
            let inputs = &nodes[to].kind.ports.inputs;
            let Some(in_port) = inputs.iter().position(|input| **input == *edge.to.port) else {
                let message = format!("the node `{}` has no port `{}`", edge.to.node, edge.to.port);
                self.report(DiagnosticCode::UnknownPort, &at, message);
                continue;
            };
            edges.push((from, port, to, index(in_port)));
        }
        edges.sort_unstable();
        edges.dedup_by_key(|edge| (edge.0, edge.1, edge.2));
        edges
    }

    /// Kahn's algorithm, smallest key first. What is left lies on cycles: its edges among itself are left out.
    fn sort(&mut self, nodes: &[CNode], edges: Vec<KeyEdge>, at: &Pointer<'_>) -> (Vec<usize>, Vec<KeyEdge>) {
        let mut waiting = vec![0u32; nodes.len()];
        let mut leads = vec![Vec::new(); nodes.len()];
        for (from, _, to, _) in &edges {
            waiting[*to] += 1;
            leads[*from].push(*to);
        }
        let mut ready: std::collections::BTreeSet<usize> =
            (0..nodes.len()).filter(|node| waiting[*node] == 0).collect();
        let mut order = Vec::with_capacity(nodes.len());
        while let Some(node) = ready.pop_first() {
            order.push(node);
            for to in &leads[node] {
                waiting[*to] -= 1;
                if waiting[*to] == 0 {
                    ready.insert(*to);
                }
            }
        }
        if order.len() == nodes.len() {
            return (order, edges);
        }
        let left: Vec<usize> = (0..nodes.len()).filter(|node| waiting[*node] > 0).collect();
        let names: Vec<&str> = left.iter().take(10).map(|node| &*nodes[*node].key).collect();
        let message =
            format!("these edges lead back to where they came from; a repetition is a scope: {}", names.join(", "));
        self.report(DiagnosticCode::Cycle, &at.key("edges"), message);
        let edges = edges.into_iter().filter(|(from, _, to, _)| waiting[*from] == 0 || waiting[*to] == 0).collect();
        order.extend(left);
        (order, edges)
    }
}

/// A node of a kind that does not exist: it fails when it is reached.
fn broken(key: &Key, node: &Node, known: &KnownNode, error: NodeError) -> CNode {
    let kind = Arc::new(crate::config::missing_kind(&node.kind));
    CNode {
        key: key.clone(),
        kind_ref: node.kind.clone(),
        behaviour: (&kind.behaviour).into(),
        class: kind.effect,
        asks: false,
        number: known.settings.config().number,
        config: Config::Broken(error),
        join: node.join,
        policies: node.policies.clone(),
        signal: None,
        redaction: Redaction::default(),
        fallback: None,
        disabled: node.disabled,
        bodies: Vec::new(),
        ins: Vec::new(),
        outs: Vec::new(),
        ports: ["out", "error"].map(Arc::from).into(),
        out_port: 0,
        error_port: Some(1),
        handles_error: false,
        ancestors: Vec::new(),
        kind,
    }
}

/// Sorts edges and spreads ancestors along them; nodes stand in topological order.
fn finish(nodes: &mut [CNode]) {
    let keys: Vec<Key> = nodes.iter().map(|node| node.key.clone()).collect();
    let words = nodes.len().div_ceil(64);
    for at in 0..nodes.len() {
        let (before, rest) = nodes.split_at_mut(at);
        let node = &mut rest[0];
        node.ins.sort_by(|a, b| keys[a.from as usize].cmp(&keys[b.from as usize]).then(a.port.cmp(&b.port)));
        node.outs.sort_unstable();
        node.handles_error = node.outs.iter().any(|(port, _)| Some(*port) == node.error_port);
        let mut ancestors = vec![0u64; words];
        for CEdge { from, .. } in node.ins.iter().copied() {
            ancestors[from as usize / 64] |= 1 << (from % 64);
            for (own, theirs) in ancestors.iter_mut().zip(&before[from as usize].ancestors) {
                *own |= theirs;
            }
        }
        node.ancestors = ancestors;
    }
}

fn select(nodes: &[CNode], holds: impl Fn(&CNode) -> bool) -> Vec<NodeId> {
    nodes.iter().enumerate().filter(|(_, node)| holds(node)).map(|(at, _)| index(at)).collect()
}
