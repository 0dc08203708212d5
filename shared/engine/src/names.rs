//! The names an expression sees (FLOW.md, "Names in scope").

use crate::{
    arena::{Compiled, NodeId},
    state::{Arena, FrameId, NodeStatus},
};
use holon_flow::expr::Scope;
use holon_model::Value;

/// Names that are the same in the whole run.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct RunNames {
    pub trigger: Value,
    pub vars: Value,
    pub run: Value,
}

/// The scope of a node's config, or of a graph's result.
pub(crate) struct Names<'a> {
    pub flow: &'a Compiled,
    pub arena: &'a Arena,
    pub run: &'a RunNames,
    pub frame: FrameId,
    /// The node; absent for a result, which sees every node of its graph.
    pub node: Option<NodeId>,
    pub input: &'a Value,
}

impl Names<'_> {
    /// The frame of the nearest item, this one first.
    fn item_frame(&self) -> Option<FrameId> {
        let mut at = self.frame;
        loop {
            let frame = self.arena.frame(at);
            if frame.index.is_some() {
                return Some(at);
            }
            at = frame.parent?.0;
        }
    }

    /// Calls `look` with each graph from this one outwards and the node whose ancestors are in scope there.
    fn outwards<T>(&self, mut look: impl FnMut(FrameId, Option<NodeId>) -> Option<T>) -> Option<T> {
        let (mut at, mut node) = (self.frame, self.node);
        loop {
            if let Some(found) = look(at, node) {
                return Some(found);
            }
            let (parent, scope) = self.arena.frame(at).parent?;
            (at, node) = (parent, Some(scope));
        }
    }

    fn output(&self, frame: FrameId, of: NodeId, seen_from: Option<NodeId>) -> Option<Value> {
        let graph = &self.flow.graphs[self.arena.frame(frame).graph as usize];
        let seen = seen_from.is_none_or(|node| graph.nodes[node as usize].has_ancestor(of));
        let state = self.arena.node(frame, of);
        (seen && state.status == NodeStatus::Succeeded).then(|| state.output.clone())
    }
}

impl Scope for Names<'_> {
    fn name(&self, name: &str) -> Option<Value> {
        match name {
            "input" => Some(self.input.clone()),
            "trigger" => Some(self.run.trigger.clone()),
            "vars" => Some(self.run.vars.clone()),
            "run" => Some(self.run.run.clone()),
            "item" => self.item_frame().map(|frame| self.arena.frame(frame).input.clone()),
            "index" => self.item_frame().and_then(|frame| self.arena.frame(frame).index).map(Value::from),
            _ => None,
        }
    }

    fn node(&self, key: &str) -> Option<Value> {
        // The nearest graph that has the key decides, so an inner node hides an outer one of its name.
        self.outwards(|frame, node| {
            let graph = &self.flow.graphs[self.arena.frame(frame).graph as usize];
            graph.find(key).map(|of| self.output(frame, of, node))
        })
        .flatten()
    }

    fn nodes(&self) -> Value {
        let mut map = holon_model::Map::new();
        self.outwards(|frame, node| {
            let graph = &self.flow.graphs[self.arena.frame(frame).graph as usize];
            for (key, of) in &graph.by_key {
                if !map.contains_key(key)
                    && let Some(value) = self.output(frame, *of, node)
                {
                    map.insert(key.clone(), value);
                }
            }
            None::<()>
        });
        Value::from(map)
    }
}
