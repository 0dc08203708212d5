//! Batches: runs that collect what other runs bring, and run the body of a `batch` node once for all of it.
//!
//! A batch is a run like others: what it has collected is its journal, and it outlives what they outlive. The batches of one node, of one
//! version and key, are numbered; the newest is the one that collects. It is found by its key, and begun where there is none, by whoever
//! comes first. Where an item goes stands in the journal of the run that brings it before it is handed over, and it goes elsewhere only
//! when that batch said that it has closed without it: so each item is in one batch, whatever is killed in between
//! (`docs/adr/0029-batches.md`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holon_engine::{Input, Joins, Lineage, Outcome, Parent, StartChild};
use holon_flow::capability::NodeError;
use holon_model::canon::{Canon, hex};
use holon_model::{Payload, RunId, TenantId};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::api::{DeliverError, Delivered, MOST_PAYLOAD, StartError};
use crate::children::{Begun, Caller, begin};
use crate::definitions::DefinitionsError;
use crate::driver::{Msg, size};
use crate::inbox::Happening;
use crate::members::{Missing, had_before, missing, unreadable};
use crate::runtime::Shared;
use crate::store::{Marks, RunFacts, StoreError};

/// What started a batch, as the facts of its run say; the scope of the keys too.
pub(crate) const BATCH: &str = "batch";
/// How long after a failure it is tried again; each time after twice as long, up to the second.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
const AGAIN_AT_LAST: Duration = Duration::from_secs(60);
/// Nodes of which the number of the newest batch is remembered.
const REMEMBERED: usize = 4_096;

/// The newest batch that this process knows of each node and key, with its number.
#[derive(Default)]
pub(crate) struct Newest(Mutex<BTreeMap<(TenantId, String), (u64, RunId)>>);

impl Newest {
    fn known(&self) -> MutexGuard<'_, BTreeMap<(TenantId, String), (u64, RunId)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, line: &(TenantId, String)) -> Option<(u64, RunId)> {
        self.known().get(line).copied()
    }

    fn note(&self, line: &(TenantId, String), number: u64, batch: RunId) {
        let mut known = self.known();
        if known.len() >= REMEMBERED && !known.contains_key(line) {
            // It is found again by looking.
            known.pop_first();
        }
        let newest = known.entry(line.clone()).or_insert((number, batch));
        if newest.0 < number {
            *newest = (number, batch);
        }
    }
}

/// An item on its way into a batch.
pub(crate) struct Item {
    pub caller: Caller,
    pub child: StartChild,
    pub joins: Joins,
}

impl Item {
    fn member(&self) -> Parent {
        Parent { run: self.caller.run, id: self.child.id }
    }

    /// What batches of this node and key have in common.
    fn line(&self) -> String {
        let facts = &self.caller.facts;
        let apart = Canon::new().text(&self.joins.path).text(&self.joins.key).hash();
        format!("{}/{}/{}/{}", facts.environment, facts.flow, facts.version, hex(&apart[..16]))
    }
}

/// The bringing of an item, which ends when the run leaves memory: whoever takes that up brings it again, and of two who bring it one might
/// choose another batch when the other's has it.
#[derive(Debug)]
pub(crate) struct Bringing(AbortHandle);

impl Bringing {
    pub fn begin(shared: Arc<Shared>, item: Item, me: mpsc::UnboundedSender<Msg>) -> Self {
        Self(tokio::spawn(bring(shared, item, me)).abort_handle())
    }
}

impl Drop for Bringing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Brings an item into a batch, however long it takes, and tells the loop how far it has come.
async fn bring(shared: Arc<Shared>, item: Item, me: mpsc::UnboundedSender<Msg>) {
    let (run, id) = (item.caller.run, item.child.id);
    let mut pause = AGAIN_AFTER;
    let told = loop {
        let came = match item.child.batch {
            None => find(&shared, &item, None).await.map(Some),
            Some(batch) => hand_over(&shared, &item, batch).await,
        };
        match came {
            Ok(Some(batch)) => break Msg::BatchChosen { run, id, batch },
            Ok(None) => break Msg::ChildStarted { run, id, started: Ok(item.child.batch.unwrap_or(run)) },
            Err(Why::Later) => pause = again_after(pause).await,
            Err(Why::Over(outcome)) => break Msg::ChildStarted { run, id, started: Err(outcome) },
        }
        if shared.is_over() || me.is_closed() {
            return;
        }
    };
    // The loop may be gone; then whoever takes the run up brings the item again.
    let _ = me.send(told);
}

