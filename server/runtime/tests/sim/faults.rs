//! Misfortune: the store as one replica reaches it, which fails as the seed says, and what befalls replicas from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use holon_engine::testing::rng::Rng;
use holon_model::{EnvironmentId, ReplicaId, RunId, TenantId, Timestamp};
use holon_runtime::store::mem::MemStore;
use holon_runtime::store::{
    Admitted, AnswerKey, Asks, Batch, Blobs, Cache, Committed, Crowd, Entry, Found, Hash, HistoryRow, IdempotencyRow,
    Intake, KeptAnswer, Letter, Letters, Line, LiveRow, LiveWrite, NEVER, Ownership, Pauses, Posted, Replica as Claim,
    Roll, Room, RunWrite, Sleeper, Sleepers, Snapshot, StateOf, StateRow, States, Store, StoreError, Ticket, shard_of,
};
use holon_runtime::{Nearby, Wake, Word};
use time::Date;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::clients::Promises;
use crate::oracle::Problems;
use crate::seed::{Plan, Planted, Woe, numbers};
use crate::trace::Trace;
use crate::world::{Replica, low};

/// Replicas that are killed in one seed at most by the store's hand: something must get done in between.
const MOST_CRASHES: u32 = 6;

/// What one call of the store meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    CrashBefore,
    CrashAfter,
    LostBefore,
    LostAfter,
    Ghost,
    Away,
    Full,
    Contention,
}

/// The misfortune of one world.
pub struct Weather {
    plan: Plan,
    calm: AtomicBool,
    crashes: AtomicU32,
    rng: Mutex<Rng>,
    outage: Mutex<Option<Instant>>,
    full: Mutex<Option<Instant>>,
}

fn lasts(until: &Mutex<Option<Instant>>) -> bool {
    until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
}

impl Weather {
    pub fn new(plan: &Plan) -> Arc<Self> {
        Arc::new(Self {
            plan: plan.clone(),
            calm: AtomicBool::new(false),
            crashes: AtomicU32::new(0),
            rng: Mutex::new(numbers(plan.seed, "store")),
            outage: Mutex::default(),
            full: Mutex::default(),
        })
    }

    /// From now on everything works.
    pub fn clear_up(&self) {
        self.calm.store(true, Relaxed);
    }

    pub fn is_calm(&self) -> bool {
        self.calm.load(Relaxed)
    }

