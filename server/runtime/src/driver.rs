//! The loop that drives runs: takes in what happened, hands writes to the committer, and does what follows when they are
//! durable. Several loops share the shards; a run lives in one of them for as long as this process owns it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use holon_engine::{Command, EffectId, Input, Outcome, RunEffect, StartChild, TimerId};
use holon_flow::capability::{EffectClass, NodeError};
use holon_model::{Payload, RunId, TenantId, Timestamp, Value};
use holon_platform::execute::EffectRequest;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::api::{Answer, Change, DeliverError, MOST_PAYLOAD, StartError, Started};
use crate::children::{self, Afterword, Caller};
use crate::committer::{Job, Refusal, Verdict};
use crate::effects::EffectJob;
use crate::follow::Feed;
use crate::live::{Beginning, Broken, Called, Live, Queued, Reply};
use crate::runtime::Shared;
use crate::store::{Ask, Asked, EndRow, LiveStatus, LiveWrite, RunFacts, RunWrite};

/// Messages taken before writes are made of them, so that what arrives together is written together.
const MOST_AT_ONCE: usize = 256;
/// The longest sleep: clocks may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// Decisions that a watcher may lag behind before it is let go.
const WATCHER_LAG: usize = 256;

/// What a loop is told.
pub(crate) enum Msg {
    /// A run begins.
    Begin(Box<Live>),
    /// A run is taken up from its journal; `fresh` are inputs that come of the taking up itself.
    Adopt(Box<Live>),
    /// A run that was parked before.
    AdoptParked(Parked),
    /// An effect is over.
    EffectDone { run: RunId, id: EffectId, attempt: u32, result: Result<Value, NodeError> },
    /// A write was settled.
    Settled { run: RunId, verdict: Verdict },
    /// Something happened outside that is for a run.
    Deliver { tenant: TenantId, run: RunId, input: Box<Input>, told: Reply },
    /// A run that another one calls was started, or could not be.
    ChildStarted { run: RunId, id: EffectId, started: Result<RunId, NodeError> },
    /// A run that is over was taken up, and still owes a word.
    Over { tenant: TenantId, run: RunId, facts: Arc<RunFacts>, word: Box<Afterword> },
    /// Somebody wants to see a run: answered with a feed when it lives here.
    Watch { tenant: TenantId, run: RunId, reply: oneshot::Sender<Option<Feed>> },
    /// How many runs are in memory, and how many writes are under way.
    Count { reply: oneshot::Sender<(u64, u64)> },
    /// The end: nothing more is taken in.
    Stop,
}

/// A run that waits for a person.
pub(crate) struct Parked {
    pub tenant: TenantId,
    pub run: RunId,
    pub facts: Arc<RunFacts>,
    pub log_hash: [u8; 32],
}

pub(crate) struct Driver {
    shared: Arc<Shared>,
    me: mpsc::UnboundedSender<Msg>,
    inbox: mpsc::UnboundedReceiver<Msg>,
    runs: HashMap<RunId, Live>,
    parked: HashMap<RunId, Parked>,
    timers: BinaryHeap<Reverse<(Timestamp, RunId, TimerId)>>,
    /// Runs that may have something to take in.
    touched: Vec<RunId>,
}

impl Driver {
    pub fn new(shared: Arc<Shared>, me: mpsc::UnboundedSender<Msg>, inbox: mpsc::UnboundedReceiver<Msg>) -> Self {
        let (runs, parked, timers) = (HashMap::new(), HashMap::new(), BinaryHeap::new());
        Self { shared, me, inbox, runs, parked, timers, touched: Vec::new() }
    }

    pub async fn run(mut self) {
        let mut messages = Vec::with_capacity(MOST_AT_ONCE);
        loop {
            let sleep = self.until_next_timer();
            tokio::select! {
                biased;
                taken = self.inbox.recv_many(&mut messages, MOST_AT_ONCE) => if taken == 0 { return },
                () = tokio::time::sleep(sleep) => {}
            }
            for message in messages.drain(..) {
                if matches!(message, Msg::Stop) || self.shared.is_lost() {
                    // Everything in memory is dropped: what is durable is in the store, what is not never was.
                    self.runs.values_mut().for_each(Live::cancel_effects);
                    return;
                }
                self.take(message);
            }
            self.fire_timers();
            for run in std::mem::take(&mut self.touched) {
                self.advance(run);
            }
        }
    }

