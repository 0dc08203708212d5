//! The inbox: what happened to runs that another replica drives, kept until the one that holds their shard has taken it in.

use async_trait::async_trait;
use holon_model::{ReplicaId, RunId, TenantId};

use super::StoreError;

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its number, given when it was left.
    pub id: i64,
    /// Whose run.
    pub tenant: TenantId,
    /// Which.
    pub run: RunId,
    /// The replica that is told what became of it.
    pub sender: ReplicaId,
    /// The input, as the engine encodes it.
    pub body: Vec<u8>,
}

/// A letter that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// Its number.
    pub id: i64,
    /// Who holds the run's shard; nobody at the moment, perhaps.
    pub owner: Option<ReplicaId>,
}

/// Storage of letters. They are deleted by the commit that takes them in, see [`super::RunWrite::letters`].
#[async_trait]
pub trait Letters: Send + Sync + 'static {
    /// Leaves a letter for a live run; nothing when it is not live.
    async fn post(
        &self,
        tenant: TenantId,
        run: RunId,
        sender: ReplicaId,
        body: &[u8],
    ) -> Result<Option<Posted>, StoreError>;

    /// The same, unless there is a letter that says the same to that run: then that one stands for it, whoever left it. Of those who ask at
    /// the same instant each may leave one.
    async fn post_once(
        &self,
        tenant: TenantId,
        run: RunId,
        sender: ReplicaId,
        body: &[u8],
    ) -> Result<Option<Posted>, StoreError>;

    /// The first letters for runs of these shards, without those of these numbers, in their order.
    async fn letters(&self, shards: &[i16], without: &[i64], most: i64) -> Result<Vec<Letter>, StoreError>;

    /// Throws letters away that their runs do not take. A replica that was fenced throws nothing away.
    async fn discard(&self, replica: ReplicaId, letters: &[Letter]) -> Result<(), StoreError>;
}
