//! Graphs that run: opening and closing frames, settling tokens, failing and cancelling what is inside.
//!
//! Each edge settles once per frame. Its state is not stored: it is taken when its source emitted on its port, skipped when its
//! source is over otherwise. A frame ends when all of its nodes are over.

use crate::{
    EventKind, Outcome,
    arena::{Compiled, GraphId, NodeId},
    event::EventNode,
    input::RunInfo,
    machine::{At, Machine, Work},
    names::{Names, RunNames},
    path::FramePath,
    signal::Mailbox,
    state::{Ending, Frame, FrameId, FrameStatus, NodeState, NodeStatus, Timer, TimerKind, check},
};
use holon_flow::{capability::NodeError, definition::Join};
use holon_model::{Map, Payload, Value};

/// What a node and a frame cost of the budget of bytes: about what they and their events take in memory.
const NODE_BYTES: u64 = 512;

/// Every transition of a frame.
pub(crate) const LEGAL: &[(FrameStatus, FrameStatus)] = &[
    (FrameStatus::Running, FrameStatus::Failing),
    (FrameStatus::Running, FrameStatus::Cancelling),
    (FrameStatus::Running, FrameStatus::Succeeded),
    (FrameStatus::Running, FrameStatus::Failed),
    (FrameStatus::Failing, FrameStatus::Failed),
    (FrameStatus::Cancelling, FrameStatus::Cancelled),
];

impl Machine {
    pub(crate) fn start_run(&mut self, flow: &Compiled, input: &Payload, mut run: Box<RunInfo>) {
        self.meter = holon_flow::expr::Meter::new(run.fuel, run.bytes).meaning(run.semantics);
        let trigger = input.to_value();
        self.core.names = RunNames {
            trigger: trigger.clone(),
            vars: run.vars.clone(),
            run: Value::map([
                ("id", Value::from(run.run_id.to_string())),
                ("started_at", Value::Int(run.started_at.0)),
            ]),
        };
        let supported = run.semantics <= crate::SEMANTICS;
        let wanted = run.trigger.clone();
        let mail = run.mail.take();
        self.core.info = Some(run);
        if let Some(mail) = mail {
            self.core.mailbox = Mailbox::of(*mail, self.hands_on());
        }
        self.log.run_event(EventKind::RunStarted);
        if let Some(path) = wanted.as_deref().filter(|wanted| supported && crate::batch::is_batch(wanted)) {
            return self.collect(flow, path, &trigger);
        }
        self.push_run(flow, Frame { input: trigger, ..Frame::new(0) });
        let graph = &flow.graphs[0];
        if !supported {
            let error = NodeError::new("unsupported_semantics", "this run needs a newer version of Holon");
            return self.fail_frame(flow, 0, error);
        }
        let input = &self.core.names.trigger;
        let accepted = crate::node::shallow(input.clone()).map(|_| ());
        if let Err(error) = accepted.and_then(|()| self.charge(graph.nodes.len() as u64)) {
            return self.fail_frame(flow, 0, error);
        }
        if !graph.has_trigger {
            return self.begin_roots(flow, 0);
        }
        let Some(chosen) = choose_trigger(flow, wanted.as_deref()) else {
            let error = NodeError::new("no_such_trigger", "the flow has no trigger of this name");
            return self.fail_frame(flow, 0, error);
        };
        let mut skipped = Vec::new();
        for root in &graph.roots {
            if *root == chosen {
                self.make_ready(flow, At { frame: 0, node: *root });
            } else {
                skipped.push(*root);
            }
        }
        self.skip(flow, 0, skipped);
    }

    /// The frame of the whole run, which its deadline bounds.
    fn push_run(&mut self, flow: &Compiled, frame: Frame) {
        self.push_frame(flow, flow.apart(frame.graph), frame);
        if let Some(deadline) = flow.deadline {
            let due = self.core.at.plus(deadline);
            self.core.deadline = Some(self.set_timer(Timer { due, frame: 0, node: 0, kind: TimerKind::Deadline }));
        }
    }

