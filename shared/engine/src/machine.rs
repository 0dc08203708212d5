//! The machine: one run of one flow. Stamped inputs in, decisions out.

use crate::{
    Command, Event, Input, Mail, Outcome, Refusal, Response, Stamped,
    arena::{CNode, Compiled, NodeId},
    batch::Batches,
    input::{EffectId, RunInfo, TimerId},
    log::Log,
    names::RunNames,
    path::FramePath,
    remember::Memory,
    saga::Undone,
    signal::Mailbox,
    state::{Arena, FrameId, RunStatus, Timers, check},
    turns::Turns,
};
use holon_flow::{capability::NodeError, expr::Meter};
use holon_model::{Payload, Timestamp, Value};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// What an input led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Number of the input, from 0.
    pub seq: u64,
    /// Whether the input changed anything. One that did not (a second answer, a timer that was cancelled, anything after the
    /// end) left the machine as it was, log hash included: it need not be journaled.
    pub accepted: bool,
    /// The stamp that counts: never before the last one. Journal this one.
    pub at: Timestamp,
    /// What became true.
    pub events: Vec<Event>,
    /// What to do once the input is durable, in order.
    pub commands: Vec<Command>,
    /// Where the run is now.
    pub status: RunStatus,
    /// When the next timer is due.
    pub next_due: Option<Timestamp>,
    /// The log hash after the input: what its journal row carries.
    pub log_hash: [u8; 32],
}

/// One run of one flow.
#[derive(Debug, Clone)]
pub struct Machine {
    pub(crate) flow: Arc<Compiled>,
    pub(crate) core: Core,
    pub(crate) meter: Meter,
    pub(crate) log: Log,
    /// Of each frame; not part of snapshots, since frames tell them.
    pub(crate) paths: Vec<FramePath>,
    pub(crate) queue: VecDeque<Work>,
    /// What was computed before, in previews; not part of snapshots, since nothing depends on it.
    pub(crate) memory: Option<Memory>,
}

/// What a machine remembers, but for budget and log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Core {
    pub status: RunStatus,
    pub at: Timestamp,
    pub arena: Arena,
    pub timers: Timers,
    /// Effects whose answers count.
    pub effects: BTreeMap<EffectId, (FrameId, NodeId)>,
    /// How many of them are being done, and not waiting for another attempt.
    pub in_flight: u32,
    /// What nodes ask for besides effects: tasks, signals, other runs.
    pub asks: BTreeMap<EffectId, (FrameId, NodeId)>,
    pub mailbox: Mailbox,
    pub names: RunNames,
    #[serde(with = "crate::input::whole")]
    pub info: Option<Box<RunInfo>>,
    pub response: Option<Response>,
    /// The reason, once cancelling was asked for.
    pub cancel: Option<String>,
    /// What the run that goes on for this one is started with, once that was decided.
    pub next: Option<Value>,
    /// The timer of the run's deadline.
    pub deadline: Option<TimerId>,
    pub outcome: Option<Outcome>,
    pub finished_at: Option<Timestamp>,
    /// Number of the input with which the run ended.
    pub ended_by: Option<u64>,
    /// Of effects of compensations what is known over all rounds. It stands behind the rest of a snapshot too.
    #[serde(skip)]
    pub undone: BTreeMap<EffectId, Undone>,
    /// Nodes whose value was given to an earlier effect, and when. It stands behind the rest of a snapshot, and only where there are
    /// any, so that others read as before.
    #[serde(skip)]
    pub kept: BTreeMap<(FrameId, NodeId), Timestamp>,
    /// Of nodes that are bounded in number, whose turn it is. It stands behind the rest of a snapshot too.
    #[serde(skip)]
    pub turns: Turns,
    /// Of batches, what it waits for and what it collects. It stands behind the rest of a snapshot too.
    #[serde(skip)]
    pub batches: Batches,
}

/// A node in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub frame: FrameId,
    pub node: NodeId,
}

