//! The flows that simulations run: some by hand, for what matters most, and many from the engine's generator.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use holon_engine::ChildVersion;
use holon_engine::testing::{catalogue, generate, rng::Rng};
use holon_flow::definition::Graph;
use holon_flow::{Catalogue, Definition};
use holon_model::{EnvironmentId, FlowId, TenantId, Value, json};
use holon_runtime::{Definitions, DefinitionsError, LoadedFlow};
use uuid::Uuid;

use crate::faults::Weather;

/// Flows that call no other one, first in the list; others may call them.
const LEAVES: &[&str] = &[
    // Three effects, one after the other.
    r#"{"a": {"kind": "test.call@1"}, "b": {"kind": "test.call@1", "after": "a"}, "c": {"kind": "test.call@1", "after": "b"}}"#,
    // Trying again, and an error that is caught.
    r#"{"t": {"kind": "try@1", "bodies": {"body": {"a": {"kind": "test.call@1", "policies": {"retry": {"attempts": 3, "initial": "200ms"}}}},
        "catch": {"c": {"kind": "test.call@1"}}, "finally": {"f": {"kind": "test.call@1"}}}}, "z": {"kind": "test.call@1", "after": "t"}}"#,
    // What must not be done twice.
    r#"{"a": {"kind": "test.call@1"}, "t": {"kind": "try@1", "after": "a", "bodies": {"body": {"o": {"kind": "test.once@1"}},
        "catch": {"c": {"kind": "test.call@1"}}}}, "p": {"kind": "test.once@1", "after": "t", "policies": {"timeout": "2s"}}}"#,
    // Branches, a race, a list.
    r#"{"p": {"kind": "parallel@1", "bodies": {"l": {"a": {"kind": "test.call@1"}}, "m": {"b": {"kind": "test.call@1"}}, "r": {"w": {"kind": "flow.wait@1", "config": {"for": "700ms"}}}}},
        "r": {"kind": "race@1", "after": "p", "bodies": {"fast": {"a": {"kind": "test.call@1"}}, "slow": {"w": {"kind": "flow.wait@1", "config": {"for": "30ms"}}}}},
        "e": {"kind": "map@1", "after": "r", "config": {"items": {"$cel": "[1, 2, 3, 4, 5]"}, "concurrency": 2, "gather": "all_settled"}, "bodies": {"body": {"a": {"kind": "test.call@1"}}}}}"#,
    // A snapshot before a long sleep.
    r#"{"e": {"kind": "map@1", "config": {"items": {"$cel": "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]"}, "concurrency": 4, "gather": "all_settled"}, "bodies": {"body": {"a": {"kind": "test.call@1"}}}},
        "w": {"kind": "flow.wait@1", "config": {"for": "65s"}, "after": "e"}, "z": {"kind": "test.call@1", "after": "w"}}"#,
    // Values that stand beside the journal.
    r#"{"big": {"kind": "test.call@1", "policies": {"retry": {"attempts": 2, "initial": "50ms"}}}, "big2": {"kind": "test.call@1", "after": "big"}, "c": {"kind": "test.call@1", "config": {"value": 1}, "after": "big2"}}"#,
    // Undone, always.
    r#"{"s": {"kind": "saga@1", "config": {"steps": [{"step": "one", "compensate": "undo_one"}, {"step": "two", "compensate": "undo_two"}, {"step": "four", "compensate": "undo_four"}, {"step": "three"}]},
        "bodies": {"one": {"a": {"kind": "test.call@1"}}, "undo_one": {"u": {"kind": "test.call@1"}}, "two": {"a": {"kind": "test.call@1"}}, "undo_two": {"u": {"kind": "test.call@1"}},
        "four": {"a": {"kind": "test.call@1"}}, "undo_four": {"u": {"kind": "test.call@1"}}, "three": {"n": {"kind": "flow.fail@1", "config": {"code": "no", "message": "no"}}}}}}"#,
    // Undone when it must be, with a pause in between.
    r#"{"s": {"kind": "saga@1", "config": {"steps": [{"step": "one", "compensate": "undo_one", "retry": {"attempts": 2, "initial": "100ms"}}, {"step": "two", "compensate": "undo_two", "retry": {"attempts": 1}}, {"step": "three"}]},
        "bodies": {"one": {"a": {"kind": "test.call@1"}}, "undo_one": {"u": {"kind": "test.call@1"}}, "two": {"w": {"kind": "flow.wait@1", "config": {"for": "1s"}}, "a": {"kind": "test.call@1", "after": "w"}},
        "undo_two": {"u": {"kind": "test.call@1"}}, "three": {"a": {"kind": "test.call@1"}, "b": {"kind": "test.call@1", "after": "a"}}}}}"#,
    // Signals, in order, early ones too.
    r#"{"a": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": "x"}}, "c": {"kind": "test.call@1", "after": "a"},
        "b": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": "x"}, "after": "c"}, "d": {"kind": "flow.signal@1", "config": {"name": "sent"}, "policies": {"timeout": {"after": "8s", "fallback": 0}}, "after": "b"}}"#,
    // People.
    r#"{"q": {"kind": "flow.approval@1", "config": {"title": "May it?", "choices": [{"port": "yes"}, {"port": "no"}], "assignees": ["team"], "due": "3s", "escalate_to": ["boss"]}},
        "y": {"kind": "test.call@1", "after": "q.yes"}, "n": {"kind": "test.once@1", "after": "q.no"}}"#,
    // Time.
    r#"{"w": {"kind": "flow.wait@1", "config": {"for": "2s"}}, "a": {"kind": "test.call@1", "after": "w"}, "x": {"kind": "flow.wait@1", "config": {"for": "70s"}, "after": "a"}, "b": {"kind": "test.call@1", "after": "x"}}"#,
    // Answers before it ends.
    r#"{"a": {"kind": "test.call@1"}, "r": {"kind": "flow.respond@1", "config": {"status": 200}, "after": "a"}, "b": {"kind": "test.call@1", "after": "r"}}"#,
    // Again and again.
    r#"{"l": {"kind": "loop@1", "config": {"while": {"$cel": "index < 4"}, "max": 6}, "bodies": {"body": {"a": {"kind": "test.call@1"}}}}, "b": {"kind": "test.call@1", "after": "l"}}"#,
    // Goes on in another run, twice.
    r#"{"c": {"kind": "when@1", "config": {"if": {"$cel": "input > 0"}}}, "a": {"kind": "test.call@1", "after": "c.true"},
        "g": {"kind": "flow.continue@1", "config": {"input": {"$cel": "trigger - 1"}}, "after": "a"}, "z": {"kind": "test.call@1", "after": "c.false"}}"#,
    // Enough inputs for a snapshot while it is at work.
    r#"{"e": {"kind": "map@1", "config": {"items": {"$cel": "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(x, [1, 2, 3, 4, 5, 6, 7])"}, "concurrency": 3, "gather": "all_settled"},
        "bodies": {"body": {"i": {"kind": "map@1", "config": {"items": {"$cel": "input"}, "concurrency": 2, "gather": "all_settled"}, "bodies": {"body": {"a": {"kind": "test.call@1"}}}}}}}}"#,
    // Counts in Holon's own database, with every result once.
    r#"{"n": {"kind": "state.increment@1", "config": {"key": "runs"}}, "a": {"kind": "test.call@1", "after": "n"},
        "e": {"kind": "map@1", "config": {"items": {"$cel": "[1, 2, 3]"}, "concurrency": 3, "gather": "all_settled"}, "bodies": {"body": {"m": {"kind": "state.increment@1", "config": {"key": "runs"}}}}, "after": "a"}}"#,
    // Nothing but computing.
    r#"{"a": {"kind": "test.set@1", "config": {"value": {"$cel": "[1, 2, 3].map(x, x * 2)"}}}, "b": {"kind": "test.set@1", "after": "a"}}"#,
];

