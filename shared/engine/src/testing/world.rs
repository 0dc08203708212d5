//! An outside world from a seed: which effect is over next, how, and when; who answers, what is signalled, how called runs end.
//!
//! What happens next depends only on what is outstanding and on the time, never on how it became outstanding. So a machine that
//! was recovered and asks again by `pending()` meets exactly the world that the first one met.

use crate::{Command, EffectId, Input, Outcome, Stamped, Task, TaskKind, TimerId, drive::Oracle};
use holon_flow::capability::NodeError;
use holon_model::{Millis, Payload, Timestamp, Value};
use std::collections::{BTreeMap, VecDeque};

/// A world.
#[derive(Debug, Clone)]
pub struct World {
    seed: u64,
    now: Timestamp,
    first: VecDeque<Stamped<Input>>,
    calls: BTreeMap<EffectId, Call>,
    timers: BTreeMap<TimerId, Timestamp>,
    /// Of a hundred effects, how many fail.
    failures: u32,
}

/// Something that is outstanding.
#[derive(Debug, Clone)]
enum Call {
    Effect {
        attempt: u32,
    },
    Signal {
        name: String,
        correlation: String,
    },
    Task(Box<Task>),
    Child {
        cancelled: bool,
    },
    /// An item of which nobody has said yet into which batch it goes.
    Item,
}

impl World {
    /// The world of a seed in which this happens first.
    pub fn new(seed: u64, first: impl IntoIterator<Item = Stamped<Input>>) -> Self {
        let first = first.into_iter().collect();
        Self { seed, now: Timestamp(0), first, calls: BTreeMap::new(), timers: BTreeMap::new(), failures: 12 }
    }

    /// The same, in which so many effects of a hundred fail.
    #[must_use]
    pub fn with_failures(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// The same at a later time.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// A number that depends on the seed and on these bytes only.
    fn draw(&self, what: u8, id: &EffectId, attempt: u32) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes()).update(&[what]).update(&id.0).update(&attempt.to_le_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(bytes)
    }

    fn outcome(&self, id: &EffectId, attempt: u32) -> Outcome {
        let draw = self.draw(b'o', id, attempt);
        if draw % 100 < u64::from(self.failures) {
            let mut error =
                NodeError::new(if draw.is_multiple_of(3) { "refused" } else { "unavailable" }, "the world said no");
            error.retryable = !draw.is_multiple_of(3);
            return Outcome::Failed { error };
        }
        let number = Value::Int(i64::try_from(draw % 50).unwrap_or(0));
        Outcome::Ok(Payload::Inline(if draw.is_multiple_of(5) { Value::map([("n", number)]) } else { number }))
    }

    /// What comes of what is outstanding.
    fn answer(&self, id: EffectId, call: &Call) -> Input {
        match call {
            Call::Effect { attempt } => {
                Input::EffectCompleted { id, attempt: *attempt, outcome: self.outcome(&id, *attempt) }
            }
            // Signals go to whoever has waited the longest, which may be another one: the sender's id is of all that wait, so
            // that each delivery has its own.
            Call::Signal { name, correlation } => {
                let mut sender = String::new();
                for (other, call) in &self.calls {
                    if matches!(call, Call::Signal { name: n, correlation: c } if n == name && c == correlation) {
                        sender.push_str(&other.key()[..8]);
                    }
                }
                let payload = Payload::Inline(Value::Int(i64::from(self.draw(b's', &id, 0) as u32 % 50)));
                Input::Signal { name: name.clone(), correlation: correlation.clone(), sender, payload }
            }
            Call::Task(task) => {
                let draw = self.draw(b'a', &id, 0);
                let choice = match task.kind {
                    TaskKind::Compensation => ["retry", "skip", "finish"][(draw % 3) as usize].to_owned(),
                    TaskKind::Approval => task.choices[draw as usize % task.choices.len()].key.clone(),
                };
                let form = Payload::Inline(Value::map([("reason", Value::from("the world said so"))]));
                Input::TaskAnswered { id, choice, form, by: "world".to_owned() }
            }
            Call::Item => Input::BatchChosen { id, batch: super::run_id(7) },
            Call::Child { cancelled: true } => {
                Input::ChildEnded { id, outcome: Outcome::Cancelled { reason: "asked for".to_owned() } }
            }
            Call::Child { .. } => Input::ChildEnded { id, outcome: self.outcome(&id, 0) },
        }
    }
}

impl Oracle for World {
    fn command(&mut self, at: Timestamp, command: Command) {
        self.now = self.now.max(at);
        match command {
            Command::RunEffect(effect) => {
                self.calls.insert(effect.id, Call::Effect { attempt: effect.attempt });
            }
            Command::AwaitSignal { id, name, correlation, .. } => {
                self.calls.insert(id, Call::Signal { name, correlation });
            }
            Command::OpenTask(task) => {
                self.calls.insert(task.id, Call::Task(task));
            }
            Command::StartChild(child) => {
                let unknown = child.joins().is_some() && child.batch.is_none();
                // Of some it is never said: a host need not say it before it says how that ended.
                let asked = unknown && self.draw(b'b', &child.id, 0).is_multiple_of(2);
                self.calls.insert(child.id, if asked { Call::Item } else { Call::Child { cancelled: false } });
            }
            Command::CancelChild { id } => {
                if let Some(call) = self.calls.get_mut(&id) {
                    *call = Call::Child { cancelled: true };
                }
            }
            Command::CancelEffect { id } | Command::DropWait { id } | Command::CancelTask { id } => {
                self.calls.remove(&id);
            }
            Command::SetTimer { id, due } => {
                self.timers.insert(id, due);
            }
            Command::CancelTimer { id } => {
                self.timers.remove(&id);
            }
            Command::Respond(_) | Command::Finish(_) | Command::EscalateTask { .. } => {}
        }
    }

    fn next(&mut self) -> Option<Stamped<Input>> {
        if let Some(input) = self.first.pop_front() {
            return Some(input);
        }
        let attempt = |call: &Call| if let Call::Effect { attempt } = call { *attempt } else { 0 };
        let call = self.calls.iter().min_by_key(|(id, call)| self.draw(b'n', id, attempt(call)));
        let call = call.map(|(id, call)| (*id, self.draw(b't', id, attempt(call)) % 40));
        let timer = self.timers.iter().map(|(id, due)| (*due, *id)).min();
        let (at, input) = match (call, timer) {
            (Some((id, delay)), timer) if timer.is_none_or(|(due, _)| self.now.plus(Millis(delay)) < due) => {
                let input = self.answer(id, &self.calls[&id]);
                // Who gets a signal the machine says.
                if !matches!(input, Input::Signal { .. }) {
                    self.calls.remove(&id);
                }
                (self.now.plus(Millis(delay)), input)
            }
            (_, Some((due, id))) => {
                self.timers.remove(&id);
                (due.max(self.now), Input::TimerFired { id })
            }
            _ => return None,
        };
        self.now = at;
        Some(Stamped::new(at, input))
    }
}
