//! What an editor can do to a definition, as data: each command crosses the wire as JSON and has an inverse.

use crate::{Fragment, GraphPath, Point};
use holon_flow::definition::Key;
use holon_model::Value;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One change. `at` is the graph it happens in.
#[expect(missing_docs, reason = "the fields say what the variant's words say")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Brings nodes in, with edges, places and samples.
    Insert { at: GraphPath, fragment: Fragment },
    /// Takes nodes out, with everything that belongs to them.
    Remove { at: GraphPath, keys: BTreeSet<Key> },
    /// Gives a node another key; edges, places, samples and expressions follow.
    Rename { at: GraphPath, key: Key, to: Key },
    /// Puts another node in the place of one, its edges staying.
    Replace { at: GraphPath, key: Key, node: Value },
    /// Sets the part of a node's config at a JSON pointer, or removes it.
    Configure {
        at: GraphPath,
        key: Key,
        pointer: String,
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        value: Option<Value>,
    },
    /// `any`, `all` or `first`.
    SetJoin { at: GraphPath, key: Key, join: String },
    /// Policies, whole, as a definition writes them.
    SetPolicies { at: GraphPath, key: Key, policies: Value },
    /// Whether the node passes its input through.
    SetDisabled { at: GraphPath, key: Key, disabled: bool },
    /// The remark.
    SetNote { at: GraphPath, key: Key, note: String },
    /// Draws an edge.
    Connect { at: GraphPath, from: String, to: String },
    /// Takes an edge away.
    Disconnect { at: GraphPath, from: String, to: String },
    /// Places nodes; `null` forgets the place.
    Move { at: GraphPath, places: BTreeMap<Key, Option<Point>> },
    /// Adds a body to a scope.
    AddBody {
        at: GraphPath,
        key: Key,
        body: Key,
        #[serde(default)]
        content: Fragment,
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        result: Option<Value>,
    },
    /// Removes a body with everything in it.
    RemoveBody { at: GraphPath, key: Key, body: Key },
    /// Gives a body another name.
    RenameBody { at: GraphPath, key: Key, body: Key, to: Key },
    /// The graph's output.
    SetResult {
        at: GraphPath,
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        value: Option<Value>,
    },
    /// The flow's name.
    SetName { name: String },
    /// The flow's description.
    SetDescription { description: String },
    /// The flow's labels.
    SetTags { tags: Vec<String> },
    /// Schema of the trigger's value.
    SetInput {
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        schema: Option<Value>,
    },
    /// Schema of the result.
    SetOutput {
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        schema: Option<Value>,
    },
    /// Bounds of the flow's runs, whole, as a definition writes them.
    SetLimits { limits: Value },
    /// The data preview uses for a trigger or an effect.
    SetSample {
        path: String,
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
        value: Option<Value>,
    },
    /// The tests that travel with the flow.
    SetTests { tests: Value },
    /// Several as one.
    Batch { label: String, commands: Vec<Command> },
}

impl Command {
    /// From JSON.
    ///
    /// # Errors
    /// What does not have the shape of a command.
    pub fn from_value(value: &Value) -> Result<Self, crate::CommandError> {
        serde_json::from_str(&value.to_json()).map_err(|error| crate::CommandError::Malformed(error.to_string()))
    }

    /// As JSON.
    pub fn to_value(&self) -> Value {
        let text = serde_json::to_string(self).unwrap_or_default();
        holon_model::json::parse(text.as_bytes()).unwrap_or_default()
    }

    /// What it is, after "Undo": `move of 3 nodes`.
    pub fn label(&self) -> String {
        let nodes = |count: usize| if count == 1 { "a node".to_owned() } else { format!("{count} nodes") };
        match self {
            Self::Insert { fragment, .. } => match fragment.nodes.keys().next() {
                Some(key) if fragment.nodes.len() == 1 => format!("adding {key}"),
                _ => format!("adding {}", nodes(fragment.nodes.len())),
            },
            Self::Remove { keys, .. } => match keys.first() {
                Some(key) if keys.len() == 1 => format!("removal of {key}"),
                _ => format!("removal of {}", nodes(keys.len())),
            },
            Self::Rename { key, to, .. } => format!("renaming {key} to {to}"),
            Self::Replace { key, .. } => format!("replacing {key}"),
            Self::Configure { key, .. } => format!("settings of {key}"),
            Self::SetJoin { key, .. } => format!("join of {key}"),
            Self::SetPolicies { key, .. } => format!("policies of {key}"),
            Self::SetDisabled { key, disabled: true, .. } => format!("disabling {key}"),
            Self::SetDisabled { key, .. } => format!("enabling {key}"),
            Self::SetNote { key, .. } => format!("note of {key}"),
            Self::Connect { from, to, .. } => format!("edge {from} to {to}"),
            Self::Disconnect { from, to, .. } => format!("removal of edge {from} to {to}"),
            Self::Move { places, .. } => format!("move of {}", nodes(places.len())),
            Self::AddBody { key, body, .. } => format!("adding body {body} to {key}"),
            Self::RemoveBody { key, body, .. } => format!("removal of body {body} of {key}"),
            Self::RenameBody { body, to, .. } => format!("renaming body {body} to {to}"),
            Self::SetResult { .. } => "result".into(),
            Self::SetName { .. } => "name".into(),
            Self::SetDescription { .. } => "description".into(),
            Self::SetTags { .. } => "labels".into(),
            Self::SetInput { .. } => "input schema".into(),
            Self::SetOutput { .. } => "output schema".into(),
            Self::SetLimits { .. } => "limits".into(),
            Self::SetSample { path, .. } => format!("sample of {path}"),
            Self::SetTests { .. } => "tests".into(),
            Self::Batch { label, .. } => label.clone(),
        }
    }

    /// Whether `next` goes on with what this one does (typing in one field, dragging on), so that one undo takes back both.
    pub fn continued_by(&self, next: &Self) -> bool {
        match (self, next) {
            (
                Self::Configure { at, key, pointer, value: Some(_) },
                Self::Configure { at: at2, key: key2, pointer: pointer2, value: Some(_) },
            ) => at == at2 && key == key2 && pointer == pointer2,
            (Self::Replace { at, key, .. }, Self::Replace { at: at2, key: key2, .. })
            | (Self::SetNote { at, key, .. }, Self::SetNote { at: at2, key: key2, .. }) => at == at2 && key == key2,
            (Self::SetPolicies { at, key, .. }, Self::SetPolicies { at: at2, key: key2, .. }) => {
                at == at2 && key == key2
            }
            (Self::Move { at, places }, Self::Move { at: at2, places: places2 }) => {
                at == at2 && places.keys().eq(places2.keys()) && places.values().all(Option::is_some)
            }
            (Self::SetResult { at, .. }, Self::SetResult { at: at2, .. }) => at == at2,
            (Self::SetSample { path, .. }, Self::SetSample { path: path2, .. }) => path == path2,
            (Self::SetName { .. }, Self::SetName { .. })
            | (Self::SetDescription { .. }, Self::SetDescription { .. }) => true,
            _ => false,
        }
    }
}

/// A member that stands is given, also as `null`; one that is absent is not.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
