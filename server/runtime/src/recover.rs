//! Taking runs up from the store: the journal through the machine with its commands suppressed, every log hash compared
//! with the one written then. A run whose history does not come out the same is parked, and says why.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use holon_engine::{Compiled, Decision, Input, Machine, Outcome, Parent, RunInfo, Stamped, decode_input};
use holon_model::{RunId, TenantId, Timestamp, canon};
use holon_platform::kill_points::{self, Point};

use crate::asleep::Rest;
use crate::children::{self, Afterword};
use crate::definitions::{DefinitionsError, LoadedFlow};
use crate::driver::{Msg, Parked, park_write};
use crate::live::{Live, Queued, Reply};
use crate::members::shares;
use crate::order::{Held, Order};
use crate::runtime::Shared;
use crate::store::{Entry, LiveRow, LiveStatus, RunFacts, Sleeper, Snapshot, StoreError, shard_of};

const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Rows of runs that sleep which a loop is told of at once.
const SLEEPERS: usize = 4_096;
/// How the reason begins why a build lays aside what a newer one began.
const NEWER: &str = "newer_semantics";
/// Runs that are taken up at once: each with its whole journal in memory.
const AT_ONCE: usize = 16;

/// Why a journal does not give the run it was written by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// An input of another format, or damaged.
    #[error("input {seq} does not read: {why}")]
    Unreadable {
        /// Number of the input.
        seq: i64,
        /// What the decoder said.
        why: String,
    },
    /// The machine came to another history than the one that was written.
    #[error("after input {seq} the log hash is {now}, the journal says {then}")]
    Mismatch {
        /// Number of the input.
        seq: i64,
        /// The hash now.
        now: String,
        /// The hash then.
        then: String,
    },
    /// The machine ended unexpectedly.
    #[error("the engine ended unexpectedly on input {seq}")]
    Panicked {
        /// Number of the input.
        seq: i64,
    },
}

/// Feeds the inputs from `from` on to a machine and hands out each decision; stops at the first difference.
///
/// # Errors
/// When an input does not read or a log hash differs.
pub fn replay(
    machine: &mut Machine,
    from: i64,
    entries: &[Entry],
    mut each: impl FnMut(Decision),
) -> Result<(), ReplayError> {
    for (seq, entry) in (from..).zip(entries) {
        let input =
            decode_input(&entry.input).map_err(|error| ReplayError::Unreadable { seq, why: error.to_string() })?;
        let handled = std::panic::catch_unwind(AssertUnwindSafe(|| machine.handle(Stamped::new(entry.at, input))));
        let decision = handled.map_err(|_| ReplayError::Panicked { seq })?;
        let hash = machine.log_hash();
        if hash != entry.log_hash {
            let (now, then) = (canon::hex(&hash), canon::hex(&entry.log_hash));
            return Err(ReplayError::Mismatch { seq, now, then });
        }
        each(decision);
    }
    Ok(())
}

/// The machine of a run as its snapshot and the journal after it left it. A snapshot that does not read is not needed:
/// nothing is lost but time.
pub(crate) fn machine(flow: &Arc<Compiled>, snapshot: Option<&Snapshot>) -> (Machine, i64) {
    if let Some(snapshot) = snapshot {
        match Machine::restore(flow.clone(), &snapshot.bytes) {
            Ok(machine) => return (machine, snapshot.seq),
            Err(error) => tracing::warn!(%error, "a snapshot does not read; replaying the whole journal"),
        }
    }
    (Machine::new(flow.clone()), 0)
}

/// What has become of a run that is taken up.
pub(crate) enum Taken {
    Up(Box<Live>),
    /// It is over, and owes somebody a word.
    Over(Box<Afterword>),
    /// It is over, and only a newer build knows what it owes: whoever asks is told so from its history.
    Newer,
    Parked {
        reason: String,
        log_hash: [u8; 32],
    },
}

/// A run as it was read.
pub(crate) struct Read {
    pub row: LiveRow,
    pub flow: Arc<LoadedFlow>,
    /// As its snapshot left it.
    pub machine: Machine,
    /// Number of the first input that it has not taken in.
    pub from: i64,
    pub entries: Vec<Entry>,
}

/// The same with its inputs taken in.
pub(crate) struct Replayed {
    pub row: LiveRow,
    flow: Arc<LoadedFlow>,
    machine: Machine,
    from: i64,
    /// Why its history does not come out the same, with the hash that was written last.
    failed: Option<(ReplayError, [u8; 32])>,
}

impl Read {
    /// The hash that was written last.
    fn written(&self) -> Option<[u8; 32]> {
        self.entries.last().map(|entry| entry.log_hash)
    }

