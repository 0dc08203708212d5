//! Commands: what the host must do once the inputs are durable. The same id always carries the same bytes.

use crate::{EffectId, Outcome, TimerId};
use holon_flow::{capability::EffectClass, definition::KindRef};
use holon_model::{Millis, Timestamp, Value, canon::Canon};

/// One thing for the host to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Do an effect and answer with [`crate::Input::EffectCompleted`].
    RunEffect(Box<RunEffect>),
    /// The answer is not wanted any more.
    CancelEffect {
        /// Which effect.
        id: EffectId,
    },
    /// Answer with [`crate::Input::TimerFired`] when `due` has come.
    SetTimer {
        /// Which timer.
        id: TimerId,
        /// When.
        due: Timestamp,
    },
    /// The timer is not wanted any more.
    CancelTimer {
        /// Which timer.
        id: TimerId,
    },
    /// Answer the caller who waits for this run; at most one in a run.
    Respond(Response),
    /// The run is over; the last command.
    Finish(Outcome),
}

/// An effect to do.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEffect {
    /// Its id.
    pub id: EffectId,
    /// Structural path, such as `each[3]/call`.
    pub path: String,
    /// The node's kind.
    pub kind: KindRef,
    /// Evaluated config, frozen for all attempts.
    pub config: Value,
    /// The value on the in-port.
    pub input: Value,
    /// The idempotency key: hexadecimal of `id`.
    pub key: String,
    /// What doing it again means for the outside.
    pub class: EffectClass,
    /// From 1. Outside the compared bytes.
    pub attempt: u32,
    /// The node's timeout over all attempts; the machine keeps it with a timer of its own.
    pub timeout: Option<Millis>,
}

/// The answer to a synchronous caller.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Response {
    /// HTTP status, 100 to 599.
    pub status: u16,
    /// Headers by name, text or list of texts.
    pub headers: Value,
    /// The body.
    pub body: Value,
}

impl Command {
    /// The bytes that are compared between two commands of one id: all of it but the attempt.
    pub fn canonical(&self) -> Vec<u8> {
        let mut canon = Canon::new();
        match self {
            Self::RunEffect(effect) => {
                canon.tag(b'E').bytes(&effect.id.0).text(&effect.path);
                effect.content(&mut canon);
            }
            Self::CancelEffect { id } => {
                canon.tag(b'e').bytes(&id.0);
            }
            Self::SetTimer { id, due } => {
                canon.tag(b'T').u64(id.0).u64(due.0.cast_unsigned());
            }
            Self::CancelTimer { id } => {
                canon.tag(b't').u64(id.0);
            }
            Self::Respond(response) => response.content(&mut canon),
            Self::Finish(outcome) => {
                canon.tag(b'F');
                outcome.content(&mut canon);
            }
        }
        canon.as_bytes().to_vec()
    }
}

impl RunEffect {
    /// What the log hash covers besides the place: neither ids (they hold the run's id) nor the attempt.
    pub(crate) fn content(&self, canon: &mut Canon) {
        canon.text(&self.kind.name).u64(self.kind.version.into()).value(&self.config).value(&self.input);
        canon.tag(class_tag(self.class)).u64(self.timeout.map_or(u64::MAX, |timeout| timeout.0));
    }
}

impl Response {
    pub(crate) fn content(&self, canon: &mut Canon) {
        canon.tag(b'R').u64(self.status.into()).value(&self.headers).value(&self.body);
    }
}

impl Outcome {
    /// Codes instead of messages: words may be mended without changing what a run was.
    pub(crate) fn content(&self, canon: &mut Canon) {
        match self {
            Self::Ok(payload) => canon.tag(b'+').value(&payload.to_value()),
            Self::Failed { error } => canon.tag(b'-').text(&error.code).tag(error.retryable.into()),
            Self::Cancelled { .. } => canon.tag(b'0'),
        };
    }
}

fn class_tag(class: EffectClass) -> u8 {
    match class {
        EffectClass::Pure => 0,
        EffectClass::Idempotent => 1,
        EffectClass::AtMostOnce => 2,
        EffectClass::Transactional => 3,
        EffectClass::Outbox => 4,
    }
}
