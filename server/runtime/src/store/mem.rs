//! The store in memory: the model that the Postgres store is compared with, and the one that tests make fail at will.

mod letters;
mod shards;
mod sleepers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use holon_model::{EnvironmentId, ReplicaId, RunId, TenantId, Timestamp};
use holon_platform::clock::SharedClock;
use time::Date;

use super::asks::{Ask, Asks, MemAsks};
use super::changes::{MemStates, StateOf, StateRow, States};
use super::{
    Admitted, AuditRow, Batch, BatchNumber, Blobs, Committed, Crowd, Ended, Entry, Hash, HistoryRow, IdempotencyRow,
    Intake, Line, LiveRow, LiveStatus, LiveWrite, MemAnswers, MemIntake, Packed, Pauses, RunFacts, RunWrite, Snapshot,
    Store, StoreError, Ticket, Unpacked, continuous, filled, legible, pack, shard_of, week_of,
};

/// What a test makes of one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it is done and answered.
    None,
    /// The connection is refused; nothing is done.
    Unreachable,
    /// Nothing is done and no answer comes.
    LostBefore,
    /// It is done, but no answer comes.
    LostAfter,
    /// The disk is full; nothing is done.
    Full,
    /// Nothing is done and the call never returns: the process is killed before sending.
    HangBefore,
    /// It is done and the call never returns: the process is killed before the answer.
    HangAfter,
    /// The store refuses the batch if this run is in it.
    Poison(RunId),
}

type Script = Box<dyn FnMut(&Batch) -> Fault + Send>;

#[derive(Default)]
struct Tables {
    shards: shards::Table,
    inbox: letters::Inbox,
    live: BTreeMap<(TenantId, RunId), LiveRow>,
    snapshots: BTreeMap<(TenantId, RunId), Snapshot>,
    history: BTreeMap<(TenantId, RunId), HistoryRow>,
    journal: BTreeMap<(TenantId, RunId, i64), Vec<u8>>,
    blobs: BTreeMap<(TenantId, Date, Hash), Vec<u8>>,
    idempotency: BTreeMap<(TenantId, String, String), IdempotencyRow>,
    /// The audit log, by the run that was started.
    audit: BTreeMap<(TenantId, RunId), AuditRow>,
    /// The last number of each committer.
    numbers: BTreeMap<(ReplicaId, i16), i64>,
}

impl Tables {
    /// The live runs of these shards.
    fn live(&self, shards: &[i16]) -> impl Iterator<Item = LiveRow> {
        let shards = shards::ShardSet::of(shards);
        let rows = self.live.values().filter(move |row| shards.contains(shard_of(row.run)));
        rows.map(|row| self.with_end(row))
    }

    /// A row, with the reason why the run was ended by decree, if it was.
    fn with_end(&self, row: &LiveRow) -> LiveRow {
        let ended = self.history.get(&(row.tenant, row.run)).and_then(|row| row.ended.as_ref());
        let decreed =
            |status: &str| status == "terminated" || (status == "cancelled" && row.status == LiveStatus::Queued);
        let terminated = ended.filter(|ended| decreed(&ended.status)).and_then(|ended| ended.error.clone());
        LiveRow { terminated, ..row.clone() }
    }
}

/// See the module.
#[derive(Clone)]
pub struct MemStore {
    tables: Arc<Mutex<Tables>>,
    script: Arc<Mutex<Option<Script>>>,
    commits: Arc<std::sync::atomic::AtomicU64>,
    asks: MemAsks,
    states: MemStates,
    intake: MemIntake,
    answers: MemAnswers,
    clock: SharedClock,
}

impl MemStore {
    /// An empty store whose leases run by `clock`.
    pub fn new(clock: SharedClock) -> Self {
        Self {
            tables: Arc::default(),
            script: Arc::default(),
            commits: Arc::default(),
            asks: MemAsks::default(),
            states: MemStates::default(),
            intake: MemIntake::default(),
            answers: MemAnswers::default(),
            clock,
        }
    }

