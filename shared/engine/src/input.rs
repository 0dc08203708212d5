//! Inputs: what happened, stamped by the host. They are all that is journaled, so this file only grows.

use holon_flow::capability::NodeError;
use holon_model::{Payload, RunId, Timestamp, Value, canon};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// First byte of an encoded input; another one is another format.
const FORMAT: u8 = 1;

/// Something with the host's time on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped<T> {
    /// When it happened, as the host saw it; the machine never goes back in time.
    pub at: Timestamp,
    /// What happened.
    pub value: T,
}

impl<T> Stamped<T> {
    /// `value`, at this time.
    pub fn new(at: Timestamp, value: T) -> Self {
        Self { at, value }
    }
}

/// Everything that can happen to a run. Variants and their fields are appended to, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// The run was accepted. The first input, once.
    Start {
        /// The trigger's value.
        input: Payload,
        /// What is fixed for the whole run.
        run: Box<RunInfo>,
    },
    /// An attempt at an effect is over.
    EffectCompleted {
        /// Which effect.
        id: EffectId,
        /// Which attempt, from 1, as its command said; answers to other attempts than the present one change nothing.
        attempt: u32,
        /// How it ended.
        outcome: Outcome,
    },
    /// A timer's time came.
    TimerFired {
        /// Which timer.
        id: TimerId,
    },
    /// Somebody asked for the end.
    Cancel {
        /// Why.
        reason: String,
    },
}

/// What is fixed for the whole run; it stands in the journal's first row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The run; `run.id` in expressions. Not part of the log hash.
    pub run_id: RunId,
    /// The run whose id the effects' keys are made from: the original one where this run retries it. Not part of the log hash.
    pub key_run: Option<RunId>,
    /// Source of jitter.
    pub seed: u64,
    /// When the run was accepted; `run.started_at` in expressions.
    pub started_at: Timestamp,
    /// Key of the trigger that starts it; absent: the manual trigger, else the first by key.
    pub trigger: Option<Arc<str>>,
    /// Units of fuel.
    pub fuel: u64,
    /// Bytes of values that may be made.
    pub bytes: u64,
    /// Which meaning of the machine applies, see [`crate::SEMANTICS`].
    pub semantics: u32,
    /// `vars` in expressions.
    pub vars: Value,
    /// Name of the environment, such as `prod`.
    pub environment: String,
}

impl RunInfo {
    /// A run with the default budget, present semantics, no variables, in `prod`.
    pub fn new(run_id: RunId, seed: u64, started_at: Timestamp) -> Self {
        let budget = holon_model::context::Budget::default();
        Self {
            run_id,
            key_run: None,
            seed,
            started_at,
            trigger: None,
            fuel: budget.fuel,
            bytes: budget.bytes,
            semantics: crate::SEMANTICS,
            vars: Value::map::<&str>([]),
            environment: "prod".into(),
        }
    }
}

/// How an effect, or a whole run, ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// With a value.
    Ok(Payload),
    /// Without one.
    Failed {
        /// Why.
        error: NodeError,
    },
    /// It was cancelled; runs only.
    Cancelled {
        /// Why.
        reason: String,
    },
}

/// An effect: blake3 of run id, path and iteration, cut to 16 bytes. In hexadecimal it is the idempotency key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectId(pub [u8; 16]);

impl EffectId {
    /// The idempotency key that the outside sees: 32 hexadecimal digits.
    pub fn key(&self) -> String {
        canon::hex(&self.0)
    }
}

impl fmt::Debug for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())
    }
}

/// A timer of a run, numbered from 1 in the order in which the machine set them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimerId(pub u64);

/// Bytes that are not an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written in a format this build does not know.
    #[error("the input is written in format {0}, this build reads format {FORMAT}")]
    Format(u8),
    /// Cut off, or not an input at all.
    #[error("the bytes are not an input of the machine")]
    Malformed,
}

/// An input as the journal keeps it.
pub fn encode_input(input: &Input) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    // Serialising plain data into a growing vector has nothing that can fail.
    if let Ok(body) = postcard::to_allocvec(input) {
        bytes.extend_from_slice(&body);
    }
    bytes
}

/// An input from the journal.
///
/// # Errors
/// Another format, or bytes that are not one whole input.
pub fn decode_input(bytes: &[u8]) -> Result<Input, DecodeError> {
    match bytes {
        [FORMAT, body @ ..] => match postcard::take_from_bytes(body) {
            Ok((input, [])) => Ok(input),
            _ => Err(DecodeError::Malformed),
        },
        [other, ..] => Err(DecodeError::Format(*other)),
        [] => Err(DecodeError::Malformed),
    }
}

impl Input {
    /// What kind of input it is, for people and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::EffectCompleted { outcome: Outcome::Ok(_), .. } => "effect_completed",
            Self::EffectCompleted { .. } => "effect_failed",
            Self::TimerFired { .. } => "timer_fired",
            Self::Cancel { .. } => "cancel",
        }
    }

    /// The input for people: what the journal page shows.
    pub fn shown(&self) -> Value {
        match self {
            Self::Start { input, run } => Value::map([
                ("input", input.to_value()),
                ("trigger", run.trigger.clone().map_or(Value::Null, Value::Str)),
                ("fuel", Value::Int(i64::try_from(run.fuel).unwrap_or(i64::MAX))),
                ("bytes", Value::Int(i64::try_from(run.bytes).unwrap_or(i64::MAX))),
                ("semantics", Value::from(run.semantics)),
            ]),
            Self::EffectCompleted { id, attempt, outcome } => {
                let (name, value) = match outcome {
                    Outcome::Ok(payload) => ("value", payload.to_value()),
                    Outcome::Failed { error } => ("error", error.to_value()),
                    Outcome::Cancelled { reason } => ("cancelled", Value::from(reason.as_str())),
                };
                Value::map([("key", Value::from(id.key())), ("attempt", Value::from(*attempt)), (name, value)])
            }
            Self::TimerFired { id } => Value::map([("timer", Value::Int(i64::try_from(id.0).unwrap_or(i64::MAX)))]),
            Self::Cancel { reason } => Value::map([("reason", Value::from(reason.as_str()))]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_reads_back_from_its_bytes_and_nothing_may_follow() {
        let input = Input::EffectCompleted {
            id: EffectId([7; 16]),
            attempt: 2,
            outcome: Outcome::Ok(Value::map([("a", Value::Decimal("0.10".parse().unwrap()))]).into()),
        };
        let mut bytes = encode_input(&input);
        assert_eq!(decode_input(&bytes), Ok(input));
        bytes.push(0);
        assert_eq!(decode_input(&bytes), Err(DecodeError::Malformed));
        bytes[0] = 9;
        assert_eq!(decode_input(&bytes), Err(DecodeError::Format(9)));
        assert_eq!(decode_input(&[]), Err(DecodeError::Malformed));
    }
}
