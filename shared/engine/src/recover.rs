//! Recovery: the machine as its journal left it, and what is outstanding.

use crate::{
    Command, EffectId, Input, Stamped,
    arena::Compiled,
    ask::Ask,
    effect,
    machine::{At, Machine},
    state::NodeStatus,
};
use std::sync::Arc;

impl Machine {
    /// A run as its journal left it. Commands are suppressed; [`Machine::pending`] says what is outstanding.
    pub fn replay(flow: Arc<Compiled>, journal: impl IntoIterator<Item = Stamped<Input>>) -> Self {
        let mut machine = Self::new(flow);
        for input in journal {
            machine.handle(input);
        }
        machine
    }

    /// Whether this effect is outstanding and was handed out to a worker.
    pub fn is_handed_out(&self, id: EffectId) -> bool {
        let at = self.core.effects.get(&id).map(|(frame, node)| At { frame: *frame, node: *node });
        at.is_some_and(|at| self.cnode(&self.flow, at).kind.handed_out())
    }

    /// Whether it waits for the end of a run that it calls.
    pub fn is_calling(&self) -> bool {
        let ask = |(frame, node): &_| self.core.arena.node(*frame, *node).extra.as_ref()?.ask.as_deref();
        self.flow.needs().children && self.core.asks.values().filter_map(ask).any(|ask| matches!(ask, Ask::Child(_)))
    }

    /// Whether what was asked for so is that an item goes into a batch.
    pub fn is_item(&self, id: EffectId) -> bool {
        let at = self.core.asks.get(&id).map(|(frame, node)| self.core.arena.node(*frame, *node));
        let ask = at.and_then(|state| state.extra.as_ref()?.ask.as_deref());
        matches!(ask, Some(Ask::Child(child)) if crate::batch::is_batch(&child.flow))
    }

    /// Everything outstanding, for a host that does not know what was done already: the present attempts of effects in the
    /// order of their nodes' starts, what nodes ask for besides, the timers, the answer if there is one, and the end if it has come.
    ///
    /// Doing any of it again is safe: the same id carries the same bytes, and inputs that come twice change nothing.
    pub fn pending(&self) -> Vec<Command> {
        let mut calls: Vec<_> = self
            .core
            .effects
            .values()
            .map(|(frame, node)| (self.core.arena.node(*frame, *node), At { frame: *frame, node: *node }))
            .filter(|(state, _)| state.status == NodeStatus::Running)
            .map(|(state, at)| (state.started_at, at))
            .collect();
        calls.sort_unstable_by_key(|(started, at)| (*started, at.frame, at.node));
        let effects = calls.into_iter().filter_map(|(_, at)| effect::request(self, &self.flow, at));
        let asks = self.core.asks.values().copied();
        let mut asks: Vec<At> = asks.map(|(frame, node)| At { frame, node }).collect();
        asks.sort_unstable_by_key(|at| (at.frame, at.node));
        let asks = asks.into_iter().filter_map(|at| {
            let extra = self.core.arena.node(at.frame, at.node).extra.as_ref()?;
            Some(extra.ask.as_ref()?.commands(extra.closing.is_some()))
        });
        let asks = asks.flatten().map(|mut command| {
            if let Command::StartChild(child) = &mut command {
                child.batch = self.core.batches.chosen(child.id);
            }
            command
        });
        let timers = self.core.timers.by_id.iter().map(|(id, timer)| Command::SetTimer { id: *id, due: timer.due });
        let response = self.core.response.iter().cloned().map(Command::Respond);
        let finish = self.core.outcome.iter().cloned().map(Command::Finish);
        let effects = effects.map(|effect| Command::RunEffect(Box::new(effect)));
        effects.chain(asks).chain(timers).chain(response).chain(finish).collect()
    }
}
