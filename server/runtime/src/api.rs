//! What callers ask of the runtime and what they are told.

use holon_engine::{Outcome, Refusal, Response};
use holon_model::context::Budget;
use holon_model::{EnvironmentId, FlowId, Millis, RunId, TenantId, Value};

use crate::definitions::DefinitionsError;
use crate::store::{AuditRow, Marks, StoreError};

/// Bytes that one payload may have: the input of a run or the result of an effect.
pub const MOST_PAYLOAD: usize = 2 << 20;

/// A run to start.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// Whose.
    pub tenant: TenantId,
    /// Where.
    pub environment: EnvironmentId,
    /// The environment's name, `run.environment` in expressions.
    pub environment_name: String,
    /// The flow.
    pub flow: FlowId,
    /// Its published version.
    pub version: i32,
    /// The run's id, new, minted by the caller.
    pub run: RunId,
    /// The trigger's value.
    pub input: Value,
    /// Key of the trigger node; absent: the manual trigger, or the only one.
    pub trigger: Option<String>,
    /// Kind of the trigger, such as `trigger.webhook`, for lists.
    pub trigger_kind: String,
    /// Who starts it, as the audit log names actors.
    pub actor: String,
    /// What it may spend.
    pub budget: Budget,
    /// `vars` in expressions.
    pub vars: Value,
    /// A key that starts one run, whoever races.
    pub idempotency: Option<Idempotency>,
    /// What the run is found by.
    pub marks: Marks,
    /// What the audit log says of it, where somebody asks for it: written with the run. Runs that triggers begin are told by their own rows.
    pub audit: Option<Box<AuditRow>>,
}

/// A key that starts one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// What the key is a key of, such as `api` or a webhook's address.
    pub scope: String,
    /// The key.
    pub key: String,
    /// Hash of the request: the same key with another request is an error.
    pub request_hash: [u8; 32],
    /// For how long the key is remembered.
    pub window: Millis,
}

/// A run that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// The run.
    pub run: RunId,
    /// Whether an earlier request with the same key had started it.
    pub replayed: bool,
}

/// Why a run was not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The runtime is starting, stopping, or its store is away: nothing is acknowledged.
    #[error("runs cannot be started at the moment; try again, with the same idempotency key if there was one")]
    Unavailable,
    /// The store has no space left.
    #[error("there is no space left to start runs")]
    StorageFull,
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyMismatch {
        /// The run that it started.
        run: RunId,
    },
    /// The input is larger than a payload may be.
    #[error("the input has {bytes} bytes, more than the {MOST_PAYLOAD} that are accepted")]
    PayloadTooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// The tenant has as many runs under way as it may have.
    #[error("too many runs are under way; try again when some of them are over")]
    TooMany,
    /// A person has paused the flow, its workspace or the instance.
    #[error("{0}")]
    Paused(String),
    /// As many runs of the flow go on, or wait, as may.
    #[error("{0}")]
    Full(String),
    /// More runs would begin than may in this time.
    #[error("more runs of the {} would begin than the {} in {} ms that may", .0.of, .0.limit, .0.per.0)]
    RateLimited(RateShown),
    /// The key by which the flow divides its runs cannot be computed from what this one is started with.
    #[error("the key of the flow's limits cannot be computed: {0}")]
    BadKey(String),
    /// The flow cannot be had.
    #[error(transparent)]
    Definition(#[from] DefinitionsError),
    /// Something that only an operator can mend.
    #[error("the run could not be stored: {0}")]
    Refused(String),
}

impl StartError {
    /// Whether the same start may be accepted later.
    pub fn passes(&self) -> bool {
        match self {
            Self::Unavailable
            | Self::StorageFull
            | Self::TooMany
            | Self::Paused(_)
            | Self::Full(_)
            | Self::RateLimited(_)
            | Self::Definition(DefinitionsError::Unavailable(_)) => true,
            Self::IdempotencyMismatch { .. }
            | Self::PayloadTooLarge { .. }
            | Self::BadKey(_)
            | Self::Definition(_)
            | Self::Refused(_) => false,
        }
    }
}

