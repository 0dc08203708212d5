//! Inputs: what happened, stamped by the host. They are all that is journaled, so this file only grows.

use crate::Mail;
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
    /// Something outside has happened that the flow waits for, or may come to wait for.
    Signal {
        /// Its name, such as `payment_received`.
        name: String,
        /// Which of several it is about, such as an order's number; empty where that does not matter.
        correlation: String,
        /// The sender's id of this delivery: a second one with the same changes nothing.
        sender: String,
        /// What it says.
        payload: Payload,
    },
    /// A person answered a task.
    TaskAnswered {
        /// Which task.
        id: EffectId,
        /// The key of the choice.
        choice: String,
        /// The form, filled in; null without one.
        form: Payload,
        /// Who answered.
        by: String,
    },
    /// A run that this one called is over.
    ChildEnded {
        /// Which call.
        id: EffectId,
        /// How it ended.
        outcome: Outcome,
    },
    /// A person asked for the run to go on after a failure: what is being tried has all its attempts and all its time again. The
    /// last of the inputs that a retry begins with.
    TriedAgain {
        /// Who asked.
        by: String,
    },
    /// The host says into which batch the item of a node goes; after another one, if that one took no more.
    BatchChosen {
        /// Which node's.
        id: EffectId,
        /// The run that collects it.
        batch: RunId,
    },
    /// To a batch: a run brings an item.
    Joined {
        /// The run and its node.
        member: Parent,
        /// What it brings.
        item: Payload,
    },
    /// To a batch: a run takes its item back.
    Left {
        /// The run and its node.
        member: Parent,
    },
}

/// How many kinds of inputs this build knows.
const KINDS: u32 = 11;

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
    /// Where the run comes from, unless it was simply started. It stands behind the start's own bytes, so that journals written
    /// before there was one read as before.
    #[serde(skip)]
    pub lineage: Option<Box<Lineage>>,
    /// The signals that the run before handed on, where this one goes on for it. It stands behind the lineage. The machine takes
    /// it out when it starts.
    #[serde(skip)]
    pub mail: Option<Box<Mail>>,
}

/// Where a run comes from: the run that called it, or the one that it goes on for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// The run that called this one, and is told how it ends. Not part of the log hash.
    pub parent: Option<Parent>,
    /// How many calls lead here: 0 for a run that no other one called.
    pub depth: u32,
    /// The run that this one goes on for. Not part of the log hash.
    pub continued_from: Option<RunId>,
    /// How many runs went before it in that way.
    pub generation: u64,
}

/// Whom to tell how a called run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The run that called.
    pub run: RunId,
    /// The call, for [`Input::ChildEnded`].
    pub id: EffectId,
}

impl Parent {
    fn shown(&self) -> (&'static str, Value) {
        ("run", Value::from(self.run.to_string()))
    }
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
            lineage: None,
            mail: None,
        }
    }

    /// How many calls lead here.
    pub fn depth(&self) -> u32 {
        self.lineage.as_ref().map_or(0, |lineage| lineage.depth)
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
    /// Another run goes on for it, also with what [`crate::Machine::mail`] says; runs only.
    Continued {
        /// What that one is started with.
        input: Payload,
    },
    /// With the value that an earlier effect gave, and that is still good; effects only.
    Kept {
        /// The value.
        value: Payload,
        /// When it was given.
        since: Timestamp,
    },
}

/// What a node asks for (an effect, a task, a signal, another run): blake3 of run id, path and iteration, cut to 16 bytes. In
/// hexadecimal it is the idempotency key.
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
    /// A kind of input that a newer build knows.
    #[error("unknown event kind {0}: this build knows {KINDS}; a newer one wrote it")]
    UnknownKind(u32),
}

/// An input as the journal keeps it.
pub fn encode_input(input: &Input) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    // Serialising plain data into a growing vector has nothing that can fail.
    if let Ok(body) = postcard::to_allocvec(input) {
        bytes.extend_from_slice(&body);
    }
    let Input::Start { run, .. } = input else { return bytes };
    // What goes on for another run comes from one: there is no mail without a lineage.
    let lineage = run.lineage.clone().or_else(|| run.mail.is_some().then(Box::default));
    if let Some(lineage) = lineage
        && let Ok(tail) = postcard::to_allocvec(&lineage)
    {
        bytes.extend_from_slice(&tail);
    }
    if let Some(mail) = &run.mail
        && let Ok(tail) = postcard::to_allocvec(mail)
    {
        bytes.extend_from_slice(&tail);
    }
    bytes
}

