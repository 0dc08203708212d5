//! The inbox in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use holon_model::{ReplicaId, RunId, TenantId};

use super::MemStore;
use super::shards::ShardSet;
use crate::store::{Letter, Letters, Posted, StoreError, shard_of};

/// Letters by number.
#[derive(Default)]
pub(super) struct Inbox {
    pub letters: BTreeMap<i64, Letter>,
    last: i64,
}

#[async_trait]
impl Letters for MemStore {
    async fn post(
        &self,
        tenant: TenantId,
        run: RunId,
        sender: ReplicaId,
        body: &[u8],
    ) -> Result<Option<Posted>, StoreError> {
        let mut tables = self.tables();
        if !tables.live.contains_key(&(tenant, run)) {
            return Ok(None);
        }
        tables.inbox.last += 1;
        let id = tables.inbox.last;
        tables.inbox.letters.insert(id, Letter { id, tenant, run, sender, body: body.to_vec() });
        let owner = tables.shards.owner(shard_of(run));
        Ok(Some(Posted { id, owner }))
    }

    async fn post_once(
        &self,
        tenant: TenantId,
        run: RunId,
        sender: ReplicaId,
        body: &[u8],
    ) -> Result<Option<Posted>, StoreError> {
        {
            let tables = self.tables();
            let same = |letter: &&Letter| (letter.tenant, letter.run) == (tenant, run) && letter.body == body;
            if let Some(letter) = tables.inbox.letters.values().find(same) {
                return Ok(Some(Posted { id: letter.id, owner: tables.shards.owner(shard_of(run)) }));
            }
        }
        self.post(tenant, run, sender, body).await
    }

    async fn letters(&self, shards: &[i16], without: &[i64], most: i64) -> Result<Vec<Letter>, StoreError> {
        let tables = self.tables();
        if tables.inbox.letters.is_empty() {
            return Ok(Vec::new());
        }
        let shards = ShardSet::of(shards);
        let wanted = |letter: &&Letter| shards.contains(shard_of(letter.run)) && !without.contains(&letter.id);
        let found = tables.inbox.letters.values().filter(wanted).cloned();
        Ok(found.take(usize::try_from(most).unwrap_or(0)).collect())
    }

    async fn discard(&self, replica: ReplicaId, letters: &[Letter]) -> Result<(), StoreError> {
        let mut tables = self.tables();
        if tables.shards.holds(replica) {
            for letter in letters {
                tables.inbox.letters.remove(&letter.id);
            }
        }
        Ok(())
    }
}
