//! Who drives which runs: replicas, their leases, and the shards that they hold. Plain data and atomic operations; what is done
//! with them is decided in `lease`, `share` and `handover`.

use async_trait::async_trait;
use holon_model::ReplicaId;

use super::StoreError;

/// One process's claim to drive runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Its id, new for each process lifetime.
    pub id: ReplicaId,
    /// Where it runs, for operators.
    pub address: String,
    /// Its build.
    pub build: String,
    /// The newest semantics of flows that it knows.
    pub semantics: i32,
}

/// A replica that was not fenced, as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its id.
    pub id: ReplicaId,
    /// The newest semantics of flows that it knows.
    pub semantics: i32,
    /// How often it has renewed.
    pub beat: i64,
    /// Whether it is going: it is given nothing any more.
    pub leaving: bool,
}

/// A shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardRow {
    /// Its number.
    pub shard: i16,
    /// Who holds it; one that is no [`Peer`] was fenced.
    pub owner: Option<ReplicaId>,
    /// How often it changed hands.
    pub epoch: i64,
    /// The newest semantics that any replica knew which ever held it.
    pub semantics: i32,
}

/// Who is there and who holds what, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roll {
    /// By id.
    pub peers: Vec<Peer>,
    /// By number.
    pub shards: Vec<ShardRow>,
}

impl Roll {
    /// The shards that a replica holds.
    pub fn held_by(&self, replica: ReplicaId) -> Vec<i16> {
        self.shards.iter().filter(|row| row.owner == Some(replica)).map(|row| row.shard).collect()
    }
}

/// Storage of who drives what.
#[async_trait]
pub trait Ownership: Send + Sync + 'static {
    /// Enters a replica with a lease of `lease_ms` milliseconds. With `alone` all other replicas are fenced at once: right only
    /// when no other process can be using this database.
    async fn join(&self, replica: &Replica, lease_ms: i64, alone: bool) -> Result<(), StoreError>;

    /// Renews the lease, says whether the replica is leaving, and answers who is there.
    async fn renew(&self, replica: ReplicaId, lease_ms: i64, leaving: bool) -> Result<Roll, StoreError>;

    /// Fences those of these replicas that have not renewed since they had this beat. Waits for commits of theirs under way.
    async fn fence(&self, silent: &[(ReplicaId, i64)]) -> Result<(), StoreError>;

    /// Whether a replica was not fenced: until then nobody else has written what it alone may write.
    async fn holds(&self, replica: ReplicaId) -> Result<bool, StoreError>;

    /// Takes those of these shards that no replica holds which was not fenced; answers which.
    async fn adopt(&self, replica: ReplicaId, shards: &[i16]) -> Result<Vec<i16>, StoreError>;

    /// Gives those of these shards, each with its epoch, that the replica holds to one that was not fenced; answers which.
    async fn hand_over(&self, replica: ReplicaId, to: ReplicaId, shards: &[(i16, i64)])
    -> Result<Vec<i16>, StoreError>;

    /// Gives everything back: the next replica need not wait for the lease to run out.
    async fn leave(&self, replica: ReplicaId) -> Result<(), StoreError>;
}
