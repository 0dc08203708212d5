//! Runs that sleep are wanted again: many at once are read from the store, taken up as after a crash, and told what came for them
//! meanwhile, in its order.
//!
//! While a run is on its way nobody else writes anything of it, so whatever is read of it is all there is. A run whose shard begins to
//! close is laid down again; what was on the way then is not taken, whenever it comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use holon_engine::Parent;
use holon_model::{Millis, RunId, TenantId};

use crate::children::Afterword;
use crate::courtesy::Precedence;
use crate::driver::{Driver, Msg};
use crate::live::Live;
use crate::recover::{Read, Taken};
use crate::ring::Ring;
use crate::runtime::Shared;
use crate::store::{Found, LiveRow, LiveStatus, RunFacts, Sleeper};

/// Runs that are read at once.
const AT_ONCE: usize = 128;
/// Readings that are under way at once in one loop.
const MOST_READINGS: usize = 2;
/// Runs that wake at once in one loop because they are due; those that somebody wants come on top.
const MOST_DUE: usize = 1_024;

/// What is read of runs that wake.
#[derive(Default)]
pub(crate) struct Readings {
    /// Runs that are to be read.
    wanted: Ring<RunId>,
    /// Readings that are under way.
    under_way: usize,
    precedence: Precedence,
}

/// A run that is on its way into memory.
pub(crate) struct Waking {
    sleeper: Sleeper,
    /// Which waking it is.
    ticket: u64,
    /// Whether it is being read.
    read: bool,
    /// What came for it.
    held: Vec<Msg>,
}

/// A run that has come.
pub(crate) struct Woken {
    run: RunId,
    ticket: u64,
    what: Came,
}

/// What has come of it.
enum Came {
    Up(Box<Live>),
    /// It is over, and owes somebody a word.
    Over(Arc<RunFacts>, Box<Afterword>),
    /// It cannot be driven on.
    Parked(Box<Unfit>),
    /// It is over, and only a newer build knows what it owes.
    Newer,
    /// There is no such run any more.
    Nothing,
}

/// A run that cannot be driven on.
struct Unfit {
    row: LiveRow,
    /// Why, and the hash that was written last.
    why: (String, [u8; 32]),
    /// The run that called it.
    parent: Option<Parent>,
}

/// What was read of one.
enum Plain {
    /// It is ready to be replayed.
    Begun(Box<Read>),
    /// It has not begun.
    Stands(Box<Live>),
}

/// For whom a message is, if it is one that a sleeper is woken by.
fn wanted(message: &Msg) -> Option<(TenantId, RunId)> {
    match message {
        Msg::Deliver { tenant, run, .. } | Msg::Order { tenant, run, .. } | Msg::Watch { tenant, run, .. } => {
            Some((*tenant, *run))
        }
        _ => None,
    }
}

impl Driver {
    /// Keeps what comes for a run that sleeps, and wakes it; everything else is for the loop.
    pub(crate) fn keep_for_sleeper(&mut self, message: Msg) -> Option<Msg> {
        if let Msg::Turn { run } = message {
            return self.keep_turn(run);
        }
        let Some((tenant, run)) = wanted(&message).filter(|(_, run)| self.is_open(*run)) else { return Some(message) };
        if self.asleep.has(tenant, run) {
            self.rouse(run, true);
        }
        match self.waking.get_mut(&run).filter(|waking| waking.sleeper.tenant == tenant) {
            Some(waking) => waking.held.push(message),
            None => return Some(message),
        }
        None
    }

    /// A run has a place: one that sleeps wakes for it, behind those that were told before.
    fn keep_turn(&mut self, run: RunId) -> Option<Msg> {
        if self.is_open(run) {
            self.rouse(run, false);
        }
        let Some(waking) = self.waking.get_mut(&run) else { return Some(Msg::Turn { run }) };
        if !waking.held.iter().any(|held| matches!(held, Msg::Turn { .. })) {
            waking.held.push(Msg::Turn { run });
        }
        None
    }

    /// Whether a run sleeps here, or is on its way.
    pub(crate) fn is_away(&self, run: RunId) -> bool {
        self.asleep.knows(run) || self.waking.contains_key(&run)
    }