    pub fn replay(self) -> Replayed {
        let written = self.written().unwrap_or_default();
        let Self { row, flow, mut machine, from, entries } = self;
        let failed = replay(&mut machine, from, &entries, drop).err().map(|error| (error, written));
        Replayed { row, flow, machine, from, failed }
    }
}

impl Shared {
    /// Takes up all live runs of shards that this replica has just come to hold. Ends when all of them are.
    pub(crate) async fn recover(self: Arc<Self>, shards: Vec<i16>) {
        for driver in &self.drivers {
            // A loop that is gone takes nothing in.
            let _ = driver.send(Msg::Open { shards: shards.clone() });
        }
        let (sleepers, mut rows) = loop {
            match self.who_lives(&shards).await {
                Ok(all) => break all,
                Err(error) => self.wait(&error).await,
            }
            if self.is_over() {
                return;
            }
        };
        if !rows.is_empty() || !sleepers.is_empty() {
            tracing::info!(runs = rows.len(), asleep = sleepers.len(), "taking up runs from the journal");
        }
        self.let_sleep(sleepers);
        // Each shard is here as soon as its own runs are: what is new need not wait for everything that is old.
        rows.sort_by_key(|row| shard_of(row.run));
        let mut left: BTreeMap<i16, usize> = shards.into_iter().map(|shard| (shard, 0)).collect();
        for row in &rows {
            *left.entry(shard_of(row.run)).or_default() += 1;
        }
        let empty: Vec<i16> = left.extract_if(.., |_, runs| *runs == 0).map(|(shard, _)| shard).collect();
        self.shards.arrived(&empty);
        self.inbox.notify_one();
        let mut taken_up = futures::stream::iter(rows)
            .map(|row| async {
                let shard = shard_of(row.run);
                self.recover_one(row).await;
                kill_points::reach(Point::TakingUp);
                shard
            })
            .buffer_unordered(AT_ONCE);
        while let Some(shard) = taken_up.next().await {
            if let Some(runs) = left.get_mut(&shard) {
                *runs -= 1;
                if *runs == 0 {
                    self.shards.arrived(&[shard]);
                    self.inbox.notify_one();
                }
            }
        }
    }

    /// The live runs of shards: those that sleep, and the others.
    async fn who_lives(&self, shards: &[i16]) -> Result<(Vec<Sleeper>, Vec<LiveRow>), StoreError> {
        // Before the rows: what they say of sleep may be of no worth.
        self.store.vouch(self.replica, shards).await?;
        Ok((self.store.asleep(shards).await?, self.store.awake(shards).await?))
    }

    /// Runs that sleep go on sleeping: nothing is read of them but that.
    fn let_sleep(&self, sleepers: Vec<Sleeper>) {
        let mut of: Vec<Vec<Sleeper>> = self.drivers.iter().map(|_| Vec::new()).collect();
        for sleeper in sleepers {
            let driver = self.driver_of(shard_of(sleeper.run));
            of[driver].push(sleeper);
            if of[driver].len() == SLEEPERS {
                // A loop that is gone takes nothing in.
                let _ = self.drivers[driver].send(Msg::Asleep(std::mem::take(&mut of[driver])));
            }
        }
        for (driver, sleepers) in self.drivers.iter().zip(of) {
            let _ = driver.send(Msg::Asleep(sleepers));
        }
    }

    async fn recover_one(&self, row: LiveRow) {
        let (tenant, run) = (row.tenant, row.run);
        let facts = Arc::new(row.facts.clone());
        let driver = self.driver(run);
        // The loop may be gone: then there is nobody to drive anything.
        let _ = match self.taken_up(&row).await {
            None | Some((Taken::Newer, _)) => return,
            Some((Taken::Up(live), _)) => driver.send(Msg::Adopt(live)),
            Some((Taken::Over(word), _)) => driver.send(Msg::Over { tenant, run, facts, word }),
            Some((Taken::Parked { reason, log_hash }, parent)) => {
                let parked = self.write_parked(&row, facts, (reason, log_hash), parent);
                driver.send(Msg::AdoptParked(parked))
            }
        };
    }

    /// Takes a run up, however long it takes; nothing when this replica is over. Of one that is parked also who called it.
    pub(crate) async fn taken_up(&self, row: &LiveRow) -> Option<(Taken, Option<Parent>)> {
        loop {
            match self.take_up_or_park(row).await {
                Ok(taken) => return Some(taken),
                Err(error) => self.wait(&error).await,
            }
            if self.is_over() {
                return None;
            }
        }
    }

