//! Documents: the shape of whatever a person edits. One changes by [`Document::change`] only: on the revision that the change was
//! made on, and with a line in its history.

use crate::{PersonId, Timestamp};
use serde::{Deserialize, Serialize};

/// One editable thing with its revision: flows now; tables, text, diagrams later. Comments join with the first page that has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document<Id, Body> {
    /// Its id.
    pub id: Id,
    /// What it is, such as `flow`.
    pub kind: DocumentKind,
    /// Folder path, `/` the root, no trailing slash.
    pub path: String,
    /// What people call it.
    pub name: String,
    /// Rises by one with every accepted change, from 1.
    pub revision: i64,
    /// The changes that are in hand, newest first: the one that made this revision, and those since that are not stored yet. What was
    /// before is read by page.
    pub history: Vec<Change>,
    /// The content.
    pub body: Body,
}

/// The kinds of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// A flow definition.
    Flow,
}

/// One accepted change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    /// The revision it made.
    pub revision: i64,
    /// When.
    pub at: Timestamp,
    /// Who, unless Holon itself.
    pub by: Option<PersonId>,
    /// What that one is called now, while a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_name: Option<String>,
    /// What, in a few words.
    pub summary: String,
}

/// What is said of a change that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// When.
    pub at: Timestamp,
    /// Who, unless Holon itself.
    pub by: Option<PersonId>,
    /// What, in a few words.
    pub summary: String,
}

impl Made {
    fn of(self, revision: i64) -> Change {
        let Self { at, by, summary } = self;
        Change { revision, at, by, by_name: None, summary }
    }
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused<E> {
    /// Somebody changed the document in between.
    #[error("the document is at revision {present}, the change was made on {base}")]
    Stale {
        /// What the change was made on.
        base: i64,
        /// What is there.
        present: i64,
    },
    /// The change itself cannot be made.
    #[error(transparent)]
    Change(E),
}

impl<Id, Body> Document<Id, Body> {
    /// A new one, in the root.
    pub fn new(id: Id, kind: DocumentKind, name: &str, body: Body, made: Made) -> Self {
        Self { id, kind, path: "/".into(), name: name.to_owned(), revision: 1, history: vec![made.of(1)], body }
    }

    /// Makes a change that was made on revision `base`: all of it, or nothing.
    ///
    /// # Errors
    /// When the document is at another revision by now, and what `make` says.
    pub fn change<E>(
        &mut self,
        base: i64,
        made: Made,
        make: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), Refused<E>>
    where
        Self: Clone,
    {
        if base != self.revision {
            return Err(Refused::Stale { base, present: self.revision });
        }
        let mut next = self.clone();
        make(&mut next).map_err(Refused::Change)?;
        next.revision = base + 1;
        next.history.insert(0, made.of(next.revision));
        *self = next;
        Ok(())
    }

    /// The same document with its content read, or written, in another form.
    ///
    /// # Errors
    /// What `read` says.
    pub fn try_map<B, E>(self, read: impl FnOnce(Body) -> Result<B, E>) -> Result<Document<Id, B>, E> {
        let Self { id, kind, path, name, revision, history, body } = self;
        Ok(Document { id, kind, path, name, revision, history, body: read(body)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(at: i64, summary: &str) -> Made {
        Made { at: Timestamp(at), by: None, summary: summary.into() }
    }

    #[test]
    fn a_change_is_made_whole_on_the_revision_it_was_made_on_or_not_at_all() {
        let mut document = Document::new(7, DocumentKind::Flow, "Orders", vec!["a"], made(1, "Created"));
        let push = |document: &mut Document<i32, Vec<&'static str>>| {
            document.body.push("b");
            document.name = "Bills".into();
            Ok::<(), &str>(())
        };
        assert_eq!(document.change(1, made(2, "adding b"), push), Ok(()));
        assert_eq!((document.revision, &*document.name, document.body.len()), (2, "Bills", 2));
        let history: Vec<(i64, &str)> = document.history.iter().map(|one| (one.revision, &*one.summary)).collect();
        assert_eq!(history, [(2, "adding b"), (1, "Created")]);
        let before = document.clone();
        assert_eq!(document.change(1, made(3, "late"), push), Err(Refused::Stale { base: 1, present: 2 }));
        let half = |document: &mut Document<i32, Vec<&'static str>>| {
            document.body.clear();
            Err("it does not go on")
        };
        assert_eq!(document.change(2, made(3, "half"), half), Err(Refused::Change("it does not go on")));
        assert_eq!(document, before);
    }
}
