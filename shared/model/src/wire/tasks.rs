//! Tasks: what runs ask people.

use crate::{FlowId, RunId, Timestamp, Value};
use serde::{Deserialize, Serialize};

/// The states of a task.
pub const STATES: [&str; 3] = ["open", "answered", "closed"];

/// Whom tasks are for, as lists ask: the caller, or nobody in particular.
pub const WHOM: [&str; 2] = [ME, NOBODY];
/// Tasks that name the caller by e-mail, name or id.
pub const ME: &str = "me";
/// Tasks that name nobody.
pub const NOBODY: &str = "nobody";

/// Open tasks are counted up to here.
pub const MOST_COUNTED: u32 = 1_000;

/// `GET /api/v1/tasks/count`: how many tasks are open, each counted up to 1,000.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskCounts {
    /// All of them.
    pub open: u32,
    /// Those that name the caller.
    pub mine: u32,
    /// Those that name nobody.
    pub unassigned: u32,
}

/// A task in a list. Lists never read what it is about, nor forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskSummary {
    /// Its id in its run: 32 hexadecimal digits.
    pub id: String,
    /// The run that asks.
    pub run: RunId,
    /// The run's flow.
    pub flow: FlowId,
    /// The flow's name.
    pub flow_name: String,
    /// Structural path of the node that asks.
    pub path: String,
    /// `approval`: the flow goes the way that is chosen. `compensation`: undoing a step keeps failing, and a person says what to do.
    pub kind: String,
    /// What is asked.
    pub title: String,
    /// What can be answered: a list of `{key, label}`.
    pub choices: Value,
    /// Who is asked, as the flow names them. They are told to people; whoever has `tasks:answer` may answer.
    pub assignees: Vec<String>,
    /// When it should be answered.
    pub due: Option<Timestamp>,
    /// `open | answered | closed`.
    pub state: String,
    /// The key of what was chosen.
    pub choice: Option<String>,
    /// Who answered: `person_…`, `token_…`, or the holder of a link.
    pub answered_by: Option<String>,
    /// How they are called, if they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by_name: Option<String>,
    /// Since when it is asked.
    pub opened_at: Timestamp,
    /// When it was answered or closed.
    pub ended_at: Option<Timestamp>,
}

/// A task, whole: `GET /api/v1/runs/{id}/tasks/{task}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Task {
    /// Its id in its run: 32 hexadecimal digits.
    pub id: String,
    /// The run that asks.
    pub run: RunId,
    /// The run's flow.
    pub flow: FlowId,
    /// The flow's name.
    pub flow_name: String,
    /// Structural path of the node that asks.
    pub path: String,
    /// `approval`: the flow goes the way that is chosen. `compensation`: undoing a step keeps failing, and a person says what to do.
    pub kind: String,
    /// What is asked.
    pub title: String,
    /// What one must know to answer.
    pub context: Value,
    /// What can be answered: a list of `{key, label}`.
    pub choices: Value,
    /// JSON Schema of what is to be filled in; null: nothing.
    pub form: Value,
    /// Who is asked, as the flow names them. They are told to people; whoever has `tasks:answer` may answer.
    pub assignees: Vec<String>,
    /// When it should be answered.
    pub due: Option<Timestamp>,
    /// `open | answered | closed`.
    pub state: String,
    /// The key of what was chosen.
    pub choice: Option<String>,
    /// Who answered: `person_…`, `token_…`, or the holder of a link.
    pub answered_by: Option<String>,
    /// How they are called, if they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by_name: Option<String>,
    /// Since when it is asked.
    pub opened_at: Timestamp,
    /// When it was answered or closed.
    pub ended_at: Option<Timestamp>,
    /// The form as it was filled in, once it is answered.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub answer: Value,
}

/// An answer to a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnswerTask {
    /// The key of the choice.
    pub choice: String,
    /// The form, filled in; null without one.
    #[serde(default)]
    pub form: Value,
}

/// That an answer is kept for its run, which has not said yet whether it takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnswerKept {
    /// What that means, in words.
    pub detail: String,
}
