//! Runs that sleep, in memory.

use async_trait::async_trait;
use holon_model::{ReplicaId, RunId, TenantId, Timestamp};

use super::MemStore;
use super::shards::ShardSet;
use crate::store::{Found, LiveRow, LiveStatus, NEVER, Sleeper, Sleepers, Store as _, StoreError, shard_of};

impl MemStore {
    /// Until when a run sleeps, if it does.
    fn sleeps(&self, row: &LiveRow) -> Option<Timestamp> {
        let stands = row.status == LiveStatus::Queued && self.intake.waits(row.tenant, row.run);
        row.wakes.or(stands.then_some(NEVER))
    }
}

#[async_trait]
impl Sleepers for MemStore {
    async fn vouch(&self, replica: ReplicaId, shards: &[i16]) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let strange = ShardSet::of(&tables.shards.vouch(replica, shards));
        for row in tables.live.values_mut().filter(|row| strange.contains(shard_of(row.run))) {
            row.wakes = None;
        }
        Ok(())
    }

    async fn awake(&self, shards: &[i16]) -> Result<Vec<LiveRow>, StoreError> {
        let tables = self.tables();
        Ok(tables.live(shards).filter(|row| self.sleeps(row).is_none()).collect())
    }

    async fn asleep(&self, shards: &[i16]) -> Result<Vec<Sleeper>, StoreError> {
        let tables = self.tables();
        let sleeper = |row: LiveRow| Some(Sleeper { tenant: row.tenant, run: row.run, due: self.sleeps(&row)? });
        Ok(tables.live(shards).filter_map(sleeper).collect())
    }

    async fn found(&self, runs: &[(TenantId, RunId)]) -> Result<Vec<Found>, StoreError> {
        let mut found = Vec::new();
        for (tenant, run) in runs {
            let (row, snapshot) = {
                let tables = self.tables();
                let Some(row) = tables.live.get(&(*tenant, *run)) else { continue };
                let row = tables.with_end(row);
                (row, tables.snapshots.get(&(*tenant, *run)).cloned())
            };
            let from = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
            let entries = match self.journal(*tenant, *run, from).await {
                Ok(entries) => Some(entries),
                Err(StoreError::Inconsistent(_)) => None,
                Err(error) => return Err(error),
            };
            let stands = match row.status {
                LiveStatus::Queued => {
                    self.intake.ticket(*tenant, *run).map(|ticket| (ticket, self.asks.inputs(*tenant, *run)))
                }
                _ => None,
            };
            found.push(Found { row, snapshot, entries, stands });
        }
        Ok(found)
    }
}
