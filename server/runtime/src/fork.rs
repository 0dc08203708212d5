//! Fork: a new run that copies the inputs of another one before a chosen number, onto the same or a newer version, and goes on
//! from there by itself.
//!
//! The recorded inputs are given to the machine of that version one by one, beside the machine of the version that recorded them.
//! An input fits when the version asks for what it answers: the same node, for the same thing, with the same bytes. The first one
//! that does not fit ends it; what came after it was never asked of that version.
//!
//! **Keys.** A retry keeps the original keys; a fork is another run beside its original, so everything it does after the copy has
//! keys of its own, made from its own id. What was under way at that point is done by both, each with its own key. The copied
//! answers keep what they say; the ids that they carry are those of the new run.
//!
//! **What others hold.** A call of a flow that was not over is made again, as a run of its own. A signal that is awaited is awaited
//! by the fork too; a task that was open is asked anew. Whoever called the original is not told of the fork. Steps of a saga that
//! the original undid after that point are undone: a copy would take them for done, and is refused.

mod asked;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use holon_engine::{Decision, EffectId, EventKind, Input, Machine, Stamped, StepState, decode_input, is_batch};
use holon_flow::expr::Meter;
use holon_flow::schema;
use holon_model::context::Budget;
use holon_model::wire::runs::{ForkCheck, ForkStep};
use holon_model::{RunId, TenantId, Timestamp, Value};

use crate::api::{ForkError, Idempotency, StartError, Started};
use crate::definitions::{DefinitionsError, LoadedFlow};
use crate::recover::replay;
use crate::retry::Timers;
use crate::runtime::{Beginner, RuntimeHandle, Shared, keyed};
use crate::store::{AuditRow, Entry, Marks, RunFacts};
use asked::Asked;

/// What a fork is made of.
pub(crate) struct Source {
    /// The version that recorded.
    pub then: Arc<LoadedFlow>,
    /// The version that goes on.
    pub now: Arc<LoadedFlow>,
    /// The whole journal.
    pub entries: Vec<Entry>,
    /// The inputs before this number are copied.
    pub seq: usize,
}

/// What fits, and the inputs that fit as they were recorded.
pub(crate) struct Fit {
    pub check: ForkCheck,
    inputs: Vec<Stamped<Input>>,
}

impl Source {
    /// Says step by step what of the recorded inputs fits.
    ///
    /// # Errors
    /// When the journal does not give the history that was written.
    pub fn fit(&self) -> Result<Fit, ForkError> {
        let mut then = Machine::new(self.then.compiled.clone());
        let mut now = Machine::new(self.now.compiled.clone());
        let (mut asked_then, mut asked_now) = (Asked::default(), Asked::default());
        let (mut steps, mut inputs, mut sagas) = (Vec::new(), Vec::new(), Sagas::default());
        let mut fits = true;
        for (seq, entry) in (0_i64..).zip(&self.entries) {
            let mismatch = |why: String| ForkError::Mismatch(why);
            let input = decode_input(&entry.input).map_err(|error| mismatch(error.to_string()))?;
            let copied = usize::try_from(seq).is_ok_and(|seq| seq < self.seq);
            if copied && fits {
                let why = self.why_not(&input, &asked_then, &asked_now, &now);
                let path = id_of(&input).and_then(|id| asked_then.get(id)).map(|ask| ask.path().to_owned());
                fits = why.is_none();
                steps.push(ForkStep { seq, what: input.kind().into(), path, fits, why });
                if fits {
                    let stamped = Stamped::new(entry.at, input);
                    let decision =
                        handled(&mut now, stamped.clone()).ok_or_else(|| ForkError::Mismatch(PANICKED.into()))?;
                    asked_now.note(&decision.commands);
                    inputs.push(stamped);
                }
            }
            let one = std::slice::from_ref(entry);
            replay(&mut then, seq, one, |decision| {
                asked_then.note(&decision.commands);
                sagas.note(copied, &decision);
            })
            .map_err(|error| mismatch(error.to_string()))?;
        }
        let why = match () {
            () if !fits => None,
            () if sagas.undone_since() => Some(UNDONE.to_owned()),
            () if now.status().is_terminal() => Some(OVER.to_owned()),
            () => None,
        };
        let copied = i64::try_from(inputs.len()).unwrap_or(i64::MAX);
        Ok(Fit { check: ForkCheck { fits: fits && why.is_none(), copied, why, steps }, inputs })
    }

