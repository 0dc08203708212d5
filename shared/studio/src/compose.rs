//! What people do, as commands: add a node after another, insert on an edge, connect without dragging, duplicate, tidy up.

use crate::{
    Command, CommandError, Fragment, GraphPath, KindInfo, Kinds, Point, fragment::free_key, geometry::WIDTH, layout,
    outline, place, view,
};
use holon_flow::definition::{Definition, Edge, Graph, Key};
use std::collections::{BTreeMap, BTreeSet};

/// Adding a node of a kind. With `after` (`key.port`) it is connected to that port and stands beside its node.
/// Gives the command and the new key.
pub fn add(
    definition: &Definition,
    path: &GraphPath,
    kinds: &Kinds,
    kind: &KindInfo,
    at: Option<Point>,
    after: Option<&str>,
) -> Option<(Command, Key)> {
    let graph = path.find(definition)?;
    let node = kind.new_node()?;
    let key = free_key(&kind.stem(), &|key| graph.nodes.contains_key(key));
    let places = view::places(definition, path, graph, kinds);
    let height = |key: &Key| graph.nodes.get(key).map_or(0, |node| kinds.height(node));
    let cards: Vec<(Point, i32)> = places.iter().map(|(key, point)| (*point, height(key))).collect();
    let source = after.and_then(|port| port.split_once('.')).map(|(key, _)| key);
    let wanted = at.or_else(|| {
        let beside = places.get(source?)?;
        Some(beside.plus(Point::new(WIDTH + 96, 0)))
    });
    let right = places.values().map(|point| point.x).max();
    let wanted = wanted.unwrap_or_else(|| {
        Point::new(right.map_or(0, |x| x + WIDTH + 96), places.values().map(|point| point.y).min().unwrap_or(0))
    });
    let fragment = Fragment::of(&key, node.to_value(), layout::free(wanted, kinds.height(&node), &cards));
    let insert = Command::Insert { at: path.clone(), fragment };
    let command = match (after, kind.inputs.first()) {
        (Some(from), Some(port)) => Command::Batch {
            label: insert.label(),
            commands: vec![
                insert,
                Command::Connect { at: path.clone(), from: from.to_owned(), to: format!("{key}.{port}") },
            ],
        },
        _ => insert,
    };
    Some((command, key))
}

/// The same command, but what was never placed is put first where it is drawn now: else it would be drawn elsewhere, around what is placed.
pub fn settled(definition: &Definition, path: &GraphPath, kinds: &Kinds, command: Command) -> Command {
    let Some(graph) = path.find(definition) else { return command };
    let loose: BTreeMap<Key, Option<Point>> = view::places(definition, path, graph, kinds)
        .into_iter()
        .filter(|(key, _)| place::get(definition, path, key).is_none())
        .map(|(key, point)| (key, Some(point)))
        .collect();
    if loose.is_empty() {
        return command;
    }
    let settle = Command::Move { at: path.clone(), places: loose };
    Command::Batch { label: command.label(), commands: vec![settle, command] }
}

/// Putting a node of a kind between the two ends of an edge.
pub fn insert_on_edge(
    definition: &Definition,
    path: &GraphPath,
    kinds: &Kinds,
    kind: &KindInfo,
    edge: &Edge,
) -> Option<(Command, Key)> {
    let graph = path.find(definition)?;
    let (input, node) = (kind.inputs.first()?, kind.new_node()?);
    let output = kind.out_ports(&node.config).into_iter().next()?;
    let key = free_key(&kind.stem(), &|key| graph.nodes.contains_key(key));
    let places = view::places(definition, path, graph, kinds);
    let (from, to) = (places.get(&edge.from.node)?, places.get(&edge.to.node)?);
    let step = WIDTH + 64;
    let at = Point::new(from.x + step, (from.y + to.y) / 2).snapped();
    let mut commands = Vec::new();
    let short = at.x + step - to.x;
    if short > 0 {
        // What comes after makes room.
        let after = reached(graph, &edge.to.node);
        let moved = after
            .iter()
            .filter_map(|key| Some((key.clone(), Some(places.get(key)?.plus(Point::new(short, 0)).snapped()))));
        commands.push(Command::Move { at: path.clone(), places: moved.collect() });
    }
    let (from, to) = (edge.from.to_string(), edge.to.to_string());
    commands.push(Command::Insert { at: path.clone(), fragment: Fragment::of(&key, node.to_value(), at) });
    commands.push(Command::Disconnect { at: path.clone(), from: from.clone(), to: to.clone() });
    commands.push(Command::Connect { at: path.clone(), from, to: format!("{key}.{input}") });
    commands.push(Command::Connect { at: path.clone(), from: format!("{key}.{output}"), to });
    Some((Command::Batch { label: format!("inserting {key}"), commands }, key))
}