    fn until_next_timer(&self) -> Duration {
        let Some(Reverse((due, ..))) = self.timers.peek() else { return LONGEST_SLEEP };
        let left = due.since(self.shared.clock.now()).0;
        Duration::from_millis(left).min(LONGEST_SLEEP)
    }

    fn take(&mut self, message: Msg) {
        match message {
            Msg::Begin(mut live) => {
                let known = self.runs.contains_key(&live.run) || self.parked.contains_key(&live.run);
                if let Some(beginning) = live.beginning.take_if(|_| known) {
                    let _ = beginning.reply.send(Err(StartError::Refused("there is a run with this id".into())));
                    return;
                }
                self.touched.push(live.run);
                self.runs.insert(live.run, *live);
            }
            Msg::Adopt(live) => self.adopt(*live),
            Msg::AdoptParked(parked) => {
                self.parked.insert(parked.run, parked);
            }
            Msg::EffectDone { run, id, attempt, result } => self.effect_done(run, id, attempt, result),
            Msg::Settled { run, verdict } => self.settled(run, verdict),
            Msg::Deliver { tenant, run, input, told } => self.deliver(tenant, run, *input, told),
            Msg::ChildStarted { run, id, started } => self.child_started(run, id, started),
            Msg::Over { tenant, run, facts, word } => self.say(tenant, run, facts, *word),
            Msg::Watch { tenant, run, reply } => {
                let live = self.runs.get_mut(&run).filter(|live| live.tenant == tenant && live.beginning.is_none());
                // Whoever asked may be gone.
                let _ = reply.send(live.map(|live| Feed::of(live, WATCHER_LAG)));
            }
            Msg::Count { reply } => {
                let flights = self.runs.values().filter(|live| live.flight.is_some()).count();
                let _ = reply.send((self.runs.len() as u64, flights as u64));
            }
            // Seen by the loop before.
            Msg::Stop => {}
        }
    }

    fn queue(&mut self, run: RunId, input: Input, told: Option<Reply>) {
        let at = self.shared.clock.now();
        if let Some(live) = self.runs.get_mut(&run) {
            live.waiting.push_back(Queued { at, input, told });
            self.touched.push(run);
        }
    }

    fn effect_done(&mut self, run: RunId, id: EffectId, attempt: u32, result: Result<Value, NodeError>) {
        // An effect that is not wanted any more has no token left, and its answer is no input.
        let wanted = self.runs.get_mut(&run).and_then(|live| live.effects.remove(&id)).is_some();
        if wanted {
            self.queue(run, Input::EffectCompleted { id, attempt, outcome: outcome(result) }, None);
        }
    }

    fn fire_timers(&mut self) {
        let now = self.shared.clock.now();
        while let Some(Reverse((due, run, id))) = self.timers.peek().copied() {
            if due > now {
                return;
            }
            self.timers.pop();
            let armed = self.runs.get_mut(&run).filter(|live| live.timers.get(&id) == Some(&due));
            if armed.is_some_and(|live| live.timers.remove(&id).is_some()) {
                self.queue(run, Input::TimerFired { id }, None);
            }
        }
    }

    fn deliver(&mut self, tenant: TenantId, run: RunId, input: Input, told: Reply) {
        if self.runs.get(&run).is_some_and(|live| live.tenant == tenant) {
            return self.queue(run, input, Some(told));
        }
        let here = self.parked.get(&run).is_some_and(|parked| parked.tenant == tenant);
        match (input, here) {
            (Input::Cancel { reason }, true) => {
                if let Some(parked) = self.parked.remove(&run) {
                    self.terminate(parked, &reason, told);
                }
            }
            // Whoever asked may be gone.
            (_, true) => drop(told.send(Err(DeliverError::Unavailable))),
            (_, false) => drop(told.send(Err(DeliverError::NotFound))),
        }
    }