    /// Why the version does not take an input as it was recorded, in words; nothing when it does.
    fn why_not(&self, input: &Input, then: &Asked, now: &Asked, machine: &Machine) -> Option<String> {
        if machine.status().is_terminal() {
            return Some("with the inputs before it this version is over already".into());
        }
        match input {
            Input::Start { input, run } => {
                let nodes = &self.now.definition.graph.nodes;
                if let Some(path) = run.trigger.as_deref().filter(|path| is_batch(path)) {
                    let has = self.now.compiled.has_batch(path);
                    return (!has).then(|| format!("this version has no batch at `{}`", path.trim_end_matches('/')));
                }
                if let Some(key) = run.trigger.as_deref().filter(|key| nodes.get(*key).is_none_or(|node| node.disabled))
                {
                    return Some(format!("this version has no trigger `{key}`, or it is switched off"));
                }
                self.wrong_input(&input.to_value())
            }
            Input::EffectCompleted { id, .. }
            | Input::TaskAnswered { id, .. }
            | Input::ChildEnded { id, .. }
            | Input::BatchChosen { id, .. } => {
                let asked = then.get(*id)?;
                let path = asked.path();
                let Some(asks) = now.get(*id) else {
                    return Some(match now.same_place(asked) {
                        Some(_) => format!("`{path}` asks another time in this version, or for something else"),
                        None => format!("this version asks nothing at `{path}` before this input"),
                    });
                };
                asks.differs(asked).or_else(|| {
                    let refusal = machine.check(input).err()?;
                    Some(format!("`{path}` does not wait for this answer in this version: {}", refusal.message))
                })
            }
            Input::TimerFired { id } => match (then.due(*id), now.due(*id)) {
                (Some(due), Some(set)) if due == set => machine.check(input).err().map(|refusal| refusal.message),
                _ => Some(
                    "this version does not wait for this time: it has no such timer, or one with another time".into(),
                ),
            },
            Input::Cancel { .. }
            | Input::Signal { .. }
            | Input::TriedAgain { .. }
            | Input::Joined { .. }
            | Input::Left { .. } => {
                machine.check(input).err().map(|refusal| format!("this version does not take it: {}", refusal.message))
            }
        }
    }

    fn wrong_input(&self, input: &Value) -> Option<String> {
        let schema = self.now.definition.input.as_ref()?;
        let budget = Budget::default();
        let mut meter = Meter::new(budget.fuel / 10, budget.bytes / 10);
        match schema::check(schema.as_value(), input, schema::Options::default(), &mut meter) {
            Ok(found) => found.first().map(|wrong| {
                format!(
                    "the input does not match the input schema of this version: {} {}",
                    wrong.pointer, wrong.message
                )
            }),
            Err(error) => {
                Some(format!("the input cannot be checked against the input schema of this version: {error}"))
            }
        }
    }