    /// A graph runs by itself, as the whole of the run.
    pub(crate) fn open_run(&mut self, flow: &Compiled, graph: GraphId, frame: Frame) {
        self.push_run(flow, frame);
        match self.charge(flow.graphs[graph as usize].nodes.len() as u64) {
            Ok(()) => self.begin_roots(flow, 0),
            Err(error) => self.fail_frame(flow, 0, error),
        }
    }

    /// Charges the opening of a frame of this many nodes.
    fn charge(&mut self, nodes: u64) -> Result<(), NodeError> {
        self.meter.step(1)?;
        Ok(self.meter.alloc(NODE_BYTES * (nodes + 1))?)
    }

    fn push_frame(&mut self, flow: &Compiled, path: FramePath, frame: Frame) -> FrameId {
        let arena = &mut self.core.arena;
        let nodes = &flow.graphs[frame.graph as usize].nodes;
        let id = crate::arena::len(&arena.frames);
        let (first, open) = (crate::arena::len(&arena.nodes), crate::arena::len(nodes));
        arena.frames.push(Frame { first, open, ..frame });
        arena.nodes.extend(nodes.iter().map(|node| NodeState::new(crate::arena::len(&node.ins))));
        self.paths.push(path);
        if nodes.is_empty() {
            self.queue.push_back(Work::Close(id));
        }
        id
    }

    /// Opens the body number `body` of the scope node at `at`.
    pub(crate) fn open_child(
        &mut self,
        flow: &Compiled,
        at: At,
        body: u32,
        index: Option<u32>,
        input: Value,
    ) -> Result<FrameId, NodeError> {
        self.open_round(flow, at, body, index, 0, input)
    }

    /// The same where the body may run again within one attempt of the scope: `round` says for which time, from 1.
    pub(crate) fn open_round(
        &mut self,
        flow: &Compiled,
        at: At,
        body: u32,
        index: Option<u32>,
        round: u32,
        input: Value,
    ) -> Result<FrameId, NodeError> {
        let node = self.cnode(flow, at);
        let (name, graph) = &node.bodies[body as usize];
        self.charge(flow.graphs[*graph as usize].nodes.len() as u64)?;
        let attempt = self.core.arena.node_mut(at.frame, at.node).extra().attempt;
        let path = self.paths[at.frame as usize].body(&node.key, name, index, attempt, round);
        self.log.frame(at.frame, &node.key, name, index);
        let parent = Some((at.frame, at.node));
        let frame = Frame { parent, body, index, attempt, round, input, ..Frame::new(*graph) };
        let id = self.push_frame(flow, path, frame);
        self.core.arena.node_mut(at.frame, at.node).extra().children.push(id);
        self.begin_roots(flow, id);
        Ok(id)
    }

    fn begin_roots(&mut self, flow: &Compiled, frame: FrameId) {
        let graph = self.core.arena.frame(frame).graph;
        for root in &flow.graphs[graph as usize].roots {
            self.make_ready(flow, At { frame, node: *root });
        }
    }

    /// The node runs: its input is what its in-edges carry now.
    fn make_ready(&mut self, flow: &Compiled, at: At) {
        let node = self.cnode(flow, at);
        let arena = &mut self.core.arena;
        let input = match node.ins.as_slice() {
            [] => arena.frame(at.frame).input.clone(),
            [edge] => arena.node(at.frame, edge.from).output.clone(),
            several => {
                let graph = &flow.graphs[arena.frame(at.frame).graph as usize];
                // One by one: collecting into a map goes through a list and a sort.
                let mut taken = Map::new();
                for edge in several {
                    let source = arena.node(at.frame, edge.from);
                    if source.port == edge.port {
                        taken.insert(graph.nodes[edge.from as usize].key.clone(), source.output.clone());
                    }
                }
                Value::from(taken)
            }
        };
        let state = arena.node_mut(at.frame, at.node);
        state.input = input;
        state.become_(NodeStatus::Ready);
        self.queue.push_back(Work::Start(at));
    }

    /// A node is over: settles its out-edges, and those of the nodes that are skipped because of it.
    pub(crate) fn settle(&mut self, flow: &Compiled, at: At) {
        let skipped = self.settle_one(flow, at);
        if !skipped.is_empty() {
            self.skip(flow, at.frame, skipped);
        }
    }

