//! Tidy-up: a layered layout (Sugiyama, Tagawa, Toda 1981) of one graph, left to right.
//!
//! Layers by longest path, order inside a layer by barycentres in both directions, then a compact placement that keeps the
//! order. Small and deterministic; cyclic drafts are laid out too, by ignoring the edges that close a cycle.

use crate::geometry::{FOOT, Point, WIDTH};
use holon_flow::definition::{Graph, Key};
use std::collections::{BTreeMap, BTreeSet};

/// Room between layers.
const GAP_X: i32 = 72;
/// Room between cards of a layer.
const GAP_Y: i32 = 40;
/// Sweeps in each direction; more changes little.
const SWEEPS: usize = 6;

/// Where every node of the graph would stand, from (0, 0). `height` gives the height of a card.
pub fn tidy(graph: &Graph, height: &dyn Fn(&Key) -> i32) -> BTreeMap<Key, Point> {
    let edges = acyclic(graph);
    let layer = layers(graph, &edges);
    let count = layer.values().max().map_or(0, |last| last + 1);
    let mut rows: Vec<Vec<Key>> = vec![Vec::new(); count];
    for (key, index) in &layer {
        rows[*index].push(key.clone());
    }
    order(&mut rows, &edges);
    place(&rows, &edges, height)
}

/// Places for the nodes that have none: beside what leads to them, without covering anything.
pub fn fill(graph: &Graph, placed: &BTreeMap<Key, Point>, height: &dyn Fn(&Key) -> i32) -> BTreeMap<Key, Point> {
    let missing: Vec<&Key> = graph.nodes.keys().filter(|key| !placed.contains_key(*key)).collect();
    if missing.is_empty() {
        return BTreeMap::new();
    }
    let tidy = tidy(graph, height);
    if placed.is_empty() {
        return tidy;
    }
    let mut out: BTreeMap<Key, Point> = BTreeMap::new();
    let mut ordered = missing;
    ordered.sort_by_key(|key| tidy.get(*key).map(|point| (point.x, point.y)));
    for key in ordered {
        let known = |key: &Key| placed.get(key).or_else(|| out.get(key)).copied();
        let sources = graph.edges.iter().filter(|edge| edge.to.node == *key).filter_map(|edge| known(&edge.from.node));
        let wanted = match sources.max_by_key(|point| point.x) {
            Some(source) => Point::new(source.x + WIDTH + GAP_X, source.y),
            None => tidy.get(key).copied().unwrap_or_default(),
        };
        let taken: Vec<(Point, i32)> = placed.iter().chain(&out).map(|(key, point)| (*point, height(key))).collect();
        out.insert(key.clone(), free(wanted, height(key), &taken));
    }
    out
}

/// The nearest place below `wanted` that covers none of the cards.
pub fn free(wanted: Point, height: i32, taken: &[(Point, i32)]) -> Point {
    let mut at = wanted;
    let covers = |at: Point, (other, tall): &(Point, i32)| {
        (at.x - other.x).abs() < WIDTH && at.y < other.y + tall + FOOT && other.y < at.y + height + FOOT
    };
    while let Some((other, tall)) = taken.iter().find(|card| covers(at, card)) {
        at.y = other.y + tall + FOOT + 16;
    }
    at.snapped()
}

