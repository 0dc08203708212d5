//! The loop that drives runs: takes in what happened, hands writes to the committer, and does what follows when they are
//! durable. Several loops share the shards; a run lives in one of them for as long as this process owns it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use holon_engine::{Command, EffectId, Input, Outcome, Parent, TimerId};
use holon_flow::capability::NodeError;
use holon_model::{Payload, RunId, TenantId, Timestamp, Value};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use crate::api::{Change, DeliverError, MOST_PAYLOAD, StartError, Started};
use crate::asleep::Asleep;
use crate::children::Afterword;
use crate::closing::{Closes, Closing};
use crate::committer::{Job, Refusal, Verdict};
use crate::follow::Feed;
use crate::live::{Beginning, Broken, Live, Queued, Reply, Told};
use crate::members::shares;
use crate::order::Order;
use crate::records::Proposal;
use crate::runtime::Shared;
use crate::store::{LiveStatus, LiveWrite, RunFacts, RunWrite, Sleeper};
use crate::timers::FEW_TIMERS;
use crate::turns::Turns;
use crate::waking::{Readings, Waking, Woken};

/// Messages heard at once: more than come in a slice, so that none waits where tenants do not take turns.
const MOST_AT_ONCE: usize = 4_096;
/// For how long turns are taken before the loop looks what has come meanwhile.
const SLICE: Duration = Duration::from_millis(1);
/// The same while several tenants have something to do: whoever comes next waits no longer than this.
const SHORT_SLICE: Duration = Duration::from_micros(250);
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
    /// Runs that sleep, by their rows.
    Asleep(Vec<Sleeper>),
    /// Runs that slept have come from the store.
    Woken { woken: Vec<Woken>, courteous: bool },
    /// An effect is over.
    EffectDone { run: RunId, id: EffectId, attempt: u32, result: Result<Value, NodeError>, proposal: Proposal },
    /// An effect has the answer that an earlier one was given.
    Kept { run: RunId, id: EffectId, attempt: u32, value: Value, since: Timestamp },
    /// A write was settled.
    Settled { run: RunId, verdict: Verdict },
    /// Something happened outside that is for a run.
    Deliver { tenant: TenantId, run: RunId, input: Box<Input>, told: Reply, letter: Option<i64> },
    /// A person orders something of a run.
    Order { tenant: TenantId, run: RunId, order: Order, told: Reply },
    /// A run that another one calls was started, or could not be.
    ChildStarted { run: RunId, id: EffectId, started: Result<RunId, Outcome> },
    /// It is known into which batch an item of a run goes.
    BatchChosen { run: RunId, id: EffectId, batch: RunId },
    /// A run that is over was taken up, and still owes a word.
    Over { tenant: TenantId, run: RunId, facts: Arc<RunFacts>, word: Box<Afterword> },
    /// A run that waits has a place.
    Turn { run: RunId },
    /// Somebody wants to see a run: answered with a feed when it lives here.
    Watch { tenant: TenantId, run: RunId, reply: oneshot::Sender<Option<Feed>> },
    /// How many runs are in memory, and what is under way.
    Count { reply: oneshot::Sender<Counts> },
    /// Runs of these shards are to come.
    Open { shards: Vec<i16> },
    /// These shards are to go: answered with those that are closed, when nothing of them is in memory.
    Close { shards: Vec<i16>, how: Closes, reply: oneshot::Sender<Vec<i16>> },
    /// The end: nothing more is taken in.
    Stop,
}

/// What a loop has in hand.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    /// Runs in memory.
    pub runs: u64,
    /// Runs that sleep.
    pub asleep: u64,
    /// Writes under way.
    pub writes: u64,
}

/// One who follows a run.
pub(crate) type Watcher = mpsc::Sender<Arc<[Told]>>;

/// A run that waits for a person.
#[derive(Clone)]
pub(crate) struct Parked {
    pub tenant: TenantId,
    pub run: RunId,
    pub facts: Arc<RunFacts>,
    /// After the last input that is durable.
    pub log_hash: [u8; 32],
    /// The run that called it.
    pub parent: Option<Parent>,
    /// Whether its row may say that it sleeps.
    pub sleeps: bool,
}

impl Parked {
    /// Whether others wait for how it ends: the run that called it, or those whose items it has.
    pub fn owes(&self) -> bool {
        self.parent.is_some() || shares(&self.facts)
    }
}