    /// Ends a parked run by decree: its machine cannot say how it would end.
    fn terminate(&self, parked: Parked, reason: &str, told: Reply) {
        let Parked { tenant, run, facts, log_hash } = parked;
        let error = Some(crate::live::first_line(reason));
        let end = EndRow { at: self.shared.clock.now(), status: "terminated", error, log_hash, state: Vec::new() };
        self.shared.changed(tenant, run, &facts, "terminated");
        let write =
            RunWrite { tenant, run, facts, start: None, journal: None, live: LiveWrite::Delete, end: Some(end) };
        let reply = move |verdict| {
            let done = if verdict == Verdict::Durable { Ok(()) } else { Err(DeliverError::Unavailable) };
            let _ = told.send(done);
        };
        self.shared.committer.submit(Job { write, give_up: None, reply: Box::new(reply) });
    }

    fn adopt(&mut self, live: Live) {
        let run = live.run;
        if self.runs.contains_key(&run) {
            return;
        }
        self.parked.remove(&run);
        self.shared.counters.recovered();
        let commands = live.machine.pending();
        // What was not written, or not taken away, before the process ended.
        if live.asked {
            let outstanding = commands.iter().filter_map(asked_by).collect();
            self.shared.ask(live.tenant, run, &live.facts, Ask::Only(outstanding));
        }
        self.runs.insert(run, live);
        for command in commands {
            self.dispatch(run, command, true);
        }
        self.touched.push(run);
    }