    fn settle_one(&mut self, flow: &Compiled, at: At) -> Vec<NodeId> {
        let mut skipped = Vec::new();
        let graph = &flow.graphs[self.core.arena.frame(at.frame).graph as usize];
        let emitted = self.core.arena.node(at.frame, at.node).port;
        for (port, target) in &graph.nodes[at.node as usize].outs {
            let node = &graph.nodes[*target as usize];
            let state = self.core.arena.node_mut(at.frame, *target);
            // A node that joined at its first edge ignores the others.
            if state.status != NodeStatus::Pending {
                continue;
            }
            state.unsettled -= 1;
            state.taken += u32::from(*port == emitted);
            let ready = match node.join {
                Join::First if state.taken > 0 => true,
                _ if state.unsettled > 0 => continue,
                Join::All => state.taken == crate::arena::len(&node.ins),
                Join::Any | Join::First => state.taken > 0,
            };
            if ready {
                self.make_ready(flow, At { frame: at.frame, node: *target });
            } else {
                skipped.push(*target);
            }
        }
        skipped
    }

    fn skip(&mut self, flow: &Compiled, frame: FrameId, mut skipped: Vec<NodeId>) {
        while let Some(node) = skipped.pop() {
            let at = At { frame, node };
            if self.core.arena.node(frame, node).status != NodeStatus::Pending {
                continue;
            }
            self.skip_node(flow, at);
            skipped.extend(self.settle_one(flow, at));
        }
    }

    fn skip_node(&mut self, flow: &Compiled, at: At) {
        let now = self.core.at;
        let state = self.core.arena.node_mut(at.frame, at.node);
        state.become_(NodeStatus::Skipped);
        state.started_at = now;
        state.finished_at = now;
        self.node_event(flow, at, EventKind::NodeSkipped, false);
        self.node_over(flow, at);
    }

    /// One node fewer to wait for.
    pub(crate) fn node_over(&mut self, flow: &Compiled, at: At) {
        self.leaves_place(flow, at);
        let open = &mut self.core.arena.frame_mut(at.frame).open;
        *open -= 1;
        if *open == 0 {
            self.queue.push_back(Work::Close(at.frame));
        }
    }

    pub(crate) fn node_event(&mut self, flow: &Compiled, at: At, kind: EventKind, passed: bool) {
        let state = self.core.arena.node(at.frame, at.node);
        let node = EventNode {
            frame: self.paths[at.frame as usize].clone(),
            key: self.cnode(flow, at).key.clone(),
            input: state.input.clone(),
            started_at: state.started_at,
            attempts: state.extra.as_ref().map_or(0, |extra| extra.attempt),
            kept: self.core.kept.get(&(at.frame, at.node)).copied(),
            queued: self.core.turns.since(at),
        };
        self.log.node_event(at.frame, node, kind, passed);
    }

    /// A failure that no edge handles: what still runs in the frame is stopped, then it fails.
    pub(crate) fn fail_frame(&mut self, flow: &Compiled, frame: FrameId, error: NodeError) {
        if self.core.arena.frame(frame).status != FrameStatus::Running {
            return;
        }
        self.core.arena.frame_mut(frame).error = Some(Box::new(error));
        self.move_frame(frame, FrameStatus::Failing);
        self.stop_nodes(flow, frame);
    }

    /// The frame is not wanted any more.
    pub(crate) fn cancel_frame(&mut self, flow: &Compiled, frame: FrameId) {
        if self.core.arena.frame(frame).status == FrameStatus::Running {
            self.move_frame(frame, FrameStatus::Cancelling);
            self.stop_nodes(flow, frame);
        }
    }

    fn stop_nodes(&mut self, flow: &Compiled, frame: FrameId) {
        let graph = self.core.arena.frame(frame).graph;
        for node in 0..crate::arena::len(&flow.graphs[graph as usize].nodes) {
            let at = At { frame, node };
            match self.core.arena.node(frame, node).status {
                NodeStatus::Pending | NodeStatus::Ready => self.skip_node(flow, at),
                NodeStatus::Running | NodeStatus::Waiting => self.cancel_node(flow, at),
                _ => {}
            }
        }
    }