/// An input from the journal.
///
/// # Errors
/// Another format, a kind that this build does not know, or bytes that are not one whole input.
pub fn decode_input(bytes: &[u8]) -> Result<Input, DecodeError> {
    let body = match bytes {
        [FORMAT, body @ ..] => body,
        [other, ..] => return Err(DecodeError::Format(*other)),
        [] => return Err(DecodeError::Malformed),
    };
    match postcard::take_from_bytes(body) {
        Ok((input, [])) => Ok(input),
        Ok((Input::Start { input, mut run }, tail)) => {
            let (lineage, tail) = postcard::take_from_bytes(tail).map_err(|_| DecodeError::Malformed)?;
            run.lineage = Some(lineage);
            if !tail.is_empty() {
                let (mail, []) = postcard::take_from_bytes(tail).map_err(|_| DecodeError::Malformed)? else {
                    return Err(DecodeError::Malformed);
                };
                run.mail = Some(mail);
            }
            Ok(Input::Start { input, run })
        }
        Ok(_) => Err(DecodeError::Malformed),
        Err(_) => match postcard::take_from_bytes::<u32>(body) {
            Ok((kind, _)) if kind >= KINDS => Err(DecodeError::UnknownKind(kind)),
            _ => Err(DecodeError::Malformed),
        },
    }
}

/// A start's facts together with what stands behind them: how snapshots keep them.
pub(crate) mod whole {
    use super::{Lineage, RunInfo};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(info: &Option<Box<RunInfo>>, to: S) -> Result<S::Ok, S::Error> {
        info.as_ref().map(|info| (info, &info.lineage)).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RunInfo>>, D::Error> {
        type Whole = Option<(Box<RunInfo>, Option<Box<Lineage>>)>;
        Ok(Whole::deserialize(from)?.map(|(mut info, lineage)| {
            info.lineage = lineage;
            info
        }))
    }
}

impl Input {
    /// What kind of input it is, for people and logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::EffectCompleted { outcome: Outcome::Ok(_), .. } => "effect_completed",
            Self::EffectCompleted { outcome: Outcome::Kept { .. }, .. } => "effect_from_cache",
            Self::EffectCompleted { .. } => "effect_failed",
            Self::TimerFired { .. } => "timer_fired",
            Self::Cancel { .. } => "cancel",
            Self::Signal { .. } => "signal",
            Self::TaskAnswered { .. } => "task_answered",
            Self::ChildEnded { .. } => "child_ended",
            Self::TriedAgain { .. } => "tried_again",
            Self::BatchChosen { .. } => "batch_chosen",
            Self::Joined { .. } => "item_joined",
            Self::Left { .. } => "item_left",
        }
    }

    /// The input for people: what the journal page shows.
    pub fn shown(&self) -> Value {
        match self {
            Self::Start { input, run } => {
                let told = [
                    ("input", input.to_value()),
                    ("trigger", run.trigger.clone().map_or(Value::Null, Value::Str)),
                    ("fuel", Value::Int(i64::try_from(run.fuel).unwrap_or(i64::MAX))),
                    ("bytes", Value::Int(i64::try_from(run.bytes).unwrap_or(i64::MAX))),
                    ("semantics", Value::from(run.semantics)),
                ];
                let signals = run.mail.iter().map(|mail| ("signals", mail.shown()));
                Value::map(told.into_iter().chain(signals))
            }
            Self::EffectCompleted { id, attempt, outcome } => {
                let since = match outcome {
                    Outcome::Kept { since, .. } => Some(("since", Value::Int(since.0))),
                    _ => None,
                };
                let told = [("key", Value::from(id.key())), ("attempt", Value::from(*attempt)), outcome.shown()];
                Value::map(told.into_iter().chain(since))
            }
            Self::TimerFired { id } => Value::map([("timer", Value::Int(i64::try_from(id.0).unwrap_or(i64::MAX)))]),
            Self::Cancel { reason } => Value::map([("reason", Value::from(reason.as_str()))]),
            Self::Signal { name, correlation, sender, payload } => Value::map([
                ("name", Value::from(name.as_str())),
                ("correlation", Value::from(correlation.as_str())),
                ("sender", Value::from(sender.as_str())),
                ("payload", payload.to_value()),
            ]),
            Self::TaskAnswered { id, choice, form, by } => Value::map([
                ("task", Value::from(id.key())),
                ("choice", Value::from(choice.as_str())),
                ("form", form.to_value()),
                ("by", Value::from(by.as_str())),
            ]),
            Self::ChildEnded { id, outcome } => Value::map([("key", Value::from(id.key())), outcome.shown()]),
            Self::TriedAgain { by } => Value::map([("by", Value::from(by.as_str()))]),
            Self::BatchChosen { id, batch } => {
                Value::map([("key", Value::from(id.key())), ("batch", Value::from(batch.to_string()))])
            }
            Self::Joined { member, item } => Value::map([member.shown(), ("item", item.to_value())]),
            Self::Left { member } => Value::map([member.shown()]),
        }
    }
}

