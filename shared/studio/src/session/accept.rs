//! What the server does with an edit: the one place that says in which order edits count.

use super::{Change, Edit};
use crate::{
    Command, CommandError, apply, apply_all,
    rebase::{Drift, Told},
};
use holon_flow::Definition;

/// What becomes of an edit.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It was taken in before, as this one of the changes: it is answered again, and nothing is done.
    Before(usize),
    /// It is the next change.
    Next {
        /// The document with it.
        document: Box<Definition>,
        /// What is done; none if nothing of it can be. The change is written down all the same, so that a late repeat finds it.
        commands: Vec<Command>,
        /// What is not done, and what took the place of another's.
        told: Told,
    },
}

/// Puts an edit on the changes `since` its base revision, whose document is `base`. The caller holds the flow, so that no other edit
/// comes in between.
///
/// # Errors
/// The edit does not fit the document that it says it was made on, or a change does not fit.
pub fn accept(base: &Definition, since: &[Change], edit: &Edit) -> Result<Answer, CommandError> {
    let repeated = |change: &Change| change.client == edit.client && change.seq == edit.seq;
    if let Some(at) = since.iter().position(repeated) {
        return Ok(Answer::Before(at));
    }
    apply_all(&mut base.clone(), &edit.commands)?;
    let (mut document, mut commands, mut told) = (base.clone(), edit.commands.clone(), Told::default());
    // One change after the other, as clients get them: put on all at once it could become something else than what they show.
    for change in since {
        let mut drift = Drift::new(&document);
        for command in &change.commands {
            drift.theirs(command)?;
            apply(&mut document, command)?;
        }
        let placed = commands.iter().filter_map(|mine| Some(drift.place(mine, edit.takes_back, &mut told)?.0));
        commands = placed.collect();
    }
    apply_all(&mut document, &commands)?;
    Ok(Answer::Next { document: document.into(), commands, told })
}
