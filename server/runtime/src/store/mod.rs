//! The narrow door to storage: plain-data operations, and what may go wrong. Two stores stand behind it, Postgres and
//! one in memory that can be made to fail; tests feed both the same operations and compare.

mod ask_rows;
mod asks;
mod audit;
mod batch_rows;
mod change_rows;
mod changes;
mod columns;
mod intake;
mod kept;
mod letter_rows;
mod letters;
pub mod mem;
mod ownership;
mod payloads;
pub mod pg;
mod place_rows;
mod shard_rows;
mod sleep_rows;
mod sleepers;
mod statements;
mod work;
mod work_rows;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use holon_model::{EnvironmentId, FlowId, ReplicaId, RunId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

pub use asks::{Ask, Asked, Asks, MOST_WAITING, MemAsks, TaskRow, ask_uuid, task_kind};
pub use audit::AuditRow;
pub use changes::{EventRow, MOST_KEYS, MemStates, RecordChange, StateChange, StateOf, StateRow, States};
pub use intake::{Admitted, Crowd, Intake, Line, MemIntake, PauseMode, PauseScope, Pauses, Prefix, Ticket};
pub use kept::{AnswerKey, Cache, KeptAnswer, MemAnswers, Room};
pub use letters::{Letter, Letters, Posted};
pub use ownership::{Ownership, Peer, Replica, Roll, ShardRow};
pub use payloads::{
    Blob, Blobs, Hash, MOST_INLINE, Packed, Unpacked, continuous, fill, filled, legible, pack, wanted, week_of,
};
pub use sleepers::{Found, NEVER, Sleeper, Sleepers};
pub use work::{HandOut, is_pool};

/// Shards there are. A run belongs to the shard of its id, for ever.
pub const SHARDS: i16 = 256;

/// The shard of a run: the last byte of its id, which is random.
pub fn shard_of(run: RunId) -> i16 {
    i16::from(run.as_bytes()[15])
}

/// What never changes about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFacts {
    /// In which environment it runs.
    pub environment: EnvironmentId,
    /// The flow.
    pub flow: FlowId,
    /// Its published version.
    pub version: i32,
    /// The version's canonical hash.
    pub definition_hash: [u8; 32],
    /// What started it, such as `trigger.webhook`.
    pub trigger: String,
    /// Who started it, as the audit log names actors.
    pub actor: String,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// The run that it retries.
    pub retry_of: Option<RunId>,
    /// What it is found by.
    pub marks: Marks,
}

/// What a run is found by. It describes the run and changes nothing of what it does: it is no part of the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// By key; small, see the API.
    pub labels: BTreeMap<String, String>,
    /// What it is about, such as an order's number.
    pub correlation: Option<String>,
    /// The run that it was forked from, and how many of its inputs were copied.
    pub fork_of: Option<(RunId, i64)>,
}

impl Marks {
    /// Those of a run that follows from this one: a run that it calls, or the one that goes on for it.
    #[must_use]
    pub fn handed_on(&self) -> Self {
        Self { fork_of: None, ..self.clone() }
    }
}

/// A key that starts one run, whoever races.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// What the key is a key of.
    pub scope: String,
    /// The key.
    pub key: String,
    /// The run it started.
    pub run: RunId,
    /// Hash of the request.
    pub request_hash: [u8; 32],
    /// From when the key may start another run.
    pub expires_at: Timestamp,
}

/// One input of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its stamp.
    pub at: Timestamp,
    /// The input, as the engine encodes it.
    pub input: Vec<u8>,
    /// The log hash after it.
    pub log_hash: [u8; 32],
}

/// Consecutive inputs of one run, written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalWrite {
    /// Number of the first one.
    pub seq: i64,
    /// The inputs, at least one.
    pub entries: Vec<Entry>,
}

/// State after the inputs before `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Number of the first input that is not in it.
    pub seq: i64,
    /// The machine's bytes.
    pub bytes: Vec<u8>,
}

/// Status of a live run as pages show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LiveStatus {
    /// It was accepted, and waits for its place: nothing of it has happened.
    Queued,
    /// Something is being done.
    Running,
    /// Only time or somebody else can wake it.
    Waiting,
    /// Parked, with a reason.
    Paused,
}

impl LiveStatus {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
        }
    }

    /// From the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Waiting, Self::Paused].into_iter().find(|status| status.as_str() == text)
    }
}