/// The edges between nodes that are there, without those that close a cycle.
fn acyclic(graph: &Graph) -> BTreeSet<(Key, Key)> {
    let all: BTreeSet<(Key, Key)> = graph
        .edges
        .iter()
        .filter(|edge| graph.nodes.contains_key(&edge.from.node) && graph.nodes.contains_key(&edge.to.node))
        .map(|edge| (edge.from.node.clone(), edge.to.node.clone()))
        .collect();
    let mut next: BTreeMap<&Key, Vec<&Key>> = BTreeMap::new();
    for (from, to) in &all {
        next.entry(from).or_default().push(to);
    }
    let (mut done, mut open, mut back) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for root in graph.nodes.keys() {
        // Depth first with a stack of our own: definitions of 10,000 nodes in a row are allowed.
        let mut stack = vec![(root, 0usize)];
        while let Some((key, at)) = stack.pop() {
            if at == 0 {
                if done.contains(key) {
                    continue;
                }
                open.insert(key);
            }
            match next.get(key).and_then(|targets| targets.get(at)) {
                Some(target) => {
                    stack.push((key, at + 1));
                    if open.contains(*target) {
                        back.insert((key.clone(), (*target).clone()));
                    } else if !done.contains(*target) {
                        stack.push((target, 0));
                    }
                }
                None => {
                    open.remove(key);
                    done.insert(key);
                }
            }
        }
    }
    all.difference(&back).cloned().collect()
}

/// Longest path from a source.
fn layers(graph: &Graph, edges: &BTreeSet<(Key, Key)>) -> BTreeMap<Key, usize> {
    let mut left: BTreeMap<&Key, usize> = graph.nodes.keys().map(|key| (key, 0)).collect();
    let mut next: BTreeMap<&Key, Vec<&Key>> = BTreeMap::new();
    for (from, to) in edges {
        *left.entry(to).or_default() += 1;
        next.entry(from).or_default().push(to);
    }
    let mut ready: Vec<&Key> = left.iter().filter(|(_, count)| **count == 0).map(|(key, _)| *key).collect();
    let mut layer: BTreeMap<Key, usize> = BTreeMap::new();
    let mut depth: BTreeMap<&Key, usize> = BTreeMap::new();
    while let Some(key) = ready.pop() {
        let at = depth.get(key).copied().unwrap_or(0);
        layer.insert(key.clone(), at);
        for target in next.get(key).into_iter().flatten() {
            let reached = depth.entry(target).or_default();
            *reached = (*reached).max(at + 1);
            if let Some(count) = left.get_mut(*target) {
                *count -= 1;
                if *count == 0 {
                    ready.push(target);
                }
            }
        }
    }
    layer
}

/// Fewer crossings: each layer sorted by the mean position of its neighbours, there and back.
fn order(rows: &mut [Vec<Key>], edges: &BTreeSet<(Key, Key)>) {
    let mut before: BTreeMap<&Key, Vec<&Key>> = BTreeMap::new();
    let mut after: BTreeMap<&Key, Vec<&Key>> = BTreeMap::new();
    for (from, to) in edges {
        before.entry(to).or_default().push(from);
        after.entry(from).or_default().push(to);
    }
    for sweep in 0..SWEEPS {
        let position: BTreeMap<Key, usize> =
            rows.iter().flat_map(|row| row.iter().enumerate().map(|(index, key)| (key.clone(), index))).collect();
        let mut position = position;
        let forward = sweep % 2 == 0;
        let neighbours = if forward { &before } else { &after };
        let indices: Vec<usize> = if forward { (0..rows.len()).collect() } else { (0..rows.len()).rev().collect() };
        for index in indices {
            let row = &mut rows[index];
            let mut keyed: Vec<(u64, usize, Key)> = row
                .iter()
                .enumerate()
                .map(|(at, key)| {
                    let near: Vec<usize> = neighbours
                        .get(key)
                        .into_iter()
                        .flatten()
                        .filter_map(|key| position.get(*key).copied())
                        .collect();
                    // Thousandths, so that no floating point decides an order.
                    let mean = if near.is_empty() {
                        at as u64 * 1000
                    } else {
                        near.iter().sum::<usize>() as u64 * 1000 / near.len() as u64
                    };
                    (mean, at, key.clone())
                })
                .collect();
            keyed.sort();
            *row = keyed.into_iter().map(|(_, _, key)| key).collect();
            for (at, key) in row.iter().enumerate() {
                position.insert(key.clone(), at);
            }
        }
    }
}

