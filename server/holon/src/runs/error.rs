//! What can go wrong with a run, and how the API says it.

use holon_engine::is_batch;
use holon_model::{Code, FlowId, Problem, RunId, error::FieldError};
use holon_platform::db::TxError;
use holon_runtime::{CancelError, DefinitionsError, DeliverError, FollowError, ForkError, RetryError, StartError};

use crate::http::ApiError;

/// Seconds after which a workspace with too many live runs may have room for one.
const AGAIN_AFTER: u64 = 5;
/// Seconds after which what is paused may go on: people pause for minutes and hours.
const PAUSED_AGAIN_AFTER: u64 = 60;

/// Why a use case of runs was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, or another tenant's: the same.
    #[error("there is no run {0}")]
    NotFound(RunId),
    /// Unknown flow.
    #[error("there is no flow {0}")]
    NoFlow(FlowId),
    /// The flow was never published.
    #[error("flow {0} has no published version")]
    NotPublished(FlowId),
    /// The start names no trigger of the flow.
    #[error("flow has no trigger `{0}`")]
    NoTrigger(String),
    /// The version in force has not the trigger that a run came from.
    #[error("{0} was started by the trigger `{1}`, which is gone")]
    TriggerGone(RunId, String),
    /// It ended before it began, and nobody kept what it was to begin with.
    #[error("{0} never began")]
    NeverBegan(RunId),
    /// The input does not match the flow's input schema.
    #[error("the input does not match the flow's schema")]
    BadInput(Vec<FieldError>),
    /// What the run is to be found by is not as it must be.
    #[error("the labels or the correlation are not as they must be")]
    BadMarks(Vec<FieldError>),
    /// What is stored does not read back.
    #[error("the journal of {0} does not read back: {1}")]
    Inconsistent(RunId, String),
    /// The definition cannot be had.
    #[error(transparent)]
    Definition(#[from] DefinitionsError),
    /// The runtime did not accept the start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The runtime did not cancel.
    #[error(transparent)]
    Cancel(#[from] CancelError),
    /// The runtime did not do to it what was asked: `paused`, `resumed`, `terminated`.
    #[error("the run was not {0}: {1}")]
    Order(&'static str, DeliverError),
    /// The runtime did not fork.
    #[error(transparent)]
    Fork(#[from] ForkError),
    /// The runtime did not retry.
    #[error(transparent)]
    Retry(#[from] RetryError),
    /// The run cannot be followed.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The workspace reads as many live streams as it may.
    #[error("too many live streams are open")]
    TooManyStreams,
    /// The workspace replays as many runs as it may.
    #[error("too many runs are replayed")]
    TooManyReplays,
    /// The run has only so many inputs.
    #[error("{0} has {1} inputs")]
    NoInput(RunId, i64),
    /// The journal cannot be replayed beyond so many inputs.
    #[error("the journal of {0} does not replay beyond input {1}: {2}")]
    NoHistory(RunId, i64, String),
    /// What a back-test is asked for is not as it must be.
    #[error("{0} {1}")]
    BadBacktest(&'static str, String),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The tenant's transaction.
    #[error(transparent)]
    Tx(#[from] TxError),
}

/// The same for a run that never was, one of somebody else, and one whose history was forgotten.
const UNKNOWN: &str = "There is no run with this id, or its history is not kept any more: how long history is kept stands in \
                       the settings of the workspace.";

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(_) => Problem::new(Code::NotFound, UNKNOWN).into(),
            Error::NoFlow(_) => Problem::new(Code::NotFound, "There is no flow with this id.").into(),
            Error::NotPublished(_) => {
                Problem::new(Code::Conflict, "This flow has no published version. Publish it, then run it.").into()
            }
            Error::NoTrigger(name) => {
                Problem::new(Code::ValidationFailed, format!("The published version has no trigger `{name}`."))
                    .with_field("/trigger", "name a trigger node of the published version, or leave it out")
                    .into()
            }
            Error::TriggerGone(run, key) if is_batch(&key) => {
                let detail = format!(
                    "{run} is a batch: it was started by what other runs brought to `{}`. Run one of those again; \
                     their ids stand in its journal.",
                    key.trim_end_matches('/')
                );
                Problem::new(Code::Conflict, detail).into()
            }
            Error::TriggerGone(run, key) => {
                let detail = format!(
                    "{run} was started by the trigger `{key}`, which the version in force does not have (any more, or \
                     switched off). Start the flow from one of the triggers that it has."
                );
                Problem::new(Code::Conflict, detail).into()
            }
            Error::NeverBegan(run) => {
                let detail = format!("{run} never began, and what it was to begin with was not kept. Start the flow itself.");
                Problem::new(Code::Conflict, detail).into()
            }
            Error::BadInput(errors) => {
                let detail = "The input does not match the flow's input schema. No run was started.";
                let mut problem = Problem::new(Code::ValidationFailed, detail);
                problem.errors = errors;
                problem.into()
            }
            Error::BadMarks(errors) => {
                let detail = "The labels or the correlation are not as they must be. No run was started.";
                let mut problem = Problem::new(Code::ValidationFailed, detail);
                problem.errors = errors;
                problem.into()
            }
            Error::Cancel(CancelError::NotFound)
            | Error::Retry(RetryError::NotFound)
            | Error::Order(_, DeliverError::NotFound)
            | Error::Fork(ForkError::NotFound)
            | Error::Follow(FollowError::NotFound) => {
                Problem::new(Code::NotFound, "There is no run with this id.").into()
            }
            Error::Cancel(CancelError::Over) => {
                Problem::new(Code::Conflict, "The run is over already; there is nothing to cancel.").into()
            }
            Error::Cancel(CancelError::Unavailable) | Error::Order(_, DeliverError::Unavailable) => unknown(),
            Error::Order(done, DeliverError::Over) => {
                Problem::new(Code::Conflict, format!("The run is over already; it cannot be {done}.")).into()
            }
            Error::Order(done, DeliverError::Refused { message, .. }) => {
                Problem::new(Code::Conflict, format!("The run was not {done}: {message}.")).into()
            }
            Error::Fork(error) => fork_problem(error),
            Error::TooManyStreams => {
                let detail = "This workspace has as many live streams open as it may. Close some of its pages, or ask again shortly.";
                ApiError::from(Problem::new(Code::TooManyRequests, detail)).after(AGAIN_AFTER)
            }
            Error::TooManyReplays => {
                let detail = "This workspace has as many replays and back-tests under way as it may. Ask again when one of them is done.";
                ApiError::from(Problem::new(Code::TooManyRequests, detail)).after(AGAIN_AFTER)
            }
            Error::NoInput(_, inputs) => {
                let last = inputs - 1;
                let detail = format!("The run has no such input: its journal has {inputs} so far, 0 to {last}.");
                Problem::new(Code::NotFound, detail).into()
            }
            Error::NoHistory(run, seq, why) => {
                let detail = format!(
                    "{run} cannot be shown there: its journal does not replay at input {seq} ({why}). \
                     `GET /api/v1/runs/{run}/verify` says what differs first."
                );
                Problem::new(Code::Conflict, detail).into()
            }
            Error::BadBacktest(pointer, must) => {
                Problem::new(Code::ValidationFailed, "Nothing was tried.").with_field(pointer, must).into()
            }
            Error::Follow(FollowError::Unavailable(_)) => unread(),
            Error::Retry(RetryError::NotFailed) => {
                Problem::new(Code::Conflict, "Only a run that failed or was cancelled can be retried.").into()
            }
            Error::Retry(RetryError::Undone) => Problem::new(
                Code::Conflict,
                "The run undid what it had done: a retry would take undone steps for done. Run it again: that does every \
                 step anew.",
            )
            .into(),
            Error::Retry(RetryError::NothingToRetry) => Problem::new(
                Code::Conflict,
                "The run failed by itself: it called nothing that could answer differently, so a retry would fail at the \
                 same place. Change the flow and publish it, then run it again; or run it again with edited input.",
            )
            .into(),
            Error::Retry(RetryError::Mismatch(why)) => {
                let detail =
                    format!("The run cannot be retried: its journal does not give the same history any more ({why}).");
                Problem::new(Code::Conflict, detail).into()
            }
            Error::Retry(RetryError::Start(error)) => start_problem(error),
            Error::Inconsistent(..) => ApiError::internal(&error),
            Error::Definition(error) => definition_problem(error),
            Error::Start(error) => start_problem(error),
            Error::Database(error) => error.into(),
            Error::Tx(error) => error.into(),
        }
    }
}

fn fork_problem(error: ForkError) -> ApiError {
    let refused = |pointer: &str, detail: String| {
        Problem::new(Code::ValidationFailed, "The run cannot be forked like this.").with_field(pointer, detail)
    };
    match error {
        ForkError::NotFound => Problem::new(Code::NotFound, "There is no run with this id.").into(),
        ForkError::Nowhere { most } => {
            refused("/seq", format!("must be 1 to {most}: the run has {most} inputs, and the start is always copied"))
                .into()
        }
        ForkError::Version(why) => refused("/version", format!("{why}; name its own version or a newer one")).into(),
        ForkError::Unfit { seq, why } => {
            refused("/seq", format!("input {seq} does not fit the version: {why}. Fork at {seq} or before")).into()
        }
        ForkError::Pointless(why) => refused("/seq", why).into(),
        ForkError::Mismatch(why) => {
            let detail =
                format!("The run cannot be forked: its journal does not give the same history any more ({why}).");
            Problem::new(Code::Conflict, detail).into()
        }
        ForkError::Start(error) => start_problem(error),
    }
}

/// Why a published definition cannot be had, as the API says it.
pub fn definition_problem(error: DefinitionsError) -> ApiError {
    match error {
        DefinitionsError::NotFound => Problem::new(Code::NotFound, "There is no such version of the flow.").into(),
        DefinitionsError::Unavailable(_) => unread(),
        DefinitionsError::Broken(_) => ApiError::internal(&error),
    }
}

/// Why a start was not accepted, as the API says it.
pub fn start_problem(error: StartError) -> ApiError {
    match error {
        StartError::IdempotencyMismatch { run } => Problem::new(
            Code::IdempotencyMismatch,
            format!("This idempotency key started {run} with another input. Use a new key for a new request."),
        )
        .into(),
        StartError::PayloadTooLarge { .. } => {
            Problem::new(Code::PayloadTooLarge, format!("{error}. No run was started.")).into()
        }
        StartError::StorageFull => {
            Problem::new(Code::StorageFull, "The disk of the database is full. No run was started.").into()
        }
        StartError::TooMany => {
            let problem = Problem::new(Code::TooManyRequests, format!("{error}. No run was started."));
            ApiError::from(problem).after(AGAIN_AFTER)
        }
        StartError::Paused(why) => {
            let detail = format!("No run was started: {why}.");
            ApiError::from(Problem::new(Code::Paused, detail)).after(PAUSED_AGAIN_AFTER)
        }
        StartError::Full(why) => {
            let detail = format!("No run was started: {why}.");
            ApiError::from(Problem::new(Code::TooManyRequests, detail)).after(AGAIN_AFTER)
        }
        StartError::RateLimited(rate) => {
            let per = holon_flow::definition::duration::format(rate.per);
            let detail = format!("No run was started: {} runs of this {} may begin in {per}.", rate.limit, rate.of);
            ApiError::from(Problem::new(Code::TooManyRequests, detail)).limited(rate)
        }
        StartError::BadKey(why) => {
            let detail =
                format!("No run was started: the key of the flow's limits cannot be computed from the input: {why}.");
            Problem::new(Code::ValidationFailed, detail).with_field("/input", why).into()
        }
        StartError::Definition(error) => definition_problem(error),
        StartError::Unavailable => unknown(),
        StartError::Refused(_) => ApiError::internal(&error),
    }
}

/// What was asked may have been done, or may be done yet: the answer to it did not come.
fn unknown() -> ApiError {
    ApiError::unavailable(
        "Holon cannot say at the moment whether this was done. Send it again, with the same `Idempotency-Key` if there was one.",
    )
}

/// Something could not be read, so nothing was done.
fn unread() -> ApiError {
    ApiError::unavailable("What this needs cannot be read at the moment. Nothing was changed; try again shortly.")
}