    /// The inputs as the new run begins with them: stamps as they were, from the first one on that set a timer which would be
    /// overdue `now` as of now; ids those of the new run.
    ///
    /// # Errors
    /// Where the flow does something else because the run has another id.
    pub fn copy(&self, fit: Fit, run: RunId, at: Timestamp) -> Result<Vec<Stamped<Input>>, ForkError> {
        let mut old = Machine::new(self.now.compiled.clone());
        let mut new = Machine::new(self.now.compiled.clone());
        let (mut asked_old, mut asked_new) = (Asked::default(), Asked::default());
        let mut timers = Timers::default();
        let mut copies = Vec::with_capacity(fit.inputs.len());
        for (seq, recorded) in (0_i64..).zip(fit.inputs) {
            let own = |detail: &str| ForkError::Unfit {
                seq,
                why: format!("what the run does here depends on its own id, which is another one in a fork: {detail}"),
            };
            let id = |id: EffectId| asked_old.get(id).and_then(|ask| asked_new.same_place(ask));
            let Some(value) = translated(recorded.value.clone(), run, id) else {
                return Err(own("nothing is asked there"));
            };
            new.check(&value).map_err(|refusal| own(&refusal.message))?;
            let copy = Stamped::new(recorded.at, value);
            let panicked = || ForkError::Mismatch(PANICKED.into());
            let decision = handled(&mut old, recorded).ok_or_else(panicked)?;
            asked_old.note(&decision.commands);
            let decision = handled(&mut new, copy.clone()).ok_or_else(panicked)?;
            asked_new.note(&decision.commands);
            timers.note(&decision);
            copies.push(copy);
        }
        let stale = timers.stale_from(&copies, at);
        copies.iter_mut().skip(stale).for_each(|copy| copy.at = at);
        Ok(copies)
    }
}

const PANICKED: &str = "the engine ended unexpectedly on this journal";
const UNDONE: &str = "after these inputs the run undid steps of a saga that are done in them: a copy would take them for done, or undo \
                      them a second time. Choose an input before the saga began, or one after it was undone";
const OVER: &str = "with these inputs the run is over: nothing is left to go on with. Choose an earlier input";

/// A defect in a node's code must not take the server with it.
fn handled(machine: &mut Machine, input: Stamped<Input>) -> Option<Decision> {
    std::panic::catch_unwind(AssertUnwindSafe(|| machine.handle(input))).ok()
}

fn id_of(input: &Input) -> Option<EffectId> {
    match input {
        Input::EffectCompleted { id, .. }
        | Input::TaskAnswered { id, .. }
        | Input::ChildEnded { id, .. }
        | Input::BatchChosen { id, .. } => Some(*id),
        _ => None,
    }
}

/// A recorded input as one of the new run; nothing when that asks for nothing there.
fn translated(mut input: Input, run: RunId, own: impl Fn(EffectId) -> Option<EffectId>) -> Option<Input> {
    match &mut input {
        Input::Start { run: info, .. } => {
            info.run_id = run;
            info.key_run = None;
            if let Some(lineage) = &mut info.lineage {
                lineage.parent = None;
            }
        }
        Input::EffectCompleted { id, .. }
        | Input::TaskAnswered { id, .. }
        | Input::ChildEnded { id, .. }
        | Input::BatchChosen { id, .. } => *id = own(*id)?,
        Input::TimerFired { .. }
        | Input::Cancel { .. }
        | Input::Signal { .. }
        | Input::TriedAgain { .. }
        | Input::Joined { .. }
        | Input::Left { .. } => {}
    }
    Some(input)
}

/// The sagas of which something was done or undone before the fork, and those that went back after it.
#[derive(Default)]
struct Sagas {
    done: BTreeSet<String>,
    undone: BTreeSet<String>,
}

impl Sagas {
    fn note(&mut self, copied: bool, decision: &Decision) {
        for event in &decision.events {
            let (EventKind::SagaStep { state, .. }, Some(node)) = (&event.kind, &event.node) else { continue };
            let back = matches!(
                state,
                StepState::Compensating
                    | StepState::Compensated
                    | StepState::Parked
                    | StepState::Skipped
                    | StepState::ByHand
            );
            if copied {
                if back || *state == StepState::Completed {
                    self.done.insert(node.path());
                }
            } else if back {
                self.undone.insert(node.path());
            }
        }
    }

    fn undone_since(&self) -> bool {
        !self.done.is_disjoint(&self.undone)
    }
}

/// A fork to make.
#[derive(Debug, Clone)]
pub struct Fork {
    /// The inputs before this number are copied.
    pub seq: i64,
    /// The published version that goes on; none: the one that recorded them.
    pub version: Option<i32>,
    /// The id of the new run.
    pub new: RunId,
    /// Who asks, as the audit log names actors.
    pub actor: String,
    /// A key that makes one fork, however often it is asked for.
    pub idempotency: Option<Idempotency>,
    /// What the audit log says of it: written with the run.
    pub audit: Option<Box<AuditRow>>,
}

