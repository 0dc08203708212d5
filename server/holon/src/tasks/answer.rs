//! Answers a task; the first answer counts. Answered when it is in the run's journal.

use holon_authz::{Authorised, actions::AnswerTasks};
use holon_engine::{EffectId, Input};
use holon_model::wire::tasks::AnswerTask;
use holon_model::{Intent, IntentPayload, Payload, RunId, Value};
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::{Error, read};
use crate::{audit, state::AppState};

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
pub async fn answer(state: &AppState, _: Authorised<AnswerTasks>, intent: Intent<Answer>) -> Result<(), Error> {
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
