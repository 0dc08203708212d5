//! What can go wrong with schedules, and how the API says it.

use holon_model::{Code, Problem, ScheduleId};
use holon_platform::db::TxError;
use holon_runtime::StartError;

use crate::http::ApiError;
use crate::runs;

/// Why a use case of schedules was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, or another tenant's: the same.
    #[error("there is no schedule {0}")]
    NotFound(ScheduleId),
    /// The firing that was asked for can start no run.
    #[error("the firing started no run: {0}")]
    Refused(String),
    /// It can start no run now.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A stored row breaks an invariant.
    #[error("schedule {0} does not read back")]
    Inconsistent(ScheduleId),
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
            Error::NotFound(_) => Problem::new(Code::NotFound, "There is no schedule with this id.").into(),
            Error::Refused(reason) => {
                Problem::new(Code::Conflict, format!("The schedule fired and no run could start: {reason}.")).into()
            }
            Error::Start(error) => runs::start_problem(error),
            Error::Inconsistent(_) => ApiError::internal(&error),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}
