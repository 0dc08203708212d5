//! What a person orders of a run: pause, resume, terminate. Orders are no inputs: they change when a run goes on, and nothing of
//! what it comes to, so they stand in its row of live work and not in its journal.
//!
//! A run that a person paused takes nothing in. Effects that are under way end; their answers, and whatever else comes, are kept in
//! the store as they come, and are taken in with the commit that resumes the run. Timers that came due meanwhile fire then. A
//! process that is killed in between loses nothing: the next one finds the run paused, does nothing for it, and on resuming does
//! again with the same keys what nobody knows the end of.

use std::cmp::Reverse;
use std::collections::VecDeque;

use holon_engine::{Command, EffectId, Input, Outcome, Parent, encode_input};
use holon_model::{RunId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::api::{Answer, DeliverError, Delivered};
use crate::batches;
use crate::children::{self, Afterword};
use crate::committer::{Job, Verdict};
use crate::driver::{Driver, Msg, Parked, Watcher};
use crate::inbox::Happening;
use crate::live::{Broken, Called, Flight, Live, Queued, Reply, Taken, first_line};
use crate::runtime::{RuntimeHandle, Shared};
use crate::store::{Ask, Asked, EndRow, Line, LiveStatus, LiveWrite, RunWrite};
use crate::unbegun;

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Take nothing in until resumed.
    Pause {
        /// Who orders it.
        by: String,
        /// What pages show.
        reason: String,
    },
    /// Go on.
    Resume,
    /// End at once.
    Terminate {
        /// Why.
        reason: String,
    },
    /// End, if it has not begun; else be cancelled.
    Withdraw {
        /// Why.
        reason: String,
    },
}

/// A run that a person paused.
#[derive(Default)]
pub(crate) struct Held {
    /// What came meanwhile, in order; all of it is durable.
    pub kept: VecDeque<Queued>,
    /// Whether this process found it paused: nothing that is outstanding is being done.
    pub found: bool,
}

/// What a run leaves behind that ends by decree.
pub(crate) struct Leaves {
    /// What becomes of what it asks.
    pub asks: Vec<Ask>,
    /// The line in which its place becomes free.
    pub line: Option<Line>,
    /// What it was to begin with, where it did not.
    pub state: Vec<u8>,
}

impl Shared {
    /// Hands an order to a run, wherever it is driven; answers when it is durable, or kept for the replica that drives the run.
    async fn order(&self, tenant: TenantId, run: RunId, order: Order) -> Result<Delivered, DeliverError> {
        match self.tell(tenant, run, Happening::Order(order)).await {
            Err(DeliverError::NotFound) => Err(self.missing(tenant, run).await),
            other => other,
        }
    }
}

impl RuntimeHandle {
    /// Pauses a run: it takes nothing in until it is resumed, and what comes meanwhile is kept. Answers when that is durable, or kept.
    /// `by` is the name of the person, `reason` what pages show.
    ///
    /// # Errors
    /// When there is no such run, it is over, or it is paused already.
    pub async fn pause(
        &self,
        tenant: TenantId,
        run: RunId,
        by: String,
        reason: String,
    ) -> Result<Delivered, DeliverError> {
        self.shared.order(tenant, run, Order::Pause { by, reason }).await
    }

    /// Lets a run go on that a person paused, with all that came meanwhile.
    ///
    /// # Errors
    /// When there is no such run, it is over, or it is not paused.
    pub async fn resume(&self, tenant: TenantId, run: RunId) -> Result<Delivered, DeliverError> {
        self.shared.order(tenant, run, Order::Resume).await
    }

    /// Ends a run at once: nothing is cleaned up, nothing is undone. The runs that it called are asked to end.
    ///
    /// # Errors
    /// When there is no such run, or it is over.
    pub async fn terminate(&self, tenant: TenantId, run: RunId, reason: String) -> Result<Delivered, DeliverError> {
        self.shared.order(tenant, run, Order::Terminate { reason }).await
    }
}

fn refused(code: &'static str, message: &str) -> Result<Delivered, DeliverError> {
    Err(DeliverError::Refused { code, message: message.into() })
}

impl Driver {
    /// Hands an order to a run that lives here.
    pub(crate) fn order(&mut self, tenant: TenantId, run: RunId, order: Order, told: Reply) {
        if let Some(live) = self.runs.get_mut(&run).filter(|live| live.tenant == tenant) {
            live.orders.push_back((order, Some(told)));
            return self.touch(run);
        }
        let parked = self.parked.get(&run).is_some_and(|parked| parked.tenant == tenant);
        let answer = match order {
            _ if !parked => Err(DeliverError::NotFound),
            Order::Terminate { reason } | Order::Withdraw { reason } => {
                if let Some(parked) = self.parked.remove(&run) {
                    self.terminate(parked, &reason, told, Vec::new());
                }
                return;
            }
            Order::Pause { .. } => refused("parked", "Holon parked this run: nothing is done for it as it is"),
            Order::Resume => refused(
                "parked",
                "Holon parked this run because it cannot drive it on; it goes on when a server starts that can",
            ),
        };
        // Whoever asked may be gone.
        let _ = told.send(answer);
    }

