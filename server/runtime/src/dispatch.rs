//! What follows from inputs that are durable: effects, timers, answers, and runs that are called.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use holon_engine::{Command, EffectId, Input, OUTCOME_UNKNOWN, Outcome, Parent, RunEffect, StartChild};
use holon_flow::capability::{EffectClass, NodeError};
use holon_model::{RunId, TenantId};
use holon_platform::execute::EffectRequest;
use holon_platform::kill_points::{self, Point};
use tokio_util::sync::CancellationToken;

use crate::api::Answer;
use crate::batches::{self, Bringing, Item};
use crate::bell::WorkPool;
use crate::children::{self, Afterword, Caller};
use crate::driver::{Driver, Msg};
use crate::effects::EffectJob;
use crate::kept::MaybeKept;
use crate::live::{Called, UnderWay};
use crate::records::StepRecords;
use crate::store::{HandOut, RunFacts, StateOf};

impl Driver {
    /// Does what a command says; `before`: it may have been done before, by a process that ended or by the run that is retried.
    pub(crate) fn dispatch(&mut self, run: RunId, command: Command, before: bool) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        match command {
            // Its row stands in the commit that this follows from.
            Command::RunEffect(effect) if effect.handed_out => match HandOut::of(&effect) {
                Ok(work) => {
                    let (tenant, environment) = (live.tenant, live.facts.environment);
                    self.shared.ring(WorkPool { tenant, environment, pool: work.pool });
                }
                Err(error) => {
                    let RunEffect { id, attempt, .. } = *effect;
                    self.queue(
                        run,
                        Input::EffectCompleted { id, attempt, outcome: Outcome::Failed { error } },
                        None,
                        None,
                    );
                }
            },
            Command::RunEffect(effect) if before && effect.class == EffectClass::AtMostOnce => {
                let error = NodeError::new(
                    OUTCOME_UNKNOWN,
                    format!("nobody knows whether {} was done before, and it must not be done twice", effect.path),
                );
                let RunEffect { id, attempt, .. } = *effect;
                self.queue(run, Input::EffectCompleted { id, attempt, outcome: Outcome::Failed { error } }, None, None);
            }
            Command::RunEffect(effect) => self.perform(run, *effect),
            Command::CancelEffect { id } => {
                if let Some(effect) = live.effects.remove(&id) {
                    effect.cancel.cancel();
                }
            }
            Command::SetTimer { id, due } => {
                live.timers.insert(id, due);
                self.timers.push(Reverse((due, run, id)));
            }
            Command::CancelTimer { id } => {
                live.timers.remove(&id);
            }
            Command::Respond(response) => {
                self.shared.answers.tell(live.tenant, run, || Answer::Responded(response));
            }
            // Whoever waits for the answer is handed on to the run that goes on.
            Command::Finish(Outcome::Continued { .. }) => {}
            Command::Finish(outcome) => self.shared.answers.tell(live.tenant, run, || Answer::Ended(outcome)),
            // Their rows stand in the commit that this follows from.
            Command::AwaitSignal { .. }
            | Command::DropWait { .. }
            | Command::OpenTask(_)
            | Command::CancelTask { .. }
            | Command::EscalateTask { .. } => {}
            Command::StartChild(child) => self.start_child(run, child),
            Command::CancelChild { id } => self.cancel_child(run, id),
        }
    }

    fn start_child(&mut self, run: RunId, child: Box<StartChild>) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        let Some(info) = live.machine.info().cloned() else { return };
        live.children.insert(child.id, Called::Starting);
        let caller = Caller { tenant: live.tenant, run, facts: live.facts.clone(), info };
        let (shared, me) = (self.shared.clone(), self.me.clone());
        if let Some(joins) = child.joins() {
            let id = child.id;
            let bringing = Bringing::begin(shared, Item { caller, child: *child, joins }, me);
            live.bringing.insert(id, bringing);
            return;
        }
        tokio::spawn(async move {
            let started = children::start(&shared, &caller, &child).await;
            kill_points::reach(Point::ChildStarted);
            // The loop may be gone; then the call is found again by its key.
            let _ = me.send(Msg::ChildStarted { run, id: child.id, started });
        });
    }

    /// It is known into which batch an item goes: handed over when that is in the journal.
    pub(crate) fn batch_chosen(&mut self, run: RunId, id: EffectId, batch: RunId) {
        self.touch(run);
        let Some(live) = self.runs.get_mut(&run) else { return };
        match live.children.get(&id) {
            Some(Called::Starting) => self.queue(run, Input::BatchChosen { id, batch }, None, None),
            Some(Called::Unwanted) => {
                self.child_started(run, id, Err(Outcome::Cancelled { reason: "the item was not handed over".into() }));
            }
            Some(Called::Running(_)) | None => {}
        }
    }

    pub(crate) fn child_started(&mut self, run: RunId, id: EffectId, started: Result<RunId, Outcome>) {
        // An order may have waited for it.
        self.touch(run);
        let Some(live) = self.runs.get_mut(&run) else { return };
        let brought = live.bringing.remove(&id).is_some();
        match started {
            Ok(child) => {
                let unwanted = live.children.insert(id, Called::Running(child)) == Some(Called::Unwanted);
                // What became of an item may be known before it is known that it was taken in: then nothing is to be given up.
                if unwanted && (!brought || live.machine.is_item(id)) {
                    self.give_up(run, id, child);
                }
            }
            Err(outcome) => {
                live.children.remove(&id);
                self.queue(run, Input::ChildEnded { id, outcome }, None, None);
            }
        }
    }

    fn cancel_child(&mut self, run: RunId, id: EffectId) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        match live.children.get(&id).copied() {
            Some(Called::Running(child)) => self.give_up(run, id, child),
            Some(Called::Starting) => drop(live.children.insert(id, Called::Unwanted)),
            Some(Called::Unwanted) | None => {}
        }
    }

    /// Asks for the end of a run that was called, or for an item that a batch has.
    fn give_up(&self, run: RunId, id: EffectId, child: RunId) {
        let Some(live) = self.runs.get(&run) else { return };
        let (shared, tenant) = (self.shared.clone(), live.tenant);
        if live.machine.is_item(id) {
            let item = (Parent { run, id }, child);
            tokio::spawn(batches::take_back(shared, tenant, item, self.me.clone()));
        } else {
            tokio::spawn(children::cancel(shared, tenant, child));
        }
    }

    pub(crate) fn say(&self, tenant: TenantId, run: RunId, facts: Arc<RunFacts>, word: Afterword) {
        tokio::spawn(children::say(self.shared.clone(), tenant, run, facts, word));
    }

    fn perform(&mut self, run: RunId, effect: RunEffect) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        let cancel = CancellationToken::new();
        let once = effect.class == EffectClass::AtMostOnce;
        live.effects.insert(effect.id, UnderWay { attempt: effect.attempt, cancel: cancel.clone(), once });
        let (id, attempt, me) = (effect.id, effect.attempt, self.me.clone());
        let of = StateOf { tenant: live.tenant, environment: live.facts.environment, flow: live.facts.flow };
        let shared = &self.shared;
        let records = StepRecords::new(
            shared.store.clone(),
            shared.key_turns.clone(),
            shared.clock.clone(),
            of,
            (id, effect.class),
        );
        let redaction = live.machine.redaction_at(&effect.path).cloned().unwrap_or_default();
        let kept = effect.cache.map(|cached| {
            let (store, clock, anew) = (shared.store.clone(), shared.clock.clone(), live.facts.retry_of.is_some());
            Box::new(MaybeKept { cached, run, id, attempt, anew, me: self.me.clone(), store, clock })
        });
        let job = EffectJob {
            tenant: live.tenant,
            environment: live.facts.environment,
            records: Arc::new(records),
            request: EffectRequest {
                run,
                path: effect.path,
                kind: effect.kind.to_string(),
                config: effect.config,
                input: effect.input,
                key: effect.key,
                attempt,
                timeout: effect.timeout.map(|timeout| Duration::from_millis(timeout.0)),
            },
            cancel,
            redaction,
            done: Box::new(move |result, proposal| {
                // The loop may be gone; then the run is recovered and the effect done again with its key.
                let _ = me.send(Msg::EffectDone { run, id, attempt, result, proposal });
            }),
            kept,
        };
        kill_points::reach(Point::BeforeAnEffect);
        self.shared.pool.submit(job);
    }
}