    /// From now on `script` says what happens to each commit.
    pub fn fail(&self, script: impl FnMut(&Batch) -> Fault + Send + 'static) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(script));
    }

    /// From now on everything works.
    pub fn heal(&self) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Batches written so far.
    pub fn commits(&self) -> u64 {
        self.commits.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Changes what the journal of a run says, as a damaged disk would.
    pub fn tamper(&self, tenant: TenantId, run: RunId, change: impl Fn(&mut Entry)) {
        let mut tables = self.tables();
        let rows = tables.journal.range_mut((tenant, run, i64::MIN)..=(tenant, run, i64::MAX));
        for (_, body) in rows {
            // Rows that refer to payloads are left as they are: there is no input to change in them.
            let read = Unpacked::read(body).and_then(|row| row.fill(&BTreeMap::new()));
            let Ok(mut entries) = read else { continue };
            entries.iter_mut().for_each(&change);
            if let Ok(packed) = pack(&entries) {
                *body = packed.body;
            }
        }
    }

    /// Leaves of the row of a journal that begins with this input nothing that reads, as a damaged disk would.
    pub fn damage(&self, tenant: TenantId, run: RunId, seq: i64) {
        if let Some(body) = self.tables().journal.get_mut(&(tenant, run, seq)) {
            body.truncate(1);
        }
    }

    /// What is paused, and who has a place.
    pub fn intake(&self) -> &MemIntake {
        &self.intake
    }

    /// Answers that are good for the next effect too.
    pub fn answers(&self) -> &MemAnswers {
        &self.answers
    }

    /// What runs ask.
    pub fn asks(&self) -> &MemAsks {
        &self.asks
    }

    /// What steps change: the state of flows, and events.
    pub fn states(&self) -> &MemStates {
        &self.states
    }

    /// Every run that ever began, in their order.
    pub fn runs(&self) -> Vec<(TenantId, RunId)> {
        self.tables().history.keys().copied().collect()
    }

    /// What the audit log says of the start of a run.
    pub fn audited(&self, tenant: TenantId, run: RunId) -> Option<AuditRow> {
        self.tables().audit.get(&(tenant, run)).cloned()
    }

    /// Whether the end of a run is written.
    pub fn is_over(&self, tenant: TenantId, run: RunId) -> bool {
        self.tables().history.get(&(tenant, run)).is_some_and(|row| row.ended.is_some())
    }

    /// Of each row of a run's journal the number of its first input, in order.
    pub fn rows(&self, tenant: TenantId, run: RunId) -> Vec<i64> {
        let tables = self.tables();
        let rows = tables.journal.range((tenant, run, i64::MIN)..=(tenant, run, i64::MAX));
        rows.map(|((_, _, seq), _)| *seq).collect()
    }

    /// Who holds a shard.
    pub fn owner(&self, shard: i16) -> Option<ReplicaId> {
        self.tables().shards.owner(shard)
    }

    /// The runs that a person has paused.
    pub fn held(&self) -> Vec<(TenantId, RunId)> {
        let tables = self.tables();
        let held = tables.live.iter().filter(|(_, row)| row.paused_by.is_some());
        held.map(|(id, _)| *id).collect()
    }

    /// How many letters were not taken in.
    pub fn unread(&self) -> usize {
        self.tables().inbox.letters.len()
    }

    /// How many rows of live work and of snapshots there are: none when every run is over.
    pub fn left(&self) -> (usize, usize) {
        let tables = self.tables();
        (tables.live.len(), tables.snapshots.len())
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, batch: &Batch) -> Result<Committed, StoreError> {
        let mut tables = self.tables();
        if !tables.shards.holds(batch.replica) {
            return Err(StoreError::Fenced);
        }
        let clash = batch.writes.iter().any(|write| {
            write
                .journal
                .as_ref()
                .is_some_and(|journal| tables.journal.contains_key(&(write.tenant, write.run, journal.seq)))
        });
        let last = |number: BatchNumber| tables.numbers.get(&(batch.replica, number.lane)).copied().unwrap_or_default();
        if clash || batch.number.is_some_and(|number| last(number) >= number.n) {
            return Err(StoreError::Conflict);
        }
        let packed = |write: &RunWrite| write.journal.as_ref().map(|journal| pack(&journal.entries)).transpose();
        let packed: Vec<Option<Packed>> = batch.writes.iter().map(packed).collect::<Result<_, _>>()?;
        if let Some(BatchNumber { lane, n }) = batch.number {
            tables.numbers.insert((batch.replica, lane), n);
        }
        let (mut lost, mut stale) = (Vec::new(), Vec::new());
        for (write, packed) in batch.writes.iter().zip(packed) {
            let id = (write.tenant, write.run);
            if !self.states.write(write) {
                stale.push(write.run);
                continue;
            }
            if let Some(start) = &write.start {
                if let Some(row) = &start.idempotency {
                    let key = (write.tenant, row.scope.clone(), row.key.clone());
                    if tables.idempotency.contains_key(&key) {
                        lost.push(write.run);
                        continue;
                    }
                    tables.idempotency.insert(key, row.clone());
                }
                if let Some(row) = &start.audit {
                    tables.audit.insert(id, AuditRow::clone(row));
                }
                let facts = RunFacts::clone(&write.facts);
                tables.history.insert(id, HistoryRow { facts, ended: None });
            }
            if let (Some(journal), Some(packed)) = (&write.journal, packed) {
                tables.journal.insert((write.tenant, write.run, journal.seq), packed.body);
                for blob in packed.blobs {
                    tables.blobs.insert((write.tenant, week_of(write.run), blob.hash), blob.bytes);
                }
            }
            match &write.live {
                LiveWrite::Keep => {}
                LiveWrite::Insert(status) => {
                    let facts = RunFacts::clone(&write.facts);
                    let (tenant, run) = id;
                    let status = *status;
                    let row = LiveRow {
                        tenant,
                        run,
                        facts,
                        status,
                        reason: None,
                        paused_by: None,
                        terminated: None,
                        wakes: write.wakes,
                    };
                    tables.live.insert(id, row);
                }
                LiveWrite::Update { status, reason, snapshot } => {
                    if let Some(row) = tables.live.get_mut(&id) {
                        row.status = *status;
                        row.reason.clone_from(reason);
                        (row.paused_by, row.wakes) = (None, write.wakes);
                        if let Some(snapshot) = snapshot {
                            tables.snapshots.insert(id, snapshot.clone());
                        }
                    }
                }
                LiveWrite::Hold { by, reason } => {
                    if let Some(row) = tables.live.get_mut(&id) {
                        (row.status, row.wakes) = (LiveStatus::Paused, None);
                        (row.reason, row.paused_by) = (Some(reason.clone()), Some(by.clone()));
                    }
                }
                LiveWrite::Delete => {
                    tables.live.remove(&id);
                    tables.snapshots.remove(&id);
                }
            }
            if let (Some(end), Some(row)) = (&write.end, tables.history.get_mut(&id)) {
                row.ended = Some(Ended {
                    at: end.at,
                    status: end.status.to_owned(),
                    error: end.error.clone(),
                    log_hash: end.log_hash,
                    state: end.state.clone(),
                });
            }
            for asked in &write.asks {
                self.asks.write(write, asked);
                match &asked.ask {
                    Ask::Queue(ticket) => {
                        self.intake.queue(write.tenant, write.run, ticket);
                        if let Some(row) = tables.live.get_mut(&id) {
                            row.reason = Some(ticket.reason());
                        }
                    }
                    Ask::Inherit { from } => self.intake.inherit(write.tenant, write.run, *from),
                    Ask::Leave => self.intake.leave(write.tenant, write.run),
                    _ => {}
                }
            }
            for letter in &write.letters {
                tables.inbox.letters.remove(letter);
            }
        }
        self.commits.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Committed { lost, stale })
    }
}

