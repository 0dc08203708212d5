//! Flows, their drafts, versions and webhook addresses.

use crate::{FlowId, Timestamp, Value};
use serde::{Deserialize, Serialize};

/// A flow in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FlowSummary {
    /// Id.
    pub id: FlowId,
    /// Name.
    pub name: String,
    /// One line about it.
    pub description: String,
    /// Revision of the draft.
    pub revision: i64,
    /// The published version in force, if any.
    pub version: Option<i32>,
    /// Whether the draft differs from that version.
    pub changed: bool,
    /// When the draft was last saved.
    pub updated_at: Timestamp,
    /// Status of the newest run, if any.
    pub last_run: Option<String>,
}

/// A flow, whole: `GET /api/v1/flows/{id}`. The `ETag` is the revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Flow {
    /// Id.
    pub id: FlowId,
    /// Name, the definition's own.
    pub name: String,
    /// Folder path.
    pub path: String,
    /// Revision of the draft.
    pub revision: i64,
    /// The draft, as FLOW.md describes it.
    pub definition: Value,
    /// blake3 of the draft's meaning, 64 hexadecimal digits.
    pub hash: String,
    /// What is wrong with the draft; it can be published when there is no error among them.
    pub diagnostics: Vec<Diagnostic>,
    /// The published version in force, if any.
    pub published: Option<VersionSummary>,
    /// Addresses of the webhook and form triggers of the published version.
    pub webhooks: Vec<Webhook>,
    /// When the draft was last saved.
    pub updated_at: Timestamp,
}

/// What validation found, at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Diagnostic {
    /// JSON pointer into the definition.
    pub pointer: String,
    /// A code for programs, such as `unknown_kind`.
    pub code: String,
    /// `error` or `warning`.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where in the text at `pointer`: first and one past the last character, where it is an expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<(u32, u32)>,
}

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a look.
    Warning,
    /// Prevents publishing.
    Error,
}

/// `POST /api/v1/flows`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateFlow {
    /// The whole definition; absent: an empty flow with a manual trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Value>,
    /// The name of an example to start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// The name, when no definition is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `POST /api/v1/flows/{id}/commands`: the editor's autosave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ApplyCommands {
    /// The revision the editor had; a newer one on the server refuses the save with `stale_revision`.
    pub base_rev: i64,
    /// Commands of `holon_studio`, in order, as JSON.
    pub commands: Vec<Value>,
}

/// The answer to a save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Saved {
    /// The revision that the save made.
    pub revision: i64,
    /// The draft's hash.
    pub hash: String,
    /// What is wrong with the draft.
    pub diagnostics: Vec<Diagnostic>,
}

/// `POST /api/v1/flows/{id}/publish`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// Why, for the history.
    #[serde(default)]
    pub message: String,
}

/// A published version in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionSummary {
    /// 1, 2, 3 …
    pub version: i32,
    /// blake3 of its meaning.
    pub hash: String,
    /// When.
    pub published_at: Timestamp,
    /// Who.
    pub published_by: Option<String>,
    /// Why.
    pub message: String,
}

/// The answer to a publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Published {
    /// The version in force.
    #[serde(flatten)]
    pub summary: VersionSummary,
    /// The draft means what this version means, so nothing was published: names, samples, tests and places of nodes are no part
    /// of the meaning.
    pub unchanged: bool,
}

/// A published version, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Version {
    /// What a list shows.
    pub summary: VersionSummary,
    /// The definition, immutable.
    pub definition: Value,
}

/// The address of a webhook or form trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Webhook {
    /// Key of the trigger node.
    pub node: String,
    /// Method it answers.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Whether it is a page that people fill in.
    #[serde(default)]
    pub is_form: bool,
}

/// `POST /api/v1/flows/{id}/catch`: a test address that waits for the next delivery, 15 minutes at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Catch {
    /// The address to send to.
    pub url: String,
    /// Ask `GET /api/v1/flows/{id}/catch/{token}` with it.
    pub token: String,
}

/// What was caught: the trigger's value, as a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Caught {
    /// The value, once a delivery came.
    pub value: Option<Value>,
}

/// An example to start from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Example {
    /// Its name, such as `order-intake`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it does.
    pub description: String,
}
