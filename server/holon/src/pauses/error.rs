//! What can go wrong with a pause, and how the API says it.

use holon_model::{Code, FlowId, Problem};
use holon_platform::db::TxError;

use crate::http::ApiError;

/// Why a use case of pauses was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown flow, or another tenant's: the same.
    #[error("there is no flow {0}")]
    NoFlow(FlowId),
    /// More than there is room for.
    #[error("the reason is too long")]
    LongReason,
    /// A stored row does not read back.
    #[error("the pause does not read back: {0}")]
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
            Error::NoFlow(_) => Problem::new(Code::NotFound, "There is no flow with this id.").into(),
            Error::LongReason => Problem::new(Code::ValidationFailed, "The reason is too long.")
                .with_field("/reason", "has at most 500 characters")
                .into(),
            Error::Inconsistent(_) => Self::internal(&error),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}
