//! Whole nodes: inserted under free keys, removed once, renamed, replaced field by field, placed.

use super::{
    Drift, Reason,
    drift::{Plan, scalar},
    merge::Merge,
    names::{Keys, keys_to},
};
use crate::{
    Command, Fragment, GraphPath, Point,
    apply::first,
    compose::closes_cycle,
    fragment::free_key,
    place,
    rename::{self, Renamed},
};
use holon_flow::definition::{Edge, Graph, Join, Key, Node, Policies};
use holon_model::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Drift {
    /// Under free keys; an edge to what is gone, or to a circle, is left out.
    pub(super) fn insert(
        &self,
        at: &GraphPath,
        fragment: &Fragment,
        parts: &mut Vec<(Command, Reason)>,
    ) -> Result<Plan, Reason> {
        let (there, graph) = self.graph(at)?;
        let mut names = self.renamed(at);
        let (mut made, mut taken) = (Vec::new(), fragment.nodes.keys().cloned().collect::<BTreeSet<Key>>());
        for key in fragment.nodes.keys() {
            names.remove(key);
            let mut new = key.clone();
            if graph.nodes.contains_key(key) {
                new = free_key(key, &|key| graph.nodes.contains_key(key) || taken.contains(key));
                taken.insert(new.clone());
                names.insert(key.clone(), new.clone());
            }
            made.push((keys_to(at, &[key]), keys_to(&there, &[&new])));
        }
        let mut kept = fragment.clone();
        kept.edges.retain(|(from, to)| match self.outer_edge(at, fragment, from, to) {
            Ok(()) => true,
            Err(reason) => {
                parts.push((Command::Connect { at: at.clone(), from: from.clone(), to: to.clone() }, reason));
                false
            }
        });
        let mut fragment = kept.renamed(&names)?;
        // Edges outward may close a circle with what another drew. One that is closed in my document too is mine to see.
        if fragment
            .edges
            .iter()
            .any(|(from, to)| graph.nodes.contains_key(node_of(from)) || graph.nodes.contains_key(node_of(to)))
        {
            let mut drawn = Graph { edges: graph.edges.clone(), ..Graph::default() };
            let mine = at.find(&self.was.document).map(|graph| graph.edges.clone()).unwrap_or_default();
            let mut mine = Graph { edges: mine, ..Graph::default() };
            let mut whole = Vec::new();
            for ((from, to), (was_from, was_to)) in fragment.edges.iter().zip(&kept.edges) {
                let circle = closes_cycle(&drawn, from, to) && !closes_cycle(&mine, was_from, was_to);
                mine.edges.extend(edge(was_from, was_to));
                if circle {
                    let (from, to) = (was_from.clone(), was_to.clone());
                    parts.push((Command::Connect { at: at.clone(), from, to }, Reason::Circle));
                } else {
                    drawn.edges.extend(edge(from, to));
                    whole.push((from.clone(), to.clone()));
                }
            }
            fragment.edges = whole;
        }
        Ok(Plan { command: Command::Insert { at: there, fragment }, made })
    }

    /// Whether the ends of a fragment's edge that are none of its nodes are there.
    fn outer_edge(&self, at: &GraphPath, fragment: &Fragment, from: &str, to: &str) -> Result<(), Reason> {
        for end in [from, to] {
            if !fragment.nodes.contains_key(node_of(end)) {
                self.end(at, end)?;
            }
        }
        Ok(())
    }

    pub(super) fn remove(
        &self,
        at: &GraphPath,
        keys: &BTreeSet<Key>,
        merge: &mut Merge,
        parts: &mut Vec<(Command, Reason)>,
    ) -> Result<Command, Reason> {
        let mut left = BTreeSet::new();
        for key in keys {
            match self.both(at, key) {
                Ok((_, key, was, is)) => {
                    merge.replaced |= !merge.back && was != is;
                    left.insert(key);
                }
                Err(_) => {
                    let part = Command::Remove { at: at.clone(), keys: [key.clone()].into() };
                    parts.push((part, Reason::Already));
                }
            }
        }
        if left.is_empty() {
            return Err(Reason::Already);
        }
        Ok(Command::Remove { at: self.graph(at)?.0, keys: left })
    }

    pub(super) fn rename(&self, at: &GraphPath, key: &Key, to: &Key, merge: &mut Merge) -> Result<Command, Reason> {
        let (there, now) = self.node(at, key)?;
        let graph = self.graph(at)?.1;
        let to = new_key(key, to, &now, merge, &|key| graph.nodes.contains_key(key))?;
        Ok(Command::Rename { at: there, key: now, to })
    }

    /// Field by field: what I left as it was stays as it is.
    pub(super) fn replace(&self, at: &GraphPath, key: &Key, node: &Value, merge: &mut Merge) -> Result<Plan, Reason> {
        let written = Node::from_value(node).map_err(|found| first(&found))?;
        let mut mine = written.clone();
        let (there, now, was, is) = self.both(at, key)?;
        let mut saw = was.clone();
        let names = self.renamed(at);
        let inputs = self.inputs(at, key, &names);
        rename::in_node(&mut mine, &names, &inputs);
        rename::in_node(&mut saw, &names, &inputs);
        let idle = mine == saw;
        let kind = merge.pick(saw.kind.clone(), mine.kind.clone(), is.kind.clone());
        let config = if mine.kind == saw.kind && is.kind == saw.kind {
            merge.value(Some(&saw.config), Some(&mine.config), Some(&is.config)).unwrap_or_default()
        } else if kind == mine.kind {
            // Settings are of their kind.
            mine.config.clone()
        } else {
            is.config.clone()
        };
        let (bodies, own) = bodies(&saw, &mine, is, merge);
        let new = Node {
            kind,
            config,
            join: merge.pick::<Join>(saw.join, mine.join, is.join),
            policies: policies(&saw.policies, &mine.policies, &is.policies, merge),
            bodies,
            disabled: merge.pick(saw.disabled, mine.disabled, is.disabled),
            note: merge.pick(saw.note, mine.note, is.note.clone()),
        };
        if !idle && new == *is {
            return Err(if merge.lost { Reason::Changed } else { Reason::Already });
        }
        let made = own.iter().map(|body| (keys_to(at, &[key, body]), keys_to(&there, &[&now, body])));
        let made: Vec<(Keys, Keys)> = made.collect();
        // As it was written, where nothing was added to it.
        let node = if new == written { node.clone() } else { new.to_value() };
        Ok(Plan { command: Command::Replace { at: there, key: now, node }, made })
    }

    /// What a node's `input` names under new keys.
    pub(super) fn inputs(&self, at: &GraphPath, key: &Key, names: &Renamed) -> Renamed {
        at.find(&self.was.document).map(|graph| rename::inputs(graph, key, names)).unwrap_or_default()
    }

    pub(super) fn places(
        &self,
        at: &GraphPath,
        places: &BTreeMap<Key, Option<Point>>,
        merge: &mut Merge,
        parts: &mut Vec<(Command, Reason)>,
    ) -> Result<Command, Reason> {
        let mut left = BTreeMap::new();
        for (key, to) in places {
            let placed = self.node(at, key).and_then(|(there, now)| {
                let saw = place::get(&self.was.document, at, key);
                Ok((now.clone(), scalar(merge, saw, *to, place::get(&self.is.document, &there, &now))?))
            });
            match placed {
                Ok((key, to)) => _ = left.insert(key, to),
                Err(reason) => {
                    let part = Command::Move { at: at.clone(), places: [(key.clone(), *to)].into() };
                    parts.push((part, reason));
                }
            }
        }
        // Each part that gave way is told by itself.
        merge.lost = false;
        match parts.pop() {
            Some((_, reason)) if left.is_empty() && !places.is_empty() => Err(reason),
            last => {
                parts.extend(last);
                Ok(Command::Move { at: self.graph(at)?.0, places: left })
            }
        }
    }
}

