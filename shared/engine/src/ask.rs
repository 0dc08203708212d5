//! What nodes ask the outside for besides effects: a signal, the answer to a task, the end of another run.
//!
//! Asked → answered by an input, or dropped. One node asks for one thing at a time; ids are made like those of effects.

use crate::{
    Command,
    arena::Compiled,
    command::{StartChild, Task},
    event::Awaited,
    input::EffectId,
    machine::{At, Machine},
};
use holon_flow::capability::NodeError;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a node asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Ask {
    Signal { id: EffectId, path: String, name: Arc<str>, correlation: Arc<str> },
    Task(TaskAsk),
    Child(StartChild),
}

/// A task that is open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskAsk {
    pub task: Task,
    /// Who is asked too when it is due.
    pub escalate_to: Vec<String>,
    /// Whether they were.
    pub escalated: bool,
}

impl Ask {
    pub(crate) fn id(&self) -> EffectId {
        match self {
            Self::Signal { id, .. } => *id,
            Self::Task(ask) => ask.task.id,
            Self::Child(child) => child.id,
        }
    }

    /// What the host is to do for it, all of it: also what a host is told that does not know what was done already.
    pub(crate) fn commands(&self, closing: bool) -> Vec<Command> {
        match self {
            Self::Signal { id, path, name, correlation } => {
                let (name, correlation) = (name.to_string(), correlation.to_string());
                vec![Command::AwaitSignal { id: *id, path: path.clone(), name, correlation }]
            }
            Self::Task(ask) => {
                let mut commands = vec![Command::OpenTask(Box::new(ask.task.clone()))];
                if ask.escalated {
                    commands.push(Command::EscalateTask { id: ask.task.id, to: ask.escalate_to.clone() });
                }
                commands
            }
            Self::Child(child) => {
                let mut commands = vec![Command::StartChild(Box::new(child.clone()))];
                if closing {
                    commands.push(Command::CancelChild { id: child.id });
                }
                commands
            }
        }
    }

    pub(crate) fn awaited(&self) -> Awaited {
        match self {
            Self::Signal { id, name, correlation, .. } => {
                Awaited::Signal { id: *id, name: name.clone(), correlation: correlation.clone() }
            }
            Self::Task(ask) if ask.task.kind == crate::TaskKind::Compensation => Awaited::Person { id: ask.task.id },
            Self::Task(ask) => Awaited::Task { id: ask.task.id },
            Self::Child(child) if crate::batch::is_batch(&child.flow) => Awaited::Batch { id: child.id, batch: None },
            Self::Child(child) => Awaited::Child { id: child.id },
        }
    }
}

impl Machine {
    /// The id of what the node at `at` asks for: as an effect's, and another one for each `what` and `attempt`.
    pub(crate) fn ask_id(&self, flow: &Compiled, at: At, what: &str, attempt: u32) -> Result<EffectId, NodeError> {
        let run = self.core.info.as_ref().map(|info| info.key_run.unwrap_or(info.run_id));
        let run = run.ok_or_else(|| NodeError::new("internal", "the run has not started"))?;
        let node = self.paths[at.frame as usize].effect(run, &self.cnode(flow, at).key);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&node.0).update(what.as_bytes()).update(&[0]).update(&attempt.to_le_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Ok(EffectId(id))
    }

    /// The node asks from now on.
    pub(crate) fn open_ask(&mut self, flow: &Compiled, at: At, ask: Ask) {
        self.core.asks.insert(ask.id(), (at.frame, at.node));
        let key = &self.cnode(flow, at).key;
        for command in ask.commands(false) {
            self.log.ask(at.frame, key, command);
        }
        self.core.arena.node_mut(at.frame, at.node).extra().ask = Some(Box::new(ask));
    }

    /// The node has got what it asked for.
    pub(crate) fn take_ask(&mut self, at: At) -> Option<Ask> {
        let ask = *self.core.arena.node_mut(at.frame, at.node).extra.as_mut()?.ask.take()?;
        self.core.asks.remove(&ask.id());
        self.core.batches.forget(ask.id());
        Some(ask)
    }

    /// The node does not ask any more: the host is told, unless it is an answer that ends it.
    pub(crate) fn drop_ask(&mut self, flow: &Compiled, at: At) {
        let Some(ask) = self.take_ask(at) else { return };
        let key = &self.cnode(flow, at).key;
        match ask {
            Ask::Signal { id, name, correlation, .. } => {
                self.core.mailbox.leave(&name, &correlation, id);
                self.log.ask(at.frame, key, Command::DropWait { id });
            }
            Ask::Task(ask) => self.log.ask(at.frame, key, Command::CancelTask { id: ask.task.id }),
            Ask::Child(child) => self.log.ask(at.frame, key, Command::CancelChild { id: child.id }),
        }
    }

    /// Whether the node waits for a run that it called: it is not over before that one is.
    pub(crate) fn has_child(&self, at: At) -> bool {
        let extra = self.core.arena.node(at.frame, at.node).extra.as_ref();
        matches!(extra.and_then(|extra| extra.ask.as_deref()), Some(Ask::Child(_)))
    }
}
