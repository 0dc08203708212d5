//! A piece of a graph with everything that belongs to it: what is copied, pasted, removed and brought back.

use crate::{
    Point,
    apply::{CommandError, first},
    path::GraphPath,
    place, rename,
};
use holon_flow::definition::{Definition, Edge, Graph, Key};
use holon_model::Value;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes with the edges, places and samples that belong to them. Places and samples are relative to the graph.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fragment {
    /// Nodes by key, as a definition writes them.
    pub nodes: BTreeMap<Key, Value>,
    /// Edges as `[from, to]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<(String, String)>,
    /// Where nodes and the nodes inside them stand.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<String, Point>,
    /// Samples of the nodes and of those inside them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub samples: BTreeMap<String, Value>,
}

/// The member that marks a clipboard text as ours.
const MARK: &str = "holon_fragment";

impl Fragment {
    /// A fragment of one node.
    pub fn of(key: &str, node: Value, at: Point) -> Self {
        Self { nodes: [(key.into(), node)].into(), places: [(key.to_owned(), at)].into(), ..Self::default() }
    }

    /// The nodes `keys` of the graph at `path`, with all edges that `edge` keeps.
    pub fn cut(definition: &Definition, path: &GraphPath, keys: &BTreeSet<Key>, edge: impl Fn(&Edge) -> bool) -> Self {
        let Some(graph) = path.find(definition) else { return Self::default() };
        let nodes = keys.iter().filter_map(|key| Some((key.clone(), graph.nodes.get(key)?.to_value())));
        let edges = graph.edges.iter().filter(|found| edge(found));
        Self {
            nodes: nodes.collect(),
            edges: edges.map(|edge| (edge.from.to_string(), edge.to.to_string())).collect(),
            places: place::below(definition, path, keys),
            samples: place::samples_below(definition, path, keys),
        }
    }

    /// The selection as it is copied: only edges between the nodes.
    pub fn copy(definition: &Definition, path: &GraphPath, keys: &BTreeSet<Key>) -> Self {
        Self::cut(definition, path, keys, |edge| keys.contains(&edge.from.node) && keys.contains(&edge.to.node))
    }

    /// For the clipboard.
    pub fn to_text(&self) -> String {
        let body = serde_json::to_string(self).unwrap_or_default();
        format!("{{\"{MARK}\":1,{}", body.trim_start_matches('{'))
    }

    /// From the clipboard: a fragment, a whole definition or a graph, as JSON.
    ///
    /// # Errors
    /// A sentence for people when the text is none of them.
    pub fn from_text(text: &str) -> Result<Self, CommandError> {
        const LARGEST: usize = 4 << 20;
        if text.len() > LARGEST {
            return Err(CommandError::Malformed("the text is larger than 4 MB".into()));
        }
        let value = holon_model::json::parse(text.trim().as_bytes())
            .map_err(|error| CommandError::Malformed(format!("this is not a part of a flow: {error}")))?;
        let map = value.as_map().ok_or_else(|| CommandError::Malformed("this is not a part of a flow".into()))?;
        if map.contains_key(MARK) {
            let mut map = map.clone();
            map.remove(MARK);
            let fragment: Self = serde_json::from_str(&Value::from(map).to_json())
                .map_err(|error| CommandError::Malformed(format!("this is not a part of a flow: {error}")))?;
            fragment.graph()?;
            return Ok(fragment);
        }
        if map.contains_key("holon") {
            let definition = Definition::from_value(&value).map_err(|found| first(&found))?;
            let keys = definition.graph.nodes.keys().cloned().collect();
            return Ok(Self::copy(&definition, &GraphPath::root(), &keys));
        }
        if map.get("nodes").is_some() {
            let definition = Definition {
                graph: Graph::from_value(&value).map_err(|found| first(&found))?,
                ..Definition::default()
            };
            let keys = definition.graph.nodes.keys().cloned().collect();
            return Ok(Self::copy(&definition, &GraphPath::root(), &keys));
        }
        Err(CommandError::Malformed("this JSON is not a part of a flow: it has no `nodes`".into()))
    }

    /// The nodes and edges, read.
    ///
    /// # Errors
    /// What the reader of definitions says.
    pub fn graph(&self) -> Result<Graph, CommandError> {
        let edges = self
            .edges
            .iter()
            .map(|(from, to)| Value::map([("from", Value::str(from.as_str())), ("to", Value::str(to.as_str()))]));
        let nodes = Value::map(self.nodes.iter().map(|(key, node)| (key.clone(), node.clone())));
        Graph::from_value(&Value::map([("nodes", nodes), ("edges", Value::list(edges))])).map_err(|found| first(&found))
    }

    /// The same with keys that are free in `graph`, expressions inside following the new keys.
    ///
    /// # Errors
    /// A node that cannot be read.
    pub fn with_free_keys(&self, graph: &Graph) -> Result<Self, CommandError> {
        let mut taken: BTreeSet<Key> = graph.nodes.keys().chain(self.nodes.keys()).cloned().collect();
        let mut names = rename::Renamed::new();
        for key in self.nodes.keys().filter(|key| graph.nodes.contains_key(*key)) {
            let free = free_key(key, &|candidate| taken.contains(candidate));
            taken.insert(free.clone());
            names.insert(key.clone(), free);
        }
        self.renamed(&names)
    }

    /// The same with other keys: of its own nodes, and of those around it that its edges and expressions name.
    ///
    /// # Errors
    /// A node that cannot be read.
    pub fn renamed(&self, names: &rename::Renamed) -> Result<Self, CommandError> {
        if names.is_empty() {
            return Ok(self.clone());
        }
        let mut inner = self.graph()?;
        rename::in_graph(&mut inner, names);
        let new = |key: &Key| names.get(key).unwrap_or(key).clone();
        Ok(Self {
            nodes: inner.nodes.iter().map(|(key, node)| (new(key), node.to_value())).collect(),
            edges: inner.edges.iter().map(|edge| (edge.from.to_string(), edge.to.to_string())).collect(),
            places: rename::first_segment(self.places.clone(), names),
            samples: rename::first_segment(self.samples.clone(), names),
        })
    }

    /// The same, moved.
    #[must_use]
    pub fn moved(mut self, by: Point) -> Self {
        for key in self.nodes.keys() {
            if let Some(place) = self.places.get_mut(&**key) {
                *place = place.plus(by);
            }
        }
        self
    }
}

/// The first of `key`, `key_2`, `key_3` … that is not taken.
pub fn free_key(wanted: &str, taken: &dyn Fn(&str) -> bool) -> Key {
    const LONGEST: usize = 48;
    if !taken(wanted) {
        return wanted.into();
    }
    let stem = wanted.rsplit_once('_').filter(|(_, tail)| !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit()));
    let stem = stem.map_or(wanted, |(stem, _)| stem);
    let mut number = 2u64;
    loop {
        let tail = format!("_{number}");
        let head: String = stem.chars().take(LONGEST - tail.len()).collect();
        let candidate = format!("{head}{tail}");
        if !taken(&candidate) {
            return candidate.into();
        }
        number += 1;
    }
}