/// Waits, and says how long to wait next time: a batch may be paused for days.
async fn again_after(pause: Duration) -> Duration {
    tokio::time::sleep(pause).await;
    (pause * 2).min(AGAIN_AT_LAST)
}

/// Why an item is in no batch.
pub(crate) enum Why {
    /// It can be tried again.
    Later,
    /// It goes into none: what its node comes to.
    Over(Outcome),
}

impl From<NodeError> for Why {
    fn from(error: NodeError) -> Self {
        Self::Over(Outcome::Failed { error })
    }
}

impl From<StoreError> for Why {
    fn from(_: StoreError) -> Self {
        Self::Later
    }
}

/// Hands an item to the batch that was chosen for it; answers with another one where that one has closed without it.
async fn hand_over(shared: &Shared, item: &Item, batch: RunId) -> Result<Option<RunId>, Why> {
    let (tenant, member) = (item.caller.tenant, item.member());
    let bytes = size(&item.joins.item);
    if bytes > MOST_PAYLOAD {
        let message = format!("the item has {bytes} bytes, more than the {MOST_PAYLOAD} that a batch takes");
        return Err(NodeError::new("payload_too_large", message).into());
    }
    if is_of_another_version(shared, item, batch).await? {
        return find(shared, item, Some(batch)).await.map(Some);
    }
    if let Some(outcome) = had_before(shared, item, batch).await? {
        return Err(Why::Over(outcome));
    }
    let input = Input::Joined { member, item: Payload::Inline(item.joins.item.clone()) };
    match shared.tell(tenant, batch, Happening::Input(input)).await {
        Ok(Delivered::TakenIn) | Err(DeliverError::Refused { code: "joined_already", .. }) => Ok(None),
        // It is not known yet whether it is taken in: asked again, the batch says so.
        Ok(Delivered::Kept) | Err(DeliverError::Unavailable) => Err(Why::Later),
        Err(DeliverError::Refused { code: "kept_already", .. }) => Err(Why::Later),
        Err(DeliverError::Refused { .. }) => find(shared, item, Some(batch)).await.map(Some),
        Err(DeliverError::Over | DeliverError::NotFound) => match missing(shared, tenant, batch, member).await? {
            Missing::Member => Ok(None),
            Missing::Stranger => find(shared, item, Some(batch)).await.map(Some),
            Missing::NeverBegan(why) => Err(NodeError::new("batch_failed", why).into()),
            Missing::Unreadable => Err(unreadable().into()),
            Missing::Lives => Err(Why::Later),
        },
    }
}

/// Whether a batch belongs to a version that is not the item's: a fork onto a newer version has the choice of its original in its copy. It
/// never goes there, so whoever asks again comes to the same.
async fn is_of_another_version(shared: &Shared, item: &Item, batch: RunId) -> Result<bool, Why> {
    let Caller { tenant, facts, .. } = &item.caller;
    // All others chose among those of their own version. A retry may copy what a fork had copied.
    if facts.marks.fork_of.is_none() && facts.retry_of.is_none() {
        return Ok(false);
    }
    let row = shared.store.history(*tenant, batch).await?;
    Ok(row.is_some_and(|row| row.facts.version != facts.version))
}

/// The newest batch that may take an item, after one that does not. One that is parked keeps what it has, and nobody is sent there: it may
/// stay so until another server is installed, and others would wait with it.
async fn find(shared: &Shared, item: &Item, after: Option<RunId>) -> Result<RunId, Why> {
    let tenant = item.caller.tenant;
    let line = (tenant, item.line());
    let known = |number: u64| {
        let (store, key) = (shared.store.clone(), format!("{}/{number}", line.1));
        async move { Ok::<_, StoreError>(store.idempotency(tenant, BATCH, &key).await?.map(|row| row.run)) }
    };
    let (mut number, mut batch) = match shared.batches.get(&line) {
        Some((number, batch)) => (number, Some(batch)),
        None => {
            let number = newest(&known, 0).await?;
            (number, known(number).await?)
        }
    };
    while let Some(there) = batch {
        shared.batches.note(&line, number, there);
        if Some(there) != after && shared.store.is_driven(tenant, there).await? {
            return Ok(there);
        }
        // Others may have gone on with it.
        let newest = newest(&known, number).await?;
        number = newest.max(number + u64::from(newest == number));
        batch = known(number).await?;
    }
    let begun = start(shared, item, format!("{}/{number}", line.1)).await?;
    shared.batches.note(&line, number, begun);
    Ok(begun)
}