/// What happens to the row of live work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveWrite {
    /// Nothing: the journal is enough.
    Keep,
    /// The run is new and not over yet; `start` is set.
    Insert(LiveStatus),
    /// Its status changed, or there is a snapshot to keep.
    Update {
        /// The new status.
        status: LiveStatus,
        /// Why it is parked.
        reason: Option<String>,
        /// State to recover from.
        snapshot: Option<Snapshot>,
    },
    /// A person paused it.
    Hold {
        /// Who.
        by: String,
        /// What pages show: who and why.
        reason: String,
    },
    /// The run is over.
    Delete,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndRow {
    /// When.
    pub at: Timestamp,
    /// `completed | failed | cancelled | terminated | continued`.
    pub status: &'static str,
    /// The first line of its error.
    pub error: Option<String>,
    /// Its log hash.
    pub log_hash: [u8; 32],
    /// Its final snapshot; empty when it was ended by decree or is too large to keep. Of one that never began: what it was to begin with.
    pub state: Vec<u8>,
}

/// Everything one commit writes about one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunWrite {
    /// Whose run.
    pub tenant: TenantId,
    /// Which run.
    pub run: RunId,
    /// What never changes about it.
    pub facts: Arc<RunFacts>,
    /// Set when this is its start.
    pub start: Option<Start>,
    /// New inputs.
    pub journal: Option<JournalWrite>,
    /// What happens to its row of live work.
    pub live: LiveWrite,
    /// What the row says of sleep, where it is new or its status is written: until when nothing but the outside can wake the run.
    pub wakes: Option<Timestamp>,
    /// Set when this is its end.
    pub end: Option<EndRow>,
    /// What it asks since, in the order in which it became true.
    pub asks: Vec<Asked>,
    /// Letters whose inputs are among the new ones: they are gone when this is written.
    pub letters: Vec<i64>,
    /// What its steps change in Holon's own database with the results that are among the new inputs.
    pub changes: Vec<RecordChange>,
}

/// That a write is a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The key it was asked for with.
    pub idempotency: Option<IdempotencyRow>,
    /// What the audit log says of it, where somebody asked for it.
    pub audit: Option<Box<AuditRow>>,
}

impl RunWrite {
    /// Nothing yet about a run.
    pub fn of(tenant: TenantId, run: RunId, facts: Arc<RunFacts>) -> Self {
        let (live, asks, letters, changes) = (LiveWrite::Keep, Vec::new(), Vec::new(), Vec::new());
        Self { tenant, run, facts, start: None, journal: None, live, wakes: None, end: None, asks, letters, changes }
    }

    /// Roughly the bytes it takes on the wire.
    pub fn size(&self) -> usize {
        let journal = self.journal.iter().flat_map(|journal| &journal.entries).map(|entry| entry.input.len() + 48);
        let snapshot = match &self.live {
            LiveWrite::Update { snapshot: Some(snapshot), .. } => snapshot.bytes.len(),
            _ => 0,
        };
        let asks: usize = self.asks.iter().map(|asked| asked.ask.size()).sum();
        let changes: usize = self.changes.iter().map(RecordChange::size).sum();
        let end = self.end.as_ref().map_or(0, |end| end.state.len());
        let audit = self.start.iter().filter_map(|start| start.audit.as_ref()).map(|row| row.size());
        256 + audit.sum::<usize>() + journal.sum::<usize>() + snapshot + asks + changes + end
    }
}

/// What one commit writes: all of it or nothing. A run stands in it at most once.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Who writes; must not be fenced.
    pub replica: ReplicaId,
    /// By run.
    pub writes: Vec<RunWrite>,
    /// Set where nothing that it writes says that it was done before.
    pub number: Option<BatchNumber>,
    /// Whether those of whom it is give way to others.
    pub gives_way: bool,
}

/// Which batch of its committer one is. The store does no batch after one with the same number or a higher one: a statement that
/// comes late, when it was sent again and something else was written since, is not done as if it were new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchNumber {
    /// Which committer of the replica.
    pub lane: i16,
    /// From one up; the same for all times that it is sent.
    pub n: i64,
}

impl Batch {
    /// A batch, with its number if it needs one. A row that is certain to be in its way when it was done before stands for it: one of
    /// the journal that is written whatever else is there.
    pub fn of(replica: ReplicaId, writes: Vec<RunWrite>, number: BatchNumber) -> Self {
        let keyed = |write: &RunWrite| write.start.as_ref().is_some_and(|start| start.idempotency.is_some());
        let tells = |write: &RunWrite| write.journal.is_some() && write.changes.is_empty() && !keyed(write);
        let needs = writes.iter().any(|write| write.journal.is_none()) && !writes.iter().any(tells);
        Self { replica, writes, number: needs.then_some(number), gives_way: false }
    }
}

