//! The store as one replica reaches it: each call meets what the weather says, and the oracle looks on when commits are done.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use holon_engine::decode_input;
use holon_model::{ReplicaId, RunId, TenantId, Timestamp};
use holon_runtime::store::mem::MemStore;
use holon_runtime::store::{
    Batch, Committed, Entry, HistoryRow, IdempotencyRow, LiveRow, LiveWrite, RunWrite, Snapshot, Store, StoreError,
    shard_of,
};
use tokio::time::Instant;

use super::planted::ends_batch;
use super::{Fate, Weather};
use crate::clients::Promises;
use crate::lines::Lines;
use crate::oracle::Problems;
use crate::seed::Planted;
use crate::trace::Trace;
use crate::world::{Replica, low};

/// The store as one replica reaches it.
#[derive(Clone)]
pub struct Road {
    pub store: MemStore,
    pub replica: Arc<Replica>,
    pub weather: Arc<Weather>,
    pub trace: Arc<Trace>,
    pub problems: Arc<Problems>,
    pub promises: Arc<Promises>,
    pub lines: Arc<Lines>,
    pub began: Instant,
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

    pub(super) async fn read<T: Send>(
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
        if self.weather.plants_often(Planted::AcknowledgedTooEarly, 3) {
            return Ok(Committed::default());
        }
        let (writer, batch) = (batch.replica, self.spoiled(batch));
        let over: Vec<RunId> =
            batch.writes.iter().filter(|write| self.goes_on_over(write)).map(|write| write.run).collect();
        let committed = self.store.commit(&batch).await?;
        let left_out = |run: &RunId| committed.lost.contains(run) || committed.stale.contains(run);
        for run in over.into_iter().filter(|run| !left_out(run)) {
            self.problems.add("after its end", || format!("{run} is over, and took something in"));
        }
        if self.weather.plants(Planted::LastFirst) {
            self.send_back(&batch).await;
        }
        for write in batch.writes.iter().filter(|write| !left_out(&write.run)) {
            self.lines.note(self.began.elapsed(), write, &self.problems);
            let (run, number) = (write.run, self.replica.number);
            let seq = write.journal.as_ref().map_or(-1, |journal| journal.seq);
            let inputs = write.journal.as_ref().map_or(0, |journal| journal.entries.len());
            self.trace.note("wrote", &[low(run.0), seq.cast_unsigned(), inputs as u64, number as u64], || {
                let end = write.end.as_ref().map_or(String::new(), |end| format!(", {}", end.status));
                let entries = write.journal.iter().flat_map(|journal| &journal.entries);
                let kinds: Vec<&str> =
                    entries.filter_map(|entry| Some(decode_input(&entry.input).ok()?.kind())).collect();
                format!("{run} inputs {seq}+{inputs} {kinds:?} by {number}{end}")
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
        if self.weather.plants(Planted::MembersForgotten) && batch.writes.iter().any(ends_batch) && self.weather.crash()
        {
            self.die("commit").await;
        }
        Ok(committed)
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
        let found = self.read("key", self.store.idempotency(tenant, scope, key)).await?;
        // Batches are counted by their keys: without them there is no getting on.
        let forgets = scope != "batch" && self.weather.plants_often(Planted::AcceptedForgotten, 50);
        Ok(found.filter(|_| !forgets))
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

    async fn legible(&self, tenant: TenantId, run: RunId) -> Result<Vec<Entry>, StoreError> {
        self.read("legible", self.store.legible(tenant, run)).await
    }

    async fn is_driven(&self, tenant: TenantId, run: RunId) -> Result<bool, StoreError> {
        self.read("driven", self.store.is_driven(tenant, run)).await
    }

    async fn history(&self, tenant: TenantId, run: RunId) -> Result<Option<HistoryRow>, StoreError> {
        self.read("history", self.store.history(tenant, run)).await
    }

    async fn maintain(&self) -> Result<(), StoreError> {
        self.read("maintain", self.store.maintain()).await
    }
}
