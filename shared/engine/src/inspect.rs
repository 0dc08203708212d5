//! Looking into a run from outside: which node an input is about, what a node was told to do, which timers are set.
//!
//! For debuggers and back-tests. Nothing here changes the run.

use crate::{
    Input, Machine, TimerId,
    input::EffectId,
    machine::At,
    names::Names,
    state::{NodeStatus, TimerKind},
};
use holon_flow::expr::Meter;
use holon_model::{Timestamp, Value};

/// Fuel and bytes that evaluating a config once more may take: the run's own budget is not touched.
const EVAL: (u64, u64) = (1_000_000, 64 * 1024 * 1024);

/// A timer that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTimer {
    /// Its number.
    pub id: TimerId,
    /// When it fires.
    pub due: Timestamp,
    /// Whose it is; empty: the run's.
    pub path: String,
    /// What it is for: `wait | retry | timeout | due | compensate | deadline | collect`.
    pub what: &'static str,
}

impl Machine {
    /// The structural path of the node that an input is about, as things stand before it is taken.
    pub fn about(&self, input: &Input) -> Option<String> {
        let asked = |id: &EffectId| self.core.asks.get(id).copied();
        let (frame, node) = match input {
            Input::EffectCompleted { id, .. } => *self.core.effects.get(id)?,
            Input::TaskAnswered { id, .. } | Input::ChildEnded { id, .. } | Input::BatchChosen { id, .. } => asked(id)?,
            Input::Signal { name, correlation, .. } => asked(&self.core.mailbox.first(name, correlation)?)?,
            Input::TimerFired { id } => {
                let timer = self.core.timers.by_id.get(id).filter(|timer| timer.kind.is_of_a_node())?;
                (timer.frame, timer.node)
            }
            Input::Start { .. }
            | Input::Cancel { .. }
            | Input::TriedAgain { .. }
            | Input::Joined { .. }
            | Input::Left { .. } => return None,
        };
        Some(self.path(At { frame, node }))
    }

    /// The config with which the node at this structural path runs, evaluated; nothing of one that has not started. What is
    /// evaluated for each item is left out.
    pub fn config_at(&self, path: &str) -> Option<Value> {
        let at = self.find(path)?;
        let state = self.core.arena.node(at.frame, at.node);
        if matches!(state.status, NodeStatus::Pending | NodeStatus::Ready | NodeStatus::Skipped)
            || self.waits_its_turn(at)
        {
            return None;
        }
        let kept = state.extra.as_ref().map(|extra| &extra.config).filter(|config| !config.is_null());
        if let Some(config) = kept {
            return Some(config.clone());
        }
        let node = self.cnode(&self.flow, at);
        let (flow, arena, run, input) = (&*self.flow, &self.core.arena, &self.core.names, &state.input);
        let names = Names { flow, arena, run, frame: at.frame, node: Some(at.node), input };
        let meaning = self.core.info.as_ref().map_or(crate::SEMANTICS, |info| info.semantics);
        node.config.eval(&names, &mut Meter::new(EVAL.0, EVAL.1).meaning(meaning)).ok()
    }

    /// How many nodes the run has opened: what remembering the machine as it is costs.
    pub fn node_count(&self) -> usize {
        self.core.arena.nodes.len()
    }

    /// The timers that are set, those that fire first before the others.
    pub fn due_timers(&self) -> impl Iterator<Item = DueTimer> + '_ {
        self.core.timers.by_due.iter().filter_map(|(due, id)| {
            let timer = self.core.timers.by_id.get(id)?;
            let path = match timer.kind {
                kind if !kind.is_of_a_node() => String::new(),
                _ => self.path(At { frame: timer.frame, node: timer.node }),
            };
            Some(DueTimer { id: *id, due: *due, path, what: timer.kind.name() })
        })
    }

    /// The node at a structural path, of the last attempt of the scopes around it.
    fn find(&self, path: &str) -> Option<At> {
        let shown = self.shown_frames(u32::MAX);
        (0..).zip(&shown).filter(|(_, shown)| **shown).find_map(|(frame, _)| {
            let prefix = self.paths.get(frame as usize)?.node("");
            let key = path.strip_prefix(&prefix).filter(|key| !key.contains('/'))?;
            let graph = &self.flow.graphs[self.core.arena.frame(frame).graph as usize];
            Some(At { frame, node: graph.find(key)? })
        })
    }
}

impl TimerKind {
    /// Whether it belongs to a node and not to the run.
    pub(crate) fn is_of_a_node(self) -> bool {
        !matches!(self, Self::Deadline | Self::Collect)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Retry => "retry",
            Self::Timeout => "timeout",
            Self::Due => "due",
            Self::Compensate => "compensate",
            Self::Deadline => "deadline",
            Self::Collect => "collect",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Command, Outcome, Stamped,
        testing::{flow, start},
    };
    use holon_model::json;

    fn started(text: &str, input: &str) -> (Machine, Vec<Command>) {
        let mut machine = Machine::new(flow(text));
        let decision = machine.handle(start(json::parse(input.as_bytes()).unwrap(), 1));
        (machine, decision.commands)
    }

    #[test]
    fn an_answer_is_about_the_node_that_asked_and_its_config_is_what_it_was_told() {
        let (mut machine, commands) = started(
            r#"{"holon":1,"name":"one call","nodes":{
                "go":{"kind":"trigger.manual@1","config":{}},
                "each":{"kind":"map@1","config":{"items":{"$cel":"input"}},"bodies":{"body":{"nodes":{
                    "call":{"kind":"test.call@1","config":{"n":{"$cel":"item + 1"}}}},"edges":[]}}}},
                "edges":[{"from":"go.out","to":"each.in"}]}"#,
            "[1, 5]",
        );
        let effect = commands.iter().find_map(|command| match command {
            Command::RunEffect(effect) if effect.path == "each[1]/call" => Some(effect.clone()),
            _ => None,
        });
        let effect = effect.unwrap();
        let answer = Input::EffectCompleted {
            id: effect.id,
            attempt: effect.attempt,
            outcome: Outcome::Ok(Value::Int(1).into()),
        };
        assert_eq!(machine.about(&answer).as_deref(), Some("each[1]/call"));
        assert_eq!(machine.config_at("each[1]/call").unwrap().to_json(), r#"{"n":6}"#);
        assert_eq!(machine.config_at("each[7]/call"), None);
        assert_eq!(machine.node_count(), 4);
        machine.handle(Stamped::new(Timestamp(2_000), answer.clone()));
        assert_eq!(machine.about(&answer), None, "it was answered already");
    }

    #[test]
    fn timers_say_whose_they_are_and_what_for() {
        let (machine, _) = started(
            r#"{"holon":1,"name":"waits","nodes":{
                "go":{"kind":"trigger.manual@1","config":{}},
                "later":{"kind":"flow.wait@1","config":{"for":"2s"}},
                "soon":{"kind":"flow.wait@1","config":{"for":"1s"}}},
                "edges":[{"from":"go.out","to":"later.in"},{"from":"go.out","to":"soon.in"}]}"#,
            "null",
        );
        let timers: Vec<_> = machine.due_timers().map(|timer| (timer.path, timer.what, timer.due.0)).collect();
        assert_eq!(timers, [("soon".to_owned(), "wait", 2_000), ("later".to_owned(), "wait", 3_000)]);
        let fired = Input::TimerFired { id: machine.due_timers().next().unwrap().id };
        assert_eq!(machine.about(&fired).as_deref(), Some("soon"));
    }
}
