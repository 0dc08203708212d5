//! `concurrency`: so many of a node go on at a time within a run; the others wait their turn, in the order in which they came.
//!
//! Running → waiting → running when there is a place. A node has its place until it is over, the pauses between its attempts and the
//! undoing of a saga included. Places are given when all else of a decision is done: what the decision stops does not begin first.

use crate::{
    EventKind,
    arena::{Compiled, GraphId, NodeId, index},
    event::Awaited,
    machine::{At, Machine, Work},
    state::{Arena, FrameId, NodeStatus},
};
use holon_model::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Who goes on and who waits, of each node of the flow that is bounded.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Turns {
    lines: BTreeMap<(GraphId, NodeId), Line>,
    /// When those came that had to wait, also when they are over.
    since: BTreeMap<(FrameId, NodeId), Timestamp>,
}

/// One node of the flow, in all the frames in which it runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Line {
    /// Frames in which it has a place.
    going: BTreeSet<FrameId>,
    /// Frames in which it waits, first come first. One that was stopped meanwhile is left out when it is its turn.
    waiting: VecDeque<FrameId>,
}

impl Turns {
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.since.is_empty()
    }

    /// When the node came to wait, if it had to.
    pub(crate) fn since(&self, at: At) -> Option<Timestamp> {
        self.since.get(&(at.frame, at.node)).copied()
    }
}

impl Line {
    /// Leaves out those in front that were stopped: a node that waits for its turn can do nothing else but that.
    fn skip_stopped(&mut self, arena: &Arena, node: NodeId) {
        while self.waiting.front().is_some_and(|frame| arena.node(*frame, node).status != NodeStatus::Waiting) {
            self.waiting.pop_front();
        }
    }
}

impl Machine {
    /// Whether the node may begin; one that may not waits from now on.
    pub(crate) fn takes_place(&mut self, flow: &Compiled, at: At) -> bool {
        let node = self.cnode(flow, at);
        let Some(limit) = node.policies.concurrency.filter(|_| !node.disabled) else { return true };
        let graph = self.core.arena.frame(at.frame).graph;
        let line = self.core.turns.lines.entry((graph, at.node)).or_default();
        line.skip_stopped(&self.core.arena, at.node);
        // One that came earlier and waits is not overtaken, also when a place has just become free.
        if line.waiting.is_empty() && index(line.going.len()) < limit {
            line.going.insert(at.frame);
            return true;
        }
        line.waiting.push_back(at.frame);
        self.core.turns.since.insert((at.frame, at.node), self.core.at);
        self.core.arena.node_mut(at.frame, at.node).become_(NodeStatus::Waiting);
        self.node_event(flow, at, EventKind::NodeAwaits { what: Awaited::Turn }, false);
        false
    }

    /// The node is over: its place is free, if it had one.
    pub(crate) fn leaves_place(&mut self, flow: &Compiled, at: At) {
        if self.cnode(flow, at).policies.concurrency.is_some() {
            let graph = self.core.arena.frame(at.frame).graph;
            if let Some(line) = self.core.turns.lines.get_mut(&(graph, at.node)) {
                line.going.remove(&at.frame);
            }
        }
    }

    /// Gives free places to those who have waited the longest; whether there was one to give.
    pub(crate) fn give_places(&mut self, flow: &Compiled) -> bool {
        for ((graph, node), line) in &mut self.core.turns.lines {
            let policies = &flow.graphs[*graph as usize].nodes[*node as usize].policies;
            while policies.concurrency.is_some_and(|limit| index(line.going.len()) < limit) {
                line.skip_stopped(&self.core.arena, *node);
                let Some(frame) = line.waiting.pop_front() else { break };
                line.going.insert(frame);
                self.queue.push_back(Work::Begin(At { frame, node: *node }));
            }
        }
        self.core.turns.lines.retain(|_, line| !line.going.is_empty());
        !self.queue.is_empty()
    }

    /// It is the node's turn, unless it was stopped in the same decision.
    pub(crate) fn turn_came(&mut self, flow: &Compiled, at: At) {
        let now = self.core.at;
        let state = self.core.arena.node_mut(at.frame, at.node);
        if state.status == NodeStatus::Waiting {
            state.become_(NodeStatus::Running);
            state.started_at = now;
            self.begin_node(flow, at);
        }
    }

    /// Whether the node waits for its turn.
    pub(crate) fn waits_its_turn(&self, at: At) -> bool {
        let line = self.core.turns.lines.get(&(self.core.arena.frame(at.frame).graph, at.node));
        line.is_some_and(|line| !line.going.contains(&at.frame))
            && self.core.arena.node(at.frame, at.node).status == NodeStatus::Waiting
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Command, Decision, EffectId, EventKind, Input, Machine, Outcome, Stamped,
        event::Awaited,
        testing::{flow, start},
    };
    use holon_flow::capability::NodeError;
    use holon_model::{Timestamp, Value};