/// Flows that call the leaves.
const CALLERS: &[&str] = &[
    r#"{"f": {"kind": "flow@1", "config": {"flow": "LEAF0", "input": 1}}, "z": {"kind": "test.call@1", "after": "f"}}"#,
    r#"{"p": {"kind": "parallel@1", "bodies": {"l": {"f": {"kind": "flow@1", "config": {"flow": "LEAF6", "input": 1}}}, "r": {"f": {"kind": "flow@1", "config": {"flow": "LEAF3", "input": 1}}}}}}"#,
    r#"{"f": {"kind": "flow@1", "config": {"flow": "LEAF2", "input": 1}, "policies": {"retry": {"attempts": 3, "initial": "300ms"}}}, "z": {"kind": "test.call@1", "after": "f"}}"#,
    r#"{"f": {"kind": "flow@1", "config": {"flow": "LEAF13", "input": 3}}, "z": {"kind": "test.call@1", "after": "f"}}"#,
    r#"{"r": {"kind": "race@1", "bodies": {"l": {"f": {"kind": "flow@1", "config": {"flow": "LEAF10", "input": 1}}}, "w": {"w": {"kind": "flow.wait@1", "config": {"for": "3s"}}}}}, "z": {"kind": "test.call@1", "after": "r"}}"#,
    r#"{"f": {"kind": "flow@1", "config": {"flow": "LEAF8", "input": 1}, "policies": {"timeout": "9s"}}, "z": {"kind": "test.call@1"}}"#,
];