/// The in-ports that the output `from` (`key.port`) may be connected to: not what leads to it, not what it leads to already.
pub fn targets(definition: &Definition, path: &GraphPath, kinds: &Kinds, from: &str) -> Vec<String> {
    let Some((graph, (source, _))) = path.find(definition).zip(from.split_once('.')) else { return Vec::new() };
    let mut out = Vec::new();
    for key in outline::order(graph) {
        let Some(node) = graph.nodes.get(&key) else { continue };
        if &*key == source || reached(graph, &key).iter().any(|reached| &**reached == source) {
            continue;
        }
        for port in kinds.in_ports(node) {
            let to = format!("{key}.{port}");
            let there = graph.edges.iter().any(|edge| edge.from.to_string() == from && edge.to.to_string() == to);
            if !there {
                out.push(to);
            }
        }
    }
    out
}

/// Whether an edge from one port to another would close a cycle.
pub fn closes_cycle(graph: &Graph, from: &str, to: &str) -> bool {
    let node = |port: &str| port.split('.').next().unwrap_or_default().to_owned();
    let (source, target) = (node(from), node(to));
    source == target || reached(graph, &target).iter().any(|key| **key == *source)
}

/// The nodes that can be reached from one, itself included.
fn reached(graph: &Graph, start: &str) -> BTreeSet<Key> {
    let mut found: BTreeSet<Key> = [Key::from(start)].into();
    let mut open = vec![Key::from(start)];
    while let Some(key) = open.pop() {
        for edge in graph.edges.iter().filter(|edge| edge.from.node == key) {
            if found.insert(edge.to.node.clone()) {
                open.push(edge.to.node.clone());
            }
        }
    }
    found
}

/// Bringing a fragment in with free keys. Gives the command and the new keys.
///
/// # Errors
/// A node that cannot be read.
pub fn paste(
    definition: &Definition,
    path: &GraphPath,
    fragment: &Fragment,
    by: Point,
) -> Result<(Command, BTreeSet<Key>), CommandError> {
    let graph = path.find(definition).ok_or_else(|| CommandError::NoGraph(path.clone()))?;
    let fragment = fragment.with_free_keys(graph)?.moved(by);
    let keys = fragment.nodes.keys().cloned().collect();
    Ok((Command::Insert { at: path.clone(), fragment }, keys))
}

/// Laying out the whole graph, or the nodes `only` where they are.
pub fn tidy(definition: &Definition, path: &GraphPath, kinds: &Kinds, only: &BTreeSet<Key>) -> Option<Command> {
    let graph = path.find(definition)?;
    let some = only.len() > 1;
    let part = Graph {
        nodes: graph
            .nodes
            .iter()
            .filter(|(key, _)| !some || only.contains(*key))
            .map(|(key, node)| (key.clone(), node.clone()))
            .collect(),
        edges: graph.edges.clone(),
        result: None,
    };
    let places = layout::tidy(&part, &|key| part.nodes.get(key).map_or(0, |node| kinds.height(node)));
    let before = view::places(definition, path, graph, kinds);
    let corner =
        |axis: fn(&Point) -> i32| part.nodes.keys().filter_map(|key| before.get(key)).map(axis).min().unwrap_or(0);
    let offset = if some { Point::new(corner(|point| point.x), corner(|point| point.y)) } else { Point::default() };
    let places = places.into_iter().map(|(key, point)| (key, Some(point.plus(offset))));
    Some(Command::Batch {
        label: "tidy up".into(),
        commands: vec![Command::Move { at: path.clone(), places: places.collect() }],
    })
}
