//! A run as people see it: the state, data and times of its nodes by structural path.

use crate::{
    Awaited, Machine, Outcome, Response, RunStatus, TaskKind,
    ask::Ask,
    machine::At,
    state::{FrameId, NO_PORT, NodeStatus},
};
use holon_flow::capability::NodeError;
use holon_model::{Timestamp, Value, wire::runs::NodeRun};
use std::{collections::BTreeMap, sync::Arc};

/// A run, read once.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// Where the run is.
    pub status: RunStatus,
    /// Its nodes: graphs in order of their opening, nodes in each in topological order. Of a scope that was tried again only the
    /// last attempt.
    pub nodes: Vec<NodeRun>,
    /// What came out.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<NodeError>,
    /// What the caller was answered.
    pub response: Option<Response>,
    /// When it was accepted.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

impl Machine {
    /// Everything.
    pub fn view(&self) -> RunView {
        self.view_of_first(u32::MAX)
    }

    /// Why a person must look at the run, if one must: a compensation that keeps failing, or an effect of which
    /// nobody knows whether it was done.
    pub fn attention(&self) -> Option<String> {
        self.core.asks.values().find_map(|(frame, node)| {
            let extra = self.core.arena.node(*frame, *node).extra.as_ref()?;
            let Some(Ask::Task(ask)) = extra.ask.as_deref() else { return None };
            let doubtful = self.cnode(&self.flow, At { frame: *frame, node: *node }).asks;
            let parked = doubtful || ask.task.kind == TaskKind::Compensation;
            parked.then(|| format!("{}: {}", ask.task.path, ask.task.title))
        })
    }

    /// Of each map the first `items` items.
    pub fn view_of_first(&self, items: u32) -> RunView {
        let mut nodes = Vec::new();
        for (frame, shown) in self.shown_frames(items).into_iter().enumerate() {
            let frame = crate::arena::index(frame);
            let graph = &self.flow.graphs[self.core.arena.frame(frame).graph as usize];
            let all = 0..crate::arena::len(&graph.nodes);
            if shown {
                nodes.extend(all.map(|node| self.node_run(At { frame, node })));
            }
        }
        let (output, error) = match &self.core.outcome {
            Some(Outcome::Ok(payload)) => (Some(payload.to_value()), None),
            Some(Outcome::Failed { error }) => (None, Some(error.clone())),
            _ => (None, None),
        };
        RunView {
            status: self.core.status,
            nodes,
            output,
            error,
            response: self.core.response.clone(),
            started_at: self.core.info.as_ref().map(|info| info.started_at),
            finished_at: self.core.finished_at,
        }
    }

    /// Whether each frame belongs to the last attempt of all scopes around it, and to the first `items` items.
    pub(crate) fn shown_frames(&self, items: u32) -> Vec<bool> {
        let arena = &self.core.arena;
        let mut shown: Vec<bool> = Vec::with_capacity(arena.frames.len());
        // Of a body that ran again within one attempt, its last time.
        let mut rounds = BTreeMap::new();
        for (number, frame) in arena.frames.iter().enumerate().filter(|(_, frame)| frame.round > 0) {
            rounds.insert((frame.parent, frame.body, frame.attempt), number);
        }
        for (number, frame) in arena.frames.iter().enumerate() {
            let again = frame.round > 0
                && rounds.get(&(frame.parent, frame.body, frame.attempt)).is_some_and(|last| *last != number);
            let last = !again
                && frame.parent.is_none_or(|(parent, node)| {
                    let attempt = arena.node(parent, node).extra.as_ref().map_or(0, |extra| extra.attempt);
                    shown.get(parent as usize).copied().unwrap_or(false) && attempt == frame.attempt
                });
            shown.push(last && frame.index.is_none_or(|index| index < items));
        }
        shown
    }

    pub(crate) fn path(&self, at: At) -> String {
        self.paths[at.frame as usize].node(&self.cnode(&self.flow, at).key)
    }

    fn node_run(&self, at: At) -> NodeRun {
        let state = self.core.arena.node(at.frame, at.node);
        let ran = !matches!(state.status, NodeStatus::Pending | NodeStatus::Ready | NodeStatus::Skipped);
        let extra = state.extra.as_deref();
        NodeRun {
            path: self.path(at),
            status: state.status.name().to_owned(),
            input: ran.then(|| state.input.clone()),
            output: self.emitted(at.frame, at.node),
            error: extra.and_then(|extra| extra.error.as_ref()).map(crate::wire::failure),
            attempts: extra.map_or(0, |extra| extra.attempt) + self.attempts_before(at),
            cached_at: self.core.kept.get(&(at.frame, at.node)).copied(),
            queued_at: self.core.turns.since(at),
            started_at: ran.then_some(state.started_at),
            finished_at: state.status.is_terminal().then_some(state.finished_at),
            waiting_until: extra.and_then(|extra| extra.waiting_until),
            waiting_for: self.awaited(at).map(|what| crate::wire::waiting_for(&what)),
            saga: extra.and_then(|extra| extra.saga.as_ref()).map(|saga| saga.shown(self.cnode(&self.flow, at))),
        }
    }

    /// What the node waits for that no timer brings.
    fn awaited(&self, at: At) -> Option<Awaited> {
        if self.waits_its_turn(at) {
            return Some(Awaited::Turn);
        }
        let extra = self.core.arena.node(at.frame, at.node).extra.as_deref()?;
        Some(match extra.ask.as_ref()?.awaited() {
            Awaited::Batch { id, .. } => Awaited::Batch { id, batch: self.core.batches.chosen(id) },
            awaited => awaited,
        })
    }

    /// Attempts of the same node in the earlier tries of a body that ran again, as compensations do.
    fn attempts_before(&self, at: At) -> u32 {
        let frames = &self.core.arena.frames;
        let this = self.core.arena.frame(at.frame);
        if this.round <= 1 {
            return 0;
        }
        let same = |frame: &crate::state::Frame| {
            (frame.parent, frame.body, frame.attempt) == (this.parent, this.body, this.attempt)
                && frame.round < this.round
        };
        let earlier = (0..).zip(frames).filter(|(_, frame)| same(frame));
        let attempts =
            |(frame, _)| self.core.arena.node(frame, at.node).extra.as_ref().map_or(0, |extra| extra.attempt);
        earlier.map(attempts).sum()
    }

    /// The value a node emitted, by port.
    fn emitted(&self, frame: FrameId, node: u32) -> Option<Value> {
        let state = self.core.arena.node(frame, node);
        let ports = &self.cnode(&self.flow, At { frame, node }).ports;
        let port = if state.port == NO_PORT { return None } else { ports.get(state.port as usize) };
        let port: Arc<str> = port.cloned().unwrap_or_else(|| "out".into());
        Some(Value::map([(port, state.output.clone())]))
    }
}
