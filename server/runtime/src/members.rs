//! Who has something in a batch, as its journal says: how they hear of its end, and what a retried run had there.

use futures::StreamExt as _;
use holon_engine::{Input, Machine, Outcome, Parent, decode_input, share};
use holon_flow::capability::NodeError;
use holon_model::{RunId, TenantId};

use crate::api::{DeliverError, Delivered};
use crate::batches::{BATCH, Item, Why};
use crate::children::tell;
use crate::inbox::Happening;
use crate::recover::replay;
use crate::runtime::Shared;
use crate::store::{RunFacts, StoreError};

/// Runs that are looked at for what was brought before.
const MOST_RETRIES: usize = 100;
/// Members that are told at once.
const TOLD_AT_ONCE: usize = 32;

/// Whether those whose items a run has hear of its end. Who retries or forks a batch looks what its body would do now: its members know, or
/// wait for, what became of the batch that they chose.
pub(crate) fn shares(facts: &RunFacts) -> bool {
    facts.trigger == BATCH && facts.retry_of.is_none() && facts.marks.fork_of.is_none()
}

/// Whose items a batch has, in the order in which they came.
struct Members {
    known: Vec<Parent>,
    /// Whether its whole journal reads: else there may be others.
    all: bool,
}

impl Members {
    async fn of(shared: &Shared, tenant: TenantId, batch: RunId) -> Result<Self, StoreError> {
        let (entries, mut all) = match shared.store.journal(tenant, batch, 0).await {
            Err(StoreError::Inconsistent(why)) => {
                tracing::error!(run_id = %batch, why, "the journal of a batch does not read: who has something in it is not known for certain");
                (shared.store.legible(tenant, batch).await?, false)
            }
            entries => (entries?, true),
        };
        let mut known = Vec::new();
        for entry in entries {
            match decode_input(&entry.input) {
                Ok(Input::Joined { member, .. }) => known.push(member),
                Ok(Input::Left { member }) => known.retain(|other| *other != member),
                Ok(_) => {}
                Err(_) => all = false,
            }
        }
        Ok(Self { known, all })
    }

    fn place(&self, member: Parent) -> Option<usize> {
        self.known.iter().position(|known| *known == member)
    }
}

/// What a node comes to whose batch cannot say what became of its item.
pub(crate) fn unreadable() -> NodeError {
    NodeError::new(
        "batch_failed",
        "the journal of the batch does not read: nobody knows whether it has the item, and what became of that",
    )
}

/// The telling of how a batch ended, which may take several goes.
#[derive(Default)]
pub(crate) struct Telling {
    /// How many there are, and those who were not told yet, with their places; nothing while its journal was not read.
    left: Option<(usize, Vec<(usize, Parent)>)>,
    /// Set where it does not read: whose element is whose is not known.
    unreadable: bool,
}

impl Telling {
    /// Whether all members know how a batch ended, or need not. Of those whose coming does not read nobody knows: they ask when they are
    /// taken up again.
    pub async fn tell_all(&mut self, shared: &Shared, tenant: TenantId, batch: RunId, outcome: &Outcome) -> bool {
        let (count, left) = match self.left.take() {
            Some(left) => left,
            None => match Members::of(shared, tenant, batch).await {
                Ok(Members { known, all }) => {
                    self.unreadable = !all;
                    (known.len(), known.into_iter().enumerate().collect())
                }
                Err(_) => return false,
            },
        };
        let shared_out = |place| match outcome {
            Outcome::Ok(_) if self.unreadable => Outcome::Failed { error: unreadable() },
            outcome => share(outcome, place, count),
        };
        let telling = left.into_iter().map(|(place, member)| {
            let outcome = shared_out(place);
            async move { (!tell(shared, tenant, member, &outcome).await).then_some((place, member)) }
        });
        let told = futures::stream::iter(telling).buffered(TOLD_AT_ONCE);
        let left: Vec<(usize, Parent)> = told.filter_map(std::future::ready).collect().await;
        let all = left.is_empty();
        self.left = Some((count, left));
        all
    }
}

/// What a batch has to do with an item that it cannot be asked about.
pub(crate) enum Missing {
    /// It has it, is over, and tells its member how it ended.
    Member,
    /// It is over without it.
    Stranger,
    /// It could not collect anything, and the next one could not either.
    NeverBegan(String),
    /// It is over, and nobody knows whether it has it.
    Unreadable,
    /// It is not over.
    Lives,
}