    fn advance(&mut self, run: RunId) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        match live.advance(self.shared.clock.now()) {
            Ok(None) => {}
            Ok(Some(write)) => {
                let give_up = live.beginning.as_ref().map(|beginning| beginning.give_up);
                let me = self.me.clone();
                let reply = move |verdict| {
                    // The loop may be gone; then the run is dropped with it.
                    let _ = me.send(Msg::Settled { run, verdict });
                };
                self.shared.committer.submit(Job { write, give_up, reply: Box::new(reply) });
            }
            Err(Broken(reason)) => self.park(run, reason),
        }
    }

    fn settled(&mut self, run: RunId, verdict: Verdict) {
        match verdict {
            Verdict::Durable => self.durable(run),
            // Our own key: an earlier send of this very write was done.
            Verdict::Taken(row) if row.run == run => self.durable(run),
            Verdict::Taken(row) => {
                let Some(mut live) = self.runs.remove(&run) else { return };
                let Some(beginning) = live.beginning.take() else { return };
                let same = beginning.idempotency.is_some_and(|ours| ours.request_hash == row.request_hash);
                self.shared.counters.replayed();
                let started = Started { run: row.run, replayed: true };
                let _ = beginning.reply.send(if same {
                    Ok(started)
                } else {
                    Err(StartError::IdempotencyMismatch { run: row.run })
                });
            }
            Verdict::Refused(Refusal::Fenced) => {
                self.shared.lose();
                self.runs.remove(&run);
            }
            Verdict::Refused(refusal) => match self.runs.get_mut(&run).and_then(|live| live.beginning.take()) {
                Some(beginning) => {
                    self.runs.remove(&run);
                    let _ = beginning.reply.send(Err(match refusal {
                        Refusal::Full => StartError::StorageFull,
                        Refusal::Poison(why) => StartError::Refused(why),
                        Refusal::Unavailable | Refusal::Fenced => StartError::Unavailable,
                    }));
                }
                None => self.park(run, format!("storage_refused: {refusal:?}")),
            },
        }
    }

    /// What was taken in is durable: now it is told, and what follows from it is done.
    fn durable(&mut self, run: RunId) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        let Some(flight) = live.flight.take() else { return };
        live.stored = Some(flight.status);
        if let Some(Beginning { reply, .. }) = live.beginning.take() {
            self.shared.counters.started();
            // Whoever asked may have given up: the run goes on.
            let _ = reply.send(Ok(Started { run, replayed: false }));
        }
        for told in flight.told {
            let _ = told.send(Ok(()));
        }
        if !live.watchers.is_empty() {
            let events: Arc<[_]> = flight.events.into();
            // A watcher that does not keep up is let go; it comes back and reads what it missed from the journal.
            live.watchers.retain(|watcher| watcher.try_send(events.clone()).is_ok());
        }
        if flight.ended || flight.status_changed {
            let status = if flight.ended { live.machine.status().name() } else { flight.status.as_str() };
            self.shared.changed(live.tenant, run, &live.facts, status);
        }
        for command in flight.commands {
            self.dispatch(run, command, false);
        }
        for ask in flight.asks {
            self.ask(run, ask);
        }
        if flight.ended {
            if let Some(mut live) = self.runs.remove(&run) {
                live.cancel_effects();
                if live.asked {
                    self.shared.ask(live.tenant, run, &live.facts, Ask::Only(Vec::new()));
                }
                if let Some(word) = flight.afterword {
                    self.say(live.tenant, run, live.facts.clone(), word);
                }
            }
        } else {
            self.touched.push(run);
        }
    }

    fn dispatch(&mut self, run: RunId, command: Command, recovered: bool) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        match command {
            Command::RunEffect(effect) if recovered && effect.class == EffectClass::AtMostOnce => {
                let error = NodeError::new(
                    "outcome_unknown",
                    format!("the server stopped while {} was being done, and it must not be done twice", effect.path),
                );
                let RunEffect { id, attempt, .. } = *effect;
                self.queue(run, Input::EffectCompleted { id, attempt, outcome: Outcome::Failed { error } }, None);
            }
            Command::RunEffect(effect) => self.perform(run, *effect),
            Command::CancelEffect { id } => {
                if let Some(token) = live.effects.remove(&id) {
                    token.cancel();
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
            // Whoever waits for the answer is answered by the run that goes on, not by this one.
            Command::Finish(Outcome::Continued { .. }) => {}
            Command::Finish(outcome) => self.shared.answers.tell(live.tenant, run, || Answer::Ended(outcome)),
            Command::AwaitSignal { id, name, correlation, .. } => self.ask(run, Ask::Await { id, name, correlation }),
            Command::DropWait { id } => self.ask(run, Ask::Drop { id }),
            Command::OpenTask(task) => self.ask(run, Ask::Open(task)),
            Command::CancelTask { id } => self.ask(run, Ask::Close { id }),
            Command::EscalateTask { id, to } => self.ask(run, Ask::Escalate { id, to }),
            Command::StartChild(child) => self.start_child(run, child),
            Command::CancelChild { id } => self.cancel_child(run, id),
        }
    }

    fn ask(&mut self, run: RunId, ask: Ask) {
        if let Some(live) = self.runs.get_mut(&run) {
            live.asked = true;
            self.shared.ask(live.tenant, run, &live.facts, ask);
        }
    }

    fn start_child(&mut self, run: RunId, child: Box<StartChild>) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        let Some(info) = live.machine.info().cloned() else { return };
        live.children.insert(child.id, Called::Starting);
        let caller = Caller { tenant: live.tenant, run, facts: live.facts.clone(), info };
        let (shared, me) = (self.shared.clone(), self.me.clone());
        tokio::spawn(async move {
            let started = children::start(&shared, &caller, &child).await;
            // The loop may be gone; then the call is found again by its key.
            let _ = me.send(Msg::ChildStarted { run, id: child.id, started });
        });
    }

    fn child_started(&mut self, run: RunId, id: EffectId, started: Result<RunId, NodeError>) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        match started {
            Ok(child) => {
                if live.children.insert(id, Called::Running(child)) == Some(Called::Unwanted) {
                    tokio::spawn(children::cancel(self.shared.clone(), live.tenant, child));
                }
            }
            Err(error) => {
                live.children.remove(&id);
                self.queue(run, Input::ChildEnded { id, outcome: Outcome::Failed { error } }, None);
            }
        }
    }

    fn cancel_child(&mut self, run: RunId, id: EffectId) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        match live.children.get(&id).copied() {
            Some(Called::Running(child)) => {
                drop(tokio::spawn(children::cancel(self.shared.clone(), live.tenant, child)))
            }
            Some(Called::Starting) => drop(live.children.insert(id, Called::Unwanted)),
            Some(Called::Unwanted) | None => {}
        }
    }

    fn say(&self, tenant: TenantId, run: RunId, facts: Arc<RunFacts>, word: Afterword) {
        tokio::spawn(children::say(self.shared.clone(), tenant, run, facts, word));
    }

    fn perform(&mut self, run: RunId, effect: RunEffect) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        let cancel = CancellationToken::new();
        live.effects.insert(effect.id, cancel.clone());
        let (id, attempt, me) = (effect.id, effect.attempt, self.me.clone());
        self.shared.pool.submit(EffectJob {
            tenant: live.tenant,
            environment: live.facts.environment,
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
            done: Box::new(move |result| {
                // The loop may be gone; then the run is recovered and the effect done again with its key.
                let _ = me.send(Msg::EffectDone { run, id, attempt, result });
            }),
        });
    }

    /// Parks a run: nothing more is done for it until a person or another build looks at it.
    fn park(&mut self, run: RunId, reason: String) {
        let Some(mut live) = self.runs.remove(&run) else { return };
        live.cancel_effects();
        tracing::error!(%run, reason, "a run is parked");
        if let Some(beginning) = live.beginning.take() {
            // It never was: nothing of it is stored.
            let _ = beginning.reply.send(Err(StartError::Refused(reason)));
            return;
        }
        let parked = park_write(live.tenant, run, live.facts.clone(), reason);
        let log_hash = live.machine.log_hash();
        self.parked.insert(run, Parked { tenant: live.tenant, run, facts: live.facts.clone(), log_hash });
        self.shared.changed(live.tenant, run, &live.facts, "paused");
        self.shared.committer.submit(Job { write: parked, give_up: None, reply: Box::new(drop) });
    }
}