/// How a rate limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateShown {
    /// Whose: `flow` or `workspace`.
    pub of: &'static str,
    /// So many may pass.
    pub limit: u64,
    /// In this time.
    pub per: Millis,
    /// So many may pass now.
    pub left: u64,
    /// After this time one more may.
    pub after: Millis,
}

/// What became of something that was told to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// The run took it in, and that is durable.
    TakenIn,
    /// It cannot be lost any more, and the run has not said yet what it makes of it: it takes it in, or refuses it, when the replica that
    /// drives it comes to it. Telling it again is not needed.
    Kept,
}

/// Why something that happened was not taken in by a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliverError {
    /// There is no such run.
    #[error("there is no such run")]
    NotFound,
    /// It is over already.
    #[error("the run is over already")]
    Over,
    /// The runtime cannot say now; it may be taken in yet.
    #[error("the run cannot be reached at the moment; try again")]
    Unavailable,
    /// The run does not take it: nothing changed.
    #[error("{message}")]
    Refused {
        /// What programs read, see [`holon_engine::Refusal`].
        code: &'static str,
        /// What people read.
        message: String,
    },
}

impl From<Refusal> for DeliverError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal { code: "run_over", .. } => Self::Over,
            Refusal { code, message } => Self::Refused { code, message },
        }
    }
}

/// Why a run was not cancelled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// There is no such run.
    #[error("there is no such run")]
    NotFound,
    /// It is over already.
    #[error("the run is over already")]
    Over,
    /// The runtime cannot say now.
    #[error("the run cannot be cancelled at the moment; try again")]
    Unavailable,
}

/// Why a run was not retried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RetryError {
    /// There is no such run.
    #[error("there is no such run")]
    NotFound,
    /// It is not over, it completed, or another run goes on for it.
    #[error("only a run that failed or was cancelled can be retried")]
    NotFailed,
    /// It failed without having called anything: it would fail again at the same place.
    #[error("the run called nothing that could answer differently: it would fail again at the same place")]
    NothingToRetry,
    /// A saga of it went back: its steps were undone, and a retry would take them for done.
    #[error("the run undid what it had done: run it again instead")]
    Undone,
    /// Its journal does not give the same history with this build.
    #[error("the journal of the run does not replay: {0}")]
    Mismatch(String),
    /// The new run could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Why a run was not forked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// There is no such run.
    #[error("there is no such run")]
    NotFound,
    /// There are not so many inputs to copy, or none.
    #[error("the run can be forked at 1 to {most}")]
    Nowhere {
        /// How many inputs there are.
        most: i64,
    },
    /// The version is older than the one that recorded the inputs, or there is none.
    #[error("{0}")]
    Version(String),
    /// An input does not fit.
    #[error("input {seq} does not fit: {why}")]
    Unfit {
        /// Which one.
        seq: i64,
        /// Why, in words.
        why: String,
    },
    /// All inputs fit, and still nothing can go on from there.
    #[error("{0}")]
    Pointless(String),
    /// Its journal does not give the same history with this build.
    #[error("the journal of the run does not replay: {0}")]
    Mismatch(String),
    /// The new run could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Why a run cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// There is no such run.
    #[error("there is no such run")]
    NotFound,
    /// Its journal cannot be read now.
    #[error("the run cannot be read at the moment: {0}")]
    Unavailable(String),
}

impl From<StoreError> for FollowError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// What a caller who waits for a run is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The run answered.
    Responded(Response),
    /// The run ended without answering.
    Ended(Outcome),
}

/// That a run of a tenant changed: for lists, which read the rest themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub run: RunId,
    /// Of which flow.
    pub flow: FlowId,
    /// Its status now.
    pub status: &'static str,
}