    fn rouse(&mut self, run: RunId, wanted: bool) {
        let Some(sleeper) = self.asleep.remove(run) else { return };
        let tenant = sleeper.tenant;
        self.shared.living.woke(tenant, 1);
        self.wakings += 1;
        self.waking.insert(run, Waking { sleeper, ticket: self.wakings, read: false, held: Vec::new() });
        // Whoever somebody waits for comes before those whose time has not quite come.
        if wanted {
            self.readings.wanted.push_front(tenant, run);
        } else {
            self.readings.wanted.push(tenant, run);
        }
    }

    /// Wakes those that are due soon, and begins to read those that wake.
    pub(crate) fn rouse_due(&mut self) {
        let room = MOST_DUE.saturating_sub(self.waking.len());
        if room > 0 {
            let soon = self.shared.clock.now().plus(self.ahead());
            let due = self.asleep.due_by(soon).filter(|run| self.is_open(*run)).take(room);
            for run in due.collect::<Vec<_>>() {
                self.rouse(run, false);
            }
        }
        while self.readings.under_way < MOST_READINGS && !self.readings.wanted.is_empty() {
            let shared = self.shared.clone();
            let gives_way = |tenant| shared.committer.gives_way(tenant);
            let mut precedence = std::mem::take(&mut self.readings.precedence);
            let next = precedence.next(gives_way, |may| self.next_to_read(may));
            self.readings.precedence = precedence;
            let Some((batch, courteous)) = next else { return };
            self.readings.under_way += 1;
            let (shared, me) = (self.shared.clone(), self.me.clone());
            tokio::spawn(async move {
                // The loop may be gone: then there is nobody to drive anything.
                let _ = me.send(Msg::Woken { woken: shared.wake_up(batch).await, courteous });
            });
        }
    }

    /// The next runs that are to be read, of the tenants that may.
    fn next_to_read(&mut self, may: impl Fn(TenantId) -> bool) -> Option<Vec<(TenantId, RunId, u64)>> {
        let mut batch = Vec::new();
        while batch.len() < AT_ONCE
            && let Some((tenant, run)) = self.readings.wanted.next(&may)
        {
            // It may have been laid down again meanwhile, and woken anew.
            if let Some(waking) = self.waking.get_mut(&run).filter(|waking| !waking.read) {
                waking.read = true;
                batch.push((tenant, run, waking.ticket));
            }
        }
        (!batch.is_empty()).then_some(batch)
    }

    fn ahead(&self) -> Millis {
        Millis(u64::try_from(self.shared.memory.ahead.as_millis()).unwrap_or(u64::MAX))
    }

    /// How long it is until the next one is to wake; nothing when that hangs on something else.
    pub(crate) fn until_wake(&self) -> Option<std::time::Duration> {
        // Those that are awaited make room when they come, and a shard that closes is gone, or stays, in a moment.
        if self.waking.len() >= MOST_DUE {
            return None;
        }
        let due = self.asleep.first_due()?.minus(self.ahead());
        let left = std::time::Duration::from_millis(due.since(self.shared.clock.now()).0);
        Some(if self.closing.is_some() { left.max(CLOSING_POLL) } else { left })
    }

    /// Runs have come from the store.
    pub(crate) fn woken(&mut self, woken: Vec<Woken>, courteous: bool) {
        self.readings.under_way -= 1;
        if courteous {
            self.readings.precedence.done();
        }
        for Woken { run, ticket, what } in woken {
            if self.waking.get(&run).is_none_or(|waking| waking.ticket != ticket) {
                continue;
            }
            let Some(Waking { sleeper, held, .. }) = self.waking.remove(&run) else { continue };
            match what {
                Came::Up(live) => {
                    self.shared.counters.woken();
                    self.take_over(*live);
                }
                Came::Over(facts, word) => self.say(sleeper.tenant, run, facts, *word),
                // Written by who knows that it has not left since it was read: else others may have driven it on, and to its end.
                Came::Parked(unfit) => {
                    let Unfit { row, why, parent } = *unfit;
                    let parked = self.shared.write_parked(&row, Arc::new(row.facts.clone()), why, parent);
                    self.parked.insert(run, parked);
                }
                // Whoever asks is told what history knows of it.
                Came::Newer => {}
                Came::Nothing => tracing::error!(run_id = %run, "a run that slept is not in the store any more"),
            }
            for message in held {
                self.take(message);
            }
        }
    }