    /// Does what was ordered of a run, once no write of it is under way. Says whether that is all there is to do for now.
    pub(crate) fn obey(&mut self, run: RunId) -> bool {
        loop {
            let Some(live) = self.runs.get_mut(&run) else { return true };
            if live.flight.is_some() || live.beginning.is_some() {
                return false;
            }
            let Some((order, told)) = live.orders.pop_front() else { return false };
            if matches!(order, Order::Terminate { .. }) && live.is_calling() {
                // A run that it calls is being started: in a moment it can be asked to end.
                live.orders.push_front((order, told));
                return false;
            }
            let write = match (order, live.held.is_some()) {
                (Order::Terminate { reason }, _) => {
                    self.end_by_decree(run, &reason, told);
                    return true;
                }
                (Order::Withdraw { reason }, _) if live.in_line.is_some() => {
                    self.withdraw(run, &reason, told);
                    return true;
                }
                (Order::Withdraw { reason }, _) => {
                    live.waiting
                        .push_back(Queued { told, ..Queued::of(self.shared.clock.now(), Input::Cancel { reason }) });
                    return false;
                }
                (Order::Pause { .. }, false) if live.in_line.is_some() => {
                    tell(told, refused("queued", "the run waits for its place and has not begun"));
                    continue;
                }
                (Order::Pause { by, reason }, false) => live.pause(by, reason, told),
                (Order::Pause { .. }, true) => {
                    tell(told, refused("paused_already", "the run is paused already"));
                    continue;
                }
                (Order::Resume, false) => {
                    tell(told, refused("not_paused", "the run is not paused"));
                    continue;
                }
                (Order::Resume, true) => match live.resume(told, self.shared.clock.now()) {
                    Ok(write) => write,
                    Err(broken) => {
                        self.park(run, broken.0);
                        return true;
                    }
                },
            };
            self.submit(run, write);
            return true;
        }
    }

    /// Ends a run that lives here, without cleaning up. The runs that it called are asked to end.
    fn end_by_decree(&mut self, run: RunId, reason: &str, told: Option<Reply>) {
        let Some(mut live) = self.runs.remove(&run) else { return };
        live.cancel_effects();
        // It is not over before that is durable.
        live.refuse_waiting(&DeliverError::Unavailable);
        for command in live.machine.pending() {
            let Command::StartChild(child) = command else { continue };
            let (shared, tenant) = (self.shared.clone(), live.tenant);
            match (child.joins(), child.batch) {
                (None, _) => drop(tokio::spawn(children::cancel_called(shared, tenant, run, child.id))),
                (Some(_), Some(batch)) => {
                    let item = (Parent { run, id: child.id }, batch);
                    drop(tokio::spawn(batches::take_back(shared, tenant, item, self.me.clone())));
                }
                (Some(_), None) => {}
            }
        }
        let parent = live.parent();
        let (tenant, facts, log_hash, line) = (live.tenant, live.facts.clone(), live.log_hash, live.line.take());
        // What it was to begin with says who called it.
        let (asks, state) = match &live.in_line {
            Some(line) => (vec![Ask::Leave], unbegun::written(line)),
            None => (vec![Ask::Nothing, Ask::Leave], Vec::new()),
        };
        // Readers are let go when the end is durable: whoever looks then finds it.
        let watchers = std::mem::take(&mut live.watchers);
        let told = told.unwrap_or_else(|| oneshot::channel().0);
        let sleeps = live.rest.wakes.is_some();
        let parked = Parked { tenant, run, facts, log_hash, parent, sleeps };
        self.decree(parked, ("terminated", reason), told, watchers, Leaves { asks, line, state });
    }

    /// Ends a run by decree: its machine does not say how it ends. Its readers are let go when that is durable.
    pub(crate) fn terminate(&self, parked: Parked, reason: &str, told: Reply, watchers: Vec<Watcher>) {
        let leaves = Leaves { asks: vec![Ask::Nothing, Ask::Leave], line: None, state: Vec::new() };
        self.decree(parked, ("terminated", reason), told, watchers, leaves);
    }

