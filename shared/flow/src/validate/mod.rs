//! Validation: everything that can be said about a definition before it runs. The same in browser and server.
//!
//! It is asked at every keystroke, so it is linear in the size of the definition (ancestors are bit sets, bodies are
//! visited once) and what it reports is bounded. A definition without errors among its diagnostics can be published.

pub mod codes;
mod config;
mod graph;
mod names;
mod saga;

pub use codes::DiagnosticCode;

use crate::{
    capability::{Behaviour, Bodies, Catalogue, EffectClass, NodeKind, Primitive},
    definition::{Definition, Graph, Key, Node, cache, intake, limits, names::did_you_mean, pointer::Pointer},
    known::{Known, KnownGraph, KnownNode},
    schema::well_formed,
};
pub(crate) use config::Checked;
use graph::Shape;
use holon_model::{
    Value,
    wire::flows::{Diagnostic, Severity},
};
use std::sync::Arc;

/// Everything that is wrong or worth a look, in the order of the definition; at most [`limits::MAX_DIAGNOSTICS`] and one that
/// says there are more.
pub fn validate(definition: &Definition, catalogue: &Catalogue) -> Vec<Diagnostic> {
    validate_known(definition, &Known::of(definition, catalogue), catalogue)
}

/// The same by what is known of this definition: nodes that did not change since the one before are not checked again by themselves.
pub fn validate_known(definition: &Definition, known: &Known, catalogue: &Catalogue) -> Vec<Diagnostic> {
    let mut check = Check { catalogue, found: Vec::new(), wholes: Vec::new(), triggers: 0, nodes: 0 };
    let root = Pointer::ROOT;
    if definition.name.trim().is_empty() {
        check.report(DiagnosticCode::NoName.at(&root.key("name"), "the flow has no name"));
    }
    for (field, schema) in [("input", &definition.input), ("output", &definition.output)] {
        if let Some(fault) = schema.as_ref().and_then(|schema| well_formed(schema.as_value()).err()) {
            let at = root.key(field);
            check.report(DiagnosticCode::InvalidSchema.at(&at.rest(&fault.pointer), fault.message));
        }
    }
    let limits = root.key("limits");
    let (concurrency, rate) = (&definition.limits.concurrency, &definition.limits.rate);
    let keys = [
        ("concurrency", concurrency.as_ref().and_then(|one| one.key.as_ref())),
        ("rate", rate.as_ref().and_then(|one| one.key.as_ref())),
    ];
    for (name, key) in keys {
        if let Some(found) = key.and_then(|key| intake::check_key(key, &limits.key(name).key("key"))) {
            check.report(found);
        }
    }
    check.graph(&definition.graph, &known.graph, &root, None);
    if check.triggers == 0 && check.nodes > 0 || definition.graph.nodes.is_empty() {
        let hint = "Add one, for example Manual start or Webhook.".to_owned();
        check.report(DiagnosticCode::NoTrigger.hinted(
            &root.key("nodes"),
            "nothing can start this flow: it has no trigger",
            hint,
        ));
    }
    let samples = root.key("samples");
    for path in definition.samples.keys().filter(|path| !exists(&definition.graph, path)) {
        let message = format!("there is a sample for `{path}`, but no such node");
        check.report(DiagnosticCode::UnknownSample.at(&samples.key(path), message));
    }
    check.found
}

/// Whether nothing in the list prevents publishing.
pub fn is_publishable(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error)
}

struct Check<'a> {
    catalogue: &'a Catalogue,
    found: Vec<Diagnostic>,
    /// Of the config that is being checked.
    wholes: Vec<config::Whole>,
    triggers: usize,
    nodes: usize,
}

/// A graph that is being checked, and the scope node around it.
struct Place<'a> {
    graph: &'a Graph,
    /// Nodes and kinds by number.
    nodes: Vec<(&'a Node, Option<&'a Arc<NodeKind>>)>,
    shape: Shape<'a>,
    /// The node whose bodies hold the graph, in the place around it.
    around: Option<(&'a Place<'a>, &'a Key)>,
    depth: usize,
    /// Whether `item` and `index` have a value here.
    has_item: bool,
}

impl<'a> Check<'a> {
    fn report(&mut self, diagnostic: Diagnostic) {
        match self.found.len() {
            n if n < limits::MAX_DIAGNOSTICS => self.found.push(diagnostic),
            limits::MAX_DIAGNOSTICS => {
                self.found.push(
                    DiagnosticCode::MoreProblems.at(&Pointer::ROOT, "there are more problems than are listed here"),
                );
            }
            _ => {}
        }
    }

    /// Whether nothing more is listed: what only finds words for a report need not be done.
    fn is_full(&self) -> bool {
        self.found.len() > limits::MAX_DIAGNOSTICS
    }

