//! Why an input would change nothing: what to tell whoever sent it. A run is never harmed by what it refuses.

use crate::{Input, Machine, Outcome, RunStatus, ask::Ask, batch, signal, state::NodeStatus, task};

/// An input that the run does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What programs read.
    pub code: &'static str,
    /// What people read.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Whether the machine takes the input.
pub(crate) fn check(machine: &Machine, input: &Input) -> Result<(), Refusal> {
    match (machine.core.status, input) {
        (RunStatus::Queued, Input::Start { .. }) => return Ok(()),
        (_, Input::Start { .. }) => return Err(Refusal::new("already_started", "the run has started already")),
        (RunStatus::Queued, _) => return Err(Refusal::new("not_started", "the run has not started")),
        (status, _) if status.is_terminal() => return Err(Refusal::new("run_over", "the run is over")),
        _ => {}
    }
    match input {
        Input::Start { .. } | Input::TriedAgain { .. } => Ok(()),
        Input::EffectCompleted { id, attempt, .. } => {
            let wanted = machine.core.effects.get(id).is_some_and(|(frame, node)| {
                let state = machine.core.arena.node(*frame, *node);
                state.status == NodeStatus::Running
                    && state.extra.as_ref().is_some_and(|extra| extra.attempt == *attempt)
            });
            holds(wanted, "unknown_effect", "the run does not wait for this attempt at an effect")
        }
        Input::TimerFired { id } => {
            holds(machine.core.timers.by_id.contains_key(id), "unknown_timer", "the run has no such timer")
        }
        Input::Cancel { .. } => {
            holds(machine.core.cancel.is_none(), "already_cancelled", "the run is being cancelled already")
        }
        Input::Signal { name, correlation, sender, payload } => {
            signal::check(machine, name, correlation, sender, payload)
        }
        Input::TaskAnswered { id, choice, form, .. } => match machine.asking(*id) {
            Some((node, Ask::Task(task))) => task::check(node, &task.task, choice, form),
            _ => Err(Refusal::new("unknown_task", "the run has no such task, or it was answered or given up already")),
        },
        Input::BatchChosen { id, batch } => {
            batch::check_chosen(machine, machine.asking(*id).map(|(_, ask)| ask), *id, *batch)
        }
        Input::Joined { member, item } => machine.check_joined(*member, item),
        Input::Left { member } => machine.check_left(*member),
        Input::ChildEnded { id, outcome } => {
            let waits = matches!(machine.asking(*id), Some((_, Ask::Child(_))));
            holds(waits, "unknown_child", "the run does not wait for this other run")?;
            let over = !matches!(outcome, Outcome::Continued { .. });
            holds(over, "child_goes_on", "the other run is not over: another one goes on for it")
        }
    }
}

fn holds(holds: bool, code: &'static str, message: &str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::new(code, message)) }
}
