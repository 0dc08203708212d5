//! What a failure trigger gives: which run failed, why and where, and what it was started with.

use std::collections::BTreeMap;

use holon_model::context::{Actor, Context};
use holon_model::wire::runs::{NodeRun, Run};
use holon_model::{Timestamp, Value};
use holon_platform::clock::to_db;
use time::format_description::well_known::Rfc3339;

use super::store::Due;
use crate::runs;
use crate::state::AppState;

/// Bytes of an input that is given along; a larger one is asked for.
const MOST_INPUT: usize = 64 << 10;

/// What the run is started with, and found by.
pub struct Told {
    /// The trigger's value.
    pub value: Value,
    /// As the failed run has them.
    pub labels: BTreeMap<String, String>,
    /// As the failed run has it.
    pub correlation: Option<String>,
}

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its time was up.
    #[error("the run is gone")]
    Gone,
    /// It cannot be read now.
    #[error("the run cannot be read: {0}")]
    Unread(String),
}

/// Reads the run that failed.
pub async fn told(state: &AppState, due: &Due) -> Result<Told, Error> {
    let context = Context::of(due.tenant, due.environment, Actor::System);
    let run = runs::read_as_system(state, &context, due.failed).await.map_err(|error| match error {
        runs::Error::NotFound(_) => Error::Gone,
        error => Error::Unread(error.to_string()),
    })?;
    let base = state.config.public_base();
    Ok(Told { value: value(&run, &base), labels: run.summary.labels, correlation: run.summary.correlation })
}

fn value(run: &Run, base: &str) -> Value {
    let summary = &run.summary;
    let text = |text: &str| Value::from(text);
    let optional = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let labels = summary.labels.iter().map(|(key, value)| (key.as_str(), text(value)));
    let about = Value::map([
        ("id", text(&summary.id.to_string())),
        ("flow", text(&summary.flow.to_string())),
        ("flow_name", text(&summary.flow_name)),
        ("version", Value::from(i64::from(summary.version))),
        ("trigger", text(&summary.trigger)),
        ("started_at", instant(Some(summary.started_at))),
        ("failed_at", instant(summary.finished_at)),
        ("labels", Value::map(labels)),
        ("correlation", optional(summary.correlation.as_deref())),
        ("url", text(&format!("{base}/runs/{}", summary.id))),
    ]);
    let said = summary.error.as_deref().unwrap_or_default();
    let failed = failed_node(&run.nodes, said);
    let error = failed.and_then(|node| node.error.as_ref());
    let (code, message) = match (error, said.split_once(": ")) {
        (Some(error), _) => (error.code.as_str(), error.message.as_str()),
        (None, Some((code, message))) => (code, message),
        (None, None) => ("", said),
    };
    let error = Value::map([
        ("code", text(code)),
        ("message", text(message)),
        ("node", optional(failed.map(|node| node.path.as_str()))),
    ]);
    let fits = run.input.to_json().len() <= MOST_INPUT;
    let input = if fits { run.input.clone() } else { Value::Null };
    Value::map([("run", about), ("error", error), ("input", input), ("input_complete", Value::from(fits))])
}

/// The node whose error ended the run: of those that failed with the error that the run says, the innermost, the last in order.
fn failed_node<'r>(nodes: &'r [NodeRun], said: &str) -> Option<&'r NodeRun> {
    let depth = |node: &NodeRun| node.path.matches('/').count();
    let failed = nodes.iter().filter(|node| node.status == "failed");
    let same = |node: &&NodeRun| node.error.as_ref().is_some_and(|error| said.starts_with(error.code.as_str()));
    failed.filter(same).max_by_key(|node| depth(node))
}

fn instant(at: Option<Timestamp>) -> Value {
    at.and_then(|at| to_db(at).format(&Rfc3339).ok()).map_or(Value::Null, Value::from)
}