    /// Nobody reaches the store until then.
    pub fn outage(&self, until: Instant) {
        *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Nothing is written until then.
    pub fn fill_up(&self, until: Instant) {
        *self.full.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// What befalls this call, and how long it takes on the way there and back.
    fn fate(&self, writes: bool, commits: bool) -> (Fate, Duration, Duration) {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let (there, back) = (rng.below(3), rng.below(3));
        let millis = |millis: u32| Duration::from_millis(u64::from(millis));
        if self.is_calm() {
            return (Fate::Well, millis(there), millis(back));
        }
        let mut happens = |woe: Woe| rng.below(10_000) < self.plan.often(woe);
        let fate = if happens(Woe::Away) || lasts(&self.outage) {
            Fate::Away
        } else if commits && lasts(&self.full) {
            Fate::Full
        } else if commits && happens(Woe::Contention) {
            Fate::Contention
        } else if happens(Woe::LostBefore) {
            Fate::LostBefore
        } else if happens(Woe::LostAfter) {
            Fate::LostAfter
        } else if writes && happens(Woe::Ghost) {
            Fate::Ghost
        } else if happens(Woe::CrashBefore) && self.crash() {
            Fate::CrashBefore
        } else if happens(Woe::CrashAfter) && self.crash() {
            Fate::CrashAfter
        } else {
            Fate::Well
        };
        let slow =
            happens(Woe::Slow).then(|| if rng.percent(15) { 8_000 + rng.below(9_000) } else { rng.below(2_500) });
        let late = rng.percent(50);
        match slow {
            Some(slow) if late => (fate, millis(there), millis(slow)),
            Some(slow) => (fate, millis(slow), millis(back)),
            None => (fate, millis(there), millis(back)),
        }
    }

    fn crash(&self) -> bool {
        self.crashes.fetch_add(1, Relaxed) < MOST_CRASHES
    }

    /// What becomes of a word: whether it is lost, or said twice, and how long it takes.
    fn word(&self) -> (bool, bool, Duration) {
        let often = if self.is_calm() { 0 } else { self.plan.often(Woe::Words) };
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let mut happens = |times: u32| rng.below(10_000) < often * times;
        let (lost, twice, late) = (happens(8), happens(4), happens(4));
        (lost, twice, Duration::from_millis(u64::from(if late { rng.below(4_000) } else { rng.below(3) })))
    }

    /// Whether flows cannot be read just now.
    pub fn no_flows(&self) -> bool {
        let often = self.plan.often(Woe::NoFlows);
        !self.is_calm() && self.rng.lock().unwrap_or_else(PoisonError::into_inner).below(10_000) < often
    }
}

/// The store as one replica reaches it.
#[derive(Clone)]
pub struct Road {
    pub store: MemStore,
    pub replica: Arc<Replica>,
    pub weather: Arc<Weather>,
    pub trace: Arc<Trace>,
    pub problems: Arc<Problems>,
    pub promises: Arc<Promises>,
}

impl Road {
    /// Nothing happens here any more: the process is gone.
    async fn die(&self, name: &'static str) -> ! {
        self.trace.note("crash", &[self.replica.number as u64], || format!("{} in {name}", self.replica.number));
        self.replica.kill();
        std::future::pending().await
    }

    /// One call. `commits`: it writes what runs did; `writes`: doing it late changes something.
    async fn call<T: Send>(
        &self,
        name: &'static str,
        (writes, commits): (bool, bool),
        doing: impl Future<Output = Result<T, StoreError>> + Send,
        later: impl FnOnce() + Send,
    ) -> Result<T, StoreError> {
        self.replica.gate().await;
        let (fate, there, back) = self.weather.fate(writes, commits);
        tokio::time::sleep(there).await;
        self.replica.gate().await;
        let fate = if self.replica.is_cut_off() { Fate::Away } else { fate };
        let number = self.replica.number;
        self.trace.note(name, &[number as u64, fate as u64], || match fate {
            Fate::Well => format!("by {number}"),
            fate => format!("by {number}: {fate:?}"),
        });
        match fate {
            Fate::Away => return Err(StoreError::Unavailable("cut off".into())),
            Fate::Full => return Err(StoreError::Full("full".into())),
            Fate::Contention => return Err(StoreError::Contention("contention".into())),
            Fate::LostBefore => return Err(StoreError::Unknown("lost, not done".into())),
            Fate::CrashBefore => self.die(name).await,
            Fate::Ghost => {
                later();
                return Err(StoreError::Unknown("lost, done later".into()));
            }
            Fate::Well | Fate::CrashAfter | Fate::LostAfter => {}
        }
        let done = doing.await;
        if fate == Fate::CrashAfter {
            self.die(name).await;
        }
        tokio::time::sleep(back).await;
        self.replica.gate().await;
        if fate == Fate::LostAfter {
            return Err(StoreError::Unknown("lost, done".into()));
        }
        done
    }

    async fn read<T: Send>(
        &self,
        name: &'static str,
        doing: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.call(name, (false, false), doing, || {}).await
    }

    fn goes_on_over(&self, write: &RunWrite) -> bool {
        write.journal.is_some() && self.store.is_over(write.tenant, write.run)
    }

    /// The store does the commit, and the oracle looks on.
    async fn apply(&self, batch: &Batch) -> Result<Committed, StoreError> {
        let planted = self.weather.plan.planted;
        if planted == Some(Planted::AcknowledgedTooEarly) && self.weather.rng_percent(3) {
            return Ok(Committed::default());
        }
        let (writer, mut batch) = (batch.replica, batch.clone());
        if planted == Some(Planted::NoFence) {
            // As whoever holds the runs now.
            let owner = batch.writes.first().and_then(|write| self.store.owner(shard_of(write.run)));
            batch.replica = owner.unwrap_or(batch.replica);
        }
        if planted == Some(Planted::PauseForgotten) {
            for write in &mut batch.writes {
                if matches!(write.live, LiveWrite::Hold { .. }) {
                    write.live = LiveWrite::Keep;
                }
            }
        }
        if planted == Some(Planted::SleepsOn) {
            // As if the run still waited for what it once waited for.
            for write in batch.writes.iter_mut().filter(|write| matches!(write.live, LiveWrite::Update { .. })) {
                write.wakes = Some(NEVER);
            }
        }
        if planted == Some(Planted::RowLeft) && self.weather.rng_percent(20) {
            for write in batch.writes.iter_mut().filter(|write| write.live == LiveWrite::Delete) {
                write.live = LiveWrite::Keep;
            }
        }
        let over: Vec<RunId> =
            batch.writes.iter().filter(|write| self.goes_on_over(write)).map(|write| write.run).collect();
        let committed = self.store.commit(&batch).await?;
        let left_out = |run: &RunId| committed.lost.contains(run) || committed.stale.contains(run);
        for run in over.into_iter().filter(|run| !left_out(run)) {
            self.problems.add("after its end", || format!("{run} is over, and took something in"));
        }
        for write in batch.writes.iter().filter(|write| !left_out(&write.run)) {
            let (run, number) = (write.run, self.replica.number);
            let seq = write.journal.as_ref().map_or(-1, |journal| journal.seq);
            let inputs = write.journal.as_ref().map_or(0, |journal| journal.entries.len());
            self.trace.note("wrote", &[low(run.0), seq.cast_unsigned(), inputs as u64, number as u64], || {
                let end = write.end.as_ref().map_or(String::new(), |end| format!(", {}", end.status));
                format!("{run} inputs {seq}+{inputs} by {number}{end}")
            });
            if seq > 0 && self.promises.is_paused(run) {
                self.problems.add("paused", || format!("{run} was said to be paused, and took input {seq} in"));
            }
            // An older build lays aside what a newer one began, until there is one again.
            if let LiveWrite::Update { reason: Some(reason), .. } = &write.live
                && !reason.starts_with("newer_semantics")
            {
                self.problems.add("parked", || format!("{run} is parked: {reason}"));
            }
            let owner = self.store.owner(shard_of(run));
            if owner != Some(writer) {
                self.problems.add("zombie", || format!("{run} was written by replica {number}, who does not hold it"));
            }
        }
        Ok(committed)
    }
}

impl Weather {
    fn rng_percent(&self, chance: u32) -> bool {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).percent(chance)
    }
}

#[async_trait]
impl Blobs for Road {
    async fn blobs(
        &self,
        tenant: TenantId,
        week: Date,
        hashes: &BTreeSet<Hash>,
    ) -> Result<BTreeMap<Hash, Vec<u8>>, StoreError> {
        self.read("blobs", self.store.blobs(tenant, week, hashes)).await
    }
}

#[async_trait]
impl Asks for Road {
    async fn waiting(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        name: &str,
        correlation: &str,
    ) -> Result<Vec<RunId>, StoreError> {
        self.read("waiting", self.store.waiting(tenant, environment, name, correlation)).await
    }