    /// A map over the input, all items at once, in which `call` is bounded.
    fn bounded(limit: u32, policies: &str) -> Machine {
        Machine::new(flow(&format!(
            r#"{{"holon":1,"name":"t","nodes":{{"start":{{"kind":"trigger.manual@1"}},"each":{{"kind":"map@1",
            "config":{{"items":{{"$cel":"input"}},"concurrency":100,"gather":"all_settled"}},
            "bodies":{{"body":{{"nodes":{{"call":{{"kind":"test.call@1","config":{{"value":{{"$cel":"item"}}}},
            "policies":{{"concurrency":{{"limit":{limit}}}{policies}}}}}}},"edges":[]}}}}}}}},
            "edges":[{{"from":"start.out","to":"each.in"}}]}}"#
        )))
    }

    fn begin(machine: &mut Machine, items: i64) -> Vec<(String, EffectId, u32)> {
        asked(&machine.handle(start(Value::list((0..items).map(Value::Int)), 1)))
    }

    /// What is asked for: path, id and attempt.
    fn asked(decision: &Decision) -> Vec<(String, EffectId, u32)> {
        let effect = |command: &Command| match command {
            Command::RunEffect(effect) => Some((effect.path.clone(), effect.id, effect.attempt)),
            _ => None,
        };
        decision.commands.iter().filter_map(effect).collect()
    }

    fn answer(machine: &mut Machine, (_, id, attempt): &(String, EffectId, u32), outcome: Outcome) -> Decision {
        let at = machine.at().unwrap().plus(holon_model::Millis(10));
        machine.handle(Stamped::new(at, Input::EffectCompleted { id: *id, attempt: *attempt, outcome }))
    }

    fn ok() -> Outcome {
        Outcome::Ok(Value::Int(1).into())
    }

    fn paths(asked: &[(String, EffectId, u32)]) -> Vec<&str> {
        asked.iter().map(|(path, ..)| path.as_str()).collect()
    }

    #[test]
    fn so_many_go_on_and_the_others_follow_in_the_order_in_which_they_came() {
        let mut machine = bounded(2, "");
        let mut going = begin(&mut machine, 6);
        assert_eq!(paths(&going), ["each[0]/call", "each[1]/call"]);
        let mut order = Vec::new();
        // Whichever is over, the one that has waited the longest follows.
        for last in [true, false, true, true, false, false] {
            let over = if last { going.pop().unwrap() } else { going.remove(0) };
            going.extend(asked(&answer(&mut machine, &over, ok())));
            assert!(going.len() <= 2);
            order.extend(going.last().map(|(path, ..)| path.clone()));
        }
        order.dedup();
        assert_eq!(order[..4], ["each[2]/call", "each[3]/call", "each[4]/call", "each[5]/call"]);
        assert!(machine.status().is_terminal());
    }

    #[test]
    fn who_waits_is_told_and_seen_and_its_time_limit_begins_with_its_turn() {
        let mut machine = bounded(1, r#","timeout":"1s""#);
        let decision = machine.handle(start(Value::list([Value::Int(1), Value::Int(2)]), 1));
        let waits = |event: &&crate::Event| event.kind == EventKind::NodeAwaits { what: Awaited::Turn };
        let told: Vec<_> = decision.events.iter().filter(waits).map(|event| event.to_wire(decision.status)).collect();
        assert_eq!(told.len(), 1);
        let node = told[0].node.as_ref().unwrap();
        assert_eq!((node.path.as_str(), node.status.as_str()), ("each[1]/call", "waiting"));
        assert_eq!(node.waiting_for.as_ref().unwrap().kind, "turn");
        let seen =
            |machine: &Machine| machine.view().nodes.into_iter().find(|node| node.path == "each[1]/call").unwrap();
        assert_eq!(&seen(&machine), node, "who looks sees what those were told who follow");
        assert_eq!(machine.due_timers().count(), 1, "only the first one's time runs");
        assert_eq!(machine.config_at("each[1]/call"), None);
        let first = asked(&decision).remove(0);
        let decision = answer(&mut machine, &first, ok());
        let begun = seen(&machine);
        assert_eq!((begun.status.as_str(), begun.waiting_for), ("running", None));
        assert_eq!((begun.queued_at, begun.started_at), (Some(Timestamp(1_000)), Some(Timestamp(1_010))));
        assert_eq!(decision.next_due, Some(Timestamp(2_010)));
    }

    #[test]
    fn a_place_is_kept_between_attempts_and_free_after_a_failure() {
        let mut machine = bounded(1, r#","retry":{"attempts":2,"initial":"1s","jitter":false}"#);
        let first = begin(&mut machine, 2).remove(0);
        let error = NodeError { retryable: true, ..NodeError::new("down", "no") };
        let failed = || Outcome::Failed { error: error.clone() };
        let paused = answer(&mut machine, &first, failed());
        assert_eq!(asked(&paused), [], "nothing begins while the first one waits to try again");
        let id = machine.due_timers().next().unwrap().id;
        let again = asked(&machine.handle(Stamped::new(Timestamp(3_000), Input::TimerFired { id }))).remove(0);
        assert_eq!((again.0.as_str(), again.2), ("each[0]/call", 2));
        assert_eq!(paths(&asked(&answer(&mut machine, &again, failed()))), ["each[1]/call"]);
    }

    #[test]
    fn what_is_stopped_while_it_waits_never_begins() {
        let mut machine = bounded(1, "");
        begin(&mut machine, 50);
        let restored = Machine::restore(machine.flow().clone(), &machine.snapshot()).unwrap();
        assert_eq!(restored.view(), machine.view());
        let cancel = Input::Cancel { reason: "enough".into() };
        let decision = machine.handle(Stamped::new(Timestamp(2_000), cancel));
        assert_eq!(asked(&decision), []);
        assert!(machine.status().is_terminal());
        assert!(
            machine
                .view()
                .nodes
                .iter()
                .filter(|node| node.path.ends_with("/call"))
                .all(|node| node.status == "cancelled")
        );
    }
}
