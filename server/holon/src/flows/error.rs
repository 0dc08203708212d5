//! What can go wrong with a flow, and how the API says it.

use std::convert::Infallible;

use holon_flow::definition::Definition;
use holon_model::document::Refused;
use holon_model::wire::flows::{Diagnostic, Severity};
use holon_model::{Code, FlowId, Problem, error::FieldError};
use holon_platform::db::TxError;
use holon_studio::CommandError;

use crate::http::ApiError;
use crate::{events, failures, polls, schedules};

/// Why a use case of flows was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, or another tenant's: the same.
    #[error("there is no flow {0}")]
    NotFound(FlowId),
    /// Unknown version.
    #[error("flow {0} has no version {1}")]
    NoVersion(FlowId, i32),
    /// There is no such example.
    #[error("there is no example `{0}`")]
    NoExample(String),
    /// Somebody saved in between.
    #[error("the draft is at revision {present}, the change was made on {base}")]
    Stale {
        /// What the change was made on.
        base: i64,
        /// What is there.
        present: i64,
    },
    /// The JSON is not a definition at all: it cannot even be a draft.
    #[error("the body is not a flow definition")]
    Malformed(Vec<Diagnostic>),
    /// The definition has errors: a draft may, a version may not.
    #[error("the flow has problems")]
    Invalid(Vec<Diagnostic>),
    /// The nodes do what who publishes may not.
    #[error("the flow does what its publisher may not")]
    Lacking(Vec<FieldError>),
    /// Publishing would make more schedules than a tenant may have.
    #[error("there would be too many schedules")]
    TooManySchedules,
    /// The version would give the tenant more failure triggers than it may have.
    #[error("there would be too many failure triggers")]
    TooManyFailureTriggers,
    /// The version would give the tenant more subscriptions than it may have.
    #[error("there would be too many subscriptions")]
    TooManySubscriptions,
    /// The version would give the tenant more polls than it may have.
    #[error("there would be too many polls")]
    TooManyPolls,
    /// A command of the editor cannot be applied.
    #[error("command {index}: {message}")]
    Command {
        /// Which, from 0.
        index: usize,
        /// Why not.
        message: String,
    },
    /// The test address is unknown or over.
    #[error("the test address is not known or has expired")]
    NoCatch,
    /// A stored definition does not read back.
    #[error("the stored definition of flow {0} does not read back")]
    Inconsistent(FlowId),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The tenant's transaction.
    #[error(transparent)]
    Tx(#[from] TxError),
}

impl From<Refused<CommandError>> for Error {
    fn from(refused: Refused<CommandError>) -> Self {
        match refused {
            Refused::Stale { base, present } => Self::Stale { base, present },
            Refused::Change(CommandError::At { index, cause }) => Self::Command { index, message: cause.to_string() },
            Refused::Change(error) => Self::Command { index: 0, message: error.to_string() },
        }
    }
}

impl From<Refused<Infallible>> for Error {
    fn from(refused: Refused<Infallible>) -> Self {
        match refused {
            Refused::Stale { base, present } => Self::Stale { base, present },
            Refused::Change(never) => match never {},
        }
    }
}

/// A stored definition, read back.
pub fn stored(id: FlowId, text: &str) -> Result<Definition, Error> {
    let value = holon_model::json::parse(text.as_bytes()).map_err(|_| Error::Inconsistent(id))?;
    Definition::from_value(&value).map_err(|_| Error::Inconsistent(id))
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(_) => Problem::new(Code::NotFound, "There is no flow with this id.").into(),
            Error::NoVersion(_, number) => {
                Problem::new(Code::NotFound, format!("This flow has no version {number}.")).into()
            }
            Error::NoExample(name) => Problem::new(
                Code::NotFound,
                format!("There is no example `{name}`. `GET /api/v1/examples` lists them."),
            )
            .into(),
            Error::NoCatch => {
                Problem::new(Code::NotFound, "This test address is not known or has expired. Ask for a new one.").into()
            }
            Error::Stale { base, present } => Problem::new(
                Code::StaleRevision,
                format!(
                    "The change was made on revision {base}, and revision {present} is saved. Nothing was overwritten: \
                     read the flow again and make the change on what is there."
                ),
            )
            .into(),
            Error::Malformed(diagnostics) => {
                problem(Code::InvalidDefinition, "This JSON is not a flow definition.", &diagnostics).into()
            }
            Error::Invalid(diagnostics) => {
                problem(Code::InvalidDefinition, "The draft has errors. Mend them, then publish.", &diagnostics).into()
            }
            Error::Lacking(nodes) => {
                let detail = "The flow does what you may not do. Nothing was published: somebody who may can publish it.";
                let mut problem = Problem::new(Code::Forbidden, detail);
                problem.errors = nodes;
                problem.into()
            }
            Error::Command { index, message } => Problem::new(
                Code::ValidationFailed,
                format!("Command {index} cannot be applied: {message}. None of the commands was saved."),
            )
            .with_field(format!("/commands/{index}"), message)
            .into(),
            Error::TooManySubscriptions => Problem::new(
                Code::Conflict,
                format!(
                    "With this version the workspace would have more than {} event triggers. Nothing was published: delete flows \
                     with triggers that are not needed.",
                    events::MOST
                ),
            )
            .into(),
            Error::TooManyPolls => Problem::new(
                Code::Conflict,
                format!(
                    "With this version the workspace would have more than {} polls. Nothing was published: delete flows \
                     with polling triggers that are not needed.",
                    polls::MOST
                ),
            )
            .into(),
            Error::TooManySchedules => Problem::new(
                Code::Conflict,
                format!(
                    "With this version the workspace would have more than {} schedules. Nothing was published: delete flows \
                     with schedules that are not needed.",
                    schedules::MOST
                ),
            )
            .into(),
            Error::TooManyFailureTriggers => Problem::new(
                Code::Conflict,
                format!(
                    "With this version the workspace would have more than {} failure triggers. Nothing was published: one \
                     flow can care for the failures of all.",
                    failures::MOST
                ),
            )
            .into(),
            Error::Inconsistent(_) => ApiError::internal(&error),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}

fn problem(code: Code, detail: &str, diagnostics: &[Diagnostic]) -> Problem {
    /// More would help nobody.
    const MOST: usize = 100;
    let mut problem = Problem::new(code, detail);
    problem.errors = diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .take(MOST)
        .map(|found| FieldError {
            pointer: found.pointer.clone(),
            detail: found.hint.as_ref().map_or_else(
                || found.message.clone(),
                |hint| format!("{}. {hint}", found.message.trim_end_matches('.')),
            ),
            code: Some(found.code.clone()),
        })
        .collect();
    problem
}
