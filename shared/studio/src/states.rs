//! What a run says about the nodes and edges of one graph: the same for preview and for a live run.

use crate::{
    GraphPath, place,
    way::{Way, way},
    worker::{Computed, EdgeData, PreviewReply},
};
use holon_flow::definition::Key;
use holon_model::{
    Timestamp, Value,
    wire::{
        flows::Severity,
        runs::{NodeFailure, NodeRun},
    },
};
use std::collections::BTreeMap;

/// A node's state as its card shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeState {
    /// `pending | running | waiting | succeeded | failed | skipped | cancelled`; empty when it is not known.
    pub status: String,
    /// How many items came in, if anything did.
    pub items_in: Option<u32>,
    /// How many items went out, if anything did.
    pub items_out: Option<u32>,
    /// How long it took, in milliseconds, when that is measured.
    pub millis: Option<u64>,
    /// How long a preview computed it, in milliseconds, when that was more than one.
    pub computed: Option<u64>,
    /// Attempts, when it was more than one.
    pub attempts: u32,
    /// Why it failed.
    pub error: Option<NodeFailure>,
    /// Until when it waits.
    pub until: Option<Timestamp>,
    /// Whether it waits for its turn, or had to.
    pub queued: bool,
    /// Whether a sample answered for it.
    pub sampled: bool,
    /// The paths of a saga, forward and back.
    pub way: Option<Way>,
}

/// An edge's state as its curve shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EdgeState {
    /// `taken`, `skipped` or `pending`.
    pub state: String,
    /// Items of the last value.
    pub items: u32,
    /// How often it was taken.
    pub count: u32,
}

/// What a preview is called as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It has not run, or could not.
    NotRun,
    /// There is no node that could run.
    Nothing,
    /// The flow has errors: what could run of it did.
    InPart,
    /// It ended in this status.
    Ended(&'a str),
}

/// What a preview is called: nothing is completed of which a part could not run.
pub fn outcome(preview: &PreviewReply) -> Outcome<'_> {
    let wrong = preview.diagnostics.iter().any(|found| found.severity == Severity::Error);
    match (preview.status.as_str(), preview.nodes.is_empty()) {
        ("", _) => Outcome::NotRun,
        (_, true) => Outcome::Nothing,
        ("completed", _) if wrong => Outcome::InPart,
        (status, _) => Outcome::Ended(status),
    }
}

/// How many items a value is: the length of a list, else one.
pub fn items(value: &Value) -> u32 {
    value.as_list().map_or(1, |items| u32::try_from(items.len()).unwrap_or(u32::MAX))
}

/// The key of a run's node if it stands in the graph at `path`, in these iterations of the scopes on the way.
fn here<'a>(path: &GraphPath, iterations: &[u32], node: &'a str) -> Option<&'a str> {
    let mut segments = node.split('/');
    for (depth, step) in path.0.iter().enumerate() {
        let (name, index) = split(segments.next()?);
        let body = step.body.as_ref();
        let fits = match name.strip_prefix(step.node.as_ref())? {
            "" => body == "body",
            rest => rest.strip_prefix('.') == Some(body),
        };
        let chosen = iterations.get(depth).copied().unwrap_or(0);
        if !fits || index.is_some_and(|index| index != chosen) {
            return None;
        }
    }
    let key = segments.next()?;
    segments.next().is_none().then(|| split(key).0)
}

/// `each[3]` as `each` and 3.
fn split(segment: &str) -> (&str, Option<u32>) {
    match segment.split_once('[') {
        Some((name, rest)) => (name, rest.trim_end_matches(']').parse().ok()),
        None => (segment, None),
    }
}

/// The run's node `key` of the graph at `path`.
pub fn find<'a>(path: &GraphPath, iterations: &[u32], key: &str, nodes: &'a [NodeRun]) -> Option<&'a NodeRun> {
    nodes.iter().rev().find(|node| here(path, iterations, &node.path) == Some(key))
}

