//! The flow as a tree of words: the accessible equal of the canvas.

use crate::{GraphPath, Kinds};
use holon_flow::definition::{Definition, Graph, Key};
use std::collections::{BTreeMap, BTreeSet};

/// One line of the outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The graph it stands in.
    pub path: GraphPath,
    /// Its key.
    pub key: Key,
    /// Its kind's title.
    pub title: String,
    /// Its number in the order in which nodes can run, from 1.
    pub step: usize,
    /// How many edges lead to it.
    pub inputs: usize,
    /// Where its out-ports lead: port and keys.
    pub leads: Vec<(String, Vec<Key>)>,
    /// Its bodies.
    pub bodies: Vec<(Key, Vec<Item>)>,
}

impl Item {
    /// What a screen reader says: "HTTP request fetch, step 3, failed, 2 inputs".
    pub fn name(&self, state: &str) -> String {
        let inputs = if self.inputs == 1 { "1 input".to_owned() } else { format!("{} inputs", self.inputs) };
        let state = if state.is_empty() { String::new() } else { format!("{state}, ") };
        format!("{} {}, step {}, {state}{inputs}", self.title, self.key, self.step)
    }
}

/// The outline of the graph at `path` and of everything inside it.
pub fn outline(definition: &Definition, path: &GraphPath, kinds: &Kinds) -> Vec<Item> {
    path.find(definition).map(|graph| items(graph, path, kinds)).unwrap_or_default()
}

fn items(graph: &Graph, path: &GraphPath, kinds: &Kinds) -> Vec<Item> {
    let ordered = order(graph);
    let item = |(index, key): (usize, Key)| {
        let node = graph.nodes.get(&key)?;
        let mut leads: Vec<(String, Vec<Key>)> =
            kinds.out_ports(node).into_iter().map(|port| (port, Vec::new())).collect();
        for edge in graph.edges.iter().filter(|edge| edge.from.node == key) {
            match leads.iter_mut().find(|(port, _)| **port == *edge.from.port) {
                Some((_, targets)) => targets.push(edge.to.node.clone()),
                None => leads.push((edge.from.port.to_string(), vec![edge.to.node.clone()])),
            }
        }
        let bodies = node.bodies.iter().map(|(name, body)| (name.clone(), items(body, &path.child(&key, name), kinds)));
        Some(Item {
            path: path.clone(),
            title: kinds.of_node(node).map_or_else(|| node.kind.to_string(), |kind| kind.title.clone()),
            step: index + 1,
            inputs: graph.edges.iter().filter(|edge| edge.to.node == key).count(),
            leads,
            bodies: bodies.collect(),
            key,
        })
    };
    ordered.into_iter().enumerate().filter_map(item).collect()
}

/// Keys in an order in which every node comes after what leads to it; what is in a cycle comes last.
pub fn order(graph: &Graph) -> Vec<Key> {
    let mut left: BTreeMap<&Key, usize> = graph.nodes.keys().map(|key| (key, 0)).collect();
    let pairs: BTreeSet<(&Key, &Key)> = graph.edges.iter().map(|edge| (&edge.from.node, &edge.to.node)).collect();
    for (from, to) in &pairs {
        if let (true, Some(count)) = (graph.nodes.contains_key(*from), left.get_mut(*to)) {
            *count += 1;
        }
    }
    let mut ready: BTreeSet<&Key> = left.iter().filter(|(_, count)| **count == 0).map(|(key, _)| *key).collect();
    let mut out: Vec<Key> = Vec::with_capacity(graph.nodes.len());
    while let Some(key) = ready.pop_first() {
        out.push(key.clone());
        left.remove(key);
        for (_, to) in pairs.range((key, key)..).chain(pairs.range(..(key, key))).filter(|(from, _)| *from == key) {
            if let Some(count) = left.get_mut(*to) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(to);
                }
            }
        }
    }
    out.extend(left.into_keys().cloned());
    out
}

/// Where a walk through a graph begins: at its trigger, else at the first node that leads somewhere, else at the first node.
pub fn first(graph: &Graph, kinds: &Kinds) -> Option<Key> {
    let order = order(graph);
    let starts =
        |key: &&Key| graph.nodes.get(*key).and_then(|node| kinds.of_node(node)).is_some_and(|kind| kind.trigger);
    let leads = |key: &&Key| graph.edges.iter().any(|edge| edge.from.node == **key);
    let found = order.iter().filter(leads).find(starts).or_else(|| order.iter().find(starts));
    found.or_else(|| order.iter().find(leads)).or(order.first()).cloned()
}

/// Where it ends: at the last node that something leads to, else at the last node.
pub fn last(graph: &Graph) -> Option<Key> {
    let order = order(graph);
    let led = |key: &&Key| graph.edges.iter().any(|edge| edge.to.node == **key);
    order.iter().rev().find(led).or(order.last()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::tests::kind;

    #[test]
    fn a_walk_begins_at_the_trigger_and_ends_at_what_it_leads_to_wherever_loose_nodes_stand() {
        let kinds = Kinds::new([kind("start@1", &[], &["out"], false), kind("step@1", &["in"], &["out"], false)]);
        let text = br#"{"holon":1,"name":"walk","nodes":{"a":{"kind":"step@1"},"hook":{"kind":"start@1"},"m":{"kind":"step@1"},
            "z":{"kind":"step@1"}},"edges":[{"from":"hook.out","to":"m.in"}]}"#;
        let definition = Definition::from_value(&holon_model::json::parse(text).unwrap()).unwrap();
        let ends = |graph: &Graph| (first(graph, &kinds).unwrap().to_string(), last(graph).unwrap().to_string());
        assert_eq!(ends(&definition.graph), ("hook".to_owned(), "m".to_owned()));
        let mut loose = definition.graph.clone();
        loose.edges.clear();
        assert_eq!(ends(&loose), ("hook".to_owned(), "z".to_owned()));
        loose.nodes.remove("hook");
        assert_eq!(ends(&loose).0, "a");
        assert_eq!((first(&Graph::default(), &kinds), last(&Graph::default())), (None, None));
    }
}