/// What remains to be done within one decision, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    Start(At),
    /// A node that waited for its turn.
    Begin(At),
    Close(FrameId),
}

impl Machine {
    /// A run that has not started.
    pub fn new(flow: Arc<Compiled>) -> Self {
        let log = Log::new(flow.hash);
        let core = Core {
            status: RunStatus::Queued,
            at: Timestamp(i64::MIN),
            arena: Arena::default(),
            timers: Timers::default(),
            effects: BTreeMap::new(),
            in_flight: 0,
            asks: BTreeMap::new(),
            mailbox: Mailbox::default(),
            names: RunNames::default(),
            info: None,
            response: None,
            cancel: None,
            next: None,
            deadline: None,
            outcome: None,
            finished_at: None,
            ended_by: None,
            undone: BTreeMap::new(),
            kept: BTreeMap::new(),
            turns: Turns::default(),
            batches: Batches::default(),
        };
        Self { flow, core, meter: Meter::new(0, 0), log, paths: Vec::new(), queue: VecDeque::new(), memory: None }
    }

    /// Takes one input and says what follows from it.
    pub fn handle(&mut self, input: Stamped<Input>) -> Decision {
        let seq = self.log.seq;
        if !self.accepts(&input.value) {
            return self.decision(seq, false);
        }
        let at = self.core.at.max(input.at);
        self.core.at = at;
        self.log.begin(at, &input.value);
        let flow = self.flow.clone();
        self.apply(&flow, input.value);
        while !self.queue.is_empty() || self.give_places(&flow) {
            match self.queue.pop_front() {
                Some(Work::Start(at)) => self.start_node(&flow, at),
                Some(Work::Begin(at)) => self.turn_came(&flow, at),
                Some(Work::Close(frame)) => self.close_frame(&flow, frame),
                None => break,
            }
        }
        if !self.core.status.is_terminal() {
            let waits = self.core.in_flight == 0;
            self.move_run(if waits { RunStatus::Waiting } else { RunStatus::Running });
            let comes = self.core.timers.next_due().is_some() || !self.core.asks.is_empty();
            debug_assert!(comes || !waits, "a live run waits for something");
        }
        self.log.end(self.meter.fuel, self.meter.bytes);
        self.decision(seq, true)
    }

    fn decision(&mut self, seq: u64, accepted: bool) -> Decision {
        Decision {
            seq,
            accepted,
            at: self.core.at,
            events: std::mem::take(&mut self.log.events),
            commands: std::mem::take(&mut self.log.commands),
            status: self.core.status,
            next_due: self.core.timers.next_due(),
            log_hash: self.log.hash,
        }
    }

    /// Whether an input would change anything.
    pub fn accepts(&self, input: &Input) -> bool {
        self.check(input).is_ok()
    }

    /// Whether an input would change anything; if not, why.
    ///
    /// # Errors
    /// What to tell whoever sent it. The run goes on as if nothing had come.
    pub fn check(&self, input: &Input) -> Result<(), Refusal> {
        crate::refusal::check(self, input)
    }

    fn apply(&mut self, flow: &Compiled, input: Input) {
        match input {
            Input::Start { input, run } => self.start_run(flow, &input, run),
            Input::EffectCompleted { id, outcome, .. } => {
                if let Some((frame, node)) = self.core.effects.get(&id).copied() {
                    self.effect_completed(flow, At { frame, node }, outcome);
                }
            }
            Input::TimerFired { id } => self.timer_fired(flow, id),
            Input::Cancel { reason } => {
                self.log.run_event(crate::EventKind::CancelRequested { reason: reason.clone() });
                self.core.cancel = Some(reason.clone());
                if self.core.batches.is_collecting() {
                    return self.stop_collecting(Outcome::Cancelled { reason });
                }
                self.cancel_frame(flow, 0);
            }
            Input::Signal { name, correlation, sender, payload } => {
                crate::signal::came(self, flow, &name, &correlation, &sender, &payload);
            }
            Input::TaskAnswered { id, choice, form, by } => crate::task::answered(self, flow, id, &choice, &form, &by),
            Input::ChildEnded { id, outcome } => crate::child::ended(self, flow, id, outcome),
            Input::TriedAgain { .. } => crate::retry::tried_again(self, flow),
            Input::BatchChosen { id, batch } => crate::batch::chosen(self, flow, id, batch),
            Input::Joined { member, item } => self.joined(flow, member, &item),
            Input::Left { member } => self.left(member),
        }
    }