fn place(rows: &[Vec<Key>], edges: &BTreeSet<(Key, Key)>, height: &dyn Fn(&Key) -> i32) -> BTreeMap<Key, Point> {
    let mut before: BTreeMap<&Key, Vec<&Key>> = BTreeMap::new();
    for (from, to) in edges {
        before.entry(to).or_default().push(from);
    }
    let mut out: BTreeMap<Key, Point> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let x = i32::try_from(index).unwrap_or(0) * (WIDTH + GAP_X);
        // First where its sources are, on average; then pushed down so that nothing covers another.
        let wanted = |key: &Key| {
            let near: Vec<i32> =
                before.get(key).into_iter().flatten().filter_map(|key| out.get(*key).map(|point| point.y)).collect();
            let count = i32::try_from(near.len()).unwrap_or(1);
            if near.is_empty() { None } else { Some(near.iter().sum::<i32>() / count) }
        };
        let mut placed: Vec<(Key, i32)> = Vec::new();
        let mut bottom = i32::MIN;
        for key in row {
            let y = wanted(key).unwrap_or(if bottom == i32::MIN { 0 } else { bottom }).max(bottom);
            placed.push((key.clone(), y));
            bottom = y + height(key) + FOOT + GAP_Y;
        }
        // A row that was pushed down moves back up by the mean of what it was pushed.
        let pushed: Vec<i32> = placed.iter().filter_map(|(key, y)| Some(y - wanted(key)?)).collect();
        let count = i32::try_from(pushed.len()).unwrap_or(1).max(1);
        let lift = pushed.iter().sum::<i32>() / count;
        out.extend(placed.into_iter().map(|(key, y)| (key, Point::new(x, y - lift).snapped())));
    }
    let top = out.values().map(|point| point.y).min().unwrap_or(0);
    out.into_iter().map(|(key, point)| (key, Point::new(point.x, point.y - top))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        for (from, to) in edges {
            for key in [from, to] {
                let node = holon_flow::definition::Node::new("x@1".parse().unwrap());
                graph.nodes.entry((*key).into()).or_insert(node);
            }
            let end = |key: &str, port: &str| holon_flow::definition::PortRef { node: key.into(), port: port.into() };
            graph.edges.push(holon_flow::definition::Edge { from: end(from, "out"), to: end(to, "in") });
        }
        graph
    }

    #[test]
    fn edges_go_to_the_right_and_no_card_covers_another() {
        let graph = graph(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d"), ("d", "e"), ("x", "e")]);
        let places = tidy(&graph, &|_| 60);
        for edge in &graph.edges {
            assert!(places[&edge.from.node].x < places[&edge.to.node].x, "{edge:?} {places:?}");
        }
        for (key, a) in &places {
            for (other, b) in places.iter().filter(|(other, _)| *other != key) {
                assert!((a.x - b.x).abs() >= WIDTH || (a.y - b.y).abs() >= 60 + FOOT, "{key} {other}");
            }
        }
    }

    #[test]
    fn a_cyclic_draft_and_a_long_chain_are_laid_out_too() {
        assert_eq!(tidy(&graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "c")]), &|_| 60).len(), 3);
        let names: Vec<String> = (0..3000).map(|index| format!("n{index}")).collect();
        let chain: Vec<(&str, &str)> = names.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
        assert_eq!(tidy(&graph(&chain), &|_| 60).len(), 3000);
    }

    #[test]
    fn a_node_without_a_place_stands_beside_its_source_on_free_ground() {
        let graph = graph(&[("a", "b"), ("a", "c")]);
        let placed = [("a".into(), Point::new(0, 0)), ("b".into(), Point::new(WIDTH + GAP_X, 0))].into();
        let filled = fill(&graph, &placed, &|_| 60);
        assert_eq!(filled.len(), 1);
        assert!(filled["c"].x == WIDTH + GAP_X && filled["c"].y >= 84, "{filled:?}");
    }
}