    async fn kept(&self, tenant: TenantId, run: RunId) -> Result<Vec<(Timestamp, Vec<u8>)>, StoreError> {
        self.read("kept", self.store.kept(tenant, run)).await
    }

    async fn sweep_asks(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.read("sweep", self.store.sweep_asks(now)).await
    }
}

// An operation that is new in the store gets its line in one of these: `read` for what may be done again; `commit` shows the other kind.
#[async_trait]
impl Ownership for Road {
    async fn join(&self, replica: &Claim, lease_ms: i64, alone: bool) -> Result<(), StoreError> {
        self.read("join", self.store.join(replica, lease_ms, alone)).await
    }

    async fn renew(&self, replica: ReplicaId, lease_ms: i64, leaving: bool) -> Result<Roll, StoreError> {
        self.read("renew", self.store.renew(replica, lease_ms, leaving)).await
    }

    async fn fence(&self, silent: &[(ReplicaId, i64)]) -> Result<(), StoreError> {
        self.read("fence", self.store.fence(silent)).await
    }

    async fn holds(&self, replica: ReplicaId) -> Result<bool, StoreError> {
        self.read("holds", self.store.holds(replica)).await
    }

    async fn adopt(&self, replica: ReplicaId, shards: &[i16]) -> Result<Vec<i16>, StoreError> {
        self.read("adopt", self.store.adopt(replica, shards)).await
    }

