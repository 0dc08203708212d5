//! The shape of a graph: edges, ports, cycles, what can be reached, and who comes before whom.

use super::{Check, DiagnosticCode as Code};
use crate::{
    capability::{Behaviour, NodeKind},
    definition::{Graph, PortRef, names::did_you_mean, pointer::Pointer},
    known::KnownGraph,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Cycles that are named one by one.
const MAX_CYCLES: usize = 10;

/// What edges make of a graph's nodes, by their number in the order of their keys.
pub(super) struct Shape<'a> {
    numbers: BTreeMap<&'a str, usize>,
    /// For each node its ancestors as a set of bits; empty for nodes on a cycle.
    ancestors: Vec<Vec<u64>>,
    /// Nodes on or behind a cycle: their ancestors are not known.
    looped: Vec<bool>,
    /// For each node the only edge that leads to it: source and whether it leaves its port `out`.
    only: Vec<Only>,
}

/// The edges that lead to a node, as far as its input's type depends on them.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Only {
    None,
    From { node: usize, out: bool },
    Several,
}

impl Shape<'_> {
    /// Whether the graph has a node with this key.
    pub(super) fn number(&self, key: &str) -> Option<usize> {
        self.numbers.get(key).copied()
    }

    /// Whether `node` runs after `before`, or could: on cycles nothing is known, and the cycle is reported by itself.
    pub(super) fn comes_after(&self, node: usize, before: usize) -> bool {
        let bit = self.ancestors[node].get(before / 64).is_some_and(|word| word & (1 << (before % 64)) != 0);
        bit || self.looped[node]
    }

    /// The node whose `out` alone is the input of `node`.
    pub(super) fn source(&self, node: usize) -> Option<usize> {
        match self.only[node] {
            Only::From { node, out: true } => Some(node),
            _ => None,
        }
    }

    /// The keys of the ancestors of `node`.
    pub(super) fn before(&self, node: usize) -> impl Iterator<Item = &str> {
        self.numbers.iter().filter(move |(_, number)| self.comes_after(node, **number)).map(|(key, _)| *key)
    }
}

