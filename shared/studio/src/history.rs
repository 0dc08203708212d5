//! Undo and redo, with names, and what is still to be saved.

use crate::{
    Command, CommandError, apply,
    rebase::{Drift, Dropped, Told},
};
use holon_flow::Definition;
use std::collections::{BTreeMap, VecDeque};

/// Steps that are kept.
const MOST: usize = 500;

/// One step that can be taken back or done again.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// What people read for it.
    pub label: String,
    /// What did it last: typing on makes one step of many commands.
    pub command: Command,
    /// What takes it back, to be applied in this order, each with the number of the command that it takes back.
    pub back: VecDeque<(u64, Command)>,
    /// What is not taken back any more, because of what others did since.
    pub lost: Vec<Dropped>,
}

/// What one person did and took back, newest last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps {
    pub undo: Vec<Step>,
    pub redo: Vec<Step>,
    sealed: bool,
}

impl Steps {
    /// Whether a command goes on with the last step.
    pub fn goes_on(&self, command: &Command) -> bool {
        !self.sealed && self.undo.last().is_some_and(|last| last.command.continued_by(command))
    }

    /// Notes what was done. A step that goes on under the same number is taken back by what took it back before.
    pub fn did(&mut self, number: u64, command: Command, inverse: Command) {
        self.redo.clear();
        let goes_on = self.goes_on(&command);
        match self.undo.last_mut().filter(|_| goes_on) {
            Some(last) => {
                last.command = command;
                if last.back.front().is_none_or(|(before, _)| *before != number) {
                    last.back.push_front((number, inverse));
                }
            }
            None => {
                let (label, back) = (command.label(), [(number, inverse)].into());
                self.undo.push(Step { label, command, back, lost: Vec::new() });
                if self.undo.len() > MOST {
                    self.undo.remove(0);
                }
            }
        }
        self.sealed = false;
    }

    /// Ends a step: what follows is a step of its own.
    pub fn seal(&mut self) {
        self.sealed = true;
    }

    /// The last step that was done, or (`back` is false) taken back.
    pub fn pop(&mut self, back: bool) -> Option<Step> {
        if back { self.undo.pop() } else { self.redo.pop() }
    }

    /// Keeps a step for the other direction.
    pub fn push(&mut self, step: Step, back: bool) {
        if back {
            self.redo.push(step)
        } else {
            self.undo.push(step)
        }
        self.sealed = true;
    }

    /// Follows what others did. `inverses` are those of commands that were put on it anew, by number; what is not done any more has
    /// none. What others changed since is not taken back any more, and a step without anything to take back is none.
    pub fn follow(&mut self, drift: &Drift, inverses: &BTreeMap<u64, Option<Command>>) {
        for (steps, back) in [(&mut self.undo, true), (&mut self.redo, false)] {
            if steps.is_empty() {
                continue;
            }
            let mut drift = drift.clone();
            for step in steps.iter_mut().rev() {
                let mut told = Told::default();
                step.back.retain_mut(|(number, command)| {
                    let new = match inverses.get(number) {
                        Some(Some(there)) => drift.pair(command, there).ok().map(|_| there.clone()),
                        Some(None) => {
                            drift.pass(command);
                            None
                        }
                        None => drift.place(command, back, &mut told).map(|(there, _)| there),
                    };
                    new.map(|new| *command = new).is_some()
                });
                step.lost.append(&mut told.dropped);
            }
            steps.retain(|step| !step.back.is_empty());
        }
    }
}

/// What was done, newest last. Every change, undo and redo included, is also a command to save.
#[derive(Debug, Clone, Default)]
pub struct History {
    steps: Steps,
    unsaved: Vec<Command>,
}

impl History {
    /// Nothing done.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does something. Going on with the last change (typing on) makes one step of both, until [`History::seal`].
    ///
    /// # Errors
    /// Why it cannot be done; nothing changed then.
    pub fn perform(&mut self, definition: &mut Definition, command: Command) -> Result<(), CommandError> {
        let inverse = apply(definition, &command)?;
        self.record(&command);
        self.steps.did(0, command, inverse);
        Ok(())
    }

    /// Ends a step: what follows is a step of its own.
    pub fn seal(&mut self) {
        self.steps.seal();
    }

    /// Takes the last step back; gives its command, `None` when there is none.
    ///
    /// # Errors
    /// The step does not fit the definition any more.
    pub fn undo(&mut self, definition: &mut Definition) -> Result<Option<Command>, CommandError> {
        self.walk(definition, true)
    }

    /// Does the last step that was taken back again.
    ///
    /// # Errors
    /// The step does not fit the definition any more.
    pub fn redo(&mut self, definition: &mut Definition) -> Result<Option<Command>, CommandError> {
        self.walk(definition, false)
    }

    fn walk(&mut self, definition: &mut Definition, back: bool) -> Result<Option<Command>, CommandError> {
        let Some(mut step) = self.steps.pop(back) else { return Ok(None) };
        let Some((_, command)) = step.back.pop_front() else { return Ok(None) };
        let inverse = apply(definition, &command)?;
        self.record(&command);
        step.back.push_front((0, inverse));
        self.steps.push(step, back);
        Ok(Some(command))
    }

    /// What undo would take back, such as `move of 3 nodes`.
    pub fn undo_label(&self) -> Option<&str> {
        self.steps.undo.last().map(|step| step.label.as_str())
    }

    /// What redo would do again.
    pub fn redo_label(&self) -> Option<&str> {
        self.steps.redo.last().map(|step| step.label.as_str())
    }

    /// Takes the commands that were not saved yet.
    pub fn take_unsaved(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.unsaved)
    }

    /// Puts commands back whose save failed, before those made since.
    pub fn put_back(&mut self, mut commands: Vec<Command>) {
        commands.append(&mut self.unsaved);
        self.unsaved = commands;
    }

    /// Whether something is not saved yet.
    pub fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    fn record(&mut self, command: &Command) {
        match self.unsaved.last_mut() {
            Some(last) if last.continued_by(command) => *last = command.clone(),
            _ => self.unsaved.push(command.clone()),
        }
    }
}
