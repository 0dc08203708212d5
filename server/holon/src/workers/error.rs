//! What can go wrong with workers, and how the API says it.

use holon_model::{Code, Problem, RunId};
use holon_platform::db::TxError;
use holon_runtime::DeliverError;

use crate::http::ApiError;
use crate::signals::delivery_problem;

/// Why a worker was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown run, or another tenant's: the same.
    #[error("there is no run {0}")]
    NoRun(RunId),
    /// The token is for other pools.
    #[error("the token is not for the pool {0}")]
    OtherPool(String),
    /// Too many wait already.
    #[error("too many workers wait at once")]
    TooMany,
    /// The task is not this worker's any more.
    #[error("the claim is lost")]
    Lost,
    /// The run did not take what the worker said.
    #[error(transparent)]
    Deliver(DeliverError),
    /// A stored row breaks an invariant.
    #[error("work of {0} does not read back: {1}")]
    Inconsistent(RunId, String),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The tenant's transaction.
    #[error(transparent)]
    Tx(#[from] TxError),
}

impl From<DeliverError> for Error {
    fn from(error: DeliverError) -> Self {
        match error {
            DeliverError::Refused { code: "unknown_effect", .. } | DeliverError::Over | DeliverError::NotFound => {
                Self::Lost
            }
            other => Self::Deliver(other),
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::NoRun(_) => Problem::new(Code::NotFound, "There is no run with this id.").into(),
            Error::OtherPool(pool) => {
                Problem::new(Code::Forbidden, format!("This token is for other pools than `{pool}`.")).into()
            }
            Error::TooMany => Self::from(Problem::new(
                Code::TooManyRequests,
                "As many workers of this workspace wait for tasks as may wait at once. Ask for more tasks with fewer requests.",
            ))
            .after(5),
            Error::Lost => Problem::new(
                Code::Conflict,
                "The task is not yours any more, and nothing was changed: it was given to another worker, it is over, or its run does \
                 not want it. Ask for another one.",
            )
            .into(),
            Error::Deliver(error) => delivery_problem(error, "Send it again: it counts once."),
            Error::Inconsistent(..) => Self::internal(&error),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}