/// Flows from the generator.
const GENERATED: u64 = 160;

/// Every flow, compiled once for all worlds.
pub static FLOWS: LazyLock<Vec<Arc<LoadedFlow>>> = LazyLock::new(|| {
    let mut capabilities = catalogue().capabilities().to_vec();
    capabilities.push(holon_cap_state::capability().expect("the manifest is right"));
    let catalogue = Catalogue::new(capabilities);
    let mut flows: Vec<Arc<LoadedFlow>> = LEAVES.iter().map(|text| loaded(&by_hand(text), &catalogue)).collect();
    flows.extend(CALLERS.iter().map(|text| loaded(&by_hand(text), &catalogue)));
    let generated = (0..).map(generated).filter(|definition| !goes_on(&definition.graph));
    flows.extend(generated.take(GENERATED as usize).map(|definition| loaded(&definition, &catalogue)));
    flows
});

fn generated(seed: u64) -> Definition {
    let mut definition = generate::definition(seed);
    call_leaves(&mut definition.graph, &mut Rng::new(seed));
    definition
}

/// The flow that a seed starts: one in two by hand.
pub fn pick(rng: &mut Rng) -> usize {
    let by_hand = u32::try_from(LEAVES.len() + CALLERS.len()).unwrap_or(1);
    let all = by_hand + GENERATED as u32;
    (if rng.percent(60) { rng.below(by_hand) } else { rng.below(all) }) as usize
}

pub fn id_of(number: usize) -> FlowId {
    FlowId(Uuid::from_u128(0xf10a_0000 + number as u128))
}

pub fn flow(id: FlowId) -> Option<&'static Arc<LoadedFlow>> {
    FLOWS.get(usize::try_from(id.0.as_u128().checked_sub(0xf10a_0000)?).ok()?)
}

fn loaded(definition: &Definition, catalogue: &Catalogue) -> Arc<LoadedFlow> {
    let compiled = holon_engine::compile(definition, catalogue);
    let compiled = compiled.unwrap_or_else(|problems| panic!("{}: {problems:?}", definition.name));
    Arc::new(LoadedFlow { definition: definition.clone(), compiled, hash: definition.hash() })
}

