//! Answers a task; the first answer counts. Answered when it is in the run's journal, or kept for the run.

use holon_authz::{Authorised, actions::AnswerTasks};
use holon_engine::{EffectId, Input};
use holon_flow::expr::Meter;
use holon_flow::schema::{Mismatch, Options, check};
use holon_model::error::FieldError;
use holon_model::wire::tasks::{AnswerTask, Task};
use holon_model::{Intent, IntentPayload, Payload, RunId, Value};
use holon_platform::db::TenantTx;
use holon_runtime::Delivered;
use uuid::Uuid;

use super::{Error, read};
use crate::{audit, state::AppState};

/// The kind of a task about a step that could not be undone, and the choice of it that needs its form.
const COMPENSATION: &str = "compensation";
const LEAVE: &str = "skip";

/// Steps that checking a form may take, and fields of it that are told at once.
const FUEL: u64 = 1_000_000;
const MOST: usize = 20;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The run that asks.
    pub run: RunId,
    /// Which of its tasks, as the address names it.
    pub task: String,
    /// The answer.
    pub answer: AnswerTask,
}

impl IntentPayload for Answer {
    const TYPE: &'static str = "task.answer";
}

/// Answers.
pub async fn answer(state: &AppState, _: Authorised<AnswerTasks>, intent: Intent<Answer>) -> Result<Delivered, Error> {
    let Answer { run, ref task, ref answer } = intent.payload;
    let context = &intent.context;
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let found = read::find(&mut tx, run, task).await?;
    let id = Uuid::try_parse(&found.id).map_err(|_| Error::NotFound(run, task.clone()))?;
    if found.state != "open" {
        return Err(Error::Over(found.state));
    }
    let keys: Vec<&str> = super::choices(&found.choices).map(|(key, _)| key).collect();
    if !keys.contains(&answer.choice.as_str()) {
        return Err(Error::NoChoice(keys.into_iter().map(|key| format!("`{key}`")).collect()));
    }
    let wrong = wrong_fields(&found, answer);
    if !wrong.is_empty() {
        return Err(Error::BadForm(wrong));
    }
    audit::record(&mut tx, &*state.clock, &intent, &run.to_string(), &Value::from(answer.choice.as_str())).await?;
    tx.commit().await?;
    let input = Input::TaskAnswered {
        id: EffectId(*id.as_bytes()),
        choice: answer.choice.clone(),
        form: Payload::Inline(answer.form.clone()),
        by: context.actor.label(),
    };
    Ok(state.runtime.deliver(context.tenant, run, input).await?)
}

/// What of the form is not as it must be, each at its field. The run checks the same, and tells the first of it.
fn wrong_fields(task: &Task, answer: &AnswerTask) -> Vec<FieldError> {
    // Whoever leaves as it is what could not be undone says why.
    let needed = task.kind != COMPENSATION || answer.choice == LEAVE;
    if task.form.is_null() || !needed {
        return Vec::new();
    }
    let options = Options { most: MOST, ..Options::default() };
    // What cannot be checked here is left to the run.
    let found = check(&task.form, &answer.form, options, &mut Meter::new(FUEL, 0)).unwrap_or_default();
    found.into_iter().map(told).collect()
}

fn told(found: Mismatch) -> FieldError {
    // Told where it is filled in: of what is missing the schema says only in what.
    let missing = (found.keyword == "required").then(|| found.message.split('`').nth(1)).flatten();
    match missing {
        Some(name) => FieldError {
            pointer: format!("/form{}/{}", found.pointer, name.replace('~', "~0").replace('/', "~1")),
            detail: "must be filled in".to_owned(),
            code: Some(found.keyword.into()),
        },
        None => FieldError {
            pointer: format!("/form{}", found.pointer),
            detail: found.message,
            code: Some(found.keyword.into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_at_the_field_that_is_missing() {
        let schema = holon_model::json::parse(
            br#"{"type": "object", "required": ["why"], "properties": {"why": {"type": "string"}, "sum": {"type": "integer"}}}"#,
        )
        .unwrap();
        let form = holon_model::json::parse(br#"{"sum": "ten"}"#).unwrap();
        let found = check(&schema, &form, Options::default(), &mut Meter::new(FUEL, 0)).unwrap();
        let mut pointers: Vec<String> = found.into_iter().map(|found| told(found).pointer).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/form/sum", "/form/why"]);
    }
}