    /// Writes that a run is parked, unless its row says enough.
    pub(crate) fn write_parked(
        &self,
        row: &LiveRow,
        facts: Arc<RunFacts>,
        (reason, log_hash): (String, [u8; 32]),
        parent: Option<Parent>,
    ) -> Parked {
        let (tenant, run) = (row.tenant, row.run);
        tracing::error!(run_id = %run, reason, "a run is parked");
        // One that waits for its place, or that a person has paused, does so also for a build that knows it: its row goes on saying so.
        let stays = reason.starts_with(NEWER) && (row.status == LiveStatus::Queued || row.paused_by.is_some());
        // What was read while its shard went to another replica is that one's to judge.
        let mine = self.shards.keeps(run);
        if mine && !stays && row.reason.as_ref() != Some(&crate::live::first_line(&reason)) {
            let write = park_write(tenant, run, facts.clone(), reason);
            self.committer.submit(crate::committer::Job { write, give_up: None, reply: Box::new(drop) });
        }
        self.changed(tenant, run, &facts, "paused");
        Parked { tenant, run, facts, log_hash, parent, sleeps: true }
    }

    /// Takes a run up; of one that is parked also who called it.
    async fn take_up_or_park(&self, row: &LiveRow) -> Result<(Taken, Option<Parent>), StoreError> {
        let taken = match &row.terminated {
            Some(_) => Taken::Parked { reason: String::new(), log_hash: [0; 32] },
            None => self.take_up(row).await?,
        };
        if !matches!(taken, Taken::Parked { .. }) {
            return Ok((taken, None));
        }
        let parent = first_info(self, row.tenant, row.run).await?.and_then(|info| info.lineage?.parent);
        match (&row.terminated, parent) {
            // Ended by decree; whoever called it was not told yet.
            (Some(reason), Some(parent)) => {
                let outcome = Outcome::Cancelled { reason: reason.clone() };
                Ok((Taken::Over(Box::new(Afterword::Tell { parent, outcome })), None))
            }
            (Some(reason), None) if shares(&row.facts) => {
                let outcome = Outcome::Cancelled { reason: reason.clone() };
                Ok((Taken::Over(Box::new(Afterword::Share { outcome })), None))
            }
            (Some(_), None) => Ok((parked("terminated: the run that called it cannot be read"), None)),
            (None, parent) => Ok((taken, parent)),
        }
    }

    async fn take_up(&self, row: &LiveRow) -> Result<Taken, StoreError> {
        let flow = match self.definitions.load(row.tenant, row.facts.flow, row.facts.version).await {
            Ok(flow) if flow.hash == row.facts.definition_hash => flow,
            Ok(_) => return Ok(parked("definition_changed: the version is not the one that the run was started with")),
            Err(DefinitionsError::Unavailable(why)) => return Err(StoreError::Unavailable(why)),
            Err(error) => return Ok(parked(&format!("definition_missing: {error}"))),
        };
        if row.status == LiveStatus::Queued {
            let taken = self.take_up_queued(row, &flow).await?;
            // It has taken nothing in.
            let log_hash = Machine::new(flow.compiled.clone()).log_hash();
            return Ok(taken.map_or_else(|reason| Taken::Parked { reason, log_hash }, Taken::Up));
        }
        let snapshot = self.store.snapshot(row.tenant, row.run).await?;
        let (machine, from) = machine(&flow.compiled, snapshot.as_ref());
        drop(snapshot);
        let entries = match self.store.journal(row.tenant, row.run, from).await {
            Ok(entries) => entries,
            Err(StoreError::Inconsistent(why)) => return Ok(parked(&format!("journal_damaged: {why}"))),
            Err(error) => return Err(error),
        };
        let read = Read { row: row.clone(), flow, machine, from, entries };
        // Looked at first: what it means would come out differently here, and would look like damage.
        if self.is_too_new(&read) {
            if self.store.history(row.tenant, row.run).await?.is_some_and(|row| row.ended.is_some()) {
                return Ok(Taken::Newer);
            }
            let reason = "newer_semantics: the run was started by a newer build; it goes on with that one".to_owned();
            // Whoever ends it by decree writes down how far it had come.
            let log_hash = read.written().unwrap_or_else(|| read.machine.log_hash());
            return Ok(Taken::Parked { reason, log_hash });
        }
        // Computed apart from the threads that answer requests; several at once.
        let stopped = || StoreError::Unavailable("the server is stopping".into());
        let replayed = self.driving.compute(move || read.replay()).await.ok_or_else(stopped)?;
        self.raise(replayed).await
    }

    /// Whether a run was started by a build that knows more than this one.
    fn is_too_new(&self, read: &Read) -> bool {
        let first = read.entries.first().filter(|_| read.from == 0);
        let semantics = match first.map(|entry| decode_input(&entry.input)) {
            Some(Ok(Input::Start { run: info, .. })) => Some(info.semantics),
            _ => read.machine.info().map(|info| info.semantics),
        };
        semantics.is_some_and(|semantics| semantics > self.semantics)
    }

