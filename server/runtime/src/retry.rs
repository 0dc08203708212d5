//! Retry: a new run that copies the journal of one that failed, up to before its failure, and goes on from there with
//! the keys of the original, so that a receiver knows what it has done already.

use std::collections::BTreeMap;
use std::sync::Arc;

use holon_engine::{
    Command, Compiled, Decision, EffectId, Event, EventKind, Input, Machine, Outcome, Stamped, StepState, TimerId,
    decode_input, leaves_open,
};
use holon_flow::capability::NodeError;
use holon_model::{RunId, TenantId, Timestamp};

use crate::api::{Idempotency, RetryError, StartError, Started};
use crate::recover::{ReplayError, replay};
use crate::runtime::{Beginner, RuntimeHandle, keyed};
use crate::store::{AuditRow, Entry, RunFacts};
use crate::unbegun::Unbegun;

impl RuntimeHandle {
    /// Retries a run that failed or was cancelled as the new run `new`; with a key, asked twice it is one retry. `audit` is written with it.
    ///
    /// # Errors
    /// When there is no such run, it did not fail, or the new one cannot be started.
    pub async fn retry(
        &self,
        tenant: TenantId,
        run: RunId,
        new: RunId,
        actor: String,
        idempotency: Option<Idempotency>,
        audit: Option<Box<AuditRow>>,
    ) -> Result<Started, RetryError> {
        let store = &self.shared.store;
        let unavailable = |_| RetryError::Start(StartError::Unavailable);
        let row = store.history(tenant, run).await.map_err(unavailable)?.ok_or(RetryError::NotFound)?;
        let retryable = |status: &str| matches!(status, "failed" | "cancelled" | "terminated");
        // What went on in another run is not over: retried, its work would be done twice.
        if !row.ended.as_ref().is_some_and(|ended| retryable(&ended.status)) {
            return Err(RetryError::NotFailed);
        }
        self.shared.may_begin(tenant, row.facts.environment, row.facts.flow)?;
        let entries = store.journal(tenant, run, 0).await.map_err(unavailable)?;
        let loaded = self.shared.definitions.load(tenant, row.facts.flow, row.facts.version).await;
        let flow = loaded.map_err(|error| RetryError::Start(error.into()))?;
        let now = self.shared.clock.now();
        let unbegun = row.ended.as_ref().filter(|_| entries.is_empty()).and_then(Unbegun::read);
        let (begins, marks) = match unbegun {
            // Of one that never began nothing is copied: it begins, as what it was to be.
            Some(unbegun) => (unbegun.named(new, now), row.facts.marks),
            None => {
                let (machine, by) = (Machine::new(flow.compiled.clone()), actor.clone());
                // A whole history is computed again: not on the threads that answer requests.
                let copying = move || prefix(machine, &entries, new, by, now);
                let copied = self.shared.driving.compute(copying).await.ok_or(StartError::Unavailable)?;
                let Prefix { inputs, again } = copied?;
                (Unbegun { copied: inputs.len(), inputs, again }, row.facts.marks.handed_on())
            }
        };
        let Unbegun { inputs, copied, again } = begins;
        self.shared.knows(&inputs)?;
        let facts = RunFacts { actor, started_at: now, retry_of: Some(run), marks, ..row.facts };
        let idempotency = idempotency.map(|asked| keyed(asked, new, now));
        let beginner = Beginner { tenant, run: new, facts, idempotency, audit, inputs, copied, again, follows: false };
        Ok(self.shared.begin(&flow, beginner).await?)
    }
}

/// What a retry begins with.
pub(crate) struct Prefix {
    /// The inputs that are copied, the first of them naming the new run, and that it is tried again.
    pub inputs: Vec<Stamped<Input>>,
    /// The effect whose failure is tried again.
    pub again: Option<EffectId>,
}

/// Makes it.
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
    by: String,
    now: Timestamp,
) -> Result<Prefix, RetryError> {
    if entries.is_empty() {
        // It was cancelled while it waited for its place, and nobody kept what it waited with.
        return Err(RetryError::NothingToRetry);
    }
    let mut past = Past::default();
    let mismatch = |error: ReplayError| RetryError::Mismatch(error.to_string());
    let decoded = |(seq, entry): (i64, &Entry)| {
        decode_input(&entry.input).map_err(|error| mismatch(ReplayError::Unreadable { seq, why: error.to_string() }))
    };
    let all: Vec<Input> = (0..).zip(entries).map(decoded).collect::<Result<_, _>>()?;
    let mut told = all.iter();
    replay(&mut machine, 0, entries, |decision| past.note(told.next(), &decision)).map_err(mismatch)?;
    if past.went_back {
        return Err(RetryError::Undone);
    }
    let outcome = machine.outcome();
    if past.by_itself && matches!(outcome, Some(Outcome::Failed { .. })) {
        return Err(RetryError::NothingToRetry);
    }
    let cut = past.cut(outcome);
    let mut inputs = Vec::new();
    let mut again = None;
    for ((seq, entry), input) in (0_u64..).zip(entries).zip(all) {
        // What was asked for then is not asked for now, and a run always has its start. What a batch has taken in it has: nobody brings that
        // again, and a body that fails as soon as it is there would do so again.
        let ended = cut == Some(seq) && !matches!(input, Input::Joined { .. });
        if seq > 0 && (ended || matches!(input, Input::Cancel { .. })) {
            again = match input {
                // Nobody knows whether it is over: what may be done once only is not begun a second time.
                Input::EffectCompleted { outcome: Outcome::Failed { error }, .. } if leaves_open(&error) => None,
                Input::EffectCompleted { id, .. } => Some(id),
                _ => None,
            };
            break;
        }
        inputs.push(Stamped::new(entry.at, input));
    }
    let stale = past.timers.stale_from(&inputs, now);
    inputs.iter_mut().skip(stale).for_each(|input| input.at = now);
    if let Some(Stamped { value: Input::Start { run: info, .. }, .. }) = inputs.first_mut() {
        info.key_run = Some(info.key_run.unwrap_or(info.run_id));
        info.run_id = run;
    }
    // One that ended with its start, or because of a time that is past, would end at the same place again.
    let mut copy = Machine::new(machine.flow().clone());
    inputs.iter().cloned().for_each(|input| drop(copy.handle(input)));
    if copy.status().is_terminal() {
        return Err(RetryError::NothingToRetry);
    }
    // All attempts and all the time again; and the journal says who asked.
    inputs.push(Stamped::new(now, Input::TriedAgain { by }));
    Ok(Prefix { inputs, again })
}

