//! Runs that sleep: they wait, also for their place in a line, nothing is being done for them, and they are not in memory. What their
//! rows say of it, and how many of them are read at once when they are wanted.

use async_trait::async_trait;
use holon_model::{ReplicaId, RunId, TenantId, Timestamp};

use super::{Entry, LiveRow, Snapshot, StoreError, Ticket};

/// When a run wakes that waits for no time: the last day that a row can name.
pub const NEVER: Timestamp = Timestamp(253_402_214_400_000);

/// A run that sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sleeper {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub run: RunId,
    /// Its first timer, at most [`NEVER`].
    pub due: Timestamp,
}

/// A first input of a run that has not begun: its stamp, and itself as it is kept.
pub type KeptInput = (Timestamp, Vec<u8>);

/// What a run is taken up from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its row.
    pub row: LiveRow,
    /// The state that is kept, if any.
    pub snapshot: Option<Snapshot>,
    /// The inputs after it; nothing when they do not read.
    pub entries: Option<Vec<Entry>>,
    /// Of one that has not begun: where it stands, and its first inputs.
    pub stands: Option<(Ticket, Vec<KeptInput>)>,
}

/// Storage of runs that sleep.
#[async_trait]
pub trait Sleepers: Send + Sync + 'static {
    /// This replica holds these shards, and keeps what rows say of sleep. What a build left there that does not keep it is taken back:
    /// of shards that such a one held last, and of those that a build of newer semantics has held, no run sleeps. May be said again.
    async fn vouch(&self, replica: ReplicaId, shards: &[i16]) -> Result<(), StoreError>;

    /// The live runs of these shards that do not sleep, by tenant and run. One that waits for its place sleeps: nothing of it has happened.
    async fn awake(&self, shards: &[i16]) -> Result<Vec<LiveRow>, StoreError>;

    /// Those that do.
    async fn asleep(&self, shards: &[i16]) -> Result<Vec<Sleeper>, StoreError>;

    /// What these runs are taken up from, in any order. Those that are not live, or whose rows do not read, are left out.
    async fn found(&self, runs: &[(TenantId, RunId)]) -> Result<Vec<Found>, StoreError>;
}
