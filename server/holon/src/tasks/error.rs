//! What can go wrong with tasks, and how the API says it.

use holon_model::error::FieldError;
use holon_model::{Code, Problem, RunId};
use holon_platform::db::TxError;
use holon_runtime::DeliverError;

use crate::http::ApiError;
use crate::signals::delivery_problem;

/// Why a use case of tasks was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown run, or another tenant's: the same.
    #[error("there is no run {0}")]
    NoRun(RunId),
    /// The run never asked this.
    #[error("run {0} has no task {1}")]
    NotFound(RunId, String),
    /// Answered or given up.
    #[error("the task is {0}")]
    Over(String),
    /// Not one of the task's choices.
    #[error("the task has no such choice")]
    NoChoice(Vec<String>),
    /// The form is not filled in as it must be.
    #[error("the form is not filled in as it must be")]
    BadForm(Vec<FieldError>),
    /// The run did not take the answer.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// A stored row breaks an invariant.
    #[error("a task of {0} does not read back: {1}")]
    Inconsistent(RunId, String),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The tenant's transaction.
    #[error(transparent)]
    Tx(#[from] TxError),
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::NoRun(_) => Problem::new(Code::NotFound, "There is no run with this id.").into(),
            Error::NotFound(..) => Problem::new(Code::NotFound, "The run has no task with this id.").into(),
            Error::Over(state) => {
                let detail = if state == "answered" {
                    "The task was answered already: the first answer counts."
                } else {
                    "The task is not asked any more: the run went on without an answer, or is over."
                };
                Problem::new(Code::Conflict, detail).into()
            }
            Error::Deliver(DeliverError::Refused { code: "unknown_task", .. }) => {
                Problem::new(Code::Conflict, "The task was answered already, or is not asked any more.").into()
            }
            Error::Deliver(error) => {
                delivery_problem(error, "Read the task again: when it is still open, answer it again.")
            }
            Error::BadForm(errors) => {
                let mut problem = Problem::new(Code::ValidationFailed, "The task was not answered.");
                problem.errors = errors;
                problem.into()
            }
            Error::NoChoice(known) => Problem::new(Code::ValidationFailed, "The task was not answered.")
                .with_field("/choice", format!("must be the key of one of the task's choices: {}", known.join(", ")))
                .into(),
            Error::Inconsistent(..) => ApiError::internal(&error),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}