/// What a tenant's turn is used for.
enum Turn {
    /// What happened to a run is seen to.
    Heard(Msg),
    /// A run that may have something to take in is computed.
    Run(RunId),
}

pub(crate) struct Driver {
    pub(crate) shared: Arc<Shared>,
    pub(crate) me: mpsc::UnboundedSender<Msg>,
    inbox: mpsc::UnboundedReceiver<Msg>,
    pub(crate) runs: HashMap<RunId, Live>,
    pub(crate) parked: HashMap<RunId, Parked>,
    pub(crate) timers: BinaryHeap<Reverse<(Timestamp, RunId, TimerId)>>,
    /// More timers than these, and those that are not wanted any more are taken out.
    pub(crate) most_timers: usize,
    /// Runs that sleep.
    pub(crate) asleep: Asleep,
    /// Runs that wait, by when they are looked at to fall asleep.
    pub(crate) idle: BinaryHeap<Reverse<(Instant, RunId)>>,
    /// Runs that wake.
    pub(crate) waking: BTreeMap<RunId, Waking>,
    /// What is read of them.
    pub(crate) readings: Readings,
    /// How many have woken.
    pub(crate) wakings: u64,
    /// What is to be done.
    turns: Turns<Turn>,
    /// Shards whose runs are taken in.
    pub(crate) open: BTreeSet<i16>,
    pub(crate) closing: Option<Closing>,
}

impl Driver {
    pub fn new(shared: Arc<Shared>, me: mpsc::UnboundedSender<Msg>, inbox: mpsc::UnboundedReceiver<Msg>) -> Self {
        let (runs, parked, timers) = (HashMap::new(), HashMap::new(), BinaryHeap::new());
        let (turns, open) = (Turns::default(), BTreeSet::new());
        Self {
            shared,
            me,
            inbox,
            runs,
            parked,
            timers,
            most_timers: FEW_TIMERS,
            asleep: Asleep::default(),
            idle: BinaryHeap::new(),
            waking: BTreeMap::new(),
            readings: Readings::default(),
            wakings: 0,
            turns,
            open,
            closing: None,
        }
    }

    /// Runs where nothing else of the server does: what it computes holds up no request.
    pub async fn run(mut self) {
        let mut messages = Vec::with_capacity(MOST_AT_ONCE);
        let stop = self.shared.stop.clone();
        loop {
            self.hear(&mut messages).await;
            for message in messages.drain(..) {
                if matches!(message, Msg::Stop) {
                    return self.end();
                }
                // What is of no run is done at once: it is little, and nobody's turn.
                match self.whose(&message) {
                    Some(tenant) => self.turns.push(tenant, Turn::Heard(message)),
                    None => self.take(message),
                }
            }
            if stop.is_cancelled() || self.shared.is_lost() {
                return self.end();
            }
            self.fire_timers();
            self.take_turns();
            self.let_sleep();
            self.rouse_due();
            self.close_settled();
        }
    }

    /// Everything in memory is dropped: what is durable is in the store, what is not never was.
    fn end(mut self) {
        self.runs.values_mut().for_each(Live::cancel_effects);
    }