/// The key that something gets which I renamed from `key` to `to`, and which is called `now`.
pub(super) fn new_key(
    key: &Key,
    to: &Key,
    now: &Key,
    merge: &mut Merge,
    taken: &dyn Fn(&str) -> bool,
) -> Result<Key, Reason> {
    let to = scalar(merge, key.clone(), to.clone(), now.clone())?;
    Ok(free_key(&to, taken))
}

/// Policies of three nodes put together; where that makes none, mine.
pub(super) fn policies(saw: &Policies, mine: &Policies, there: &Policies, merge: &mut Merge) -> Policies {
    let [saw, own, there] = [saw, mine, there].map(Policies::to_value);
    let merged = merge.value(Some(&saw), Some(&own), Some(&there));
    merged.and_then(|merged| Policies::from_value(&merged).ok()).unwrap_or_else(|| {
        merge.replaced = true;
        mine.clone()
    })
}

/// The bodies of three nodes put together, and the names of those that are mine.
fn bodies(saw: &Node, mine: &Node, there: &Node, merge: &mut Merge) -> (BTreeMap<Key, Graph>, Vec<Key>) {
    let (mut out, mut own) = (BTreeMap::new(), Vec::new());
    // A name that several have comes to the same each time, but is noted once.
    let names = there.bodies.keys().chain(mine.bodies.keys().filter(|name| !there.bodies.contains_key(*name)));
    for name in names {
        let [saw, mine, there] = [saw, mine, there].map(|node| node.bodies.get(name));
        let Some(body) = merge.pick(saw, mine, there) else { continue };
        if Some(body) != there {
            own.push(name.clone());
        }
        out.insert(name.clone(), body.clone());
    }
    (out, own)
}

fn node_of(end: &str) -> &str {
    end.split('.').next().unwrap_or_default()
}

fn edge(from: &str, to: &str) -> Option<Edge> {
    Some(Edge { from: from.parse().ok()?, to: to.parse().ok()? })
}