/// The wait or task that a command is about, of those that stand in tables.
fn asked_by(command: &Command) -> Option<EffectId> {
    match command {
        Command::AwaitSignal { id, .. } => Some(*id),
        Command::OpenTask(task) => Some(task.id),
        _ => None,
    }
}

/// The write that parks a run.
pub(crate) fn park_write(tenant: TenantId, run: RunId, facts: Arc<RunFacts>, reason: String) -> RunWrite {
    let reason = Some(crate::live::first_line(&reason));
    let live = LiveWrite::Update { status: LiveStatus::Paused, reason, snapshot: None };
    RunWrite { tenant, run, facts, start: None, journal: None, live, end: None }
}

fn outcome(result: Result<Value, NodeError>) -> Outcome {
    match result {
        Ok(value) => {
            let bytes = size(&value);
            if bytes <= MOST_PAYLOAD {
                return Outcome::Ok(Payload::Inline(value));
            }
            let message = format!("the result has {bytes} bytes, more than the {MOST_PAYLOAD} that a step may give");
            Outcome::Failed { error: NodeError::new("payload_too_large", message) }
        }
        Err(error) => Outcome::Failed { error },
    }
}

/// Bytes of a value in a journal.
pub(crate) fn size(value: &Value) -> usize {
    postcard::experimental::serialized_size(value).unwrap_or(usize::MAX)
}

impl Shared {
    /// Has an ask written where others look it up.
    fn ask(&self, tenant: TenantId, run: RunId, facts: &RunFacts, ask: Ask) {
        let at = self.clock.now();
        let asked = Asked { tenant, run, environment: facts.environment, flow: facts.flow, at, ask };
        // The writer ends with the runtime.
        let _ = self.asks.send(asked);
    }

    /// Tells everybody who listens that a run changed.
    pub(crate) fn changed(&self, tenant: TenantId, run: RunId, facts: &RunFacts, status: &'static str) {
        // Nobody listening is fine.
        let _ = self.changes.send(Change { tenant, run, flow: facts.flow, status });
    }
}
