//! One run in memory: its machine, what waits to be taken in, and the one write that is under way.
//!
//! The order that durability needs is kept here: inputs go through the machine, what they are is written, and only when
//! that is durable is told and done what follows from them.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use holon_engine::{Command, EffectId, Event, Input, Machine, Outcome, RunStatus, Stamped, TimerId, encode_input};
use holon_model::{RunId, TenantId, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::api::{DeliverError, Delivered, StartError, Started};
use crate::asleep::Rest;
use crate::batches::Bringing;
use crate::children::{self, Afterword};
use crate::living::Place;
use crate::order::{Held, Order};
use crate::proposing::Back;
use crate::queued::InLine;
use crate::records::Proposal;
use crate::store::{
    Ask, Asked, AuditRow, EndRow, Entry, HandOut, IdempotencyRow, JournalWrite, Line, LiveStatus, LiveWrite, Prefix,
    RunFacts, RunWrite, Snapshot, Start,
};

/// Inputs of one run in one write at most.
const MOST_INPUTS: usize = 64;
/// After so many inputs a snapshot is kept, so that recovery replays no more than these.
const SNAPSHOT_EVERY: i64 = 64;
/// A run that will sleep for longer than a minute, or nobody knows for how long, keeps a snapshot already after this many.
const SNAPSHOT_BEFORE_SLEEP: i64 = 16;
const LONG_SLEEP_MS: i64 = 60_000;
/// A larger snapshot costs more than the replay it saves.
const LARGEST_SNAPSHOT: usize = 1 << 20;
/// A larger final state is not kept: it repeats every value at each node that gave it, and the journal shows the run as well.
const LARGEST_FINAL: usize = 256 << 10;

/// Told what became of an input.
pub(crate) type Reply = oneshot::Sender<Result<Delivered, DeliverError>>;

/// Something that happened to a run and was not taken in yet.
pub(crate) struct Queued {
    pub at: Timestamp,
    pub input: Input,
    /// Told when it is durable, or could not be taken in any more.
    pub told: Option<Reply>,
    /// The letter by which it came, which goes when it is durable.
    pub letter: Option<i64>,
    /// What a step changes with this, its result.
    pub proposal: Proposal,
}

impl Queued {
    /// Something of which nobody is told.
    pub fn of(at: Timestamp, input: Input) -> Self {
        Self { at, input, told: None, letter: None, proposal: Proposal::default() }
    }
}

/// The beginning of a run: whom to tell, and the key it was asked for with.
pub(crate) struct Beginning {
    pub reply: oneshot::Sender<Result<Started, StartError>>,
    pub idempotency: Option<IdempotencyRow>,
    /// What the audit log says of it.
    pub audit: Option<Box<AuditRow>>,
    pub give_up: tokio::time::Instant,
    /// Inputs from an earlier run's journal, copied before anything else: their commands are not done, what is
    /// outstanding after them is.
    pub copied: usize,
    /// The effect whose failure is tried again: of what is outstanding after the copy the only one that is known to be over.
    pub again: Option<EffectId>,
    /// Whether nothing of what is outstanding after the copy was done before: it has keys of its own.
    pub fresh: bool,
}

impl Beginning {
    /// What is written with the run because it begins.
    pub fn start(&self) -> Start {
        Start { idempotency: self.idempotency.clone(), audit: self.audit.clone() }
    }
}

/// What follows from inputs whose write is under way.
pub(crate) struct Flight {
    pub commands: Vec<Command>,
    /// The first of the commands, which another run may have carried out before.
    pub copied: usize,
    /// Of those the effect that is known to be over.
    pub again: Option<EffectId>,
    pub events: Vec<Told>,
    /// Whom to tell what, once it is durable.
    pub told: Vec<(Reply, Result<Delivered, DeliverError>)>,
    pub ended: bool,
    /// What the run owes now that it is over.
    pub afterword: Option<Afterword>,
    pub status: LiveStatus,
    /// After these inputs.
    pub log_hash: [u8; 32],
    /// Whether its status changed, or what it asks: lists show both.
    pub status_changed: bool,
    /// Where the run goes back to when a change comes too late.
    pub back: Option<Box<Back>>,
}

impl Flight {
    /// A write from which nothing follows.
    pub fn still(status: LiveStatus, log_hash: [u8; 32]) -> Self {
        Self {
            commands: Vec::new(),
            copied: 0,
            again: None,
            events: Vec::new(),
            told: Vec::new(),
            ended: false,
            afterword: None,
            status,
            log_hash,
            status_changed: true,
            back: None,
        }
    }
}

/// An event with the run's status after the input that made it.
pub(crate) type Told = (RunStatus, Event);

/// A run in memory.
pub(crate) struct Live {
    pub tenant: TenantId,
    pub run: RunId,
    pub facts: Arc<RunFacts>,
    pub machine: Machine,
    pub waiting: VecDeque<Queued>,
    /// What was ordered of it and not done yet.
    pub orders: VecDeque<(Order, Option<Reply>)>,
    /// Set while a person has paused it.
    pub held: Option<Held>,
    pub beginning: Option<Beginning>,
    pub flight: Option<Flight>,
    /// Status as stored; nothing before the first write.
    pub stored: Option<LiveStatus>,
    /// Number of the first input that the last snapshot does not hold.
    pub snapshot_at: i64,
    pub effects: BTreeMap<EffectId, UnderWay>,
    pub timers: BTreeMap<TimerId, Timestamp>,
    /// The runs that it calls, by the call.
    pub children: BTreeMap<EffectId, Called>,
    /// Items of it that are on their way into a batch.
    pub bringing: BTreeMap<EffectId, Bringing>,
    /// What follows and was not begun because its shard is being handed on, with whether it may have been done before.
    pub left: Vec<(Command, bool)>,
    /// Where it has a place, or waits for one.
    pub line: Option<Line>,
    /// Set while it waits for its place.
    pub in_line: Option<InLine>,
    /// The run whose place it has from its start on.
    pub inherits: Option<RunId>,
    /// How it begins, once it is its turn.
    pub prefix: Option<Prefix>,
    /// Whether it has asked for anything that stands in a table.
    pub asked: bool,
    pub watchers: Vec<mpsc::Sender<Arc<[Told]>>>,
    /// The log hash after what is durable.
    pub log_hash: [u8; 32],
    /// Whether it stands among those that may have something to take in.
    pub touched: bool,
    /// What it says of leaving memory.
    pub rest: Rest,
    /// That it counts as one of its tenant's runs.
    #[expect(dead_code, reason = "held for as long as the run is in memory, and never read")]
    pub place: Place,
}

/// An effect that is being done.
pub(crate) struct UnderWay {
    /// Which attempt: the answer of an earlier one may come yet, and is no input.
    pub attempt: u32,
    /// Given when it is not wanted any more.
    pub cancel: CancellationToken,
    /// Whether it must not be done again when nobody knows its end.
    pub once: bool,
}

/// A run that another one calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    /// It is being started.
    Starting,
    /// It is being started, and is not wanted any more.
    Unwanted,
    /// It runs.
    Running(RunId),
}

