//! Answers a task by a link. The task's first answer counts, so that a link that is used twice at once counts once.

use holon_engine::{EffectId, Input};
use holon_model::error::FieldError;
use holon_model::intent::{IntentPayload, Source};
use holon_model::wire::tasks::Task;
use holon_model::{Intent, Payload, Value};
use holon_platform::clock::mint;
use holon_platform::db::TenantTx;
use holon_runtime::{DeliverError, Delivered};
use uuid::Uuid;

use super::open::Opened;
use super::{Error, store};
use crate::http::ApiError;
use crate::signals::delivery_problem;
use crate::{audit, state::AppState};

/// What is asked; the audit row says what was chosen.
#[derive(Debug, Clone, Copy)]
pub struct ByLink;

impl IntentPayload for ByLink {
    const TYPE: &'static str = "task.answer";
}

/// What became of it.
#[derive(Debug)]
pub enum Answered {
    /// It is in the run's journal.
    Taken,
    /// It is kept for the run, which has not said yet whether it was the first.
    Kept,
    /// Somebody else was first, or nobody is asked any more.
    Over,
    /// The form is not as it must be.
    Wrong(Vec<FieldError>),
}

/// Answers.
pub async fn answer(
    state: &AppState,
    opened: &Opened,
    task: &Task,
    choice: &str,
    form: Value,
) -> Result<Answered, ApiError> {
    let (context, id) = (&opened.held.context, opened.held.id);
    let intent = Intent {
        id: mint(&*state.clock),
        source: Source::Web,
        context: context.clone(),
        base_revision: None,
        idempotency_key: None,
        payload: ByLink,
    };
    let Ok(asked) = Uuid::try_parse(&task.id) else { return Err(Error::Inconsistent(id).into()) };
    let assignee = opened.assignee.as_deref();
    let detail = Value::map([
        ("choice", Value::from(choice)),
        ("link", Value::from(id.to_string())),
        ("assignee", assignee.map_or(Value::Null, Value::from)),
    ]);
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    audit::record(&mut tx, &*state.clock, &intent, &task.run.to_string(), &detail).await?;
    tx.commit().await?;
    let input = Input::TaskAnswered {
        id: EffectId(*asked.as_bytes()),
        choice: choice.to_owned(),
        form: Payload::Inline(form),
        // It says whose link it was, and not that it was they who used it.
        by: assignee.map_or_else(|| "link".to_owned(), |assignee| format!("link:{assignee}")),
    };
    match state.runtime.deliver(context.tenant, task.run, input).await {
        Ok(Delivered::TakenIn) => {
            use_up(state, opened).await;
            Ok(Answered::Taken)
        }
        // The link stays as it is: whether it was used is known when the task is over.
        Ok(Delivered::Kept) => Ok(Answered::Kept),
        Err(DeliverError::Over | DeliverError::NotFound) => Ok(Answered::Over),
        Err(DeliverError::Refused { code: "unknown_task", .. }) => Ok(Answered::Over),
        Err(DeliverError::Refused { code: "invalid_form" | "unknown_choice", message }) => {
            Ok(Answered::Wrong(vec![FieldError { pointer: String::new(), detail: format!("{message}."), code: None }]))
        }
        Err(error) => {
            Err(delivery_problem(error, "Open the link again: if the question is still there, answer it again."))
        }
    }
}

/// That the link was used is for the list of links: the task that it answered is over in any case.
async fn use_up(state: &AppState, opened: &Opened) {
    let noted = async {
        let mut tx = TenantTx::begin(&state.pools, &opened.held.context).await?;
        store::use_up(&mut tx, opened.held.id, state.clock.now()).await?;
        tx.commit().await?;
        Ok::<_, Error>(())
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, link = %opened.held.id, "a link was used and could not be marked so");
    }
}