/// Whether a run that did not end well could be retried: what asking for it would say.
///
/// # Errors
/// Why it could not.
pub fn can_retry(flow: Arc<Compiled>, entries: &[Entry], run: RunId, now: Timestamp) -> Result<(), RetryError> {
    prefix(Machine::new(flow), entries, run, String::new(), now).map(drop)
}

/// A node that failed for good.
struct Failure {
    seq: u64,
    error: NodeError,
    /// Whether somebody who was asked said so, or did not answer in time; else it followed from what is known.
    answered: bool,
    /// Whether the node asks nobody.
    pure: bool,
}

/// What a replay tells about where to cut.
struct Past {
    /// Whether everything that happened followed from the start and from time alone: no command asked anybody for anything.
    by_itself: bool,
    /// Whether a saga undid steps: a copy of the journal would take them for done.
    went_back: bool,
    /// The input with which the run ended.
    ended: Option<u64>,
    failures: Vec<Failure>,
    timers: Timers,
}

impl Default for Past {
    fn default() -> Self {
        Self { by_itself: true, went_back: false, ended: None, failures: Vec::new(), timers: Timers::default() }
    }
}

impl Past {
    fn note(&mut self, input: Option<&Input>, decision: &Decision) {
        let seq = decision.seq;
        let answered = match input {
            Some(Input::EffectCompleted { outcome, .. } | Input::ChildEnded { outcome, .. }) => {
                !matches!(outcome, Outcome::Ok(_) | Outcome::Kept { .. })
            }
            Some(Input::TimerFired { .. }) => true,
            _ => false,
        };
        for event in &decision.events {
            if let EventKind::NodeFailed { error } = &event.kind {
                let pure = event.node.as_ref().is_none_or(|node| node.attempts == 0);
                self.failures.push(Failure { seq, error: error.clone(), answered, pure });
            }
        }
        if decision.status.is_terminal() && self.ended.is_none() {
            self.ended = Some(seq);
        }
        let undoes = |event: &Event| matches!(&event.kind, EventKind::SagaStep { state, .. } if *state == StepState::Compensating);
        self.went_back |= decision.events.iter().any(undoes);
        self.timers.note(decision);
        let asks_nobody = |command: &Command| {
            matches!(
                command,
                Command::SetTimer { .. } | Command::CancelTimer { .. } | Command::Respond(_) | Command::Finish(_)
            )
        };
        // Whoever is asked may answer differently.
        self.by_itself &= decision.commands.iter().all(asks_nobody);
    }

    /// The input that is not copied, nor what came after it: the answer that ended the run, though the run may have gone on for a
    /// while because of it (`finally`). A run that failed in a node which asks nobody is cut where it ended: the answer that
    /// came last is asked for again.
    fn cut(&self, outcome: Option<&Outcome>) -> Option<u64> {
        let Some(Outcome::Failed { error }) = outcome else { return self.ended };
        if self.failures.iter().any(|failure| failure.pure && failure.error == *error) {
            return self.ended;
        }
        let mut answered = self.failures.iter().rev().filter(|failure| failure.answered && !failure.pure);
        // A scope may say in its own words what failed in it; then it is the last of the answers.
        let its_own = answered.clone().find(|failure| failure.error == *error);
        its_own.or_else(|| answered.next()).map(|failure| failure.seq).or(self.ended)
    }
}

/// The timers of a history, by the input that set or dropped them.
#[derive(Default)]
pub(crate) struct Timers {
    /// With when they were due.
    set: Vec<(u64, TimerId, Timestamp)>,
    unset: Vec<(u64, TimerId)>,
}

impl Timers {
    /// Notes what an input led to.
    pub fn note(&mut self, decision: &Decision) {
        for command in &decision.commands {
            match command {
                Command::SetTimer { id, due } => self.set.push((decision.seq, *id, *due)),
                Command::CancelTimer { id } => self.unset.push((decision.seq, *id)),
                _ => {}
            }
        }
    }

    /// The first of these inputs that set a timer which is still wanted after them and would be overdue.
    pub fn stale_from(&self, inputs: &[Stamped<Input>], now: Timestamp) -> usize {
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