    fn move_frame(&mut self, frame: FrameId, next: FrameStatus) {
        let frame = self.core.arena.frame_mut(frame);
        check("frame", LEGAL, frame.status, next);
        frame.status = next;
    }

    /// All nodes of the frame are over.
    pub(crate) fn close_frame(&mut self, flow: &Compiled, frame: FrameId) {
        let ending = match self.core.arena.frame(frame).status {
            FrameStatus::Running => match self.output(flow, frame) {
                Ok(output) => {
                    self.core.arena.frame_mut(frame).output = output.clone();
                    self.move_frame(frame, FrameStatus::Succeeded);
                    Ending::Ok(output)
                }
                Err(error) => {
                    self.core.arena.frame_mut(frame).error = Some(Box::new(error.clone()));
                    self.move_frame(frame, FrameStatus::Failed);
                    Ending::Err(error)
                }
            },
            FrameStatus::Failing => {
                self.move_frame(frame, FrameStatus::Failed);
                let error = self.core.arena.frame(frame).error.as_deref().cloned();
                Ending::Err(error.unwrap_or_else(|| NodeError::new("failed", "the graph failed")))
            }
            FrameStatus::Cancelling => {
                self.move_frame(frame, FrameStatus::Cancelled);
                Ending::Cancelled
            }
            FrameStatus::Succeeded | FrameStatus::Failed | FrameStatus::Cancelled => return,
        };
        if let Some((parent, node)) = self.core.arena.frame(frame).parent {
            return self.child_closed(flow, At { frame: parent, node }, frame, ending);
        }
        let next = self.core.next.take();
        self.end_run(match ending {
            Ending::Ok(output) => Self::completed(output),
            Ending::Err(error) | Ending::Timeout(error) => Outcome::Failed { error },
            Ending::Cancelled => match (&self.core.cancel, next) {
                (None, Some(input)) => Outcome::Continued { input: Payload::Inline(input) },
                (reason, _) => Outcome::Cancelled { reason: reason.clone().unwrap_or_default() },
            },
        });
    }

    /// `result`, else the only sink's value, else a map of sinks by key.
    fn output(&mut self, flow: &Compiled, frame: FrameId) -> Result<Value, NodeError> {
        let arena = &self.core.arena;
        let graph = &flow.graphs[arena.frame(frame).graph as usize];
        if let Some(result) = &graph.result {
            let input = &arena.frame(frame).input;
            let names = Names { flow, arena, run: &self.core.names, frame, node: None, input };
            let output = result.eval_once(self.memory.as_ref(), None, &names, &mut self.meter)?;
            return crate::node::shallow(output);
        }
        if let [sink] = graph.sinks.as_slice() {
            let state = arena.node(frame, *sink);
            return Ok(if state.status == NodeStatus::Succeeded { state.output.clone() } else { Value::Null });
        }
        let succeeded = graph.sinks.iter().filter_map(|sink| {
            let state = arena.node(frame, *sink);
            (state.status == NodeStatus::Succeeded)
                .then(|| (graph.nodes[*sink as usize].key.clone(), state.output.clone()))
        });
        crate::node::shallow(Value::from(succeeded.collect::<Map>()))
    }
}

/// The trigger of this key; without a key the manual one, else the first.
pub(crate) fn choose_trigger(flow: &Compiled, wanted: Option<&str>) -> Option<NodeId> {
    let graph = &flow.graphs[0];
    let is_trigger = |node: &NodeId| {
        matches!(graph.nodes[*node as usize].behaviour, crate::arena::BehaviourKind::Trigger)
            && graph.nodes[*node as usize].ins.is_empty()
    };
    match wanted {
        Some(key) => graph.find(key).filter(is_trigger),
        None => {
            let triggers = || graph.by_key.iter().map(|(_, node)| *node).filter(is_trigger);
            let manual = |node: &NodeId| *graph.nodes[*node as usize].kind.name == *"trigger.manual";
            triggers().find(manual).or_else(|| triggers().next())
        }
    }
}