impl RuntimeHandle {
    /// Says what of a run's inputs before `seq` fits a version: the one that it runs on, or a newer one.
    ///
    /// # Errors
    /// When there is no such run, version or input, or its journal does not read.
    pub async fn check_fork(
        &self,
        tenant: TenantId,
        run: RunId,
        seq: i64,
        version: Option<i32>,
    ) -> Result<ForkCheck, ForkError> {
        let (source, _) = self.shared.fork_source(tenant, run, seq, version).await?;
        // A whole history is computed again: not on the threads that answer requests.
        let fit = self.shared.driving.compute(move || source.fit()).await;
        Ok(fit.ok_or(StartError::Unavailable)??.check)
    }

    /// Forks a run as the new run that `fork` names, which copies the inputs before `fork.seq`; with a key, asked twice it is one.
    ///
    /// # Errors
    /// When there is no such run, version or input, not all of these inputs fit, or the new one cannot be started.
    pub async fn fork(&self, tenant: TenantId, run: RunId, fork: Fork) -> Result<Started, ForkError> {
        let Fork { seq, version, new, actor, idempotency, audit } = fork;
        let (source, facts) = self.shared.fork_source(tenant, run, seq, version).await?;
        self.shared.may_begin(tenant, facts.environment, facts.flow)?;
        let (flow, now) = (source.now.clone(), self.shared.clock.now());
        let copying = move || {
            let fit = source.fit()?;
            if let Some(step) = fit.check.steps.iter().find(|step| !step.fits) {
                return Err(ForkError::Unfit { seq: step.seq, why: step.why.clone().unwrap_or_default() });
            }
            match fit.check.why.clone() {
                Some(why) => Err(ForkError::Pointless(why)),
                None => source.copy(fit, new, now),
            }
        };
        let inputs = self.shared.driving.compute(copying).await.ok_or(StartError::Unavailable)??;
        self.shared.knows(&inputs)?;
        let version = version.unwrap_or(facts.version);
        let marks = Marks { fork_of: Some((run, seq)), ..facts.marks.clone() };
        let facts =
            RunFacts { version, definition_hash: flow.hash, actor, started_at: now, retry_of: None, marks, ..facts };
        let copied = inputs.len();
        let idempotency = idempotency.map(|asked| keyed(asked, new, now));
        let beginner =
            Beginner { tenant, run: new, facts, idempotency, audit, inputs, copied, again: None, follows: false };
        Ok(self.shared.begin(&flow, beginner).await?)
    }
}

impl Shared {
    async fn fork_source(
        &self,
        tenant: TenantId,
        run: RunId,
        seq: i64,
        version: Option<i32>,
    ) -> Result<(Source, RunFacts), ForkError> {
        let unavailable = |_| ForkError::Start(StartError::Unavailable);
        let row = self.store.history(tenant, run).await.map_err(unavailable)?.ok_or(ForkError::NotFound)?;
        let facts = row.facts;
        let version = version.unwrap_or(facts.version);
        if version < facts.version {
            let why = format!("version {version} is older than version {}, which recorded the run", facts.version);
            return Err(ForkError::Version(why));
        }
        let entries = self.store.journal(tenant, run, 0).await.map_err(unavailable)?;
        let most = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        let seq = usize::try_from(seq).ok().filter(|seq| (1..=entries.len()).contains(seq));
        let seq = seq.ok_or(ForkError::Nowhere { most })?;
        let then = self.definitions.load(tenant, facts.flow, facts.version).await.map_err(StartError::from)?;
        let now = self.definitions.load(tenant, facts.flow, version).await.map_err(|error| match error {
            DefinitionsError::NotFound => ForkError::Version(format!("the flow has no published version {version}")),
            error => ForkError::Start(error.into()),
        })?;
        Ok((Source { then, now, entries, seq }, facts))
    }
}
