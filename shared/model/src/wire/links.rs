//! Links: addresses that answer one task, once, without signing in.

use crate::{LinkId, Timestamp, Value};
use serde::{Deserialize, Serialize};

/// A link to be made: `POST /api/v1/runs/{id}/tasks/{task}/links`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MakeLink {
    /// To whom it is given, such as an e-mail address: the answer names it. Absent: to nobody in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// The choices that it may give, by their keys; absent: all of the task's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
    /// How long it can be used, such as `"7d"` or milliseconds, at most 90 days; absent: 7 days. It ends with the task in any case.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub valid_for: Value,
}

/// A link to a task. Its address is shown once, to whoever makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Link {
    /// Its id; not its address.
    pub id: LinkId,
    /// To whom it was given.
    pub assignee: Option<String>,
    /// The choices that it may give; none: all.
    pub choices: Option<Vec<String>>,
    /// Who made it: `person_…`, `token_…`, or the path of the node that did.
    pub made_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// `open | used | expired | revoked`.
    pub state: String,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// A link as it was made: the only time that its address is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MadeLink {
    /// The link.
    pub link: Link,
    /// Its address. Whoever has it may answer.
    pub url: String,
}
