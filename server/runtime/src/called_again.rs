//! A call that a retried run makes again. The run that was called then is retried with its caller: the new one copies its journal up
//! to before its failure and goes on from there, on the version of then. What it did is not asked for again, and what is asked for
//! again has the key and the bytes that it had: begun from its start with the keys of then, it might come by another way to other
//! bytes under a key that a receiver knows (`docs/adr/0022-retried-calls.md`).

use holon_engine::{EffectId, Input, Lineage, Machine, Outcome, Parent, Stamped, StartChild};
use holon_model::{RunId, TenantId};

use crate::api::StartError;
use crate::children::{CALL, Caller, next};
use crate::definitions::LoadedFlow;
use crate::recover::{first_info, replay};
use crate::retry::{Prefix, prefix};
use crate::runtime::Shared;
use crate::store::{RunFacts, StoreError};
use std::sync::Arc;

/// Runs that are looked at for what was called before.
const MOST_RETRIES: usize = 100;
/// Runs that may have gone on one for the other.
const MOST_GENERATIONS: usize = 10_000;

/// What the call of then means for the call of now.
pub(crate) enum Before {
    /// It was never made.
    Never,
    /// The run that was called came to this in the end.
    Over(Outcome),
    /// It did not end well, and is gone on with.
    GoesOn(Box<Again>),
    /// It is done anew; with the keys of that run, where it did not undo what it had done.
    Anew(Option<RunId>),
}

/// The run that goes on for one that was called then.
pub(crate) struct Again {
    pub flow: Arc<LoadedFlow>,
    pub facts: RunFacts,
    pub inputs: Vec<Stamped<Input>>,
    /// The effect whose failure is tried again.
    pub again: Option<EffectId>,
}

fn unavailable(_: StoreError) -> StartError {
    StartError::Unavailable
}

/// Looks for the call in the runs that `caller` retries; `new` is the run that would go on with it.
///
/// # Errors
/// When it cannot be read now, or what was called is not over yet.
pub(crate) async fn before(
    shared: &Shared,
    caller: &Caller,
    child: &StartChild,
    new: RunId,
) -> Result<Before, StartError> {
    let Some(called) = earlier(shared, caller, child.id).await? else { return Ok(Before::Never) };
    let tenant = caller.tenant;
    let mut run = last(shared, tenant, called).await?;
    let (keys, row, ended, entries) = loop {
        let info = first_info(shared, tenant, run).await.map_err(unavailable)?;
        let keys = info.and_then(|info| info.key_run).unwrap_or(run);
        let Some(mut row) = shared.store.history(tenant, run).await.map_err(unavailable)? else {
            return Ok(Before::Anew(Some(keys)));
        };
        // It is asked to end when its caller is ended by decree: then it is over soon.
        let ended = row.ended.take().ok_or(StartError::Unavailable)?;
        let entries = match shared.store.journal(tenant, run, 0).await {
            Err(StoreError::Inconsistent(_)) => return Ok(Before::Anew(Some(keys))),
            entries => entries.map_err(unavailable)?,
        };
        match row.facts.retry_of.filter(|_| entries.is_empty()) {
            // It left its line before its turn: what it was to go on with is gone on with.
            Some(then) => run = then,
            None => break (keys, row, ended, entries),
        }
    };
    let flow = shared.definitions.load(tenant, row.facts.flow, row.facts.version).await?;
    let (compiled, by, now) = (flow.compiled.clone(), caller.facts.actor.clone(), shared.clock.now());
    let well = ended.status == "completed";
    // A whole history is computed again: not on the threads that answer requests.
    let computing = move || {
        let mut machine = Machine::new(compiled);
        if well {
            let replayed = replay(&mut machine, 0, &entries, drop);
            return Ok(replayed.ok().and_then(|()| machine.outcome().cloned()));
        }
        Err(prefix(machine, &entries, new, by, now))
    };
    let computed = shared.driving.compute(computing).await.ok_or(StartError::Unavailable)?;
    Ok(match computed {
        Ok(Some(outcome)) => Before::Over(outcome),
        // What it undid is to be done again, and receivers know the keys of then.
        Err(Err(crate::api::RetryError::Undone)) => Before::Anew(None),
        Ok(None) | Err(Err(_)) => Before::Anew(Some(keys)),
        Err(Ok(Prefix { mut inputs, again })) => {
            if let Some(Stamped { value: Input::Start { run: info, .. }, .. }) = inputs.first_mut() {
                let mine = info.lineage.as_deref().cloned().unwrap_or_default();
                let parent = Some(Parent { run: caller.run, id: child.id });
                info.lineage = Some(Box::new(Lineage { parent, continued_from: None, ..mine }));
            }
            let marks = row.facts.marks.handed_on();
            let actor = caller.facts.actor.clone();
            let facts = RunFacts { actor, started_at: now, retry_of: Some(run), marks, ..row.facts };
            Before::GoesOn(Box::new(Again { flow, facts, inputs, again }))
        }
    })
}

/// The run that was called by the nearest of the runs, retried one after the other, which made this call.
async fn earlier(shared: &Shared, caller: &Caller, call: EffectId) -> Result<Option<RunId>, StartError> {
    let mut earlier = caller.facts.retry_of;
    for _ in 0..MOST_RETRIES {
        let Some(run) = earlier else { break };
        let key = format!("{run}/{}", call.key());
        if let Some(row) = shared.store.idempotency(caller.tenant, CALL, &key).await.map_err(unavailable)? {
            return Ok(Some(row.run));
        }
        let history = shared.store.history(caller.tenant, run).await.map_err(unavailable)?;
        earlier = history.and_then(|row| row.facts.retry_of);
    }
    Ok(None)
}

/// The last of the runs that went on for this one.
async fn last(shared: &Shared, tenant: TenantId, run: RunId) -> Result<RunId, StartError> {
    let mut last = run;
    for _ in 0..MOST_GENERATIONS {
        match next(shared, tenant, last).await.map_err(unavailable)? {
            Some(run) => last = run,
            None => break,
        }
    }
    Ok(last)
}