impl Outcome {
    fn shown(&self) -> (&'static str, Value) {
        match self {
            Self::Ok(value) | Self::Kept { value, .. } => ("value", value.to_value()),
            Self::Failed { error } => ("error", error.to_value()),
            Self::Cancelled { reason } => ("cancelled", Value::from(reason.as_str())),
            Self::Continued { input } => ("continued", input.to_value()),
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

    #[test]
    fn a_start_reads_with_and_without_where_the_run_comes_from() {
        let id = RunId::from(uuid::Uuid::from_u128(7));
        let mut run = Box::new(RunInfo::new(id, 1, Timestamp(5)));
        let start = |run: &RunInfo| Input::Start { input: Value::Int(1).into(), run: Box::new(run.clone()) };
        let plain = encode_input(&start(&run));
        assert_eq!(decode_input(&plain), Ok(start(&run)));
        let parent = Some(Parent { run: id, id: EffectId([9; 16]) });
        run.lineage = Some(Box::new(Lineage { parent, depth: 3, continued_from: Some(id), generation: 2 }));
        let called = encode_input(&start(&run));
        assert!(called.starts_with(&plain), "what an older build reads is what it was");
        assert_eq!(decode_input(&called), Ok(start(&run)));
        assert_eq!(decode_input(&called[..called.len() - 1]), Err(DecodeError::Malformed));
    }

    #[test]
    fn an_input_of_an_unknown_kind_says_so_and_all_known_ones_read() {
        let id = EffectId([1; 16]);
        let member = Parent { run: RunId::from(uuid::Uuid::from_u128(7)), id };
        let last = Input::Left { member };
        let batch = [
            Input::TriedAgain { by: "ada".into() },
            Input::BatchChosen { id, batch: member.run },
            Input::Joined { member, item: Value::Int(1).into() },
        ];
        let child = Input::ChildEnded { id, outcome: Outcome::Continued { input: Value::Null.into() } };
        assert_eq!(u32::from(encode_input(&last)[1]), KINDS - 1, "the last kind has the last number");
        let signal = Input::Signal {
            name: "paid".into(),
            correlation: "7".into(),
            sender: "a".into(),
            payload: Value::Int(1).into(),
        };
        let answer = Input::TaskAnswered { id, choice: "yes".into(), form: Value::Null.into(), by: "ada".into() };
        let outcome = Outcome::Kept { value: Value::Int(1).into(), since: Timestamp(5) };
        let kept = Input::EffectCompleted { id, attempt: 1, outcome };
        assert_eq!((kept.kind(), kept.shown().get("value")), ("effect_from_cache", Some(&Value::Int(1))));
        for input in [last, child, signal, answer, kept].into_iter().chain(batch) {
            assert_eq!(decode_input(&encode_input(&input)), Ok(input));
        }
        let unknown = [&[FORMAT, 11][..], &[0; 40]].concat();
        let error = decode_input(&unknown).unwrap_err();
        assert_eq!(error, DecodeError::UnknownKind(11));
        assert!(error.to_string().starts_with("unknown event kind 11"));
    }
}
