//! What can go wrong with polls, and how the API says it.

use holon_model::{Code, PollId, Problem};
use holon_platform::db::TxError;

use crate::http::ApiError;

/// Why a use case of polls was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, or another tenant's: the same.
    #[error("there is no poll {0}")]
    NotFound(PollId),
    /// A stored row breaks an invariant.
    #[error("poll {0} does not read back")]
    Inconsistent(PollId),
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
            Error::NotFound(_) => Problem::new(Code::NotFound, "There is no poll with this id.").into(),
            Error::Inconsistent(_) => ApiError::internal(&error),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}
