//! Commands about the bodies of scopes.

use super::{CommandError, graph_mut, node_mut};
use crate::{Command, Fragment, GraphPath, place};
use holon_flow::definition::{Definition, Graph, Key, names::check_key};
use holon_model::Value;
use std::collections::BTreeSet;

pub(super) fn add(
    definition: &mut Definition,
    at: &GraphPath,
    key: &Key,
    body: &Key,
    content: &Fragment,
    result: Option<&Value>,
) -> Result<Command, CommandError> {
    check_key(body).map_err(CommandError::InvalidKey)?;
    let mut graph = content.graph()?;
    graph.result = result.cloned();
    let node = node_mut(definition, at, key)?;
    if node.bodies.contains_key(body) {
        return Err(CommandError::Taken(body.clone()));
    }
    node.bodies.insert(body.clone(), graph);
    let inner = at.child(key, body);
    place::write(definition, &inner, content.places.iter().map(|(text, at)| (text.clone(), Some(*at))));
    place::write_samples(
        definition,
        &inner,
        content.samples.iter().map(|(text, value)| (text.clone(), Some(value.clone()))),
    );
    Ok(Command::RemoveBody { at: at.clone(), key: key.clone(), body: body.clone() })
}

pub(super) fn remove(
    definition: &mut Definition,
    at: &GraphPath,
    key: &Key,
    body: &Key,
) -> Result<Command, CommandError> {
    let (content, result) = take(definition, at, key, body)?;
    Ok(Command::AddBody { at: at.clone(), key: key.clone(), body: body.clone(), content, result })
}

pub(super) fn rename(
    definition: &mut Definition,
    at: &GraphPath,
    key: &Key,
    body: &Key,
    to: &Key,
) -> Result<Command, CommandError> {
    check_key(to).map_err(CommandError::InvalidKey)?;
    let graph = graph_mut(definition, at)?;
    let node = graph.nodes.get(key).ok_or_else(|| CommandError::NoNode(key.clone()))?;
    if node.bodies.contains_key(to) {
        return Err(CommandError::Taken(to.clone()));
    }
    let (content, result) = take(definition, at, key, body)?;
    add(definition, at, key, to, &content, result.as_ref())?;
    Ok(Command::RenameBody { at: at.clone(), key: key.clone(), body: to.clone(), to: body.clone() })
}

/// Takes a body out with the places and samples of everything in it.
fn take(
    definition: &mut Definition,
    at: &GraphPath,
    key: &Key,
    body: &Key,
) -> Result<(Fragment, Option<Value>), CommandError> {
    let inner = at.child(key, body);
    if !node_mut(definition, at, key)?.bodies.contains_key(body) {
        return Err(CommandError::NoBody(body.clone()));
    }
    let all: BTreeSet<Key> =
        inner.find(definition).into_iter().flat_map(|graph: &Graph| graph.nodes.keys().cloned()).collect();
    let content = Fragment::cut(definition, &inner, &all, |_| true);
    place::write(definition, &inner, content.places.keys().map(|text| (text.clone(), None)).collect::<Vec<_>>());
    place::write_samples(
        definition,
        &inner,
        content.samples.keys().map(|text| (text.clone(), None)).collect::<Vec<_>>(),
    );
    let graph = node_mut(definition, at, key)?.bodies.remove(body);
    Ok((content, graph.and_then(|graph| graph.result)))
}
