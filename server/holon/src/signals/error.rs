//! What can go wrong with telling a run something, and how the API says it.

use holon_model::{Code, Problem, RunId};
use holon_platform::db::TxError;
use holon_runtime::{DeliverError, store::StoreError};

use super::MOST_TOLD;
use crate::http::ApiError;

/// Why a signal was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, or another tenant's: the same.
    #[error("there is no run {0}")]
    NotFound(RunId),
    /// Nobody waits for it.
    #[error("no run waits for the signal `{0}`")]
    Nobody(String),
    /// More than are told at once wait for it.
    #[error("too many runs wait for the signal `{0}`")]
    TooMany(String),
    /// The run did not take it.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// The waits cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
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
            Error::NotFound(_) | Error::Deliver(DeliverError::NotFound) => {
                Problem::new(Code::NotFound, "There is no run with this id.").into()
            }
            Error::Nobody(name) => {
                let detail = format!(
                    "No run waits for the signal `{name}` with this correlation. A signal that comes before its run waits is sent to the run: \
                     `POST /api/v1/runs/{{id}}/signals`."
                );
                Problem::new(Code::NotFound, detail).into()
            }
            Error::TooMany(name) => {
                let detail = format!(
                    "More than {MOST_TOLD} runs wait for the signal `{name}` with this correlation; nobody was told. Tell them \
                     apart by their correlation, or send it to each: `POST /api/v1/runs/{{id}}/signals`."
                );
                Problem::new(Code::Conflict, detail).into()
            }
            Error::Deliver(error) => delivery_problem(error, "Send it again with the same `sender`."),
            Error::Store(_) => ApiError::unavailable(
                "Who waits for signals cannot be read at the moment. Nobody was told; try again shortly.",
            ),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}

/// Why a run did not take something in, for whoever sent it; `again` is what to do when nobody knows whether it did.
pub fn delivery_problem(error: DeliverError, again: &str) -> ApiError {
    match error {
        DeliverError::NotFound => Problem::new(Code::NotFound, "There is no run with this id.").into(),
        DeliverError::Over => Problem::new(Code::Conflict, "The run is over: nothing can reach it any more.").into(),
        DeliverError::Unavailable => ApiError::unavailable(&format!(
            "The run cannot be reached at the moment; what was sent may have been taken in. {again}"
        )),
        DeliverError::Refused { code: "payload_too_large", message } => {
            Problem::new(Code::PayloadTooLarge, format!("{message}.")).into()
        }
        DeliverError::Refused { code: "unknown_choice" | "invalid_form", message } => {
            Problem::new(Code::ValidationFailed, format!("{message}.")).into()
        }
        DeliverError::Refused { message, .. } => Problem::new(Code::Conflict, format!("{message}.")).into(),
    }
}