    fn graph(
        &mut self,
        graph: &'a Graph,
        known: &'a KnownGraph,
        at: &Pointer<'_>,
        around: Option<(&Place<'_>, &Key, &NodeKind)>,
    ) {
        let depth = around.map_or(0, |(place, ..)| place.depth + 1);
        self.nodes += graph.nodes.len();
        if depth > limits::MAX_DEPTH || self.nodes > limits::MAX_NODES {
            let message =
                format!("more than {} nodes, or scopes more than {} deep", limits::MAX_NODES, limits::MAX_DEPTH);
            return self.report(DiagnosticCode::LimitExceeded.at(at, message));
        }
        let shape = self.shape(graph, known, at);
        let maps = |kind: &NodeKind| matches!(kind.behaviour, Behaviour::Primitive(Primitive::Map | Primitive::Loop));
        // What a batch holds is run by itself: of the runs that brought the items it sees the items only.
        let apart = |kind: &NodeKind| matches!(kind.behaviour, Behaviour::Primitive(Primitive::Batch));
        let inside = around.filter(|(.., kind)| !apart(kind));
        let place = Place {
            graph,
            nodes: graph.nodes.values().zip(known.nodes.iter().map(|known| known.settings.kind())).collect(),
            shape,
            has_item: inside.is_some_and(|(place, _, kind)| place.has_item || maps(kind)),
            around: inside.map(|(place, key, _)| (place, key)),
            depth,
        };
        let nodes = at.key("nodes");
        for (number, ((key, node), known)) in graph.nodes.iter().zip(&known.nodes).enumerate() {
            let at = nodes.key(key);
            match known.settings.kind() {
                Some(kind) => self.node((number, key, node), kind, known, &place, &at),
                None => self.unknown_kind(node, &at),
            }
        }
        if let Some(result) = &known.result {
            self.result(result, &place, &at.key("result"));
        }
    }

    fn unknown_kind(&mut self, node: &Node, at: &Pointer<'_>) {
        if self.is_full() {
            return;
        }
        let names: Vec<String> = self.catalogue.kinds().map(|kind| kind.reference().to_string()).collect();
        let wanted = node.kind.to_string();
        let other = self.catalogue.kinds().find(|kind| kind.name == node.kind.name);
        let hint = other
            .map(|kind| format!("There is `{}`.", kind.reference()))
            .or_else(|| did_you_mean(&wanted, names.iter().map(String::as_str)));
        let message = format!("there is no node kind `{wanted}`");
        self.report(DiagnosticCode::UnknownKind.hinted(&at.key("kind"), message, hint));
    }

    fn node(
        &mut self,
        (number, key, node): (usize, &'a Key, &'a Node),
        kind: &'a NodeKind,
        known: &'a KnownNode,
        place: &Place<'_>,
        at: &Pointer<'_>,
    ) {
        if matches!(kind.behaviour, Behaviour::Trigger) {
            if place.depth == 0 {
                self.triggers += 1;
            } else {
                let hint = "Move it to the flow itself.".to_owned();
                let message = "a trigger starts a run and cannot stand inside a scope";
                self.report(DiagnosticCode::MisplacedTrigger.hinted(at, message, hint));
            }
        }
        if matches!(kind.behaviour, Behaviour::Primitive(Primitive::Continue)) && place.depth > 0 {
            let message = "a run can go on in another one only from the flow itself, not from inside a scope";
            let hint = "Move it to the flow itself, behind the scope.".to_owned();
            self.report(DiagnosticCode::MisplacedContinue.hinted(at, message, hint));
        }
        let named = match kind.behaviour {
            Behaviour::Primitive(Primitive::Flow) => Some(("flow", "say which flow is called")),
            Behaviour::Primitive(Primitive::Signal) => Some(("name", "say which signal is waited for")),
            _ => None,
        };
        if let Some((field, message)) = named
            && node.config.get(field).and_then(Value::as_str).is_some_and(str::is_empty)
        {
            self.report(DiagnosticCode::InvalidConfig.at(&at.key("config").key(field), message));
        }
        self.policies(node, kind, at);
        if let Some(fallback) = known.settings.fallback() {
            self.fallback(number, fallback, place, &at.key("policies").key("timeout").key("fallback"));
        }
        self.config(number, node, kind, &known.settings, place, at);
        self.bodies((key, node), kind, known, place, at);
        if matches!(kind.behaviour, Behaviour::Primitive(Primitive::Saga)) {
            self.saga(key, node, at);
        }
    }

    fn policies(&mut self, node: &Node, kind: &NodeKind, at: &Pointer<'_>) {
        let (policies, class) = (&node.policies, kind.class(&node.config));
        let (retry, timeout) = match &kind.behaviour {
            Behaviour::Effect => (class != EffectClass::AtMostOnce, true),
            Behaviour::Primitive(
                Primitive::Map
                | Primitive::Try
                | Primitive::Parallel
                | Primitive::Race
                | Primitive::Loop
                | Primitive::Saga
                | Primitive::Flow
                | Primitive::Batch,
            ) => (true, true),
            Behaviour::Primitive(Primitive::Wait | Primitive::Signal | Primitive::Approval) => (false, true),
            _ => (false, false),
        };
        let given = matches!(
            kind.behaviour,
            Behaviour::Effect | Behaviour::Primitive(Primitive::Signal | Primitive::Approval | Primitive::Flow)
        );
        if let Some(key) = policies.cache.as_ref().and_then(|cache| cache.key.as_ref())
            && let Some(found) = cache::check_key(key, &at.key("policies").key("cache").key("key"))
        {
            self.report(found);
        }
        for (name, set, useful) in [
            ("retry", policies.retry.is_some(), retry),
            ("timeout", policies.timeout.is_some(), timeout),
            ("cache", policies.cache.is_some(), kind.cacheable),
            // What takes time can be bounded in time, and in how many of it there are.
            ("concurrency", policies.concurrency.is_some(), timeout),
            ("redact", !policies.redact.is_empty(), given),
        ] {
            if set && !useful {
                let why = match class {
                    _ if name == "cache" => "gives nothing that would be right another time",
                    _ if name == "redact" => "is given nothing from outside",
                    _ if name == "concurrency" => "is over as soon as it begins",
                    EffectClass::AtMostOnce => "must not be done twice",
                    _ => "does nothing that could be slow or go wrong by chance",
                };
                let message = format!("`{name}` has no effect here: {} {why}", kind.title);
                self.report(DiagnosticCode::MisplacedPolicy.hinted(
                    &at.key("policies").key(name),
                    message,
                    "Remove it, or put it on the node that does the work.".to_owned(),
                ));
            }
        }
    }

    fn bodies(
        &mut self,
        (key, node): (&'a Key, &'a Node),
        kind: &'a NodeKind,
        known: &'a KnownNode,
        place: &Place<'_>,
        at: &Pointer<'_>,
    ) {
        let bodies_at = at.key("bodies");
        let expected: Vec<&str> = match &kind.bodies {
            Bodies::Fixed(fixed) => fixed.iter().map(|(name, _)| name.as_str()).collect(),
            Bodies::None | Bodies::Named => Vec::new(),
        };
        for ((name, body), (_, known)) in node.bodies.iter().zip(&known.bodies) {
            let at = bodies_at.key(name);
            if kind.bodies != Bodies::Named && !expected.contains(&&**name) {
                let hint = if expected.is_empty() {
                    "Only scopes such as `map@1` hold graphs.".to_owned()
                } else {
                    format!("Its bodies are: {}.", expected.join(", "))
                };
                let message = format!("{} has no body `{name}`", kind.title);
                self.report(DiagnosticCode::UnexpectedBody.hinted(&at, message, hint));
            }
            let needed = match &kind.bodies {
                Bodies::Fixed(fixed) => fixed.iter().any(|(known, optional)| **known == **name && !optional),
                Bodies::Named => true,
                Bodies::None => false,
            };
            if needed && body.nodes.is_empty() && body.result.is_none() {
                let message = format!("`{name}` of `{key}` is empty");
                self.report(DiagnosticCode::MissingBody.hinted(
                    &at,
                    message,
                    "Put the nodes into it that are to run.".to_owned(),
                ));
            }
            self.graph(body, known, &at, Some((place, key, kind)));
        }
        let missing = match &kind.bodies {
            Bodies::Fixed(fixed) => {
                let absent = |(name, optional): &&(String, bool)| !optional && !node.bodies.contains_key(name.as_str());
                fixed.iter().find(absent).map(|(name, _)| format!("{} needs the body `{name}`", kind.title))
            }
            Bodies::Named if node.bodies.is_empty() => Some(format!("{} needs at least one branch", kind.title)),
            _ => None,
        };
        if let Some(message) = missing {
            self.report(DiagnosticCode::MissingBody.at(&bodies_at, message));
        }
    }
}

/// Whether a structural path without indices names a node: `each/call`, `guard.catch/tell`.
fn exists(graph: &Graph, path: &str) -> bool {
    match path.split_once('/') {
        None => graph.nodes.contains_key(path),
        Some((scope, rest)) => {
            let (key, body) = scope.split_once('.').unwrap_or((scope, "body"));
            graph.nodes.get(key).and_then(|node| node.bodies.get(body)).is_some_and(|body| exists(body, rest))
        }
    }
}