#[async_trait]
impl Blobs for MemStore {
    async fn blobs(
        &self,
        tenant: TenantId,
        week: Date,
        hashes: &BTreeSet<Hash>,
    ) -> Result<BTreeMap<Hash, Vec<u8>>, StoreError> {
        let tables = self.tables();
        let found = |hash: &Hash| Some((*hash, tables.blobs.get(&(tenant, week, *hash))?.clone()));
        Ok(hashes.iter().filter_map(found).collect())
    }
}

#[async_trait]
impl Asks for MemStore {
    async fn waiting(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        name: &str,
        correlation: &str,
    ) -> Result<Vec<RunId>, StoreError> {
        Ok(self.asks.waiting(tenant, environment, name, correlation))
    }

    async fn kept(&self, tenant: TenantId, run: RunId) -> Result<Vec<(Timestamp, Vec<u8>)>, StoreError> {
        Ok(self.asks.inputs(tenant, run))
    }

    async fn sweep_asks(&self, _now: Timestamp) -> Result<u64, StoreError> {
        let tables = self.tables();
        let live = |tenant, run| tables.live.contains_key(&(tenant, run));
        Ok(self.asks.sweep(live) + self.intake.sweep(live))
    }
}

#[async_trait]
impl Intake for MemStore {
    async fn pauses(&self) -> Result<Pauses, StoreError> {
        Ok(self.intake.pauses())
    }

