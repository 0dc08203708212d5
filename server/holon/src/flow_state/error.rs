//! What can go wrong with the state of flows, and how the API says it.

use holon_model::{Code, FlowId, Problem};
use holon_platform::db::TxError;

use crate::http::ApiError;

/// Why a use case of the state of flows was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, or another tenant's: the same.
    #[error("there is no flow {0}")]
    NoFlow(FlowId),
    /// Nothing is kept for this key.
    #[error("nothing is kept for this key")]
    NotFound,
    /// Not a key.
    #[error("{0}")]
    BadKey(String),
    /// Not a value that can be kept.
    #[error("{0}")]
    BadValue(String),
    /// The flow has as many keys as it may have.
    #[error("the flow keeps as many keys as it may")]
    Full,
    /// A stored row breaks an invariant.
    #[error("what is kept for `{0}` is not JSON")]
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
            Error::NotFound => Problem::new(Code::NotFound, "The flow keeps nothing for this key.").into(),
            Error::BadKey(why) => {
                let problem = Problem::new(Code::ValidationFailed, "The key is not one. Nothing was changed.");
                problem.with_field("/key".to_owned(), why).into()
            }
            Error::BadValue(why) => {
                let problem = Problem::new(Code::ValidationFailed, "The value cannot be kept. Nothing was changed.");
                problem.with_field(String::new(), why).into()
            }
            Error::Full => {
                let most = holon_runtime::store::MOST_KEYS;
                let detail = format!(
                    "The flow keeps {most} keys, the most that it may. Delete some first; nothing was changed."
                );
                Problem::new(Code::Conflict, detail).into()
            }
            Error::Inconsistent(_) => ApiError::internal(&error),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}
