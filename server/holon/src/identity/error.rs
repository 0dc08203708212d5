//! What can go wrong with identity, and how the API says it.

use holon_model::{Code, Problem};
use holon_platform::crypto::PasswordError;

use crate::http::ApiError;

/// Why a use case of identity was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields are not accepted: pointer and what is wrong.
    #[error("some fields are not accepted")]
    Fields(Vec<(&'static str, String)>),
    /// The e-mail or the password is wrong; which one is not said.
    #[error("wrong e-mail or password")]
    WrongCredentials,
    /// There is a person with this e-mail.
    #[error("the e-mail is taken")]
    EmailTaken,
    /// Sign-up is closed, or needs an invitation that is good.
    #[error("sign-up is not open: {0}")]
    Closed(&'static str),
    /// The session cookie cannot be set at the configured address.
    #[error("sign-in cannot work: {0}")]
    Obstacle(String),
    /// Too many tries.
    #[error("too many tries")]
    Throttled(ApiError),
    /// Hashing.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A stored row breaks an invariant.
    #[error("inconsistent row: {0}")]
    Inconsistent(String),
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
            Error::WrongCredentials => {
                Problem::new(Code::WrongCredentials, "Check both and try again. Capital letters count in the password.")
                    .into()
            }
            Error::EmailTaken => Problem::new(
                Code::AlreadyExists,
                "This e-mail cannot be used to sign up. If it is yours, sign in instead.",
            )
            .with_field("/email", "cannot be used to sign up")
            .into(),
            Error::Closed(why) => Problem::new(Code::SignUpClosed, why).into(),
            Error::Obstacle(why) => Problem::new(Code::Conflict, why).into(),
            Error::Throttled(problem) => problem,
            Error::Password(error) => error.into(),
            Error::Database(error) => error.into(),
            Error::Inconsistent(_) => ApiError::internal(&error),
        }
    }
}
