//! Who has something in a batch, as its journal says: how they hear of its end, and what a retried run had there.

use futures::StreamExt as _;
use holon_engine::{Input, Machine, Outcome, Parent, decode_input, share};
use holon_model::{RunId, TenantId};

use crate::api::Delivered;
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
async fn members(shared: &Shared, tenant: TenantId, batch: RunId) -> Result<Vec<Parent>, StoreError> {
    let mut members = Vec::new();
    for entry in shared.store.journal(tenant, batch, 0).await? {
        match decode_input(&entry.input) {
            Ok(Input::Joined { member, .. }) => members.push(member),
            Ok(Input::Left { member }) => members.retain(|known| *known != member),
            _ => {}
        }
    }
    Ok(members)
}

/// The telling of how a batch ended, which may take several goes.
#[derive(Default)]
pub(crate) struct Telling {
    /// How many there are, and those who were not told yet, with their places; nothing while its journal was not read.
    left: Option<(usize, Vec<(usize, Parent)>)>,
}

impl Telling {
    /// Whether all members know how a batch ended, or need not.
    pub async fn tell_all(&mut self, shared: &Shared, tenant: TenantId, batch: RunId, outcome: &Outcome) -> bool {
        let (count, left) = match self.left.take() {
            Some(left) => left,
            None => match members(shared, tenant, batch).await {
                Ok(members) => (members.len(), members.into_iter().enumerate().collect()),
                Err(_) => return false,
            },
        };
        let telling = left.into_iter().map(|(place, member)| {
            let outcome = share(outcome, place, count);
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
    let members = members(shared, tenant, batch).await?;
    Ok(match ended.error {
        _ if members.contains(&member) => Missing::Member,
        Some(why) if members.is_empty() && ended.status == "failed" => Missing::NeverBegan(why),
        _ => Missing::Stranger,
    })
}

/// What became of the item in this batch if a run had brought it that this one retries: nothing when it is to be brought, since that
/// run has nothing there, has taken it back, or the batch did not end well.
pub(crate) async fn had_before(shared: &Shared, item: &Item, batch: RunId) -> Result<Option<Outcome>, Why> {
    let (tenant, id) = (item.caller.tenant, item.child.id);
    let mut earlier = item.caller.facts.retry_of;
    if earlier.is_none() {
        return Ok(None);
    }
    let members = members(shared, tenant, batch).await?;
    for _ in 0..MOST_RETRIES {
        let Some(run) = earlier else { break };
        let then = Parent { run, id };
        if let Some(place) = members.iter().position(|member| *member == then) {
            let Some(row) = shared.store.history(tenant, batch).await? else { break };
            return match row.ended {
                Some(ended) if ended.status == "completed" => {
                    let outcome = outcome(shared, tenant, batch, row.facts).await?;
                    Ok(outcome.map(|outcome| share(&outcome, place, members.len())))
                }
                Some(_) => Ok(None),
                // It gives the item back, or is over soon.
                None => match shared.tell(tenant, batch, Happening::Input(Input::Left { member: then })).await {
                    Ok(Delivered::TakenIn) => Ok(None),
                    _ => Err(Why::Later),
                },
            };
        }
        earlier = shared.store.history(tenant, run).await?.and_then(|row| row.facts.retry_of);
    }
    Ok(None)
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