/// A run could not go on by the code that drives it.
pub(crate) struct Broken(pub String);

impl Live {
    /// Number of the next input.
    pub fn next_seq(&self) -> i64 {
        i64::try_from(self.machine.seq()).unwrap_or(i64::MAX)
    }

    /// Takes in what waits and says what to write; nothing when there is nothing to write, or a write is under way.
    pub fn advance(&mut self, now: Timestamp) -> Result<Option<RunWrite>, Broken> {
        if self.in_line.is_some() {
            return self.stand_or_begin(now);
        }
        if self.flight.is_some() || self.waiting.is_empty() {
            return Ok(None);
        }
        if self.held.is_some() {
            return Ok(self.keep());
        }
        let first = self.next_seq();
        let mut taken = Taken::default();
        let most = MOST_INPUTS.max(self.beginning.as_ref().map_or(0, |beginning| beginning.copied + 1));
        while taken.entries.len() < most {
            let Some(queued) = self.waiting.pop_front() else { break };
            if queued.proposal.is_empty() || self.machine.check(&queued.input).is_err() {
                self.take_in(queued, &mut taken)?;
            } else if taken.entries.is_empty() {
                taken.tell();
                return self.take_alone(queued, now).map(Some);
            } else {
                self.waiting.push_front(queued);
                break;
            }
        }
        if taken.entries.is_empty() {
            taken.tell();
            return Ok(None);
        }
        Ok(Some(self.write(first, taken, now)))
    }

