//! Undo and redo, with names, and what is still to be saved.

use crate::{Command, CommandError, apply};
use holon_flow::Definition;

/// Steps that are kept.
const MOST: usize = 500;

/// One step that can be taken back or done again.
#[derive(Debug, Clone)]
struct Entry {
    label: String,
    command: Command,
}

/// What was done, newest last. Every change, undo and redo included, is also a command to save.
#[derive(Debug, Clone, Default)]
pub struct History {
    undo: Vec<(Entry, Command)>,
    redo: Vec<Entry>,
    sealed: bool,
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
        self.redo.clear();
        self.record(&command);
        match self.undo.last_mut() {
            Some((last, _)) if !self.sealed && last.command.continued_by(&command) => last.command = command,
            _ => {
                self.undo.push((Entry { label: command.label(), command }, inverse));
                if self.undo.len() > MOST {
                    self.undo.remove(0);
                }
            }
        }
        self.sealed = false;
        Ok(())
    }

    /// Ends a step: what follows is a step of its own.
    pub fn seal(&mut self) {
        self.sealed = true;
    }

    /// Takes the last step back; gives its command, `None` when there is none.
    ///
    /// # Errors
    /// The step does not fit the definition any more.
    pub fn undo(&mut self, definition: &mut Definition) -> Result<Option<Command>, CommandError> {
        let Some((entry, inverse)) = self.undo.pop() else { return Ok(None) };
        apply(definition, &inverse)?;
        self.record(&inverse);
        self.redo.push(entry);
        self.sealed = true;
        Ok(Some(inverse))
    }

    /// Does the last step that was taken back again.
    ///
    /// # Errors
    /// The step does not fit the definition any more.
    pub fn redo(&mut self, definition: &mut Definition) -> Result<Option<Command>, CommandError> {
        let Some(entry) = self.redo.pop() else { return Ok(None) };
        let inverse = apply(definition, &entry.command)?;
        self.record(&entry.command);
        let command = entry.command.clone();
        self.undo.push((entry, inverse));
        self.sealed = true;
        Ok(Some(command))
    }

    /// What undo would take back, such as `move of 3 nodes`.
    pub fn undo_label(&self) -> Option<&str> {
        self.undo.last().map(|(entry, _)| entry.label.as_str())
    }

    /// What redo would do again.
    pub fn redo_label(&self) -> Option<&str> {
        self.redo.last().map(|entry| entry.label.as_str())
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