/// How many iterations of the graph at `path` the run has, in these iterations of the scopes around it; 0 when it is no loop.
pub fn iterations(path: &GraphPath, chosen: &[u32], nodes: &[NodeRun]) -> u32 {
    let Some((parent, step)) = path.parent() else { return 0 };
    let depth = parent.0.len();
    let count = nodes.iter().filter_map(|node| {
        let segments: Vec<&str> = node.path.split('/').collect();
        let (name, index) = split(segments.get(depth)?);
        let scope = segments.get(..depth)?.iter().copied().chain([name]).collect::<Vec<_>>().join("/");
        let rest = here(&parent, chosen, &scope)?.strip_prefix(step.node.as_ref())?;
        (rest.is_empty() || rest.starts_with('.')).then_some(index? + 1)
    });
    count.max().unwrap_or(0)
}

/// The states of the nodes of a graph.
pub fn nodes(path: &GraphPath, iterations: &[u32], nodes: &[NodeRun], sampled: &[String]) -> BTreeMap<Key, NodeState> {
    let mut out = BTreeMap::new();
    for node in nodes {
        if let Some(key) = here(path, iterations, &node.path) {
            let sampled = sampled.iter().any(|path| *path == place::without_indices(&node.path));
            let way = node.saga.as_ref().map(|saga| way(&node.path, saga, nodes));
            out.insert(Key::from(key), NodeState { way, ..state(node, sampled) });
        }
    }
    out
}

/// The same with how long a preview computed the nodes of the graph at `path`. Of what took no time worth a word, and of what was
/// remembered, nothing is told.
pub fn timed(
    mut states: BTreeMap<Key, NodeState>,
    path: &GraphPath,
    computed: &[Computed],
) -> BTreeMap<Key, NodeState> {
    for Computed { path: of, micros } in computed.iter().filter(|computed| computed.micros > 1_000) {
        let here = states.iter_mut().find(|(key, _)| place::sample_key(path, key) == *of);
        if let Some((_, state)) = here {
            state.computed = Some(micros / 1_000);
        }
    }
    states
}

fn state(node: &NodeRun, sampled: bool) -> NodeState {
    let millis = node.started_at.zip(node.finished_at).map(|(from, to)| to.since(from).0).filter(|millis| *millis > 0);
    NodeState {
        status: node.status.clone(),
        items_in: node.input.as_ref().map(items),
        items_out: emitted(node).map(|(_, value)| items(value)),
        millis,
        computed: None,
        attempts: node.attempts,
        error: node.error.clone(),
        until: node.waiting_until.filter(|_| node.status == "waiting"),
        queued: node.queued_at.is_some(),
        sampled,
        way: None,
    }
}

/// The port a node emitted on, and what.
pub fn emitted(node: &NodeRun) -> Option<(&str, &Value)> {
    node.output.as_ref()?.as_map()?.iter().next().map(|(port, value)| (port.as_ref(), value))
}

/// The states of the edges of a graph by `from>to`, from what its nodes emitted.
pub fn edges(
    definition: &holon_flow::Definition,
    path: &GraphPath,
    iterations: &[u32],
    run: &[NodeRun],
) -> BTreeMap<String, EdgeState> {
    let Some(graph) = path.find(definition) else { return BTreeMap::new() };
    let found = graph.edges.iter().filter_map(|edge| {
        let node = find(path, iterations, &edge.from.node, run)?;
        let (state, items) = match (emitted(node), node.status.as_str()) {
            (Some((port, value)), _) if *port == *edge.from.port => ("taken", items(value)),
            (Some(_), _) | (None, "skipped" | "succeeded" | "failed" | "cancelled") => ("skipped", 0),
            _ => ("pending", 0),
        };
        let id = format!("{}>{}", edge.from, edge.to);
        Some((id, EdgeState { state: state.into(), items, count: u32::from(state == "taken") }))
    });
    found.collect()
}