    fn move_run(&mut self, next: RunStatus) {
        if self.core.status != next {
            check("run", RunStatus::LEGAL, self.core.status, next);
            self.core.status = next;
        }
    }

    /// Ends the run with its root frame's ending.
    pub(crate) fn end_run(&mut self, outcome: Outcome) {
        let (status, event) = match &outcome {
            Outcome::Ok(output) | Outcome::Kept { value: output, .. } => {
                (RunStatus::Completed, crate::EventKind::RunCompleted { output: output.to_value() })
            }
            Outcome::Failed { error } => (RunStatus::Failed, crate::EventKind::RunFailed { error: error.clone() }),
            Outcome::Cancelled { reason } => {
                (RunStatus::Cancelled, crate::EventKind::RunCancelled { reason: reason.clone() })
            }
            Outcome::Continued { input } => {
                (RunStatus::Continued, crate::EventKind::RunContinued { input: input.to_value() })
            }
        };
        if let Some(deadline) = self.core.deadline.take() {
            self.drop_timer(deadline);
        }
        self.move_run(status);
        self.core.finished_at = Some(self.core.at);
        self.core.ended_by = Some(self.log.seq);
        self.log.run_event(event);
        self.log.command(Command::Finish(outcome.clone()));
        self.core.outcome = Some(outcome);
        if self.means(Mail::SINCE)
            && let Some(mail) = self.mail()
        {
            self.log.mail(&mail);
        }
    }

    /// Where the run is.
    pub fn status(&self) -> RunStatus {
        self.core.status
    }

    /// How the run ended, if it did.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.core.outcome.as_ref()
    }

    /// What the caller was answered, if it was.
    pub fn response(&self) -> Option<&Response> {
        self.core.response.as_ref()
    }

    /// What is fixed for the whole run, once it started.
    pub fn info(&self) -> Option<&RunInfo> {
        self.core.info.as_deref()
    }

    /// The flow that runs.
    pub fn flow(&self) -> &Arc<Compiled> {
        &self.flow
    }

    /// The chain's hash over everything so far.
    pub fn log_hash(&self) -> [u8; 32] {
        self.log.hash
    }

    /// How many inputs were accepted.
    pub fn seq(&self) -> u64 {
        self.log.seq
    }

    /// The last stamp that counted.
    pub fn at(&self) -> Option<Timestamp> {
        (self.log.seq > 0).then_some(self.core.at)
    }

    /// Number of the input with which the run ended, if it did: a retry copies the journal up to before it.
    pub fn ended_by(&self) -> Option<u64> {
        self.core.ended_by
    }

    /// Budget that is left: fuel and bytes.
    pub fn budget_left(&self) -> (u64, u64) {
        (self.meter.fuel, self.meter.bytes)
    }

    /// When the next timer is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.core.timers.next_due()
    }

    pub(crate) fn cnode<'a>(&self, flow: &'a Compiled, at: At) -> &'a CNode {
        let graph = self.core.arena.frame(at.frame).graph;
        &flow.graphs[graph as usize].nodes[at.node as usize]
    }

    pub(crate) fn out_of_fuel() -> NodeError {
        NodeError::from(holon_flow::expr::ExprError::OutOfFuel)
    }

    /// The outcome of a completed run.
    pub(crate) fn completed(output: Value) -> Outcome {
        Outcome::Ok(Payload::Inline(output))
    }
}
