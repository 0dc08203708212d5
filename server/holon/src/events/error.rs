//! What can go wrong with events, and how the API says it.

use holon_model::{Code, Problem, PublishedId, SubscriptionId};
use holon_platform::db::TxError;

use crate::http::ApiError;

/// Why a use case of events was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, or another tenant's: the same.
    #[error("there is no event {0}")]
    NoEvent(PublishedId),
    /// Unknown, or another tenant's: the same.
    #[error("there is no subscription {0}")]
    NoSubscription(SubscriptionId),
    /// Not a subject.
    #[error("{0}")]
    BadSubject(String),
    /// More than an event may tell.
    #[error("the data has {0} bytes")]
    TooLarge(usize),
    /// The key was used for another event.
    #[error("the idempotency key was used for another event")]
    IdempotencyMismatch,
    /// More events wait to be put in order than may.
    #[error("too many events wait")]
    TooMany,
    /// Neither a position nor a time, or both.
    #[error("where to go back to is not said")]
    NoPlace,
    /// A stored row breaks an invariant.
    #[error("event {0} does not read back")]
    Inconsistent(PublishedId),
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
            Error::NoEvent(_) => {
                Problem::new(Code::NotFound, "There is no event with this id, or it is not kept any more.").into()
            }
            Error::NoSubscription(_) => Problem::new(Code::NotFound, "There is no subscription with this id.").into(),
            Error::BadSubject(why) => {
                let problem = Problem::new(Code::ValidationFailed, "The subject is not one. Nothing was published.");
                problem.with_field("/subject", why).into()
            }
            Error::TooLarge(bytes) => {
                let most = holon_cap_events::MOST_DATA;
                let detail = format!(
                    "The data has {bytes} bytes as JSON, more than the {most} of an event. Nothing was published."
                );
                Problem::new(Code::PayloadTooLarge, detail).into()
            }
            Error::IdempotencyMismatch => {
                let detail =
                    "The `Idempotency-Key` published another event before. Nothing was published; use another key.";
                Problem::new(Code::IdempotencyMismatch, detail).into()
            }
            Error::TooMany => ApiError::unavailable(
                "More events wait for their place than may. Nothing was published; try again shortly with the same key.",
            ),
            Error::NoPlace => {
                let detail =
                    "Say from which event on, with `from`, or since when, with `since`; not both. Nothing was changed.";
                Problem::new(Code::ValidationFailed, detail).with_field("/from", "is a position from 1").into()
            }
            Error::Inconsistent(_) => ApiError::internal(&error),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}