    async fn crowd(&self, line: &Line) -> Result<Crowd, StoreError> {
        Ok(self.intake.crowd(line))
    }

    async fn admit(&self, tenant: TenantId, lines: &[Line]) -> Result<Admitted, StoreError> {
        let tables = self.tables();
        let mut admitted = Admitted::default();
        for line in lines.iter().filter(|line| line.tenant == tenant).collect::<BTreeSet<_>>() {
            self.intake.admit(line, |shard| tables.shards.owner(shard), &mut admitted);
        }
        Ok(admitted)
    }

    async fn lines(&self) -> Result<Vec<Line>, StoreError> {
        Ok(self.intake.lines())
    }

    async fn admitted(&self, shards: &[i16]) -> Result<Vec<(TenantId, RunId)>, StoreError> {
        let tables = self.tables();
        let queued = |id: &(TenantId, RunId)| tables.live.get(id).is_some_and(|row| row.status == LiveStatus::Queued);
        Ok(self.intake.going(shards).into_iter().filter(queued).collect())
    }

    async fn ticket(&self, tenant: TenantId, run: RunId) -> Result<Option<Ticket>, StoreError> {
        Ok(self.intake.ticket(tenant, run))
    }
}

#[async_trait]
impl States for MemStore {
    async fn state(&self, of: StateOf, key: &str) -> Result<Option<StateRow>, StoreError> {
        Ok(self.states.row(of, key))
    }

    async fn state_full(&self, of: StateOf) -> Result<bool, StoreError> {
        Ok(self.states.full(of))
    }
}