pub(crate) async fn missing(
    shared: &Shared,
    tenant: TenantId,
    batch: RunId,
    member: Parent,
) -> Result<Missing, StoreError> {
    let Some(row) = shared.store.history(tenant, batch).await? else { return Ok(Missing::Stranger) };
    let Some(ended) = row.ended else { return Ok(Missing::Lives) };
    let members = Members::of(shared, tenant, batch).await?;
    Ok(match ended.error {
        _ if members.place(member).is_some() => Missing::Member,
        _ if !members.all => Missing::Unreadable,
        Some(why) if members.known.is_empty() && ended.status == "failed" => Missing::NeverBegan(why),
        _ => Missing::Stranger,
    })
}

/// What became of the item in this batch if a run had brought it that this one retries: nothing when it is to be brought, since that
/// run has nothing there, has taken it back, or the batch did not end well.
pub(crate) async fn had_before(shared: &Shared, item: &Item, batch: RunId) -> Result<Option<Outcome>, Why> {
    let (tenant, id) = (item.caller.tenant, item.child.id);
    let mut earlier = item.caller.facts.retry_of;
    for _ in 0..MOST_RETRIES {
        let Some(run) = earlier else { break };
        if let Some(outcome) = had(shared, tenant, Parent { run, id }, batch).await? {
            return Ok(outcome);
        }
        earlier = shared.store.history(tenant, run).await?.and_then(|row| row.facts.retry_of);
    }
    Ok(None)
}

/// What became of the item of one of the runs before, or that it is to be brought again; nothing when the batch has none of this run, and
/// takes none.
async fn had(shared: &Shared, tenant: TenantId, then: Parent, batch: RunId) -> Result<Option<Option<Outcome>>, Why> {
    if !chose(shared, tenant, then, batch).await? {
        return Ok(None);
    }
    let Some(row) = shared.store.history(tenant, batch).await? else { return Ok(None) };
    if row.ended.is_none() {
        // It gives the item back, and does not take what is still on its way; else it has closed.
        match shared.tell(tenant, batch, Happening::Input(Input::Left { member: then })).await {
            Ok(Delivered::TakenIn) => return Ok(None),
            Err(DeliverError::Refused { code: "batch_closed", .. }) => {}
            _ => return Err(Why::Later),
        }
    }
    let members = Members::of(shared, tenant, batch).await?;
    let Some(place) = members.place(then) else {
        return if members.all { Ok(None) } else { Err(unreadable().into()) };
    };
    match row.ended {
        // It is over soon.
        None => Err(Why::Later),
        Some(ended) if ended.status == "completed" && !members.all => Err(unreadable().into()),
        Some(ended) if ended.status == "completed" => {
            let outcome = outcome(shared, tenant, batch, row.facts).await?;
            Ok(Some(outcome.map(|outcome| share(&outcome, place, members.known.len()))))
        }
        Some(_) => Ok(Some(None)),
    }
}

/// Whether a run brought its item to this batch last, or it is not known.
async fn chose(shared: &Shared, tenant: TenantId, then: Parent, batch: RunId) -> Result<bool, StoreError> {
    let entries = match shared.store.journal(tenant, then.run, 0).await {
        Err(StoreError::Inconsistent(_)) => return Ok(true),
        entries => entries?,
    };
    let chosen = entries.iter().rev().find_map(|entry| match decode_input(&entry.input) {
        Ok(Input::BatchChosen { id, batch }) if id == then.id => Some(batch),
        _ => None,
    });
    Ok(chosen == Some(batch))
}

/// How a batch that is over ended, as its journal says it.
async fn outcome(shared: &Shared, tenant: TenantId, batch: RunId, facts: RunFacts) -> Result<Option<Outcome>, Why> {
    let flow = shared.definitions.load(tenant, facts.flow, facts.version).await.map_err(|_| Why::Later)?;
    let entries = shared.store.journal(tenant, batch, 0).await?;
    // A whole history is computed again: not on the threads that answer requests.
    let computing = move || {
        let mut machine = Machine::new(flow.compiled.clone());
        replay(&mut machine, 0, &entries, drop).ok().and_then(|()| machine.outcome().cloned())
    };
    shared.driving.compute(computing).await.ok_or(Why::Later)
}
