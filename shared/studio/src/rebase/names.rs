//! Which node is which in two documents with a common past: keys change, identities stay.

use crate::{Command, GraphPath};
use holon_flow::definition::{Definition, Graph, Key, Node};
use std::collections::BTreeMap;

/// The things of one level, by key: nodes of a graph, or bodies of a node.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    here: BTreeMap<Key, Name>,
    /// What was here: brought back under its key, it is what it was.
    gone: BTreeMap<Key, Name>,
}

/// A node or a body, with what is in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Name {
    id: u32,
    inside: Names,
}

/// Keys from the outside in: node, body, node, body …
pub(super) type Keys = Vec<Key>;

/// The way to a graph.
pub(super) fn keys(at: &GraphPath) -> Keys {
    at.0.iter().flat_map(|step| [step.node.clone(), step.body.clone()]).collect()
}

/// The way to something in a graph.
pub(super) fn keys_to(at: &GraphPath, rest: &[&Key]) -> Keys {
    keys(at).into_iter().chain(rest.iter().map(|key| (*key).clone())).collect()
}

/// The path of a graph from the way to it.
pub(super) fn path(keys: &[Key]) -> GraphPath {
    let steps = keys.chunks_exact(2).map(|pair| crate::Step { node: pair[0].clone(), body: pair[1].clone() });
    GraphPath(steps.collect())
}

impl Names {
    /// The names of a graph's nodes. Those of `old` keep their identities; the others take new ones from `ids`.
    pub fn of(graph: &Graph, old: Option<&Self>, ids: &mut u32) -> Self {
        Self::level(graph.nodes.iter(), old, ids, Self::bodies)
    }

    fn bodies(node: &Node, old: Option<&Self>, ids: &mut u32) -> Self {
        Self::level(node.bodies.iter(), old, ids, Self::of)
    }