/// A definition from nodes that say after which one they come.
fn by_hand(text: &str) -> Definition {
    let mut text = text.to_owned();
    for leaf in (0..LEAVES.len()).rev() {
        text = text.replace(&format!("\"LEAF{leaf}\""), &format!("\"{}\"", id_of(leaf)));
    }
    let nodes = json::parse(text.as_bytes()).expect("a flow by hand is JSON");
    let mut graph = spelled_out(&nodes, true);
    if let Value::Map(map) = &mut graph {
        let map = Arc::make_mut(map);
        map.insert("holon".into(), Value::Int(1));
        map.insert("name".into(), Value::from("by hand"));
    }
    Definition::from_value(&graph).expect("a flow by hand is a definition")
}

/// A graph in full: nodes and edges.
fn spelled_out(nodes: &Value, top: bool) -> Value {
    let Value::Map(nodes) = nodes else { panic!("nodes are a map") };
    let mut all: Vec<(String, Value)> = Vec::new();
    let mut edges = Vec::new();
    if top {
        all.push(("start".into(), Value::map([("kind", Value::from("trigger.manual@1"))])));
    }
    for (key, node) in nodes.iter() {
        let Value::Map(fields) = node else { panic!("a node is a map") };
        let mut fields = (**fields).clone();
        let after = fields.remove("after").and_then(|after| after.as_str().map(str::to_owned));
        let from = after.map(|after| if after.contains('.') { after } else { format!("{after}.out") });
        if let Some(from) = from.or_else(|| top.then(|| "start.out".to_owned())) {
            edges.push(Value::map([("from", Value::from(from)), ("to", Value::from(format!("{key}.in")))]));
        }
        if let Some(Value::Map(bodies)) = fields.get("bodies") {
            let bodies = bodies.iter().map(|(name, body)| (name.to_string(), spelled_out(body, false)));
            let bodies: Vec<(String, Value)> = bodies.collect();
            fields.insert("bodies".into(), Value::map(bodies.iter().map(|(name, body)| (&**name, body.clone()))));
        }
        all.push((key.to_string(), Value::from(fields)));
    }
    let nodes = Value::map(all.iter().map(|(key, node)| (&**key, node.clone())));
    Value::map([("nodes", nodes), ("edges", Value::from(edges))])
}

fn goes_on(graph: &Graph) -> bool {
    graph.nodes.values().any(|node| &*node.kind.name == "flow.continue" || node.bodies.values().any(goes_on))
}

/// Calls of flows that are not there become calls of leaves.
fn call_leaves(graph: &mut Graph, rng: &mut Rng) {
    for node in graph.nodes.values_mut() {
        if &*node.kind.name == "flow"
            && let Value::Map(config) = &mut node.config
        {
            let leaf = rng.below(u32::try_from(LEAVES.len()).unwrap_or(1)) as usize;
            Arc::make_mut(config).insert("flow".into(), Value::from(id_of(leaf).to_string()));
        }
        node.bodies.values_mut().for_each(|body| call_leaves(body, rng));
    }
}

/// Where a replica finds flows.
pub struct Library {
    pub weather: Arc<Weather>,
}

#[async_trait]
impl Definitions for Library {
    async fn load(&self, _: TenantId, id: FlowId, _: i32) -> Result<Arc<LoadedFlow>, DefinitionsError> {
        if self.weather.no_flows() {
            return Err(DefinitionsError::Unavailable("not now".into()));
        }
        flow(id).cloned().ok_or(DefinitionsError::NotFound)
    }

    async fn resolve(
        &self,
        _: TenantId,
        _: EnvironmentId,
        id: FlowId,
        _: ChildVersion,
    ) -> Result<i32, DefinitionsError> {
        if self.weather.no_flows() {
            return Err(DefinitionsError::Unavailable("not now".into()));
        }
        flow(id).map(|_| 1).ok_or(DefinitionsError::NotFound)
    }
}
