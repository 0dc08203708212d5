//! Retry: a new run that copies the journal of one that failed, up to before its failure, and goes on from there with
//! the keys of the original, so that a receiver knows what it has done already.

use std::collections::BTreeMap;

use holon_engine::{
    Command, Decision, Event, EventKind, Input, Machine, Outcome, Stamped, StepState, TimerId, decode_input,
};
use holon_model::{RunId, Timestamp};

use crate::api::RetryError;
use crate::recover::{ReplayError, replay};
use crate::store::Entry;

/// The inputs that a retry copies, the first of them naming the new run.
///
/// Stamps are copied too, up to the input that set a timer which would be overdue `now`: from there on things are
/// stamped now. Else the timeout of the step that is tried again would end it before it began.
///
/// # Errors
/// When the journal does not replay, or nothing in it could come out differently.
pub(crate) fn prefix(
    mut machine: Machine,
    entries: &[Entry],
    run: RunId,
    now: Timestamp,
) -> Result<Vec<Stamped<Input>>, RetryError> {
    let mut past = Past::default();
    let mismatch = |error: ReplayError| RetryError::Mismatch(error.to_string());
    replay(&mut machine, 0, entries, |decision| past.note(&decision)).map_err(mismatch)?;
    if past.went_back {
        return Err(RetryError::Undone);
    }
    if past.by_itself && matches!(machine.outcome(), Some(Outcome::Failed { .. })) {
        return Err(RetryError::NothingToRetry);
    }
    let mut inputs = Vec::new();
    for (seq, entry) in (0_u64..).zip(entries) {
        let input = decode_input(&entry.input)
            .map_err(|error| mismatch(ReplayError::Unreadable { seq: seq.cast_signed(), why: error.to_string() }))?;
        // What was asked for then is not asked for now, and a run always has its start.
        if seq > 0 && (past.cut == Some(seq) || matches!(input, Input::Cancel { .. })) {
            break;
        }
        inputs.push(Stamped::new(entry.at, input));
    }
    let stale = past.stale_from(&inputs, now);
    inputs.iter_mut().skip(stale).for_each(|input| input.at = now);
    if let Some(Stamped { value: Input::Start { run: info, .. }, .. }) = inputs.first_mut() {
        info.key_run = Some(info.key_run.unwrap_or(info.run_id));
        info.run_id = run;
    }
    Ok(inputs)
}

/// What a replay tells about where to cut.
struct Past {
    /// Whether everything that happened followed from the start and from time alone: no command asked anybody for anything.
    by_itself: bool,
    /// Whether a saga undid steps: a copy of the journal would take them for done.
    went_back: bool,
    /// The last input with which an effect failed for good; without one, the input with which the run ended. Later
    /// inputs are of what was done because of the failure (`finally`).
    cut: Option<u64>,
    effect_failed: bool,
    /// Timers that each input set, with when they were due.
    set: Vec<(u64, TimerId, Timestamp)>,
    /// Timers that each input made unwanted.
    unset: Vec<(u64, TimerId)>,
}

impl Default for Past {
    fn default() -> Self {
        Self { by_itself: true, went_back: false, cut: None, effect_failed: false, set: Vec::new(), unset: Vec::new() }
    }
}

impl Past {
    fn note(&mut self, decision: &Decision) {
        // Only effects have attempts.
        let failed = |event: &Event| {
            matches!(event.kind, EventKind::NodeFailed { .. })
                && event.node.as_ref().is_some_and(|node| node.attempts > 0)
        };
        if decision.events.iter().any(failed) {
            self.cut = Some(decision.seq);
            self.effect_failed = true;
        } else if decision.status.is_terminal() && !self.effect_failed {
            self.cut = Some(decision.seq);
        }
        let undoes = |event: &Event| matches!(&event.kind, EventKind::SagaStep { state, .. } if *state == StepState::Compensating);
        self.went_back |= decision.events.iter().any(undoes);
        for command in &decision.commands {
            match command {
                Command::SetTimer { id, due } => self.set.push((decision.seq, *id, *due)),
                Command::CancelTimer { id } => self.unset.push((decision.seq, *id)),
                Command::Respond(_) | Command::Finish(_) => {}
                // Whoever is asked may answer differently.
                _ => self.by_itself = false,
            }
        }
    }

    /// The first of these inputs that set a timer which is still wanted after them and would be overdue.
    fn stale_from(&self, inputs: &[Stamped<Input>], now: Timestamp) -> usize {
        let end = inputs.len() as u64;
        let mut wanted: BTreeMap<TimerId, (u64, Timestamp)> =
            self.set.iter().filter(|(seq, ..)| *seq < end).map(|(seq, id, due)| (*id, (*seq, *due))).collect();
        for (_, id) in self.unset.iter().filter(|(seq, _)| *seq < end) {
            wanted.remove(id);
        }
        for input in inputs {
            if let Input::TimerFired { id } = &input.value {
                wanted.remove(id);
            }
        }
        let overdue = wanted.into_values().filter(|(_, due)| *due <= now).map(|(seq, _)| seq).min();
        overdue.and_then(|seq| usize::try_from(seq).ok()).unwrap_or(inputs.len())
    }
}