/// What a committed batch did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Starts of which nothing was written because their key had started another run.
    pub lost: Vec<RunId>,
    /// Runs of which nothing was written because a change of theirs was made from what is not there any more.
    pub stale: Vec<RunId>,
}

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another replica has taken over: this one must write nothing more.
    #[error("this replica was fenced: another one has taken over its work")]
    Fenced,
    /// The store cannot be reached; nothing was written.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// The connection broke after the statement was sent: it may or may not have been done.
    #[error("the store did not answer: {0}")]
    Unknown(String),
    /// There is no space left; nothing was written.
    #[error("the store has no space left: {0}")]
    Full(String),
    /// A row of this batch is there already, or a batch of its number: it was written before, or somebody else writes the same run.
    #[error("an input of this number is in the journal already")]
    Conflict,
    /// Another transaction was in the way; nothing was written, trying again helps.
    #[error("another transaction was in the way: {0}")]
    Contention(String),
    /// Something in the batch cannot be stored; nothing was written.
    #[error("the store refused the data: {0}")]
    Rejected(String),
    /// A stored row breaks an invariant.
    #[error("a stored row is inconsistent: {0}")]
    Inconsistent(String),
}

/// A live run as recovery finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRow {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub run: RunId,
    /// What never changes about it.
    pub facts: RunFacts,
    /// Its status when last written.
    pub status: LiveStatus,
    /// Why it is paused.
    pub reason: Option<String>,
    /// Who paused it; a paused run without anybody was parked.
    pub paused_by: Option<String>,
    /// Why it was ended by decree, if it was: it only owes a word to the run that called it.
    pub terminated: Option<String>,
    /// Until when it sleeps, if it does.
    pub wakes: Option<Timestamp>,
}

/// A run as history knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// What never changes about it.
    pub facts: RunFacts,
    /// How it ended, if it did.
    pub ended: Option<Ended>,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// How.
    pub status: String,
    /// The first line of its error.
    pub error: Option<String>,
    /// Its log hash.
    pub log_hash: [u8; 32],
    /// Its final snapshot; empty when it was ended by decree or is too large to keep. Of one that never began: what it was to begin with.
    pub state: Vec<u8>,
}

/// Storage of the runtime. Every operation is atomic, and one round trip unless payloads are read apart.
#[async_trait]
pub trait Store: Asks + Ownership + Letters + Intake + States + Cache + Sleepers {
    /// Writes a batch, with the payloads that its journal rows refer to: none of them is ever missing.
    async fn commit(&self, batch: &Batch) -> Result<Committed, StoreError>;

    /// Of these first inputs `(tenant, run, seq)`, the runs whose row is in the journal.
    async fn landed(&self, inputs: &[(TenantId, RunId, i64)]) -> Result<Vec<RunId>, StoreError>;

    /// The highest number of the batches that this committer has done; zero when none of them had one.
    async fn last_number(&self, replica: ReplicaId, lane: i16) -> Result<i64, StoreError>;

    /// What is kept for a key.
    async fn idempotency(&self, tenant: TenantId, scope: &str, key: &str)
    -> Result<Option<IdempotencyRow>, StoreError>;

    /// Removes up to `most` keys that ran out before `now`; answers how many.
    async fn forget_expired(&self, now: Timestamp, most: i64) -> Result<u64, StoreError>;

    /// The live runs of these shards, by tenant and run.
    async fn live(&self, shards: &[i16]) -> Result<Vec<LiveRow>, StoreError>;

    /// The state of a live run that recovery starts from, if one is kept.
    async fn snapshot(&self, tenant: TenantId, run: RunId) -> Result<Option<Snapshot>, StoreError>;

    /// The first input of a run.
    async fn first(&self, tenant: TenantId, run: RunId) -> Result<Option<Entry>, StoreError>;

    /// The inputs of a run from `from` on, in order.
    async fn journal(&self, tenant: TenantId, run: RunId, from: i64) -> Result<Vec<Entry>, StoreError>;

    /// Of a run whose journal does not read whole, those of its inputs that do, in order.
    async fn legible(&self, tenant: TenantId, run: RunId) -> Result<Vec<Entry>, StoreError>;

    /// Whether a run is not over, nor parked: it goes on, or a person has paused it.
    async fn is_driven(&self, tenant: TenantId, run: RunId) -> Result<bool, StoreError>;

    /// What history knows of a run.
    async fn history(&self, tenant: TenantId, run: RunId) -> Result<Option<HistoryRow>, StoreError>;

    /// Work that must be done now and then: room for the weeks to come.
    async fn maintain(&self) -> Result<(), StoreError>;
}