/// The number of the newest of those that there are, counted without a gap, from one on: by doubling, then by halving.
async fn newest<T, F>(known: impl Fn(u64) -> F, from: u64) -> Result<u64, StoreError>
where
    F: Future<Output = Result<Option<T>, StoreError>>,
{
    let (mut below, mut above) = (from, from + 1);
    while known(above).await?.is_some() {
        (below, above) = (above, above + (above - from));
    }
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if known(middle).await?.is_some() {
            below = middle;
        } else {
            above = middle;
        }
    }
    Ok(below)
}

/// Begins a batch, or finds the one that somebody else has begun by this key.
async fn start(shared: &Shared, item: &Item, key: String) -> Result<RunId, Why> {
    let Item { caller, child, joins } = item;
    let correlation = Some(joins.key.clone()).filter(|key| !key.is_empty());
    let marks = Marks { correlation, ..Marks::default() };
    let begun = Begun {
        run: shared.shards.mint(&*shared.clock),
        key_run: None,
        budget: None,
        flow: caller.facts.flow,
        version: caller.facts.version,
        trigger: Some(joins.path.as_str().into()),
        facts: RunFacts { trigger: BATCH.into(), marks, ..RunFacts::clone(&caller.facts) },
        scope: BATCH,
        key,
        lineage: Lineage { depth: child.depth, ..Lineage::default() },
        mail: None,
        input: Payload::Inline(joins.batch.clone()),
    };
    match begin(shared, caller, begun).await {
        Ok(started) => Ok(started.run),
        Err(StartError::Definition(DefinitionsError::Unavailable(_))) => Err(Why::Later),
        Err(StartError::Definition(error)) => Err(NodeError::new("broken_flow", error.to_string()).into()),
        Err(error @ StartError::Refused(_)) => Err(NodeError::new("child_refused", error.to_string()).into()),
        // It may be those who wait for it that are too many.
        Err(error @ StartError::TooMany) => {
            let mut error = NodeError::new("too_many_runs", error.to_string());
            error.retryable = true;
            Err(error.into())
        }
        Err(_) => Err(Why::Later),
    }
}

/// Takes an item back from the batch that it went into, if that has not closed: what becomes of it then is nothing to this run.
pub(crate) async fn take_back(
    shared: Arc<Shared>,
    tenant: TenantId,
    (member, batch): (Parent, RunId),
    me: mpsc::UnboundedSender<Msg>,
) {
    let mut pause = AGAIN_AFTER;
    loop {
        match shared.tell(tenant, batch, Happening::Input(Input::Left { member })).await {
            Ok(Delivered::Kept)
            | Err(DeliverError::Unavailable | DeliverError::Refused { code: "kept_already", .. }) => {
                pause = again_after(pause).await;
            }
            Ok(Delivered::TakenIn) | Err(_) => break,
        }
        if shared.is_over() || me.is_closed() || !shared.shards.holds(member.run) {
            return;
        }
    }
    let started = Err(Outcome::Cancelled { reason: "the item was taken back".into() });
    // The loop may be gone; then whoever takes the run up asks again.
    let _ = me.send(Msg::ChildStarted { run: member.run, id: member.id, started });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_of_many_is_found_by_a_few_looks() {
        for (count, from) in
            [0, 1, 2, 3, 7, 8, 9, 1_000, 65_537].into_iter().flat_map(|count| [(count, 0), (count + 40, 40)])
        {
            let looks = std::cell::Cell::new(0);
            let known = |number: u64| {
                looks.set(looks.get() + 1);
                std::future::ready(Ok((number < count).then_some(())))
            };
            assert_eq!(newest(known, from).await, Ok(count.saturating_sub(1).max(from)));
            assert!(looks.get() <= 40, "{count}: {}", looks.get());
        }
    }
}
