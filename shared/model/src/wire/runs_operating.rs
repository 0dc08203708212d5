//! What a person does to a run, or to many of them: pause, resume, terminate, fork, run again.

use crate::{RunId, Value};
use serde::{Deserialize, Deserializer, Serialize};

/// `POST /api/v1/runs/{id}/pause`; the body may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PauseRun {
    /// Why, at most 500 characters: it stands beside who paused it for as long as the run is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /api/v1/runs/{id}/terminate`; the body may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TerminateRun {
    /// Why, at most 500 characters: it stands as the run's error beside who ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /api/v1/runs/{id}/again`; the body may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RunAgain {
    /// What the new run is started with instead; absent: what this one was started with. `null` is an input like any other.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub input: Option<Value>,
}

/// A member that is there is a value, `null` too.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// `POST /api/v1/runs/{id}/fork` and `POST /api/v1/runs/{id}/fork/check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ForkRun {
    /// The inputs before this number are copied: from 1, so that the start is, to the length of the journal.
    pub seq: i64,
    /// The published version that goes on; absent: the one that the run runs on. Never an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
}

/// What of a run's recorded inputs a version can take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForkCheck {
    /// Whether all of them fit: only then the run can be forked there.
    pub fits: bool,
    /// How many of them fit, from the first on.
    pub copied: i64,
    /// Why nothing can be forked there although every input fits, if that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// One for each input before `seq`, in order. The first that does not fit is the last one here: what came after it was never
    /// asked of that version.
    pub steps: Vec<ForkStep>,
}

/// One recorded input, and whether it fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForkStep {
    /// Its number.
    pub seq: i64,
    /// What kind of input: as in the journal, such as `effect_completed`.
    pub what: String,
    /// The node that it answers, if it answers one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether the version asks for it, with the same bytes.
    pub fits: bool,
    /// Why not, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The answer to a fork, given after the new run is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Forked {
    /// The new run.
    pub run: RunId,
    /// Whether this key had forked it before.
    #[serde(default)]
    pub replayed: bool,
}

/// From where a run was forked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForkOf {
    /// The run whose inputs were copied.
    pub run: RunId,
    /// How many of them: those before this number.
    pub seq: i64,
}

/// What is done to each of many runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BulkAction {
    /// Retry those that failed.
    Retry,
    /// Ask them to end, with what must be cleaned up.
    Cancel,
    /// End them at once, without cleaning up.
    Terminate,
    /// Let them take in nothing more until they are resumed.
    Pause,
    /// Let them go on.
    Resume,
}

/// `POST /api/v1/runs/bulk`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkRuns {
    /// What is done.
    pub action: BulkAction,
    /// To which runs, 1 to 500; one that is named twice is done once.
    pub runs: Vec<RunId>,
    /// Why, at most 500 characters; not for `retry` and `resume`, which keep no reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The answer to it: what became of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkResults {
    /// In the order in which they were named.
    pub results: Vec<BulkResult>,
}

/// What became of one of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkResult {
    /// Which run.
    pub run: RunId,
    /// Whether it was done.
    pub ok: bool,
    /// The run that retries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<RunId>,
    /// Why it was not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<BulkProblem>,
}

/// Why it was not done to one of many, as a problem says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkProblem {
    /// What programs read.
    pub code: String,
    /// The kind of problem, for people.
    pub title: String,
    /// What happened to this run.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_is_null_is_one_and_an_absent_one_is_none() {
        let read = |text: &str| serde_json::from_str::<RunAgain>(text).map(|again| again.input);
        assert_eq!(read("{}").unwrap(), None);
        assert_eq!(read(r#"{"input": null}"#).unwrap(), Some(Value::Null));
        assert_eq!(serde_json::to_string(&RunAgain { input: Some(Value::Null) }).unwrap(), r#"{"input":null}"#);
        assert_eq!(serde_json::to_string(&RunAgain::default()).unwrap(), "{}");
    }
}
