//! An outside world from a seed: which effect is over next, how, and when.
//!
//! What happens next depends only on what is outstanding and on the time, never on how it became outstanding. So a machine that
//! was recovered and asks again by `pending()` meets exactly the world that the first one met.

use crate::{Command, EffectId, Input, Outcome, Stamped, TimerId, drive::Oracle};
use holon_flow::capability::NodeError;
use holon_model::{Millis, Payload, Timestamp, Value};
use std::collections::{BTreeMap, VecDeque};

/// A world.
#[derive(Debug, Clone)]
pub struct World {
    seed: u64,
    now: Timestamp,
    first: VecDeque<Stamped<Input>>,
    calls: BTreeMap<EffectId, u32>,
    timers: BTreeMap<TimerId, Timestamp>,
    /// Of a hundred effects, how many fail.
    failures: u32,
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
}

impl Oracle for World {
    fn command(&mut self, at: Timestamp, command: Command) {
        self.now = self.now.max(at);
        match command {
            Command::RunEffect(effect) => {
                self.calls.insert(effect.id, effect.attempt);
            }
            Command::CancelEffect { id } => {
                self.calls.remove(&id);
            }
            Command::SetTimer { id, due } => {
                self.timers.insert(id, due);
            }
            Command::CancelTimer { id } => {
                self.timers.remove(&id);
            }
            Command::Respond(_) | Command::Finish(_) => {}
        }
    }

    fn next(&mut self) -> Option<Stamped<Input>> {
        if let Some(input) = self.first.pop_front() {
            return Some(input);
        }
        let call = self.calls.iter().min_by_key(|(id, attempt)| self.draw(b'n', id, **attempt));
        let call = call.map(|(id, attempt)| (*id, *attempt, self.draw(b't', id, *attempt) % 40));
        let timer = self.timers.iter().map(|(id, due)| (*due, *id)).min();
        let (at, input) = match (call, timer) {
            (Some((id, attempt, delay)), timer) if timer.is_none_or(|(due, _)| self.now.plus(Millis(delay)) < due) => {
                self.calls.remove(&id);
                let outcome = self.outcome(&id, attempt);
                (self.now.plus(Millis(delay)), Input::EffectCompleted { id, attempt, outcome })
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
