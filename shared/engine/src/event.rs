//! Events: what became true. Derived from inputs, streamed to people and hashed into the log, never journaled themselves.

use crate::{EffectId, path::FramePath};
use holon_flow::capability::NodeError;
use holon_model::{RunId, Timestamp, Value};
use std::{fmt, sync::Arc};

/// `seq.index`: the number of the input and the number of the event it made. Ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// Number of the input, from 0.
    pub seq: u64,
    /// Number of the event within its decision, from 0.
    pub index: u32,
}

/// One thing that became true.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// The node it is about, if it is about one.
    pub node: Option<EventNode>,
    /// What became true.
    pub kind: EventKind,
}

/// The node an event is about, as it was then.
#[derive(Debug, Clone, PartialEq)]
pub struct EventNode {
    /// The graph it runs in.
    pub frame: FramePath,
    /// Its key.
    pub key: Arc<str>,
    /// The value on its in-port.
    pub input: Value,
    /// When it started.
    pub started_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// When its value was given to an earlier effect, if it was.
    pub kept: Option<Timestamp>,
    /// When it came to wait for its turn, if it had to.
    pub queued: Option<Timestamp>,
}

/// What became true.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// The run began.
    RunStarted,
    /// Cancelling began; what must be cleaned up is being cleaned up.
    CancelRequested {
        /// Why.
        reason: String,
    },
    /// The run completed.
    RunCompleted {
        /// Its output.
        output: Value,
    },
    /// The run failed.
    RunFailed {
        /// Why.
        error: NodeError,
    },
    /// The run was cancelled.
    RunCancelled {
        /// Why.
        reason: String,
    },
    /// Another run goes on for this one.
    RunContinued {
        /// What that one is started with.
        input: Value,
    },
    /// A node that takes time began, or began another attempt.
    NodeStarted,
    /// A node waits for a time.
    NodeWaiting {
        /// Until then.
        until: Timestamp,
        /// The failure after which it waits to try again, if that is why.
        error: Option<NodeError>,
    },
    /// A node waits for something that no timer brings.
    NodeAwaits {
        /// What for.
        what: Awaited,
    },
    /// A step of a saga moved on, forwards or back.
    SagaStep {
        /// Its name.
        step: Arc<str>,
        /// Where it is now.
        state: StepState,
    },
    /// A node succeeded; nodes that take no time have no other event.
    NodeSucceeded {
        /// The out-port.
        port: Arc<str>,
        /// What it emitted there.
        output: Value,
    },
    /// A node failed.
    NodeFailed {
        /// Why.
        error: NodeError,
    },
    /// A node will not run.
    NodeSkipped,
    /// A running node was stopped.
    NodeCancelled,
    /// The caller was answered.
    Responded {
        /// HTTP status.
        status: u16,
    },
}

/// What a node waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Awaited {
    /// A signal.
    Signal {
        /// Which wait.
        id: EffectId,
        /// The signal's name.
        name: Arc<str>,
        /// Which of several.
        correlation: Arc<str>,
    },
    /// The answer to a task.
    Task {
        /// Which task.
        id: EffectId,
    },
    /// A person who says what to do about a compensation that keeps failing.
    Person {
        /// Which task.
        id: EffectId,
    },
    /// The end of another run.
    Child {
        /// Which call.
        id: EffectId,
    },
    /// What becomes of the batch that its item is in.
    Batch {
        /// Which item.
        id: EffectId,
        /// Which run that is, once it is known.
        batch: Option<RunId>,
    },
    /// The end of one of those of its node that go on: as many do as may.
    Turn,
}

/// Where a step of a saga is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Its body runs.
    Running,
    /// Its body is over, with a value.
    Completed,
    /// Its body failed.
    Failed,
    /// Its body was stopped.
    Cancelled,
    /// What it did is being undone.
    Compensating,
    /// What it did is undone.
    Compensated,
    /// Undoing it keeps failing: a person must say what to do.
    Parked,
    /// A person said that it stays done.
    Skipped,
    /// A person undid it by hand.
    ByHand,
}

impl StepState {
    /// The name that wires carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Compensating => "compensating",
            Self::Compensated => "compensated",
            Self::Parked => "parked",
            Self::Skipped => "skipped",
            Self::ByHand => "by_hand",
        }
    }
}

impl EventKind {
    /// The name that streams carry.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunStarted => "run_started",
            Self::CancelRequested { .. } => "cancel_requested",
            Self::RunCompleted { .. } => "run_completed",
            Self::RunFailed { .. } => "run_failed",
            Self::RunCancelled { .. } => "run_cancelled",
            Self::RunContinued { .. } => "run_continued",
            Self::NodeStarted => "node_started",
            Self::NodeWaiting { .. } | Self::NodeAwaits { .. } => "node_waiting",
            Self::SagaStep { .. } => "saga_step",
            Self::NodeSucceeded { .. } => "node_succeeded",
            Self::NodeFailed { .. } => "node_failed",
            Self::NodeSkipped => "node_skipped",
            Self::NodeCancelled => "node_cancelled",
            Self::Responded { .. } => "responded",
        }
    }

    /// Whether the run is over with it.
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::RunCompleted { .. } | Self::RunFailed { .. } | Self::RunCancelled { .. } | Self::RunContinued { .. }
        )
    }
}

impl EventNode {
    /// The structural path.
    pub fn path(&self) -> String {
        self.frame.node(&self.key)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.seq, self.index)
    }
}

impl std::str::FromStr for EventId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = "an event's id is written `seq.index`";
        let (seq, index) = text.split_once('.').ok_or(error)?;
        Ok(Self { seq: seq.parse().map_err(|_| error)?, index: index.parse().map_err(|_| error)? })
    }
}