    pub(crate) fn take_in(&mut self, queued: Queued, taken: &mut Taken) -> Result<(), Broken> {
        let Queued { at, input, told, letter, .. } = queued;
        if let Err(refusal) = self.machine.check(&input) {
            if self.prefix().is_some() {
                return Err(Broken(format!("the run does not begin: {}", refusal.message)));
            }
            // Refused because of what is durable, or will be with this write: told then.
            taken.told.extend(told.map(|told| (told, Err(refusal.into()))));
            return Ok(());
        }
        let answered = match &input {
            Input::TaskAnswered { id, choice, form, by } => {
                Some(Ask::Answered { id: *id, choice: choice.clone(), form: form.to_value(), by: by.clone() })
            }
            _ => None,
        };
        let answered = match &input {
            Input::EffectCompleted { id, attempt, .. } if self.machine.is_handed_out(*id) => {
                Some(Ask::TakeBack { id: *id, attempt: Some(*attempt) })
            }
            _ => answered,
        };
        let workers = self.machine.flow().needs().workers;
        let bytes = encode_input(&input);
        let machine = &mut self.machine;
        // A defect in a node's code must stop this run only, and say so.
        let handled = std::panic::catch_unwind(AssertUnwindSafe(|| machine.handle(Stamped::new(at, input))));
        let decision =
            handled.map_err(|_| Broken("machine_panicked: the engine ended unexpectedly on this run".into()))?;
        taken.entries.push(Entry { at: decision.at, input: bytes, log_hash: self.machine.log_hash() });
        taken.events.extend(decision.events.into_iter().map(|event| (decision.status, event)));
        taken.told.extend(told.map(|told| (told, Ok(Delivered::TakenIn))));
        taken.letters.extend(letter);
        let prefix = self.prefix();
        let fresh = prefix.as_ref().is_some_and(|prefix| prefix.fresh);
        match prefix.map(|prefix| prefix.copied) {
            // What they asked for the earlier run was given, or is outstanding after them.
            Some(copied) if taken.entries.len() < copied => {}
            Some(copied) if taken.entries.len() == copied && copied > 0 => {
                taken.follow(self.run, decision.at, self.machine.pending(), workers);
                taken.copied = if fresh { 0 } else { taken.commands.len() };
            }
            _ => {
                taken.ask(self.run, decision.at, answered);
                taken.follow(self.run, decision.at, decision.commands, workers);
            }
        }
        Ok(())
    }

    pub(crate) fn write(&mut self, first: i64, taken: Taken, now: Timestamp) -> RunWrite {
        let Taken { entries, commands, copied, events, told, mut asks, letters, keeps } = taken;
        let ended = self.machine.status().is_terminal();
        let asks_anew = !asks.is_empty();
        self.asked |= asks_anew;
        let at = entries.last().map_or(now, |entry| entry.at);
        if ended && self.asked && !keeps {
            asks.push(Asked { at, ask: Ask::Nothing });
        }
        asks.extend(self.inherits.take().map(|from| Asked { at, ask: Ask::Inherit { from } }));
        // The run that goes on for this one has its place.
        if ended && self.line.is_some() && !matches!(self.machine.outcome(), Some(Outcome::Continued { .. })) {
            asks.push(Asked { at, ask: Ask::Leave });
        }
        let afterword = children::afterword(&self.machine, &self.facts);
        let status = match self.machine.status() {
            RunStatus::Waiting => LiveStatus::Waiting,
            _ => LiveStatus::Running,
        };
        let status_changed = self.stored != Some(status);
        let starting = self.beginning.as_ref();
        let start = starting.map(Beginning::start);
        let again = self.prefix().and_then(|prefix| prefix.again);
        self.prefix = None;
        let snapshot = if ended || start.is_some() { None } else { self.snapshot(status, now) };
        let wakes = if ended { None } else { self.sleeps_until(status, now) };
        let sleeps_otherwise = std::mem::replace(&mut self.rest.wakes, wakes) != wakes;
        // A run that owes somebody a word stays among the live ones until it is said, and whoever finds it must not let it sleep.
        let live = match (ended, start.is_some()) {
            (true, true) if afterword.is_some() => LiveWrite::Insert(status),
            (true, false) if afterword.is_some() && sleeps_otherwise => {
                LiveWrite::Update { status, reason: None, snapshot: None }
            }
            (true, false) if afterword.is_some() => LiveWrite::Keep,
            (true, true) => LiveWrite::Keep,
            (true, false) => LiveWrite::Delete,
            (false, true) => LiveWrite::Insert(status),
            (false, false) if status_changed || sleeps_otherwise || snapshot.is_some() => {
                LiveWrite::Update { status, reason: None, snapshot }
            }
            (false, false) => LiveWrite::Keep,
        };
        let end = ended.then(|| self.end(at));
        let log_hash = self.machine.log_hash();
        let status_changed = status_changed || asks_anew;
        let flight = Flight {
            commands,
            copied,
            again,
            events,
            told,
            ended,
            afterword,
            status,
            log_hash,
            status_changed,
            back: None,
        };
        self.flight = Some(flight);
        RunWrite {
            tenant: self.tenant,
            run: self.run,
            facts: self.facts.clone(),
            start,
            journal: (!entries.is_empty()).then_some(JournalWrite { seq: first, entries }),
            live,
            wakes,
            end,
            asks,
            letters,
            changes: Vec::new(),
        }
    }

