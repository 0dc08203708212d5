//! What can go wrong with links, and how the API says it.

use holon_model::error::FieldError;
use holon_model::{Code, LinkId, Problem};
use holon_platform::db::TxError;

use crate::http::ApiError;
use crate::tasks;

/// Why a use case of links was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the run or its task says.
    #[error(transparent)]
    Task(#[from] tasks::Error),
    /// The task has no such link, or it is over.
    #[error("there is no link {0} to revoke")]
    NotFound(LinkId),
    /// The task is not one that a link answers.
    #[error("a link answers approvals only")]
    NotApproval,
    /// What was asked cannot be.
    #[error("the link is not as it must be")]
    Fields(Vec<FieldError>),
    /// A stored row breaks an invariant.
    #[error("link {0} does not read back")]
    Inconsistent(LinkId),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The tenant's transaction.
    #[error(transparent)]
    Tx(#[from] TxError),
}

impl Error {
    /// One field that is not as it must be.
    pub fn field(pointer: &str, detail: impl Into<String>) -> Self {
        Self::Fields(vec![FieldError { pointer: pointer.into(), detail: detail.into(), code: None }])
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Task(error) => error.into(),
            Error::NotFound(_) => {
                Problem::new(Code::NotFound, "The task has no such link, or it was revoked already.").into()
            }
            Error::NotApproval => Problem::new(
                Code::Conflict,
                "What to do about a step that could not be undone is answered by somebody who is signed in: no link was made.",
            )
            .into(),
            Error::Fields(errors) => {
                let mut problem = Problem::new(Code::ValidationFailed, "The link is not as it must be. None was made.");
                problem.errors = errors;
                problem.into()
            }
            Error::Inconsistent(_) => Self::internal(&error),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}
