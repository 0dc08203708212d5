//! Who drives which runs, in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use holon_model::{Millis, ReplicaId, Timestamp};

use super::MemStore;
use crate::store::{Ownership, Peer, Replica, Roll, SHARDS, ShardRow, StoreError};

/// A replica.
#[derive(Clone, Copy)]
pub(super) struct Entered {
    /// By the store's clock, for people who look.
    pub until: Timestamp,
    pub fenced: bool,
    pub semantics: i32,
    pub beat: i64,
    pub leaving: bool,
}

const COUNT: usize = SHARDS as usize;

/// Replicas and the shards that they hold.
pub(super) struct Table {
    pub replicas: BTreeMap<ReplicaId, Entered>,
    owners: [Option<ReplicaId>; COUNT],
    /// Epoch and newest semantics.
    known: [(i64, i32); COUNT],
    /// The last epoch in which an owner vouched for what rows say of sleep.
    vouched: [i64; COUNT],
}

impl Default for Table {
    fn default() -> Self {
        Self { replicas: BTreeMap::new(), owners: [None; COUNT], known: [(0, 0); COUNT], vouched: [0; COUNT] }
    }
}

/// A set of shards.
pub(super) struct ShardSet([bool; COUNT]);

impl ShardSet {
    pub fn of(shards: &[i16]) -> Self {
        let mut set = [false; COUNT];
        for place in shards.iter().filter_map(|shard| usize::try_from(*shard).ok()) {
            if let Some(place) = set.get_mut(place) {
                *place = true;
            }
        }
        Self(set)
    }

    pub fn contains(&self, shard: i16) -> bool {
        usize::try_from(shard).ok().and_then(|place| self.0.get(place)).copied().unwrap_or_default()
    }
}

impl Table {
    /// Who holds a shard.
    pub fn owner(&self, shard: i16) -> Option<ReplicaId> {
        self.owners.get(usize::try_from(shard).ok()?).copied().flatten()
    }

    fn epoch(&self, shard: i16) -> Option<i64> {
        self.known.get(usize::try_from(shard).ok()?).map(|known| known.0)
    }

    /// Whether a replica may write.
    pub fn holds(&self, replica: ReplicaId) -> bool {
        self.replicas.get(&replica).is_some_and(|row| !row.fenced)
    }

    /// Vouches for those of these shards that the replica holds; answers those of which what was said before does not count.
    pub fn vouch(&mut self, replica: ReplicaId, shards: &[i16]) -> Vec<i16> {
        let Some(me) = self.replicas.get(&replica).filter(|row| !row.fenced).copied() else { return Vec::new() };
        let mut strange = Vec::new();
        for shard in shards {
            if self.owner(*shard) != Some(replica) {
                continue;
            }
            let Ok(place) = usize::try_from(*shard) else { continue };
            let (Some((epoch, semantics)), Some(vouched)) = (self.known.get(place), self.vouched.get_mut(place)) else {
                continue;
            };
            if *vouched < epoch - 1 || *semantics > me.semantics {
                strange.push(*shard);
            }
            *vouched = *epoch;
        }
        strange
    }

    fn give(&mut self, shard: i16, to: ReplicaId) {
        let semantics = self.replicas.get(&to).map_or(0, |row| row.semantics);
        let Ok(place) = usize::try_from(shard) else { return };
        if let (Some(owner), Some((epoch, newest))) = (self.owners.get_mut(place), self.known.get_mut(place)) {
            (*epoch, *newest) = (*epoch + 1, semantics.max(*newest));
            *owner = Some(to);
        }
    }

    fn roll(&self) -> Roll {
        let peer = |(id, row): (&ReplicaId, &Entered)| Peer {
            id: *id,
            semantics: row.semantics,
            beat: row.beat,
            leaving: row.leaving,
        };
        let rows = (0..SHARDS).zip(self.owners.iter().zip(&self.known));
        let rows = rows.map(|(shard, (owner, (epoch, semantics)))| ShardRow {
            shard,
            owner: *owner,
            epoch: *epoch,
            semantics: *semantics,
        });
        Roll { peers: self.replicas.iter().filter(|(_, row)| !row.fenced).map(peer).collect(), shards: rows.collect() }
    }
}

impl MemStore {
    /// Until when a replica says that it is there. Nothing is decided by it.
    pub fn lease_until(&self, replica: ReplicaId) -> Option<Timestamp> {
        self.tables().shards.replicas.get(&replica).map(|row| row.until)
    }
}

#[async_trait]
impl Ownership for MemStore {
    async fn join(&self, replica: &Replica, lease_ms: i64, alone: bool) -> Result<(), StoreError> {
        let until = self.clock.now().plus(Millis(lease_ms.unsigned_abs()));
        let mut tables = self.tables();
        if alone {
            tables.shards.replicas.values_mut().for_each(|row| row.fenced = true);
        }
        let entered = Entered { until, fenced: false, semantics: replica.semantics, beat: 0, leaving: false };
        tables.shards.replicas.insert(replica.id, entered);
        Ok(())
    }

    async fn renew(&self, replica: ReplicaId, lease_ms: i64, leaving: bool) -> Result<Roll, StoreError> {
        let until = self.clock.now().plus(Millis(lease_ms.unsigned_abs()));
        let mut tables = self.tables();
        let row = tables.shards.replicas.get_mut(&replica).filter(|row| !row.fenced).ok_or(StoreError::Fenced)?;
        *row = Entered { until, beat: row.beat + 1, leaving, ..*row };
        Ok(tables.shards.roll())
    }

    async fn fence(&self, silent: &[(ReplicaId, i64)]) -> Result<(), StoreError> {
        let mut tables = self.tables();
        for (replica, beat) in silent {
            if let Some(row) = tables.shards.replicas.get_mut(replica).filter(|row| row.beat == *beat) {
                row.fenced = true;
            }
        }
        Ok(())
    }

    async fn holds(&self, replica: ReplicaId) -> Result<bool, StoreError> {
        Ok(self.tables().shards.holds(replica))
    }

    async fn adopt(&self, replica: ReplicaId, shards: &[i16]) -> Result<Vec<i16>, StoreError> {
        let mut tables = self.tables();
        let table = &mut tables.shards;
        if !table.holds(replica) {
            return Ok(Vec::new());
        }
        let free = |shard: &&i16| !table.owner(**shard).is_some_and(|owner| table.holds(owner));
        let taken: Vec<i16> = shards.iter().filter(free).copied().collect();
        taken.iter().for_each(|shard| table.give(*shard, replica));
        Ok(taken)
    }

    async fn hand_over(
        &self,
        replica: ReplicaId,
        to: ReplicaId,
        shards: &[(i16, i64)],
    ) -> Result<Vec<i16>, StoreError> {
        let mut tables = self.tables();
        let table = &mut tables.shards;
        if !table.holds(replica) || !table.holds(to) {
            return Ok(Vec::new());
        }
        let mine =
            |(shard, epoch): &&(i16, i64)| table.owner(*shard) == Some(replica) && table.epoch(*shard) == Some(*epoch);
        let given: Vec<i16> = shards.iter().filter(mine).map(|(shard, _)| *shard).collect();
        given.iter().for_each(|shard| table.give(*shard, to));
        Ok(given)
    }

    async fn leave(&self, replica: ReplicaId) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if let Some(row) = tables.shards.replicas.get_mut(&replica) {
            row.fenced = true;
        }
        let hers = tables.shards.owners.iter_mut().filter(|owner| **owner == Some(replica));
        hers.for_each(|owner| *owner = None);
        Ok(())
    }
}
