//! What can go wrong with alert rules, and how the API says it.

use holon_model::{Code, Problem};
use holon_platform::db::TxError;

use crate::connections;
use crate::http::ApiError;

/// Why a use case of alerts was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields are not accepted: pointer and what is wrong.
    #[error("some fields are not accepted")]
    Fields(Vec<(&'static str, String)>),
    /// There are as many as there may be.
    #[error("there are {0} alert rules already")]
    TooMany(i64),
    /// Unknown, or another tenant's: the same.
    #[error("there is no such alert rule")]
    NotFound,
    /// A stored row breaks an invariant.
    #[error("inconsistent row: {0}")]
    Inconsistent(String),
    /// The tenant's key.
    #[error(transparent)]
    Key(#[from] connections::Error),
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
            Error::Fields(fields) => fields
                .into_iter()
                .fold(
                    Problem::new(Code::ValidationFailed, "Some fields are not accepted; nothing was saved."),
                    |problem, (pointer, detail)| problem.with_field(pointer, detail),
                )
                .into(),
            Error::TooMany(most) => {
                Problem::new(Code::Conflict, format!("A workspace can have {most} alert rules. Delete one first."))
                    .into()
            }
            Error::NotFound => Problem::new(Code::NotFound, "There is no alert rule with this id.").into(),
            Error::Inconsistent(_) => ApiError::internal(&error),
            Error::Key(error) => error.into(),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}
