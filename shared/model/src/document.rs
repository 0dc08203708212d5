//! Documents: the shape of whatever a person edits.

use crate::{PersonId, Timestamp};
use serde::{Deserialize, Serialize};

/// One editable thing with its revision: flows now; tables, text, diagrams later.
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
    /// The last changes, newest first.
    pub history: Vec<Change>,
    /// What people said about it.
    pub comments: Vec<Comment>,
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
pub struct Change {
    /// The revision it made.
    pub revision: i64,
    /// When.
    pub at: Timestamp,
    /// Who, unless Holon itself.
    pub by: Option<PersonId>,
    /// What, in a few words.
    pub summary: String,
}

/// One remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: PersonId,
    /// The words.
    pub text: String,
}