    /// Takes what has come; waits for it when there is nothing else to do.
    async fn hear(&mut self, messages: &mut Vec<Msg>) {
        if !self.turns.is_empty() {
            while messages.len() < MOST_AT_ONCE
                && let Ok(message) = self.inbox.try_recv()
            {
                messages.push(message);
            }
            // What was written and what was done meanwhile shares the thread, and tells of itself.
            return tokio::task::yield_now().await;
        }
        if self.inbox.is_empty() {
            self.turns.forgive();
        }
        // Before the look at the clock: it may be moved in between.
        let moved = self.shared.clock.moved();
        let moved = moved.as_deref().map(Notify::notified);
        let sleep = self.until_next();
        let stop = self.shared.stop.clone();
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            // It never closes: this loop holds a sender of its own.
            _ = self.inbox.recv_many(messages, MOST_AT_ONCE) => {}
            () = tokio::time::sleep(sleep) => {}
            () = async { if let Some(moved) = moved { moved.await } else { std::future::pending().await } } => {}
        }
    }

    /// Takes turns for a slice of time.
    fn take_turns(&mut self) {
        let mut began = Instant::now();
        let until = began + if self.turns.is_shared() { SHORT_SLICE } else { SLICE };
        while began < until
            && let Some((tenant, turn)) = self.turns.next()
        {
            match turn {
                Turn::Heard(message) => self.take(message),
                Turn::Run(run) => self.advance(run),
            }
            let now = Instant::now();
            self.turns.spent(tenant, now - began);
            began = now;
        }
    }

    /// Whose turn it takes to see to a message: of one tenant they are seen to in the order in which they came. Nobody's where it is of
    /// no run, or of one that is not here.
    fn whose(&self, message: &Msg) -> Option<TenantId> {
        match message {
            Msg::Begin(live) | Msg::Adopt(live) => Some(live.tenant),
            Msg::AdoptParked(parked) => Some(parked.tenant),
            Msg::Deliver { tenant, .. }
            | Msg::Order { tenant, .. }
            | Msg::Over { tenant, .. }
            | Msg::Watch { tenant, .. } => Some(*tenant),
            Msg::EffectDone { run, .. }
            | Msg::Kept { run, .. }
            | Msg::Settled { run, .. }
            | Msg::ChildStarted { run, .. }
            | Msg::BatchChosen { run, .. }
            | Msg::Turn { run } => self.runs.get(run).map(|live| live.tenant),
            Msg::Asleep(_)
            | Msg::Woken { .. }
            | Msg::Count { .. }
            | Msg::Open { .. }
            | Msg::Close { .. }
            | Msg::Stop => None,
        }
    }

    /// A run may have something to take in.
    pub(crate) fn touch(&mut self, run: RunId) {
        if let Some(live) = self.runs.get_mut(&run).filter(|live| !live.touched) {
            live.touched = true;
            self.turns.push(live.tenant, Turn::Run(run));
        }
    }

    pub(crate) fn take(&mut self, message: Msg) {
        let Some(message) = self.keep_for_sleeper(message) else { return };
        match message {
            Msg::Begin(mut live) => {
                if !self.is_open(live.run) {
                    if let Some(beginning) = live.beginning.take() {
                        // Whoever asked may be gone.
                        let _ = beginning.reply.send(Err(StartError::Unavailable));
                    }
                    return;
                }
                let here = self.runs.contains_key(&live.run) || self.parked.contains_key(&live.run);
                let known = here || self.is_away(live.run);
                if let Some(beginning) = live.beginning.take_if(|_| known) {
                    let _ = beginning.reply.send(Err(StartError::Refused("there is a run with this id".into())));
                    return;
                }
                let run = live.run;
                self.runs.insert(run, *live);
                self.touch(run);
            }
            Msg::Adopt(live) => self.adopt(*live),
            Msg::AdoptParked(parked) => {
                if self.is_open(parked.run) || self.is_closing(parked.run) {
                    self.parked.insert(parked.run, parked);
                }
            }
            Msg::Asleep(sleepers) => self.sleep(sleepers),
            Msg::Woken { woken, courteous } => self.woken(woken, courteous),
            Msg::EffectDone { run, id, attempt, result, proposal } => {
                self.effect_done(run, (id, attempt), result, proposal);
            }
            Msg::Kept { run, id, attempt, value, since } => self.kept(run, (id, attempt), value, since),
            Msg::Settled { run, verdict } => self.settled(run, verdict),
            Msg::Deliver { tenant, run, input, told, letter } => self.deliver(tenant, run, *input, told, letter),
            // Of a shard that is not here whoever asks is not answered, and asks elsewhere.
            Msg::Order { run, .. } if !self.is_open(run) => {}
            Msg::Order { tenant, run, order, told } => self.order(tenant, run, order, told),
            Msg::ChildStarted { run, id, started } => self.child_started(run, id, started),
            Msg::BatchChosen { run, id, batch } => self.batch_chosen(run, id, batch),
            // Of a shard that is being closed it is said all the same: the shard may stay.
            Msg::Over { run, .. } if !self.is_open(run) && !self.is_closing(run) => {}
            Msg::Over { tenant, run, facts, word } => self.say(tenant, run, facts, *word),
            Msg::Watch { tenant, run, reply } => {
                let live = self.runs.get_mut(&run).filter(|live| live.tenant == tenant && live.beginning.is_none());
                // Whoever asked may be gone.
                let _ = reply.send(live.map(|live| Feed::of(live, WATCHER_LAG)));
            }
            Msg::Count { reply } => {
                // What is still to be seen to may come to a write.
                let writes =
                    (self.runs.values().filter(|live| live.flight.is_some()).count() + self.turns.len()) as u64;
                let (runs, asleep) = (self.runs.len() as u64, self.asleep.len() as u64);
                // Whoever asked may be gone.
                let _ = reply.send(Counts { runs, asleep, writes });
            }
            Msg::Turn { run } => self.turn(run),
            Msg::Open { shards } => self.open(&shards),
            Msg::Close { shards, how, reply } => self.close(shards, how, reply),
            // Seen by the loop before.
            Msg::Stop => {}
        }
    }

    pub(crate) fn queue(&mut self, run: RunId, input: Input, told: Option<Reply>, letter: Option<i64>) {
        let at = self.shared.clock.now();
        if let Some(live) = self.runs.get_mut(&run) {
            // What the flow says is not to be kept is in no journal and in no row from here on.
            let input = live.machine.redacted(input);
            live.waiting.push_back(Queued { told, letter, ..Queued::of(at, input) });
            self.touch(run);
        }
    }

    fn deliver(&mut self, tenant: TenantId, run: RunId, input: Input, told: Reply, letter: Option<i64>) {
        if !self.is_open(run) {
            // Whoever asks is not answered, and asks elsewhere.
            return;
        }
        if let Some(live) = self.runs.get_mut(&run).filter(|live| live.tenant == tenant) {
            if let (Input::Cancel { reason }, true) = (&input, live.in_line.is_some()) {
                live.orders.push_back((Order::Withdraw { reason: reason.clone() }, Some(told)));
                return self.touch(run);
            }
            if matches!(input, Input::Cancel { .. }) && live.held.is_some() {
                // Whoever wants it to end wants it to go on to its end.
                live.orders.push_back((Order::Resume, None));
            }
            return self.queue(run, input, Some(told), letter);
        }
        let here = self.parked.get(&run).is_some_and(|parked| parked.tenant == tenant);
        match (input, here) {
            (Input::Cancel { reason }, true) => {
                if let Some(parked) = self.parked.remove(&run) {
                    self.terminate(parked, &reason, told, Vec::new());
                }
            }
            // Whoever asked may be gone.
            (_, true) => drop(told.send(Err(DeliverError::Unavailable))),
            (_, false) => drop(told.send(Err(DeliverError::NotFound))),
        }
    }

    fn adopt(&mut self, live: Live) {
        let run = live.run;
        if self.runs.contains_key(&run) || self.is_away(run) || !self.is_open(run) {
            return;
        }
        self.shared.counters.recovered();
        self.take_over(live);
    }

    /// Goes on with a run as the store has it.
    pub(crate) fn take_over(&mut self, live: Live) {
        let run = live.run;
        self.parked.remove(&run);
        // A run that a person paused is found as it was left, and nothing is done for it.
        let commands = if live.held.is_some() || live.in_line.is_some() { Vec::new() } else { live.machine.pending() };
        self.runs.insert(run, live);
        for command in commands {
            self.dispatch(run, command, true);
        }
        self.touch(run);
        self.rest(run);
    }

    fn advance(&mut self, run: RunId) {
        let Some(live) = self.runs.get_mut(&run) else { return };
        live.touched = false;
        // Of a shard that goes only what has begun is written to its end.
        if live.beginning.is_none() && self.is_closing(run) {
            return;
        }
        let Some(live) = self.runs.get_mut(&run) else { return };
        if !live.orders.is_empty() && self.obey(run) {
            return;
        }
        let Some(live) = self.runs.get_mut(&run) else { return };
        match live.advance(self.shared.clock.now()) {
            Ok(None) => {}
            Ok(Some(write)) => self.submit(run, write),
            Err(Broken(reason)) => self.park(run, reason),
        }
    }

    /// Hands a write of a run in; the run hears what became of it.
    pub(crate) fn submit(&self, run: RunId, write: RunWrite) {
        let beginning = self.runs.get(&run).and_then(|live| live.beginning.as_ref());
        let give_up = beginning.map(|beginning| beginning.give_up);
        let me = self.me.clone();
        let reply = move |verdict| {
            // The loop may be gone; then the run is dropped with it.
            let _ = me.send(Msg::Settled { run, verdict });
        };
        self.shared.committer.submit(Job { write, give_up, reply: Box::new(reply) });
    }

    fn settled(&mut self, run: RunId, verdict: Verdict) {
        match verdict {
            Verdict::Durable => self.durable(run),
            // Our own key: an earlier send of this very write was done.
            Verdict::Taken(row) if row.run == run => self.durable(run),
            Verdict::Stale => self.go_back(run),
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
        let resumed = live.stored == Some(LiveStatus::Paused) && flight.status != LiveStatus::Paused;
        live.stored = Some(flight.status);
        live.log_hash = flight.log_hash;
        if let Some(Beginning { reply, .. }) = live.beginning.take() {
            self.shared.counters.started();
            // Whoever asked may have given up: the run goes on.
            let _ = reply.send(Ok(Started { run, replayed: false }));
        }
        for (told, answer) in flight.told {
            let _ = told.send(answer);
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
        // What another run may have done before is done again as after a crash; the one that is tried again is known to be over.
        let (copied, again) = (flight.copied, flight.again);
        let told = |(number, command): (usize, Command)| {
            let before = number < copied && asked_of(&command) != again;
            (command, before)
        };
        let mut commands: Vec<(Command, bool)> = flight.commands.into_iter().enumerate().map(told).collect();
        if self.is_closing(run) {
            commands = self.leave_or_stay(run, commands);
        }
        for (command, before) in commands {
            self.dispatch(run, command, before);
        }
        if resumed {
            self.wind_timers(run);
        }
        if flight.ended {
            if let Some(mut live) = self.runs.remove(&run) {
                live.cancel_effects();
                live.refuse_waiting(&DeliverError::Over);
                if let Some(word) = flight.afterword {
                    self.say(live.tenant, run, live.facts.clone(), word);
                }
                self.look_at(live.line.take());
            }
        } else {
            if flight.status == LiveStatus::Queued {
                let line = self.runs.get(&run).and_then(|live| live.line.clone());
                self.look_at(line);
            }
            self.touch(run);
            self.rest(run);
        }
    }

    /// Parks a run: nothing more is done for it until a person or another build looks at it.
    pub(crate) fn park(&mut self, run: RunId, reason: String) {
        let Some(mut live) = self.runs.remove(&run) else { return };
        live.cancel_effects();
        tracing::error!(run_id = %run, reason, "a run is parked");
        if let Some(beginning) = live.beginning.take() {
            // It never was: nothing of it is stored.
            let _ = beginning.reply.send(Err(StartError::Refused(reason)));
            return;
        }
        let parked = park_write(live.tenant, run, live.facts.clone(), reason);
        let parent = live.machine.info().and_then(|info| info.lineage.as_ref()?.parent);
        let (tenant, facts, log_hash) = (live.tenant, live.facts.clone(), live.log_hash);
        self.parked.insert(run, Parked { tenant, run, facts, log_hash, parent, sleeps: true });
        self.shared.changed(live.tenant, run, &live.facts, "paused");
        self.shared.committer.submit(Job { write: parked, give_up: None, reply: Box::new(drop) });
    }
}

/// The effect that a command asks for.
pub(crate) fn asked_of(command: &Command) -> Option<EffectId> {
    match command {
        Command::RunEffect(effect) => Some(effect.id),
        _ => None,
    }
}

/// The write that parks a run.
pub(crate) fn park_write(tenant: TenantId, run: RunId, facts: Arc<RunFacts>, reason: String) -> RunWrite {
    let reason = Some(crate::live::first_line(&reason));
    let live = LiveWrite::Update { status: LiveStatus::Paused, reason, snapshot: None };
    RunWrite { live, ..RunWrite::of(tenant, run, facts) }
}

pub(crate) fn outcome(result: Result<Value, NodeError>) -> Outcome {
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
    /// Tells everybody who listens that a run changed.
    pub(crate) fn changed(&self, tenant: TenantId, run: RunId, facts: &RunFacts, status: &'static str) {
        // Nobody listening is fine.
        let _ = self.changes.send(Change { tenant, run, flow: facts.flow, status });
    }
}