    async fn hand_over(
        &self,
        replica: ReplicaId,
        to: ReplicaId,
        shards: &[(i16, i64)],
    ) -> Result<Vec<i16>, StoreError> {
        self.read("hand over", self.store.hand_over(replica, to, shards)).await
    }

    async fn leave(&self, replica: ReplicaId) -> Result<(), StoreError> {
        self.read("leave", self.store.leave(replica)).await
    }
}

#[async_trait]
impl States for Road {
    async fn state(&self, of: StateOf, key: &str) -> Result<Option<StateRow>, StoreError> {
        self.read("state", self.store.state(of, key)).await
    }

    async fn state_full(&self, of: StateOf) -> Result<bool, StoreError> {
        self.read("state full", self.store.state_full(of)).await
    }
}

#[async_trait]
impl Letters for Road {
    async fn post(
        &self,
        tenant: TenantId,
        run: RunId,
        sender: ReplicaId,
        body: &[u8],
    ) -> Result<Option<Posted>, StoreError> {
        self.read("post", self.store.post(tenant, run, sender, body)).await
    }

    async fn letters(&self, shards: &[i16], without: &[i64], most: i64) -> Result<Vec<Letter>, StoreError> {
        self.read("letters", self.store.letters(shards, without, most)).await
    }

    async fn discard(&self, replica: ReplicaId, letters: &[Letter]) -> Result<(), StoreError> {
        self.read("discard", self.store.discard(replica, letters)).await
    }
}

#[async_trait]
impl Cache for Road {
    async fn answer(&self, key: &AnswerKey, now: Timestamp) -> Result<Option<KeptAnswer>, StoreError> {
        self.read("answer", self.store.answer(key, now)).await
    }

    async fn keep_answer(&self, key: &AnswerKey, answer: &KeptAnswer, room: Room) -> Result<(), StoreError> {
        self.read("keep answer", self.store.keep_answer(key, answer, room)).await
    }

    async fn forget_answers(&self, now: Timestamp, most: i64) -> Result<u64, StoreError> {
        self.read("forget answers", self.store.forget_answers(now, most)).await
    }
}

#[async_trait]
impl Intake for Road {
    async fn pauses(&self) -> Result<Pauses, StoreError> {
        self.read("pauses", self.store.pauses()).await
    }

    async fn crowd(&self, line: &Line) -> Result<Crowd, StoreError> {
        self.read("crowd", self.store.crowd(line)).await
    }

    async fn admit(&self, line: &Line) -> Result<Admitted, StoreError> {
        self.read("admit", self.store.admit(line)).await
    }

    async fn lines(&self) -> Result<Vec<Line>, StoreError> {
        self.read("lines", self.store.lines()).await
    }

    async fn admitted(&self, shards: &[i16]) -> Result<Vec<(TenantId, RunId)>, StoreError> {
        self.read("admitted", self.store.admitted(shards)).await
    }

    async fn ticket(&self, tenant: TenantId, run: RunId) -> Result<Option<Ticket>, StoreError> {
        self.read("ticket", self.store.ticket(tenant, run)).await
    }
}

#[async_trait]
impl Sleepers for Road {
    async fn vouch(&self, replica: ReplicaId, shards: &[i16]) -> Result<(), StoreError> {
        self.read("vouch", self.store.vouch(replica, shards)).await
    }