    /// The same, in so many words.
    pub(crate) fn decree(
        &self,
        parked: Parked,
        (status, reason): (&'static str, &str),
        told: Reply,
        watchers: Vec<Watcher>,
        Leaves { asks, line, state }: Leaves,
    ) {
        let (tenant, run, at) = (parked.tenant, parked.run, self.shared.clock.now());
        let reason = first_line(reason);
        let log_hash = parked.log_hash;
        let end = EndRow { at, status, error: Some(reason.clone()), log_hash, state };
        let write = RunWrite {
            tenant,
            run,
            facts: parked.facts.clone(),
            start: None,
            journal: None,
            // It stays among the live ones until those are told who wait for it.
            live: match (parked.owes(), parked.sleeps) {
                (false, _) => LiveWrite::Delete,
                (true, false) => LiveWrite::Keep,
                // It is over: whoever finds its row must not let it sleep.
                (true, true) => LiveWrite::Update { status: LiveStatus::Waiting, reason: None, snapshot: None },
            },
            wakes: None,
            end: Some(end),
            asks: asks.into_iter().map(|ask| Asked { at, ask }).collect(),
            letters: Vec::new(),
            changes: Vec::new(),
        };
        let (shared, me) = (self.shared.clone(), self.me.clone());
        let reply = move |verdict| {
            drop(watchers);
            // Whoever asked may be gone, and so may the loop.
            if verdict != Verdict::Durable {
                let _ = me.send(Msg::AdoptParked(parked));
                let _ = told.send(Err(DeliverError::Unavailable));
                return;
            }
            let outcome = Outcome::Cancelled { reason };
            shared.changed(tenant, run, &parked.facts, status);
            if let Some(line) = line {
                shared.look_at(line);
            }
            shared.answers.tell(tenant, run, || Answer::Ended(outcome.clone()));
            let word = match parked.parent {
                Some(parent) => Some(Afterword::Tell { parent, outcome }),
                None => parked.owes().then_some(Afterword::Share { outcome }),
            };
            if let Some(word) = word.map(Box::new) {
                let _ = me.send(Msg::Over { tenant, run, facts: parked.facts, word });
            }
            let _ = told.send(Ok(Delivered::TakenIn));
        };
        self.shared.committer.submit(Job { write, give_up: None, reply: Box::new(reply) });
    }

    /// A run goes on whose timers did not fire while it was paused: those of the past are due now.
    pub(crate) fn wind_timers(&mut self, run: RunId) {
        if let Some(live) = self.runs.get(&run) {
            self.timers.extend(live.timers.iter().map(|(id, due)| Reverse((*due, run, *id))));
        }
    }
}

/// Whoever asked may be gone, or nobody asked.
fn tell(told: Option<Reply>, answer: Result<Delivered, DeliverError>) {
    if let Some(told) = told {
        let _ = told.send(answer);
    }
}

impl Live {
    fn pause(&mut self, by: String, reason: String, told: Option<Reply>) -> RunWrite {
        self.held = Some(Held::default());
        self.rest.wakes = None;
        let told = told.into_iter().map(|told| (told, Delivered::TakenIn)).collect();
        self.still(told, Vec::new(), LiveWrite::Hold { by, reason: first_line(&reason) })
    }

    /// Whether a run that it calls is being started.
    fn is_calling(&self) -> bool {
        let starts = |called: &Called| matches!(called, Called::Starting | Called::Unwanted);
        // What becomes of an item is not waited for: its batch may be paused.
        self.children.iter().any(|(id, called)| starts(called) && !self.machine.is_item(*id))
    }

    /// Keeps what came while it is paused; nothing when there is nothing new.
    pub(crate) fn keep(&mut self) -> Option<RunWrite> {
        let (mut told, mut asks, mut letters) = (Vec::new(), Vec::new(), Vec::new());
        // What a step changes is written with its result or not at all, and that is when the run goes on.
        let mut later = VecDeque::new();
        while let Some(mut queued) = self.waiting.pop_front() {
            if !queued.proposal.is_empty() {
                queued.proposal.let_go();
                later.push_back(queued);
                continue;
            }
            let refusal =
                self.machine.check(&queued.input).map_err(DeliverError::from).and_then(|()| self.first(&queued.input));
            if let Err(why) = refusal {
                tell(queued.told, Err(why));
                continue;
            }
            let Some(held) = &mut self.held else { break };
            let Queued { at, input, told: reply, letter, .. } = queued;
            let n = i32::try_from(held.kept.len()).unwrap_or(i32::MAX);
            asks.push(Asked { at, ask: Ask::Keep { n, input: encode_input(&input) } });
            // What comes before it in the pause may yet make it needless.
            told.extend(reply.map(|reply| (reply, Delivered::Kept)));
            letters.extend(letter);
            held.kept.push_back(Queued::of(at, input));
        }
        self.waiting = later;
        (!asks.is_empty()).then(|| RunWrite { letters, ..self.still(told, asks, LiveWrite::Keep) })
    }