    /// A run in memory, as its journal left it.
    pub(crate) async fn raise(&self, replayed: Replayed) -> Result<Taken, StoreError> {
        let Replayed { row, flow, machine, from, failed } = replayed;
        if let Some((error, log_hash)) = failed {
            return Ok(Taken::Parked { reason: format!("journal_mismatch: {error}"), log_hash });
        }
        if let Some(mut word) = children::afterword(&machine, &row.facts) {
            let goes_on = matches!(word, Afterword::GoOn { .. });
            let kept = if goes_on { self.store.kept(row.tenant, row.run).await? } else { Vec::new() };
            let kept = kept.iter().filter_map(|(_, bytes)| decode_input(bytes).ok());
            kept.filter(|input| children::goes_onward(&machine, input)).for_each(|signal| word.carry(&signal));
            return Ok(Taken::Over(Box::new(word)));
        }
        // A run whose end was written has no row here; one that is over by its journal was not ended by this code.
        if machine.status().is_terminal() || machine.seq() == 0 {
            return Ok(parked("journal_mismatch: the journal of a live run is empty or ended"));
        }
        let (held, orders) = match self.held(&row).await {
            Ok(held) => held,
            Err(StoreError::Inconsistent(why)) => return Ok(parked(&format!("journal_damaged: {why}"))),
            Err(error) => return Err(error),
        };
        let line = match flow.definition.limits.concurrency {
            Some(_) => self.store.ticket(row.tenant, row.run).await?.map(|ticket| ticket.line),
            None => None,
        };
        Ok(Taken::Up(Box::new(Live {
            tenant: row.tenant,
            run: row.run,
            facts: Arc::new(row.facts),
            snapshot_at: from,
            log_hash: machine.log_hash(),
            machine,
            waiting: VecDeque::new(),
            orders,
            held,
            beginning: None,
            flight: None,
            // A run that was parked is written as what it is now with its next input.
            stored: Some(row.status).filter(|status| *status != LiveStatus::Paused || row.paused_by.is_some()),
            effects: BTreeMap::new(),
            timers: BTreeMap::new(),
            children: BTreeMap::new(),
            bringing: BTreeMap::new(),
            left: Vec::new(),
            line,
            in_line: None,
            inherits: None,
            prefix: None,
            asked: {
                let needs = flow.compiled.needs();
                needs.signals || needs.tasks || needs.workers
            },
            watchers: Vec::new(),
            touched: false,
            rest: Rest::new(self.memory.shortest(), row.wakes),
            place: self.living.resume(row.tenant),
        })))
    }

    /// How a run is held that a person paused, with what came meanwhile. One that was parked since goes on with that at once.
    async fn held(&self, row: &LiveRow) -> Result<(Option<Held>, VecDeque<(Order, Option<Reply>)>), StoreError> {
        if row.status != LiveStatus::Paused {
            return Ok((None, VecDeque::new()));
        }
        let read = |(at, bytes): (Timestamp, Vec<u8>)| {
            let input = decode_input(&bytes);
            input.map(|input| Queued::of(at, input)).map_err(|error| {
                StoreError::Inconsistent(format!("an input that came while the run was paused does not read: {error}"))
            })
        };
        let kept = self.store.kept(row.tenant, row.run).await?;
        let kept: VecDeque<Queued> = kept.into_iter().map(read).collect::<Result<_, _>>()?;
        let goes_on = row.paused_by.is_none();
        if goes_on && kept.is_empty() {
            return Ok((None, VecDeque::new()));
        }
        let orders = if goes_on { VecDeque::from([(Order::Resume, None)]) } else { VecDeque::new() };
        Ok((Some(Held { kept, found: true }), orders))
    }

    pub(crate) async fn wait(&self, error: &StoreError) {
        tracing::warn!(%error, "runs cannot be read; trying again");
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// What was fixed when a run started, from its journal; nothing when that does not read.
pub(crate) async fn first_info(shared: &Shared, tenant: TenantId, run: RunId) -> Result<Option<RunInfo>, StoreError> {
    let entry = match shared.store.first(tenant, run).await {
        Err(StoreError::Inconsistent(why)) => {
            tracing::warn!(run_id = %run, why, "the first input of a run does not read");
            None
        }
        entry => entry?,
    };
    match entry.map(|entry| decode_input(&entry.input)) {
        Some(Ok(Input::Start { run: info, .. })) => Ok(Some(*info)),
        Some(_) => Ok(None),
        // One that never began has its start elsewhere.
        None => shared.kept_info((tenant, run)).await,
    }
}

fn parked(reason: &str) -> Taken {
    Taken::Parked { reason: reason.to_owned(), log_hash: [0; 32] }
}