    fn level<'a, T: 'a>(
        things: impl Iterator<Item = (&'a Key, &'a T)>,
        old: Option<&Self>,
        ids: &mut u32,
        inside: fn(&'a T, Option<&Self>, &mut u32) -> Self,
    ) -> Self {
        let mut out = Self { gone: old.map(|old| old.gone.clone()).unwrap_or_default(), ..Self::default() };
        for (key, thing) in things {
            let known = old.and_then(|old| old.here.get(key).or(old.gone.get(key)));
            let id = known.map_or_else(|| next(ids), |name| name.id);
            let inside = inside(thing, known.map(|name| &name.inside), ids);
            out.gone.remove(key);
            out.here.insert(key.clone(), Name { id, inside });
        }
        let left = old.into_iter().flat_map(|old| &old.here).filter(|(key, _)| !out.here.contains_key(*key));
        let left: Vec<_> = left.map(|(key, name)| (key.clone(), name.clone())).collect();
        out.gone.extend(left);
        out
    }

    /// What a way leads to.
    pub fn find(&self, keys: &[Key]) -> Option<&Name> {
        let (last, before) = keys.split_last()?;
        before.iter().try_fold(self, |names, key| Some(&names.here.get(key)?.inside))?.here.get(last)
    }

    fn level_mut(&mut self, keys: &[Key]) -> Option<&mut Self> {
        keys.iter().try_fold(self, |names, key| Some(&mut names.here.get_mut(key)?.inside))
    }

    /// Puts `name` where the way leads.
    pub fn set(&mut self, keys: &[Key], name: Name) {
        if let Some((last, before)) = keys.split_last()
            && let Some(level) = self.level_mut(before)
        {
            level.here.insert(last.clone(), name);
        }
    }

    /// The key under which something is here.
    fn key_of(&self, key: &Key, id: u32) -> Option<&Key> {
        match self.here.get_key_value(key) {
            Some((key, name)) if name.id == id => Some(key),
            _ => self.here.iter().find(|(_, name)| name.id == id).map(|(key, _)| key),
        }
    }

    /// The way in `other` to what a way leads to here; where it is not there: how many keys led to something that is.
    pub fn in_other(&self, other: &Self, keys: &[Key]) -> Result<Keys, usize> {
        let (mut mine, mut there, mut out) = (self, other, Keys::new());
        for (depth, key) in keys.iter().enumerate() {
            let name = mine.here.get(key).ok_or(depth)?;
            let found = there.key_of(key, name.id).ok_or(depth)?;
            out.push(found.clone());
            mine = &name.inside;
            there = there.here.get(found).map(|name| &name.inside).ok_or(depth)?;
        }
        Ok(out)
    }

    /// New keys by old ones of all nodes that can be named at a graph, as expressions there see them.
    pub fn renamed(&self, other: &Self, at: &[Key]) -> BTreeMap<Key, Key> {
        let (mut mine, mut there, mut out) = (self, other, BTreeMap::new());
        let mut keys = at.iter();
        loop {
            out.retain(|from, to| !mine.here.contains_key(from) && !there.here.contains_key(to));
            for (key, name) in &mine.here {
                if let Some(to) = there.key_of(key, name.id).filter(|to| *to != key) {
                    out.insert(key.clone(), to.clone());
                }
            }
            let mut inside = |key: &Key| -> Option<()> {
                let name = mine.here.get(key)?;
                let found = there.key_of(key, name.id)?;
                there = &there.here.get(found)?.inside;
                mine = &name.inside;
                Some(())
            };
            // A node, then its body.
            if keys.next().and_then(&mut inside).is_none() || keys.next().and_then(&mut inside).is_none() {
                return out;
            }
        }
    }

    /// Follows a command that the document has just taken in.
    pub fn follow(&mut self, command: &Command, after: &Definition, ids: &mut u32) {
        match command {
            Command::Insert { at, fragment } => {
                for key in fragment.nodes.keys() {
                    self.take(after, at, key, ids);
                }
            }
            Command::Replace { at, key, .. } => self.take(after, at, key, ids),
            Command::AddBody { at, key, body, .. } => {
                let graph = at.child(key, body);
                if let Some((level, graph)) = self.level_mut(&keys_to(at, &[key])).zip(graph.find(after)) {
                    let old = level.gone.remove(body);
                    let inside = Self::of(graph, old.as_ref().map(|name| &name.inside), ids);
                    let id = old.map_or_else(|| next(ids), |name| name.id);
                    level.here.insert(body.clone(), Name { id, inside });
                }
            }
            Command::Remove { at, keys: gone } => gone.iter().for_each(|key| self.drop(&keys(at), key)),
            Command::RemoveBody { at, key, body } => self.drop(&keys_to(at, &[key]), body),
            Command::Rename { at, key, to } => self.rename(&keys(at), key, to),
            Command::RenameBody { at, key, body, to } => self.rename(&keys_to(at, &[key]), body, to),
            Command::Batch { commands, .. } => commands.iter().for_each(|command| self.follow(command, after, ids)),
            Command::Configure { .. }
            | Command::SetJoin { .. }
            | Command::SetPolicies { .. }
            | Command::SetDisabled { .. }
            | Command::SetNote { .. }
            | Command::Connect { .. }
            | Command::Disconnect { .. }
            | Command::Move { .. }
            | Command::SetResult { .. }
            | Command::SetName { .. }
            | Command::SetDescription { .. }
            | Command::SetTags { .. }
            | Command::SetInput { .. }
            | Command::SetOutput { .. }
            | Command::SetLimits { .. }
            | Command::SetSample { .. }
            | Command::SetTests { .. } => {}
        }
    }

    /// A node as the document has it now; it is the one that stands or stood under its key.
    fn take(&mut self, after: &Definition, at: &GraphPath, key: &Key, ids: &mut u32) {
        let Some((level, node)) = self.level_mut(&keys(at)).zip(at.find(after).and_then(|graph| graph.nodes.get(key)))
        else {
            return;
        };
        let old = level.here.remove(key).or_else(|| level.gone.remove(key));
        let inside = Self::bodies(node, old.as_ref().map(|name| &name.inside), ids);
        let id = old.map_or_else(|| next(ids), |name| name.id);
        level.here.insert(key.clone(), Name { id, inside });
    }

    fn drop(&mut self, level: &[Key], key: &Key) {
        if let Some(level) = self.level_mut(level)
            && let Some(name) = level.here.remove(key)
        {
            level.gone.insert(key.clone(), name);
        }
    }

    fn rename(&mut self, level: &[Key], key: &Key, to: &Key) {
        if let Some(level) = self.level_mut(level)
            && let Some(name) = level.here.remove(key)
        {
            level.here.insert(to.clone(), name);
        }
    }
}

fn next(ids: &mut u32) -> u32 {
    *ids += 1;
    *ids
}