    async fn awake(&self, shards: &[i16]) -> Result<Vec<LiveRow>, StoreError> {
        self.read("awake", self.store.awake(shards)).await
    }

    async fn asleep(&self, shards: &[i16]) -> Result<Vec<Sleeper>, StoreError> {
        self.read("asleep", self.store.asleep(shards)).await
    }

    async fn found(&self, runs: &[(TenantId, RunId)]) -> Result<Vec<Found>, StoreError> {
        if self.weather.plan.planted == Some(Planted::SleeperForgotten) && self.weather.rng_percent(20) {
            return Ok(Vec::new());
        }
        self.read("found", self.store.found(runs)).await
    }
}

/// Words between replicas, as one of them says and hears them: some are lost, late, or said twice.
pub struct Words {
    pub nearby: Nearby,
    pub replica: Arc<Replica>,
    pub weather: Arc<Weather>,
}

#[async_trait]
impl Wake for Words {
    async fn carry(&self, me: ReplicaId, heard: mpsc::UnboundedSender<Word>) {
        self.nearby.carry(me, heard).await;
    }

    fn say(&self, to: ReplicaId, word: Word) {
        if self.replica.is_dead() {
            return;
        }
        let (lost, twice, wait) = self.weather.word();
        if lost {
            return;
        }
        if twice {
            self.nearby.say(to, word.clone());
        }
        let nearby = self.nearby.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            nearby.say(to, word);
        });
    }
}

#[async_trait]
impl Store for Road {
    async fn commit(&self, batch: &Batch) -> Result<Committed, StoreError> {
        let later = || {
            let (road, batch) = (self.clone(), batch.clone());
            tokio::spawn(async move {
                let wait = {
                    let mut rng = road.weather.rng.lock().unwrap_or_else(PoisonError::into_inner);
                    Duration::from_millis(u64::from(if rng.percent(30) { rng.below(20_000) } else { rng.below(200) }))
                };
                tokio::time::sleep(wait).await;
                let done = road.apply(&batch).await;
                road.trace
                    .note("ghost", &[u64::from(done.is_ok())], || format!("of {}: {done:?}", road.replica.number));
            });
        };
        self.call("commit", (true, true), self.apply(batch), later).await
    }

    async fn landed(&self, inputs: &[(TenantId, RunId, i64)]) -> Result<Vec<RunId>, StoreError> {
        self.read("landed", self.store.landed(inputs)).await
    }

    async fn last_number(&self, replica: ReplicaId, lane: i16) -> Result<i64, StoreError> {
        self.read("number", self.store.last_number(replica, lane)).await
    }

    async fn idempotency(
        &self,
        tenant: TenantId,
        scope: &str,
        key: &str,
    ) -> Result<Option<IdempotencyRow>, StoreError> {
        self.read("key", self.store.idempotency(tenant, scope, key)).await
    }

    async fn forget_expired(&self, now: Timestamp, most: i64) -> Result<u64, StoreError> {
        self.read("forget", self.store.forget_expired(now, most)).await
    }

    async fn live(&self, shards: &[i16]) -> Result<Vec<LiveRow>, StoreError> {
        self.read("live", self.store.live(shards)).await
    }

    async fn snapshot(&self, tenant: TenantId, run: RunId) -> Result<Option<Snapshot>, StoreError> {
        self.read("snapshot", self.store.snapshot(tenant, run)).await
    }

    async fn first(&self, tenant: TenantId, run: RunId) -> Result<Option<Entry>, StoreError> {
        self.read("first", self.store.first(tenant, run)).await
    }

    async fn journal(&self, tenant: TenantId, run: RunId, from: i64) -> Result<Vec<Entry>, StoreError> {
        self.read("journal", self.store.journal(tenant, run, from)).await
    }

    async fn history(&self, tenant: TenantId, run: RunId) -> Result<Option<HistoryRow>, StoreError> {
        self.read("history", self.store.history(tenant, run)).await
    }

    async fn maintain(&self) -> Result<(), StoreError> {
        self.read("maintain", self.store.maintain()).await
    }
}