impl<'a> Check<'a> {
    /// Checks the edges of a graph and learns its shape.
    pub(super) fn shape(&mut self, graph: &'a Graph, known: &KnownGraph, at: &Pointer<'_>) -> Shape<'a> {
        let kinds: Vec<Option<&Arc<NodeKind>>> = known.nodes.iter().map(|known| known.settings.kind()).collect();
        let numbers: BTreeMap<&str, usize> =
            graph.nodes.keys().enumerate().map(|(number, key)| (&**key, number)).collect();
        let edges_at = at.key("edges");
        let mut links: Vec<(usize, usize, usize)> = Vec::with_capacity(graph.edges.len());
        let mut seen = BTreeSet::new();
        let mut only = vec![Only::None; graph.nodes.len()];
        for (index, edge) in graph.edges.iter().enumerate() {
            let at = edges_at.index(index);
            if !seen.insert((&edge.from, &edge.to)) {
                self.report(Code::DuplicateEdge.at(&at, format!("`{}` leads to `{}` twice", edge.from, edge.to)));
                continue;
            }
            let from = self.end(graph, &numbers, &edge.from, &at.key("from"));
            let to = self.end(graph, &numbers, &edge.to, &at.key("to"));
            let (Some(from), Some(to)) = (from, to) else { continue };
            if kinds[from].is_some() {
                let ports = known.nodes[from].settings.ports();
                self.port(&edge.from, ports.iter().map(|port| &**port), "out", &at.key("from"));
            }
            if let Some(kind) = kinds[to] {
                self.port(&edge.to, kind.ports.inputs.iter().map(String::as_str), "in", &at.key("to"));
            }
            links.push((from, to, index));
            only[to] = match only[to] {
                Only::None => Only::From { node: from, out: &*edge.from.port == "out" },
                _ => Only::Several,
            };
        }
        let order = order(graph.nodes.len(), &links);
        if order.len() < graph.nodes.len() {
            self.cycles(graph, &order, links.clone(), &edges_at);
        }
        let is_trigger =
            |kind: &Option<&Arc<NodeKind>>| kind.is_some_and(|kind| matches!(kind.behaviour, Behaviour::Trigger));
        if kinds.iter().any(is_trigger) {
            self.reach(graph, kinds.iter().map(is_trigger).collect(), &links, at);
        }
        let (ancestors, looped) = ancestors(graph.nodes.len(), &order, &links);
        Shape { numbers, ancestors, looped, only }
    }

    fn end(
        &mut self,
        graph: &Graph,
        numbers: &BTreeMap<&str, usize>,
        end: &PortRef,
        at: &Pointer<'_>,
    ) -> Option<usize> {
        let number = numbers.get(&*end.node).copied();
        if number.is_none() && !self.is_full() {
            const MOST: usize = 500;
            let hint = did_you_mean(&end.node, graph.nodes.keys().take(MOST).map(|key| &**key));
            self.report(Code::UnknownNode.hinted(at, format!("there is no node `{}` in this graph", end.node), hint));
        }
        number
    }

    fn port<'p>(&mut self, end: &PortRef, ports: impl Iterator<Item = &'p str> + Clone, side: &str, at: &Pointer<'_>) {
        if ports.clone().any(|port| port == &*end.port) {
            return;
        }
        let names: Vec<&str> = ports.clone().collect();
        let (message, hint) = match (names.is_empty(), side) {
            (true, "in") => (format!("nothing can lead into `{}`: it starts runs", end.node), None),
            (true, _) => (format!("nothing can lead out of `{}`", end.node), None),
            _ => {
                let hint = did_you_mean(&end.port, ports)
                    .unwrap_or_else(|| format!("Its {side}-ports are: {}.", names.join(", ")));
                (format!("`{}` has no {side}-port `{}`", end.node, end.port), Some(hint))
            }
        };
        self.report(Code::UnknownPort.hinted(at, message, hint));
    }

    /// Names one cycle after another, each once.
    fn cycles(&mut self, graph: &Graph, order: &[usize], mut links: Vec<(usize, usize, usize)>, at: &Pointer<'_>) {
        let keys: Vec<&str> = graph.nodes.keys().map(|key| &**key).collect();
        let mut alive = vec![true; keys.len()];
        for node in order {
            alive[*node] = false;
        }
        for _ in 0..MAX_CYCLES {
            // What only leads out of cycles is not on one: with the direction turned round, the same elimination again.
            links.retain(|(from, to, _)| alive[*from] && alive[*to]);
            let turned: Vec<(usize, usize, usize)> =
                links.iter().map(|(from, to, index)| (*to, *from, *index)).collect();
            for direction in [&turned, &links.clone()] {
                for node in self::order(keys.len(), direction) {
                    alive[node] = false;
                }
            }
            links.retain(|(from, to, _)| alive[*from] && alive[*to]);
            let Some((start, ..)) = links.first() else { return };
            let mut next: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
            for (from, to, index) in &links {
                next.entry(*from).or_insert((*to, *index));
            }
            // Every node that is left has a successor that is left: following them must come round.
            let (mut path, mut places) = (Vec::new(), BTreeMap::new());
            let mut node = *start;
            while let (None, Some((to, index))) = (places.get(&node), next.get(&node)) {
                places.insert(node, path.len());
                path.push((node, *index));
                node = *to;
            }
            let Some(cycle) = places.get(&node).map(|first| &path[*first..]) else { return };
            let mut names: Vec<&str> = cycle.iter().map(|(node, _)| keys[*node]).collect();
            names.push(keys[node]);
            const MOST: usize = 12;
            let shown = if names.len() > MOST {
                format!("{} → … → {}", names[..MOST].join(" → "), keys[node])
            } else {
                names.join(" → ")
            };
            let closing = cycle.last().map_or(0, |(_, index)| *index);
            self.report(Code::Cycle.hinted(
                &at.index(closing),
                format!("edges lead back to where they came from: {shown}"),
                "Remove one of them; to repeat something, use a scope such as For each.".to_owned(),
            ));
            for (node, _) in cycle {
                alive[*node] = false;
            }
        }
    }

    /// Where there are triggers, nothing runs that they do not lead to.
    fn reach(&mut self, graph: &Graph, triggers: Vec<bool>, links: &[(usize, usize, usize)], at: &Pointer<'_>) {
        let mut reached = triggers;
        let leads = successors(reached.len(), links);
        let mut open: Vec<usize> = (0..reached.len()).filter(|node| reached[*node]).collect();
        while let Some(node) = open.pop() {
            for next in &leads[node] {
                if !std::mem::replace(&mut reached[*next], true) {
                    open.push(*next);
                }
            }
        }
        let nodes_at = at.key("nodes");
        for (key, _) in graph.nodes.keys().zip(reached).filter(|(_, reached)| !reached) {
            let message = format!("no trigger leads to `{key}`");
            self.report(Code::Unreachable.hinted(&nodes_at.key(key), message, "Connect it, or remove it.".to_owned()));
        }
    }
}

fn successors(count: usize, links: &[(usize, usize, usize)]) -> Vec<Vec<usize>> {
    let mut leads = vec![Vec::new(); count];
    for (from, to, _) in links {
        leads[*from].push(*to);
    }
    leads
}

/// Kahn's algorithm: the nodes in an order in which edges lead forwards; those on or behind a cycle are left out.
fn order(count: usize, links: &[(usize, usize, usize)]) -> Vec<usize> {
    let leads = successors(count, links);
    let mut waiting = vec![0usize; count];
    for (_, to, _) in links {
        waiting[*to] += 1;
    }
    let mut order: Vec<usize> = (0..count).filter(|node| waiting[*node] == 0).collect();
    let mut done = 0;
    while let Some(node) = order.get(done).copied() {
        done += 1;
        for next in &leads[node] {
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                order.push(*next);
            }
        }
    }
    order
}

fn ancestors(count: usize, order: &[usize], links: &[(usize, usize, usize)]) -> (Vec<Vec<u64>>, Vec<bool>) {
    let mut looped = vec![true; count];
    let mut sets: Vec<Vec<u64>> = vec![Vec::new(); count];
    let words = count.div_ceil(64);
    let mut before = vec![Vec::new(); count];
    for (from, to, _) in links {
        before[*to].push(*from);
    }
    for node in order {
        looped[*node] = false;
        if before[*node].is_empty() {
            continue;
        }
        let mut set = vec![0u64; words];
        for from in &before[*node] {
            set[from / 64] |= 1 << (from % 64);
            for (own, theirs) in set.iter_mut().zip(&sets[*from]) {
                *own |= theirs;
            }
        }
        sets[*node] = set;
    }
    (sets, looped)
}
