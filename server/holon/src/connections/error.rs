//! What can go wrong with connections, and how the API says it.

use holon_model::{Code, Problem};
use holon_platform::db::TxError;

use crate::http::ApiError;

/// Why a use case of connections was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields are not accepted: pointer and what is wrong.
    #[error("some fields are not accepted")]
    Fields(Vec<(String, String)>),
    /// The name is taken in this environment.
    #[error("the name `{0}` is taken")]
    NameTaken(String),
    /// Unknown, or another tenant's: the same.
    #[error("there is no such connection")]
    NotFound,
    /// A stored row breaks an invariant, or the tenant's key cannot be opened.
    #[error("inconsistent row: {0}")]
    Inconsistent(String),
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
            Error::NameTaken(name) => Problem::new(
                Code::AlreadyExists,
                format!("There is a connection named `{name}` already. Choose another name."),
            )
            .with_field("/name", "is taken")
            .into(),
            Error::NotFound => Problem::new(Code::NotFound, "There is no connection with this id.").into(),
            Error::Inconsistent(_) => ApiError::internal(&error),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}
