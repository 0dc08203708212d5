//! The one conversion to `application/problem+json`. The cause goes to the log, once, here; the answer says what
//! happened and what to do.

use std::borrow::Cow;
use std::fmt::Display;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use holon_authz::Denied;
use holon_model::{Code, Problem};
use holon_platform::crypto::PasswordError;
use holon_platform::db::TxError;
use holon_runtime::RateShown;

use super::limits::rate_headers;
use super::request_id;

/// An error on its way to the caller.
#[derive(Debug, Clone)]
pub struct ApiError {
    problem: Box<Problem>,
    retry_after: Option<u64>,
    limit: Option<RateShown>,
}

/// What routes answer.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// Something that should not happen: the cause is logged, the caller is told only that it happened.
    pub fn internal(cause: &(impl Display + ?Sized)) -> Self {
        tracing::error!(cause = %cause, "internal error");
        Problem::new(
            Code::Internal,
            "Something went wrong inside Holon. The operator finds the cause in the log under this request's id.",
        )
        .into()
    }

    /// No session or token, or one that is over.
    pub fn unauthenticated() -> Self {
        Problem::new(Code::Unauthenticated, "Sign in, or send an API token as `Authorization: Bearer holon_pat_…`.")
            .into()
    }

    /// The database is away, or the server is not ready.
    pub fn unavailable(detail: &str) -> Self {
        Self::from(Problem::new(Code::Unavailable, detail)).after(2)
    }

    /// The caller may try again after so many seconds.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// A rate limit was met: how it stands is told in the headers.
    #[must_use]
    pub fn limited(mut self, rate: RateShown) -> Self {
        self.retry_after = Some(rate.after.0.div_ceil(1_000).max(1));
        self.limit = Some(rate);
        self
    }

    /// After how many seconds the caller may try again, where that is known.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.problem.code
    }
}

/// Any error of a use case as pages show it.
pub fn problem(error: impl Into<ApiError>) -> Problem {
    error.into().into()
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), retry_after: None, limit: None }
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        let mut problem = *error.problem;
        problem.request_id = request_id().map(|id| id.to_string());
        problem
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Problem::new(Code::Forbidden, format!("This needs the permission `{}:{}`.", denied.resource, denied.verb))
            .into()
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::from(Problem::new(
                Code::TooManyRequests,
                "Many people are signing in at once. Try again in a few seconds.",
            ))
            .after(3),
            PasswordError::Failed(_) => Self::internal(&error),
        }
    }
}

impl From<TxError> for ApiError {
    fn from(error: TxError) -> Self {
        match error {
            TxError::Database(error) => error.into(),
            TxError::NotSet => Self::internal(&error),
        }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        match Trouble::of(&error) {
            Trouble::Away => {
                tracing::warn!(cause = %error, "the database does not answer");
                Self::unavailable("The database does not answer at the moment. Nothing was changed; try again shortly.")
            }
            Trouble::Slow => {
                tracing::warn!(cause = %error, "a statement was cancelled for taking too long");
                Self::unavailable("The database took too long. Nothing was changed; try again shortly.")
            }
            Trouble::Full => {
                tracing::error!(cause = %error, "no space left for the database");
                Problem::new(
                    Code::StorageFull,
                    "The database's disk is full. Nothing was changed; the operator must make room.",
                )
                .into()
            }
            Trouble::Text => {
                Problem::new(Code::ValidationFailed, "A text holds a character that cannot be stored (U+0000).").into()
            }
            Trouble::Other => Self::internal(&error),
        }
    }
}

/// Kinds of trouble with the database that a caller should be able to tell apart.
enum Trouble {
    Away,
    Slow,
    Full,
    Text,
    Other,
}

impl Trouble {
    fn of(error: &sqlx::Error) -> Self {
        let code = match error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                return Self::Away;
            }
            sqlx::Error::Database(e) => e.code().unwrap_or(Cow::Borrowed("")).into_owned(),
            _ => return Self::Other,
        };
        // https://www.postgresql.org/docs/current/errcodes-appendix.html
        match code.as_str() {
            "57014" | "55P03" | "40001" | "40P01" => Self::Slow,
            "53100" => Self::Full,
            "22021" | "22P05" => Self::Text,
            code if code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") => Self::Away,
            _ => Self::Other,
        }
    }
}

/// True when a statement met a row with the same unique key.
pub fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (retry_after, limit) = (self.retry_after, self.limit);
        let problem = Problem::from(self);
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(rate) = limit {
            rate_headers(response.headers_mut(), &rate);
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