/// The data of an edge of the graph at `path`, from the preview's list.
pub fn edge_data<'a>(path: &GraphPath, from: &str, to: &str, edges: &'a [EdgeData]) -> Option<&'a EdgeData> {
    let prefix = place::sample_key(path, "");
    edges.iter().find(|edge| edge.from.strip_prefix(&prefix) == Some(from) && edge.to.strip_prefix(&prefix) == Some(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(path: &str, status: &str) -> NodeRun {
        NodeRun {
            path: path.into(),
            status: status.into(),
            input: Some(Value::list([Value::Int(1), Value::Int(2)])),
            output: (status == "succeeded").then(|| Value::map([("out", Value::Int(1))])),
            error: None,
            attempts: 0,
            cached_at: None,
            queued_at: None,
            started_at: Some(Timestamp(0)),
            finished_at: Some(Timestamp(7)),
            waiting_until: None,
            waiting_for: None,
            saga: None,
        }
    }

    #[test]
    fn time_is_told_of_what_was_computed_here_and_took_a_while() {
        let run = [node("call", "succeeded"), node("each[0]/call", "succeeded"), node("each[0]/quick", "succeeded")];
        let computed = [("call", 90_000), ("each/call", 12_700), ("each/quick", 1_000), ("each/gone", 5_000)];
        let computed = computed.map(|(path, micros)| Computed { path: path.to_owned(), micros });
        let inside = GraphPath::root().child("each", "body");
        let states = timed(nodes(&inside, &[0], &run, &[]), &inside, &computed);
        assert_eq!((states["call"].computed, states["quick"].computed, states.len()), (Some(12), None, 2));
    }

    #[test]
    fn a_graph_shows_the_chosen_iteration_only() {
        let run = [
            node("each", "running"),
            node("each[0]/call", "succeeded"),
            node("each[1]/call", "failed"),
            node("call", "skipped"),
        ];
        let inside = GraphPath::root().child("each", "body");
        assert_eq!(nodes(&inside, &[1], &run, &[])["call"].status, "failed");
        let state = &nodes(&inside, &[0], &run, &["each/call".to_owned()])["call"];
        assert_eq!((state.items_in, state.items_out, state.millis, state.sampled), (Some(2), Some(1), Some(7), true));
        assert!(!state.queued);
        let late = NodeRun { queued_at: Some(Timestamp(0)), ..node("each[1]/call", "succeeded") };
        assert!(nodes(&inside, &[1], &[late], &[])["call"].queued, "that it had to wait stays known");
        assert_eq!(iterations(&inside, &[0], &run), 2);
        assert_eq!(nodes(&GraphPath::root(), &[], &run, &[]).len(), 2);
    }

    #[test]
    fn a_preview_is_completed_only_when_all_of_the_flow_could_run() {
        let mut preview = PreviewReply::default();
        assert_eq!(outcome(&preview), Outcome::NotRun);
        preview.status = "completed".into();
        assert_eq!(outcome(&preview), Outcome::Nothing);
        preview.nodes = vec![node("start", "succeeded")];
        assert_eq!(outcome(&preview), Outcome::Ended("completed"));
        let found = |severity| holon_model::wire::flows::Diagnostic {
            pointer: "/nodes/odd".into(),
            code: "unknown_kind".into(),
            severity,
            message: String::new(),
            hint: None,
            span: None,
        };
        preview.diagnostics = vec![found(Severity::Warning)];
        assert_eq!(outcome(&preview), Outcome::Ended("completed"));
        preview.diagnostics.push(found(Severity::Error));
        assert_eq!(outcome(&preview), Outcome::InPart);
        preview.status = "failed".into();
        assert_eq!(outcome(&preview), Outcome::Ended("failed"));
    }

    #[test]
    fn a_named_body_shows_in_the_path() {
        let run = [node("guard.catch/call", "succeeded"), node("guard/call", "failed")];
        let path = GraphPath::root().child("guard", "catch");
        assert_eq!(nodes(&path, &[], &run, &[])["call"].status, "succeeded");
        assert_eq!(nodes(&GraphPath::root().child("guard", "body"), &[], &run, &[])["call"].status, "failed");
    }
}