    /// Whether nothing like it is kept yet: it would be refused when its turn comes, and whoever sent it must hear that now.
    fn first(&self, input: &Input) -> Result<(), DeliverError> {
        let mut kept = self.held.iter().flat_map(|held| &held.kept).map(|queued| &queued.input);
        let refused = |code, message: &str| Err(DeliverError::Refused { code, message: message.into() });
        match input {
            Input::TaskAnswered { id, .. }
                if kept.any(|other| matches!(other, Input::TaskAnswered { id: known, .. } if known == id)) =>
            {
                refused("unknown_task", "the task was answered already")
            }
            Input::EffectCompleted { id, attempt, .. }
                if kept.any(|other| {
                    matches!(other, Input::EffectCompleted { id: known, attempt: same, .. } if (known, same) == (id, attempt))
                }) =>
            {
                refused("unknown_effect", "the run has an answer to this attempt already")
            }
            Input::Joined { member, .. } | Input::Left { member }
                if kept.any(|other| {
                    std::mem::discriminant(other) == std::mem::discriminant(input)
                        && matches!(other, Input::Joined { member: known, .. } | Input::Left { member: known } if known == member)
                }) =>
            {
                refused("kept_already", "the batch is told so when it goes on")
            }
            Input::Signal { name, correlation, sender, .. } => {
                let same = |other: &Input| {
                    matches!(other, Input::Signal { name: n, correlation: c, sender: s, .. }
                        if n == name && c == correlation && s == sender)
                };
                if kept.any(same) { refused("duplicate_signal", "this signal came before") } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// A write that changes nothing of what the run comes to.
    fn still(&mut self, told: Vec<(Reply, Delivered)>, asks: Vec<Asked>, live: LiveWrite) -> RunWrite {
        let status_changed = self.stored != Some(LiveStatus::Paused);
        self.asked |= !asks.is_empty();
        self.flight = Some(Flight {
            commands: Vec::new(),
            copied: 0,
            again: None,
            events: Vec::new(),
            told: told.into_iter().map(|(told, what)| (told, Ok(what))).collect(),
            ended: false,
            afterword: None,
            status: LiveStatus::Paused,
            log_hash: self.log_hash,
            status_changed,
            back: None,
        });
        let mut write = RunWrite::of(self.tenant, self.run, self.facts.clone());
        (write.live, write.asks) = (live, asks);
        write
    }

    /// Takes in what was kept, and what came since, in one write with the end of the pause.
    fn resume(&mut self, told: Option<Reply>, now: Timestamp) -> Result<RunWrite, Broken> {
        let held = self.held.take().unwrap_or_default();
        let first = self.next_seq();
        // What was outstanding when this process found the run: nobody knows how much of it was done before.
        let before: Vec<Command> = if held.found { self.machine.pending() } else { Vec::new() };
        let mut taken = Taken::default();
        let unkeep = !held.kept.is_empty();
        let (later, waiting): (VecDeque<Queued>, VecDeque<Queued>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|queued| !queued.proposal.is_empty());
        self.waiting = later;
        let mut onward = Vec::new();
        for queued in held.kept {
            // Whoever sent it was told that it is kept, and hears nothing more.
            match children::goes_onward(&self.machine, &queued.input) {
                true => onward.push(queued.input),
                false => self.take_in(queued, &mut taken)?,
            }
        }
        for queued in waiting {
            self.take_in(queued, &mut taken)?;
        }
        taken.told.extend(told.map(|told| (told, Ok(Delivered::TakenIn))));
        if held.found {
            let known: Vec<(EffectId, u32)> = before.iter().filter_map(attempt).collect();
            let is_known = |command: &Command| attempt(command).is_none_or(|attempt| known.contains(&attempt));
            let outstanding = self.machine.pending().into_iter().filter(|command| !is_row(command));
            let (old, new): (Vec<_>, Vec<_>) = outstanding.partition(is_known);
            taken.copied = old.len();
            taken.commands = old.into_iter().chain(new).collect();
        }
        // What goes on with the next run stays until that is durable: a process that is killed before finds it.
        taken.keeps = !onward.is_empty();
        if unkeep && onward.is_empty() {
            taken.asks.push(Asked { at: now, ask: Ask::Unkeep });
        }
        let write = self.write(first, taken, now);
        if let Some(word) = self.flight.as_mut().and_then(|flight| flight.afterword.as_mut()) {
            onward.iter().for_each(|signal| word.carry(signal));
        }
        Ok(write)
    }
}

/// Whether what a command says stands in a table: it was written with the input that it follows from.
fn is_row(command: &Command) -> bool {
    matches!(command, Command::AwaitSignal { .. } | Command::OpenTask(_) | Command::EscalateTask { .. })
}

/// Which attempt at which effect a command asks for.
fn attempt(command: &Command) -> Option<(EffectId, u32)> {
    match command {
        Command::RunEffect(effect) => Some((effect.id, effect.attempt)),
        _ => None,
    }
}
