//! The data an expression sees at a place: what the last preview gave to the nodes before it.

use holon_flow::{
    Definition, Graph,
    definition::Key,
    expr::{MapScope, Meter, Program},
};
use holon_model::{Map, Value, wire::runs::NodeRun};
use holon_studio::{GraphPath, states};
use std::{cell::RefCell, collections::BTreeSet};

/// A node, or the result of a graph, at which an expression stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) at: GraphPath,
    pub(crate) iterations: Vec<u32>,
    /// Empty: the graph's result.
    pub(crate) key: String,
    pub(crate) each: bool,
}

struct Last {
    definition: Definition,
    nodes: Vec<NodeRun>,
    input: Option<Value>,
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// Keeps what a preview gave.
pub(crate) fn keep(definition: Definition, nodes: Vec<NodeRun>, input: Option<Value>) {
    LAST.set(Some(Last { definition, nodes, input }));
}

/// The definition cannot be read any more.
pub(crate) fn forget() {
    LAST.set(None);
}

/// What the trigger that started the run emitted.
pub(crate) fn trigger_input(definition: &Definition, nodes: &[NodeRun]) -> Option<Value> {
    let catalogue = holon_catalogue::catalogue();
    let is_trigger = |key: &str| {
        let kind = definition.graph.nodes.get(key).and_then(|node| catalogue.get(&node.kind));
        kind.is_some_and(|kind| matches!(kind.behaviour, holon_flow::capability::Behaviour::Trigger))
    };
    let node = nodes.iter().find(|node| is_trigger(&node.path) && node.output.is_some())?;
    states::emitted(node).map(|(_, value)| value.clone())
}

/// The names in scope at a place, as a map; and whether there is anything to go by.
pub(crate) fn scope(place: &Place) -> (Value, bool) {
    LAST.with_borrow(|last| match last {
        Some(last) => last.scope(place),
        None => (Value::map::<&str>([]), false),
    })
}

/// The names that some settings of the node at a place see in place of the usual ones.
pub(crate) fn own_names(place: &Place) -> Vec<String> {
    LAST.with_borrow(|last| {
        let node = place.at.find(&last.as_ref()?.definition)?.nodes.get(place.key.as_str())?;
        let named = holon_catalogue::catalogue().get(&node.kind)?.named_pointers(&node.config);
        let names: BTreeSet<String> = named.into_iter().flat_map(|(_, names)| names).collect();
        Some(names.into_iter().collect())
    })
    .unwrap_or_default()
}

impl Last {
    fn scope(&self, place: &Place) -> (Value, bool) {
        let mut names = Map::new();
        let mut nodes = Map::new();
        for depth in 0..=place.at.0.len() {
            let path = place.at.prefix(depth);
            let Some(graph) = path.find(&self.definition) else { break };
            let before = match place.at.0.get(depth) {
                Some(step) => ancestors(graph, &step.node),
                None if place.key.is_empty() => graph.nodes.keys().cloned().collect(),
                None => ancestors(graph, &place.key),
            };
            for key in before {
                if let Some(value) = self.emitted(&path, place, &key) {
                    nodes.insert(key, value);
                }
            }
        }
        names.insert("nodes".into(), Value::from(nodes));
        if let Some(input) = &self.input {
            names.insert("trigger".into(), input.clone());
        }
        let input = self.input_of(place);
        let ran = input.is_some() || place.key.is_empty();
        names.insert("input".into(), input.unwrap_or_default());
        if let Some(item) = self.item(place) {
            let index = place.at.0.len().checked_sub(1).and_then(|depth| place.iterations.get(depth)).copied();
            names.insert("item".into(), item);
            names.insert("index".into(), Value::from(index.unwrap_or(0)));
        }
        names.insert("vars".into(), Value::map::<&str>([]));
        let run =
            [("id", Value::str("preview")), ("started_at", Value::Int(0)), ("environment", Value::str("preview"))];
        names.insert("run".into(), Value::map(run));
        let mut scope = Value::from(names);
        if place.each
            && let Some(item) = self.first_item(place, &scope)
        {
            let mut names = scope.as_map().cloned().unwrap_or_default();
            names.insert("item".into(), item);
            names.insert("index".into(), Value::Int(0));
            scope = Value::from(names);
        }
        (scope, ran)
    }

    fn find(&self, path: &GraphPath, place: &Place, key: &str) -> Option<&NodeRun> {
        states::find(path, &place.iterations, key, &self.nodes)
    }

    fn emitted(&self, path: &GraphPath, place: &Place, key: &str) -> Option<Value> {
        states::emitted(self.find(path, place, key)?).map(|(_, value)| value.clone())
    }

    /// The value on the node's in-port; what would stand there if it did not run.
    fn input_of(&self, place: &Place) -> Option<Value> {
        if let Some(input) = self.find(&place.at, place, &place.key).and_then(|node| node.input.clone()) {
            return Some(input);
        }
        let graph = place.at.find(&self.definition)?;
        let sources: BTreeSet<&Key> =
            graph.edges.iter().filter(|edge| *edge.to.node == *place.key).map(|edge| &edge.from.node).collect();
        let value = |key: &Key| self.emitted(&place.at, place, key);
        match sources.len() {
            0 => None,
            1 => sources.first().and_then(|key| value(key)),
            _ => Some(Value::map(sources.into_iter().filter_map(|key| Some((key.clone(), value(key)?))))),
        }
    }

    /// The item that the body's roots received.
    fn item(&self, place: &Place) -> Option<Value> {
        let graph = place.at.find(&self.definition).filter(|_| !place.at.is_root())?;
        let root = graph.nodes.keys().find(|key| !graph.edges.iter().any(|edge| edge.to.node == **key))?;
        self.find(&place.at, place, root)?.input.clone()
    }

    /// The first item that a node goes through: of its setting `items`, else of its input.
    fn first_item(&self, place: &Place, scope: &Value) -> Option<Value> {
        let node = place.at.find(&self.definition)?.nodes.get(place.key.as_str())?;
        let source = node.config.pointer("/items/$cel").and_then(Value::as_str);
        let items = match source {
            Some(source) => {
                let program = Program::compile(source).ok()?;
                program.eval(&MapScope(scope.clone()), &mut Meter::new(100_000, 4_000_000)).ok()?
            }
            None => node.config.get("items").or_else(|| scope.get("input"))?.clone(),
        };
        items.as_list()?.first().cloned()
    }
}

/// The nodes from which `key` can be reached.
fn ancestors(graph: &Graph, key: &str) -> BTreeSet<Key> {
    let mut found = BTreeSet::new();
    let mut open = vec![Key::from(key)];
    while let Some(at) = open.pop() {
        for edge in graph.edges.iter().filter(|edge| edge.to.node == at) {
            if found.insert(edge.from.node.clone()) {
                open.push(edge.from.node.clone());
            }
        }
    }
    found
}