    /// How it begins, until the first inputs of it are written.
    fn prefix(&self) -> Option<Prefix> {
        let beginning = self.beginning.as_ref();
        let begun = beginning.map(|Beginning { copied, again, fresh, .. }| Prefix {
            copied: *copied,
            again: *again,
            fresh: *fresh,
        });
        begun.or_else(|| self.prefix.clone())
    }

    fn snapshot(&mut self, status: LiveStatus, now: Timestamp) -> Option<Snapshot> {
        let since = self.next_seq() - self.snapshot_at;
        let sleeps = status == LiveStatus::Waiting
            && self.machine.next_due().is_none_or(|due| due.0.saturating_sub(now.0) > LONG_SLEEP_MS);
        if since < SNAPSHOT_EVERY && !(sleeps && since >= SNAPSHOT_BEFORE_SLEEP) {
            return None;
        }
        let seq = self.next_seq();
        self.snapshot_at = seq;
        let bytes = self.machine.snapshot();
        (bytes.len() <= LARGEST_SNAPSHOT).then_some(Snapshot { seq, bytes })
    }

    fn end(&self, at: Timestamp) -> EndRow {
        let (status, error) = match self.machine.outcome() {
            Some(Outcome::Failed { error }) => {
                ("failed", Some(first_line(&format!("{}: {}", error.code, error.message))))
            }
            Some(Outcome::Cancelled { reason }) => ("cancelled", Some(first_line(reason))),
            Some(Outcome::Continued { .. }) => ("continued", None),
            _ => ("completed", None),
        };
        let mut state = self.machine.snapshot();
        if state.len() > LARGEST_FINAL {
            state = Vec::new();
        }
        EndRow { at, status, error, log_hash: self.machine.log_hash(), state }
    }

    /// Tells those whose inputs were not taken in any more why.
    pub fn refuse_waiting(&mut self, why: &DeliverError) {
        for told in self.waiting.drain(..).filter_map(|queued| queued.told) {
            // Whoever asked may be gone.
            let _ = told.send(Err(why.clone()));
        }
    }

    /// Gives everything up that is being done for it.
    pub fn cancel_effects(&mut self) {
        std::mem::take(&mut self.effects).into_values().for_each(|effect| effect.cancel.cancel());
    }
}

/// What a run has taken in and not written yet.
#[derive(Default)]
pub(crate) struct Taken {
    entries: Vec<Entry>,
    pub commands: Vec<Command>,
    /// The first of the commands, which another run may have carried out before.
    pub copied: usize,
    events: Vec<Told>,
    pub told: Vec<(Reply, Result<Delivered, DeliverError>)>,
    pub asks: Vec<Asked>,
    letters: Vec<i64>,
    /// Whether something that was kept for it stays so when it is over.
    pub keeps: bool,
}

impl Taken {
    /// Tells everybody: nothing has to be written first.
    fn tell(self) {
        for (told, answer) in self.told {
            // Whoever asked may be gone.
            let _ = told.send(answer);
        }
    }

    /// Notes what is to be done: what is asked stands in the commit itself, the rest follows when that is durable.
    /// `workers`: whether the flow hands effects out.
    pub fn follow(&mut self, run: RunId, at: Timestamp, commands: Vec<Command>, workers: bool) {
        for command in commands {
            match &command {
                // What cannot be handed out fails when the rest is done.
                Command::RunEffect(effect) if effect.handed_out => {
                    self.ask(run, at, HandOut::of(effect).ok().map(|work| Ask::HandOut(Box::new(work))));
                }
                Command::CancelEffect { id } if workers => {
                    self.ask(run, at, Some(Ask::TakeBack { id: *id, attempt: None }));
                }
                _ => {}
            }
            let ask = match command {
                Command::AwaitSignal { id, name, correlation, .. } => Ask::Await { id, name, correlation },
                Command::DropWait { id } => Ask::Drop { id },
                Command::OpenTask(task) => Ask::Open(task),
                Command::CancelTask { id } => Ask::Close { id },
                Command::EscalateTask { id, to } => Ask::Escalate { id, to },
                command => {
                    self.commands.push(command);
                    continue;
                }
            };
            self.ask(run, at, Some(ask));
        }
    }

    fn ask(&mut self, run: RunId, at: Timestamp, ask: Option<Ask>) {
        let Some(ask) = ask else { return };
        match ask.storable() {
            Some(ask) => self.asks.push(Asked { at, ask }),
            None => {
                tracing::error!(run_id = %run, "a run waits for a signal that no table can hold: it is reached by its id only")
            }
        }
    }
}

/// The first line, cut at 500 characters, without what a text column cannot hold.
pub(crate) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().filter(|c| *c != '\0').take(500).collect()
}
