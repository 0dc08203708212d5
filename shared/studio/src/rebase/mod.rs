//! Commands that were made on one revision, put on a later one: what others did in between is kept, and so is what I did.
//!
//! The server says the order ([`crate::session`]); here a command is only made to mean, where it is put, what it meant where it was
//! made. Nodes and bodies keep their identity under new keys (`names`), values are put together by their parts (`merge`), and what
//! cannot be done any more is told with the reason: nothing is left out in silence. Each command has its rule in `nodes`, `edges`,
//! `bodies` or `values`; `drift` walks both documents.

mod bodies;
mod drift;
mod edges;
mod merge;
mod names;
mod nodes;
mod values;

pub use drift::Drift;

use crate::{Command, CommandError, GraphPath};
use holon_flow::definition::{Definition, Key};

/// What becomes of one command.
#[derive(Debug, Clone, PartialEq)]
pub enum Rebased {
    /// It is done as it was made.
    Same,
    /// This is done in its place.
    As(Command),
    /// Nothing is done.
    Gone(Reason),
}

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Reason {
    /// Another took away what it is about.
    #[error("{} was removed in the meantime", removed(at, key, body.as_ref()))]
    Removed {
        /// The graph it was in, as it was called where the command was made.
        at: GraphPath,
        /// The node.
        key: Key,
        /// The body of the node, if only that is gone.
        body: Option<Key>,
    },
    /// It is so already.
    #[error("somebody else did the same")]
    Already,
    /// Another changed the same since: what takes back gives way, and so does what is inside of something that was removed.
    #[error("somebody else changed the same in the meantime")]
    Changed,
    /// With what another drew, the edge would close a circle.
    #[error("with an edge that somebody else drew it would close a circle")]
    Circle,
    /// Another put a node of another kind in the place of the one it is about.
    #[error("the node is of another kind by now")]
    OtherKind,
    /// The server did not take it.
    #[error("{0}")]
    Refused(String),
    /// It cannot be applied.
    #[error(transparent)]
    Unfit(#[from] CommandError),
}

fn removed(at: &GraphPath, key: &Key, body: Option<&Key>) -> String {
    let node = at.place(key);
    body.map_or_else(|| format!("`{node}`"), |body| format!("`{body}` of `{node}`"))
}

/// Something that a person did and that is not done.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropped {
    /// The command, or the part of it that is not done, as it was made.
    pub command: Command,
    /// Why.
    pub reason: Reason,
    /// What brings back what another removed, as it was with everything that was done to it since; for the present document.
    pub back: Option<Command>,
}

/// What came of commands beside the commands that are done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// What is not done.
    pub dropped: Vec<Dropped>,
    /// Commands that are done and took the place of something that another had set, who does not know of them; as they were made.
    pub replaced: Vec<Command>,
}

/// What becomes of `mine` when `theirs` came before it. Both were made on `before`.
pub fn over(mine: &Command, theirs: &Command, before: &Definition) -> Rebased {
    let (mut done, mut told) = all(std::slice::from_ref(mine), std::slice::from_ref(theirs), before);
    match (done.pop(), told.dropped.pop()) {
        (Some(command), _) if command == *mine => Rebased::Same,
        (Some(command), _) => Rebased::As(command),
        (None, Some(dropped)) => Rebased::Gone(dropped.reason),
        (None, None) => Rebased::Gone(Reason::Already),
    }
}

/// What becomes of several commands, each made on what the one before made of `before`, when all of `theirs` came first.
pub fn all(mine: &[Command], theirs: &[Command], before: &Definition) -> (Vec<Command>, Told) {
    let mut drift = Drift::new(before);
    let mut told = Told::default();
    for command in theirs {
        // What the server has applied can be applied.
        let _ = drift.theirs(command);
    }
    let done = mine.iter().filter_map(|command| Some(drift.place(command, false, &mut told)?.0));
    (done.collect(), told)
}
