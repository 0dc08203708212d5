//! Commands about whole nodes: insert, remove, rename, replace, place.

use super::{CommandError, first, graph_mut, node_mut};
use crate::{Command, Fragment, GraphPath, Point, place as places_of, rename as names};
use holon_flow::definition::{Definition, Key, Node, names::check_key};
use holon_model::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn insert(
    definition: &mut Definition,
    at: &GraphPath,
    fragment: &Fragment,
) -> Result<Command, CommandError> {
    let new = fragment.graph()?;
    let graph = graph_mut(definition, at)?;
    if let Some(key) = new.nodes.keys().find(|key| graph.nodes.contains_key(*key)) {
        return Err(CommandError::Taken(key.clone()));
    }
    for edge in &new.edges {
        let (from, to) = (&edge.from.node, &edge.to.node);
        if !new.nodes.contains_key(from) && !new.nodes.contains_key(to) {
            return Err(CommandError::Malformed("an edge of a fragment belongs to none of its nodes".into()));
        }
    }
    let keys: BTreeSet<Key> = new.nodes.keys().cloned().collect();
    let belongs = |text: &String| text.split(['/', '.']).next().is_some_and(|key| keys.contains(key));
    if let Some(text) = fragment.places.keys().chain(fragment.samples.keys()).find(|text| !belongs(text)) {
        return Err(CommandError::Malformed(format!("`{text}` belongs to none of the fragment's nodes")));
    }
    let left = left_over(definition, at, &keys);
    forget(definition, at, &keys);
    let graph = graph_mut(definition, at)?;
    graph.nodes.extend(new.nodes);
    graph.edges.extend(new.edges);
    places_of::write(definition, at, fragment.places.iter().map(|(text, at)| (text.clone(), Some(*at))));
    places_of::write_samples(
        definition,
        at,
        fragment.samples.iter().map(|(text, value)| (text.clone(), Some(value.clone()))),
    );
    Ok(with(Command::Remove { at: at.clone(), keys }, left))
}

/// Samples of a node that is not there, which a node that takes its key must not inherit: the commands that bring them back.
fn left_over(definition: &Definition, at: &GraphPath, keys: &BTreeSet<Key>) -> Vec<Command> {
    let samples = places_of::samples_below(definition, at, keys);
    let back = samples
        .into_iter()
        .map(|(text, value)| Command::SetSample { path: places_of::sample_key(at, &text), value: Some(value) });
    back.collect()
}

/// A command, and what follows it.
fn with(command: Command, rest: Vec<Command>) -> Command {
    if rest.is_empty() {
        return command;
    }
    let label = command.label();
    Command::Batch { label, commands: std::iter::once(command).chain(rest).collect() }
}

pub(super) fn remove(
    definition: &mut Definition,
    at: &GraphPath,
    keys: &BTreeSet<Key>,
) -> Result<Command, CommandError> {
    let graph = graph_mut(definition, at)?;
    if let Some(key) = keys.iter().find(|key| !graph.nodes.contains_key(*key)) {
        return Err(CommandError::NoNode(key.clone()));
    }
    let belongs = |edge: &holon_flow::definition::Edge| keys.contains(&edge.from.node) || keys.contains(&edge.to.node);
    let fragment = Fragment::cut(definition, at, keys, belongs);
    forget(definition, at, keys);
    let graph = graph_mut(definition, at)?;
    graph.nodes.retain(|key, _| !keys.contains(key));
    graph.edges.retain(|edge| !belongs(edge));
    Ok(Command::Insert { at: at.clone(), fragment })
}

/// Removes places and samples of nodes and of everything inside them.
fn forget(definition: &mut Definition, at: &GraphPath, keys: &BTreeSet<Key>) {
    let places = places_of::below(definition, at, keys);
    places_of::write(definition, at, places.into_keys().map(|text| (text, None)));
    let samples = places_of::samples_below(definition, at, keys);
    places_of::write_samples(definition, at, samples.into_keys().map(|text| (text, None)));
}

pub(super) fn rename(
    definition: &mut Definition,
    at: &GraphPath,
    key: &Key,
    to: &Key,
) -> Result<Command, CommandError> {
    check_key(to).map_err(CommandError::InvalidKey)?;
    let graph = graph_mut(definition, at)?;
    if !graph.nodes.contains_key(key) {
        return Err(CommandError::NoNode(key.clone()));
    }
    if graph.nodes.contains_key(to) {
        return Err(CommandError::Taken(to.clone()));
    }
    let back = Command::Rename { at: at.clone(), key: to.clone(), to: key.clone() };
    let before = names::mentions(graph, to).then(|| graph.clone());
    let left = left_over(definition, at, &[to.clone()].into());
    let graph = graph_mut(definition, at)?;
    let renamed: names::Renamed = [(key.clone(), to.clone())].into();
    names::in_graph(graph, &renamed);
    if let Some(node) = graph.nodes.remove(key) {
        graph.nodes.insert(to.clone(), node);
    }
    let old: BTreeSet<Key> = [key.clone()].into();
    let places = places_of::below(definition, at, &old);
    let samples = places_of::samples_below(definition, at, &old);
    forget(definition, at, &[key.clone(), to.clone()].into());
    let places = names::first_segment(places, &renamed);
    places_of::write(definition, at, places.into_iter().map(|(text, at)| (text, Some(at))));
    let samples = names::first_segment(samples, &renamed);
    places_of::write_samples(definition, at, samples.into_iter().map(|(text, value)| (text, Some(value))));
    // Expressions that named the new key already (of a node that is gone) are restored as they were.
    let mut rest = left;
    if let Some(before) = before {
        let restored = before.nodes.iter().map(|(key, node)| Command::Replace {
            at: at.clone(),
            key: key.clone(),
            node: node.to_value(),
        });
        rest.extend(restored);
        rest.push(Command::SetResult { at: at.clone(), value: before.result });
    }
    Ok(with(back, rest))
}

pub(super) fn replace(
    definition: &mut Definition,
    at: &GraphPath,
    key: &Key,
    node: &Value,
) -> Result<Command, CommandError> {
    let node = Node::from_value(node).map_err(|found| first(&found))?;
    let before = std::mem::replace(node_mut(definition, at, key)?, node);
    Ok(Command::Replace { at: at.clone(), key: key.clone(), node: before.to_value() })
}

pub(super) fn place(
    definition: &mut Definition,
    at: &GraphPath,
    places: &BTreeMap<Key, Option<Point>>,
) -> Result<Command, CommandError> {
    let graph = graph_mut(definition, at)?;
    if let Some(key) = places.keys().find(|key| !graph.nodes.contains_key(*key)) {
        return Err(CommandError::NoNode(key.clone()));
    }
    let before = places.iter().map(|(key, to)| (key.clone(), places_of::set(definition, at, key, *to)));
    Ok(Command::Move { at: at.clone(), places: before.collect() })
}