#[async_trait]
impl Store for MemStore {
    async fn commit(&self, batch: &Batch) -> Result<Committed, StoreError> {
        let fault = match &mut *self.script.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(script) => script(batch),
            None => Fault::None,
        };
        match fault {
            Fault::None => self.apply(batch),
            Fault::Unreachable => Err(StoreError::Unavailable("refused by the test".into())),
            Fault::LostBefore => Err(StoreError::Unknown("lost by the test, not done".into())),
            Fault::LostAfter => {
                self.apply(batch)?;
                Err(StoreError::Unknown("lost by the test, done".into()))
            }
            Fault::Full => Err(StoreError::Full("full by the test".into())),
            Fault::HangBefore => std::future::pending().await,
            Fault::HangAfter => {
                self.apply(batch)?;
                std::future::pending().await
            }
            Fault::Poison(run) if batch.writes.iter().any(|write| write.run == run && write.journal.is_some()) => {
                Err(StoreError::Rejected("poisoned by the test".into()))
            }
            Fault::Poison(_) => self.apply(batch),
        }
    }

    async fn landed(&self, inputs: &[(TenantId, RunId, i64)]) -> Result<Vec<RunId>, StoreError> {
        let tables = self.tables();
        Ok(inputs.iter().filter(|input| tables.journal.contains_key(input)).map(|(_, run, _)| *run).collect())
    }

    async fn last_number(&self, replica: ReplicaId, lane: i16) -> Result<i64, StoreError> {
        Ok(self.tables().numbers.get(&(replica, lane)).copied().unwrap_or_default())
    }

    async fn idempotency(
        &self,
        tenant: TenantId,
        scope: &str,
        key: &str,
    ) -> Result<Option<IdempotencyRow>, StoreError> {
        Ok(self.tables().idempotency.get(&(tenant, scope.to_owned(), key.to_owned())).cloned())
    }

    async fn forget_expired(&self, now: Timestamp, most: i64) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let keys: Vec<_> =
            tables.idempotency.iter().filter(|(_, row)| row.expires_at <= now).map(|(key, _)| key.clone()).collect();
        let taken: Vec<_> = keys.into_iter().take(usize::try_from(most).unwrap_or(0)).collect();
        for key in &taken {
            tables.idempotency.remove(key);
        }
        Ok(taken.len() as u64)
    }

    async fn live(&self, shards: &[i16]) -> Result<Vec<LiveRow>, StoreError> {
        Ok(self.tables().live(shards).collect())
    }

    async fn snapshot(&self, tenant: TenantId, run: RunId) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.tables().snapshots.get(&(tenant, run)).cloned())
    }

    async fn first(&self, tenant: TenantId, run: RunId) -> Result<Option<Entry>, StoreError> {
        let rows = {
            let tables = self.tables();
            let row = tables.journal.get(&(tenant, run, 0));
            continuous(row.map(|body| (0, body.as_slice())).into_iter(), 0)?
        };
        Ok(filled(self, tenant, run, rows).await?.into_iter().next())
    }

    async fn journal(&self, tenant: TenantId, run: RunId, from: i64) -> Result<Vec<Entry>, StoreError> {
        let rows = {
            let tables = self.tables();
            let rows = tables.journal.range((tenant, run, i64::MIN)..=(tenant, run, i64::MAX));
            continuous(rows.map(|((_, _, seq), body)| (*seq, body.as_slice())), from)?
        };
        filled(self, tenant, run, rows).await
    }

    async fn legible(&self, tenant: TenantId, run: RunId) -> Result<Vec<Entry>, StoreError> {
        let rows: Vec<Vec<u8>> = {
            let tables = self.tables();
            let rows = tables.journal.range((tenant, run, i64::MIN)..=(tenant, run, i64::MAX));
            rows.map(|(_, body)| body.clone()).collect()
        };
        legible(self, tenant, run, rows.iter().map(Vec::as_slice)).await
    }

    async fn is_driven(&self, tenant: TenantId, run: RunId) -> Result<bool, StoreError> {
        let tables = self.tables();
        let ended = tables.history.get(&(tenant, run)).is_some_and(|row| row.ended.is_some());
        let parked = |row: &LiveRow| row.status == LiveStatus::Paused && row.paused_by.is_none();
        Ok(!ended && tables.live.get(&(tenant, run)).is_some_and(|row| !parked(row)))
    }

    async fn history(&self, tenant: TenantId, run: RunId) -> Result<Option<HistoryRow>, StoreError> {
        Ok(self.tables().history.get(&(tenant, run)).cloned())
    }

    async fn maintain(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
