//! What can go wrong with choosing how long history is kept, and how the API says it.

use holon_model::{Code, Problem};
use holon_platform::db::TxError;

use crate::http::ApiError;

/// Why a use case was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not within what can be chosen: the most.
    #[error("days are 1 to {0}")]
    Days(u32),
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
            Error::Days(most) => {
                let detail = format!("History can be kept for 1 to {most} days here. Nothing was changed.");
                Problem::new(Code::ValidationFailed, detail).with_field("/days", format!("is 1 to {most}")).into()
            }
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}
