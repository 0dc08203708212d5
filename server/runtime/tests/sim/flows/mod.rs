//! The flows that simulations run: some by hand, for what matters most, and many from the engine's generator.

mod texts;

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use holon_engine::ChildVersion;
use holon_engine::testing::{catalogue, generate, rng::Rng};
use holon_flow::definition::Graph;
use holon_flow::definition::intake::Rate;
use holon_flow::{Catalogue, Definition};
use holon_model::{EnvironmentId, FlowId, TenantId, Value, json};
use holon_runtime::{Definitions, DefinitionsError, LoadedFlow};
use uuid::Uuid;

use crate::faults::Weather;
use crate::seed::Planted;
use texts::{CALLERS, LATEST, LEAVES};

/// Flows from the generator.
const GENERATED: u64 = 160;

/// Every flow, compiled once for all worlds.
pub static FLOWS: LazyLock<Vec<Arc<LoadedFlow>>> = LazyLock::new(|| {
    let mut capabilities = catalogue().capabilities().to_vec();
    let built_in = [holon_cap_state::capability(), holon_cap_events::capability(), holon_cap_workers::capability()];
    capabilities.extend(built_in.map(|capability| capability.expect("the manifest is right")));
    let catalogue = Catalogue::new(capabilities);
    let mut flows: Vec<Arc<LoadedFlow>> = LEAVES.iter().map(|text| loaded(&by_hand("{}", text), &catalogue)).collect();
    flows.extend(CALLERS.iter().map(|text| loaded(&by_hand("{}", text), &catalogue)));
    let generated = (0..).map(generated).filter(|definition| !goes_on(&definition.graph));
    flows.extend(generated.take(GENERATED as usize).map(|definition| loaded(&definition, &catalogue)));
    // Behind all that was there before them: a flow keeps its number.
    flows.extend(LATEST.iter().map(|(limits, text)| loaded(&by_hand(limits, text), &catalogue)));
    flows
});

fn generated(seed: u64) -> Definition {
    let mut definition = generate::definition(seed);
    call_leaves(&mut definition.graph, &mut Rng::new(seed));
    definition
}

/// The number of the first of those that came later.
fn first_of_latest() -> usize {
    LEAVES.len() + CALLERS.len() + GENERATED as usize
}

/// A flow that draws a crowd: what it is about shows only with several runs of it.
pub fn crowd(rng: &mut Rng) -> usize {
    let counting = LEAVES.iter().position(|text| text.contains("state.increment"));
    let latest = rng.below(u32::try_from(LATEST.len()).unwrap_or(1)) as usize;
    counting.filter(|_| rng.percent(5)).unwrap_or_else(|| first_of_latest() + latest)
}

/// The flow that a seed starts: one in two by hand; `newer`: also of those that came later.
pub fn pick(rng: &mut Rng, newer: bool) -> usize {
    if newer && rng.percent(25) {
        return first_of_latest() + rng.below(u32::try_from(LATEST.len()).unwrap_or(1)) as usize;
    }
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

/// How many runs of a flow begin in a time.
pub fn rate(id: FlowId) -> Option<&'static Rate> {
    flow(id)?.definition.limits.rate.as_ref()
}

/// What a run shares with those that stand in one line with it: written down once more, so that what Holon computes is not what it is
/// judged by.
pub fn shares(id: FlowId, input: &Value) -> &'static str {
    let keyed =
        |flow: &Arc<LoadedFlow>| flow.definition.limits.concurrency.as_ref().is_some_and(|limit| limit.key.is_some());
    match flow(id).is_some_and(keyed) {
        false => "",
        true if *input == Value::Int(2) => "two",
        true => "other",
    }
}

/// Whether a node's answers are kept by a key of the node's own.
pub fn kept_by_key(path: &str) -> bool {
    path.contains("kept_by_key")
}

/// A definition from nodes that say after which one they come.
fn by_hand(limits: &str, text: &str) -> Definition {
    let mut text = text.to_owned();
    for latest in (0..LATEST.len()).rev() {
        text = text.replace(&format!("\"LATEST{latest}\""), &format!("\"{}\"", id_of(first_of_latest() + latest)));
    }
    for leaf in (0..LEAVES.len()).rev() {
        text = text.replace(&format!("\"LEAF{leaf}\""), &format!("\"{}\"", id_of(leaf)));
    }
    let nodes = json::parse(text.as_bytes()).expect("a flow by hand is JSON");
    let mut graph = spelled_out(&nodes, true);
    if let Value::Map(map) = &mut graph {
        let map = Arc::make_mut(map);
        map.insert("holon".into(), Value::Int(1));
        map.insert("limits".into(), json::parse(limits.as_bytes()).expect("limits by hand are JSON"));
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
        let found = flow(id).cloned().ok_or(DefinitionsError::NotFound)?;
        Ok(if self.weather.plants(Planted::RateForgotten) { without_rate(&found) } else { found })
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

/// As it would be read by one who overlooks how many may begin in a time.
fn without_rate(flow: &Arc<LoadedFlow>) -> Arc<LoadedFlow> {
    let mut definition = flow.definition.clone();
    definition.limits.rate = None;
    Arc::new(LoadedFlow { definition, compiled: flow.compiled.clone(), hash: flow.hash })
}