    /// Runs of shards that begin to close sleep on. What came for them is not answered here: whoever asks leaves it to the next owner.
    pub(crate) fn lay_down_again(&mut self) {
        let Some(closing) = &self.closing else { return };
        let goes = self.waking.keys().copied().filter(|run| closing.has(*run)).collect::<Vec<_>>();
        for run in goes {
            if let Some(waking) = self.waking.remove(&run) {
                self.lay_down(waking.sleeper);
            }
        }
    }
}

/// While a shard closes, its runs that are due are looked at again after this.
const CLOSING_POLL: std::time::Duration = std::time::Duration::from_millis(20);

impl Shared {
    /// Takes up runs that slept, as many as were asked for; none when this replica is over.
    async fn wake_up(&self, batch: Vec<(TenantId, RunId, u64)>) -> Vec<Woken> {
        let runs: Vec<(TenantId, RunId)> = batch.iter().map(|(tenant, run, _)| (*tenant, *run)).collect();
        let Some((tenant, _)) = runs.first() else { return Vec::new() };
        let found = loop {
            // Where the first one gives way all of them do.
            let turn = self.committer.turn(*tenant).await;
            let found = self.store.found(&runs).await;
            drop(turn);
            match found {
                Ok(found) => break found,
                Err(error) => self.wait(&error).await,
            }
            if self.is_over() {
                return Vec::new();
            }
        };
        let (mut read, mut odd) = (Vec::new(), Vec::new());
        let mut came = BTreeMap::new();
        for found in found {
            match self.plain(found).await {
                Ok(Plain::Begun(read_run)) => read.push(*read_run),
                Ok(Plain::Stands(live)) => drop(came.insert(live.run, Came::Up(live))),
                Err(row) => odd.push(*row),
            }
        }
        let replaying = move || read.into_iter().map(|read| read.replay()).collect::<Vec<_>>();
        // Computed apart from the loops, as after a crash.
        let Some(replayed) = self.driving.compute(replaying).await else { return Vec::new() };
        for replayed in replayed {
            let row = replayed.row.clone();
            match self.raise(replayed).await {
                Ok(Taken::Up(live)) => drop(came.insert(row.run, Came::Up(live))),
                // The road that everything can take.
                Ok(_) | Err(_) => odd.push(row),
            }
        }
        for row in odd {
            let Some((taken, parent)) = self.taken_up(&row).await else { return Vec::new() };
            let facts = Arc::new(row.facts.clone());
            let what = match taken {
                Taken::Up(live) => Came::Up(live),
                Taken::Over(word) => Came::Over(facts, word),
                Taken::Newer => Came::Newer,
                Taken::Parked { reason, log_hash } => {
                    Came::Parked(Box::new(Unfit { row: row.clone(), why: (reason, log_hash), parent }))
                }
            };
            came.insert(row.run, what);
        }
        let woken = |(_, run, ticket)| Woken { run, ticket, what: came.remove(&run).unwrap_or(Came::Nothing) };
        batch.into_iter().map(woken).collect()
    }

    /// A run that waits as it should; else its row.
    async fn plain(&self, found: Found) -> Result<Plain, Box<LiveRow>> {
        let Found { row, snapshot, entries, stands } = found;
        let Ok(flow) = self.definitions.load(row.tenant, row.facts.flow, row.facts.version).await else {
            return Err(Box::new(row));
        };
        if flow.hash != row.facts.definition_hash || row.terminated.is_some() {
            return Err(Box::new(row));
        }
        if let (LiveStatus::Queued, Some((ticket, kept))) = (row.status, stands) {
            return self.raise_queued(&row, &flow, ticket, &kept).map(Plain::Stands).map_err(|_| Box::new(row));
        }
        let (Some(entries), LiveStatus::Waiting) = (entries, row.status) else { return Err(Box::new(row)) };
        let since = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
        let (machine, from) = crate::recover::machine(&flow.compiled, snapshot.as_ref());
        let read = Read { row, flow, machine, from, entries };
        // A snapshot that does not read wants the whole journal. What a newer build began sleeps here only where this one went on with it.
        if from == since { Ok(Plain::Begun(Box::new(read))) } else { Err(Box::new(read.row)) }
    }
}
