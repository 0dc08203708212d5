//! Runs that other runs are concerned with: those that a run calls, and the one that goes on for it.
//!
//! Nothing here is kept beside the journals. A call is started with a key made of it, so that saying it again after a crash finds
//! the run it started. A run that owes somebody a word when it is over keeps its row of live work until that is durable there: a
//! process that is killed before finds the row and says it again.

use std::sync::Arc;
use std::time::Duration;

use holon_engine::{EffectId, Input, Lineage, Machine, Mail, Outcome, Parent, RunInfo, Stamped, StartChild};
use holon_flow::capability::NodeError;
use holon_model::{FlowId, Millis, Payload, RunId, TenantId, Timestamp};

use crate::api::{DeliverError, MOST_PAYLOAD, StartError, Started};
use crate::batches::BATCH;
use crate::called_again::{Again, Before, before};
use crate::committer::Job;
use crate::definitions::DefinitionsError;
use crate::driver::size;
use crate::members::{Telling, shares};
use crate::runtime::{Beginner, Shared, seed};
use crate::store::{Ask, Asked, IdempotencyRow, LiveWrite, RunFacts, RunWrite, StoreError};

/// How long after a failure it is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
const SHARD_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// For how long a call or a continuation is remembered by its key: longer than any history is kept.
const REMEMBERED: Millis = Millis(10 * 365 * 24 * 3_600_000);
/// Generations that may follow each other without a pause.
const QUICK_GENERATIONS: u64 = 10;
/// A run that lasted less than this did hardly wait for anything.
const QUICK: u64 = 1_000;
/// Scopes of the keys.
pub(crate) const CALL: &str = "flow";
const CONTINUE: &str = "continue";

/// The run that calls.
pub(crate) struct Caller {
    pub tenant: TenantId,
    pub run: RunId,
    pub facts: Arc<RunFacts>,
    pub info: RunInfo,
}

/// Starts the run that a node calls, or finds the one that was started for this call before. Tries for as long as the store is
/// away. Where there is no run, or none is needed: what the call came to.
pub(crate) async fn start(shared: &Shared, caller: &Caller, child: &StartChild) -> Result<RunId, Outcome> {
    let failed = |error: NodeError| Err(Outcome::Failed { error });
    loop {
        let why = match try_start(shared, caller, child).await {
            Ok(Begins::Run(run)) => return Ok(run),
            Ok(Begins::Over(outcome)) => return Err(outcome),
            Err(why) => why,
        };
        let (code, message) = match why {
            StartError::Unavailable
            | StartError::StorageFull
            | StartError::Definition(DefinitionsError::Unavailable(_)) => {
                tokio::time::sleep(AGAIN_AFTER).await;
                if shared.is_over() {
                    return failed(NodeError::new("stopping", "the server is stopping"));
                }
                continue;
            }
            StartError::Definition(DefinitionsError::NotFound) => (
                "unknown_flow",
                format!("there is no published version of the flow {} as it was asked for", child.flow),
            ),
            StartError::Definition(error @ DefinitionsError::Broken(_)) => ("broken_flow", error.to_string()),
            error @ StartError::PayloadTooLarge { .. } => ("payload_too_large", error.to_string()),
            error @ (StartError::TooMany | StartError::Full(_)) => {
                let mut error = NodeError::new("too_many_runs", error.to_string());
                error.retryable = true;
                return failed(error);
            }
            error => ("child_refused", error.to_string()),
        };
        return failed(NodeError::new(code, message));
    }
}

/// What a call begins with.
enum Begins {
    /// A run.
    Run(RunId),
    /// Its end: a retried run called what was over already.
    Over(Outcome),
}

async fn try_start(shared: &Shared, caller: &Caller, child: &StartChild) -> Result<Begins, StartError> {
    let bytes = size(&child.input);
    if bytes > MOST_PAYLOAD {
        return Err(StartError::PayloadTooLarge { bytes });
    }
    let (run, key) = (shared.shards.mint(&*shared.clock), format!("{}/{}", caller.run, child.id.key()));
    let mut key_run = None;
    if caller.facts.retry_of.is_some() {
        let known = shared.store.idempotency(caller.tenant, CALL, &key).await;
        if let Some(row) = known.map_err(|_| StartError::Unavailable)? {
            return Ok(Begins::Run(row.run));
        }
        match before(shared, caller, child, run).await? {
            Before::Never => {}
            Before::Over(outcome) => return Ok(Begins::Over(outcome)),
            Before::Anew(keys) => key_run = keys,
            Before::GoesOn(again) => return begin_again(shared, caller.tenant, (run, key), *again).await,
        }
    }
    let flow: FlowId = child.flow.parse().map_err(|_| DefinitionsError::NotFound)?;
    let definitions = &shared.definitions;
    let version = definitions.resolve(caller.tenant, caller.facts.environment, flow, child.version).await?;
    let parent = Parent { run: caller.run, id: child.id };
    let lineage = Lineage { parent: Some(parent), depth: child.depth, ..Lineage::default() };
    let begun = Begun {
        run,
        key_run,
        budget: child.budget,
        flow,
        version,
        trigger: None,
        facts: RunFacts { trigger: "flow".into(), ..RunFacts::clone(&caller.facts) },
        scope: CALL,
        key,
        lineage,
        mail: None,
        input: Payload::Inline(child.input.clone()),
    };
    begin(shared, caller, begun).await.map(|started| Begins::Run(started.run))
}

/// Goes on, as this run and for this call, with what a retried run called.
async fn begin_again(
    shared: &Shared,
    tenant: TenantId,
    (run, key): (RunId, String),
    again: Again,
) -> Result<Begins, StartError> {
    let Again { flow, facts, inputs, again } = again;
    let idempotency = Some(known_by(CALL, key, run, shared.clock.now()));
    let copied = inputs.len();
    let beginner = Beginner { tenant, run, facts, idempotency, audit: None, inputs, copied, again, follows: false };
    Ok(Begins::Run(shared.begin(&flow, beginner).await?.run))
}

/// The row by which what follows from a run is begun once.
fn known_by(scope: &str, key: String, run: RunId, now: Timestamp) -> IdempotencyRow {
    // The key alone says it: the same call always carries the same bytes.
    IdempotencyRow { scope: scope.into(), key, run, request_hash: [0; 32], expires_at: now.plus(REMEMBERED) }
}

/// A run that follows from another one.
pub(crate) struct Begun {
    pub run: RunId,
    /// The run whose keys its effects have, where that is not this one.
    pub key_run: Option<RunId>,
    /// What it may spend: fuel and bytes; as much as the run it follows from at its start, unless that says.
    pub budget: Option<(u64, u64)>,
    pub flow: FlowId,
    pub version: i32,
    pub trigger: Option<Arc<str>>,
    pub facts: RunFacts,
    pub scope: &'static str,
    pub key: String,
    pub lineage: Lineage,
    /// What the run that it goes on for hands on.
    pub mail: Option<Box<Mail>>,
    pub input: Payload,
}

pub(crate) async fn begin(shared: &Shared, from: &Caller, begun: Begun) -> Result<Started, StartError> {
    let Begun { run, key_run, budget, flow: id, version, trigger, facts, scope, key, lineage, mail, input } = begun;
    let flow = shared.definitions.load(from.tenant, id, version).await?;
    let now = shared.clock.now();
    let mut info = RunInfo::new(run, seed(run), now);
    info.semantics = shared.semantics;
    info.key_run = key_run;
    info.trigger = trigger;
    (info.fuel, info.bytes) = budget.unwrap_or((from.info.fuel, from.info.bytes));
    (info.vars, info.environment) = (from.info.vars.clone(), from.info.environment.clone());
    info.lineage = Some(Box::new(lineage));
    // A run of an older meaning could not say that it has it.
    info.mail = mail.filter(|_| info.semantics >= Mail::SINCE);
    let marks = facts.marks.handed_on();
    let facts =
        RunFacts { flow: id, version, definition_hash: flow.hash, started_at: now, retry_of: None, marks, ..facts };
    // What a batch is started with is its bounds; its items come from runs that know nothing that is marked.
    let redacts = flow.compiled.redacts() && scope != BATCH;
    let idempotency = known_by(scope, key, run, now);
    let input = if redacts { Payload::Inline(flow.compiled.redacted(input.to_value())) } else { input };
    let start = Input::Start { input, run: Box::new(info) };
    let inputs = vec![Stamped::new(now, start)];
    let (tenant, idempotency, follows) = (from.tenant, Some(idempotency), scope == CONTINUE);
    let beginner = Beginner { tenant, run, facts, idempotency, audit: None, inputs, copied: 0, again: None, follows };
    shared.begin(&flow, beginner).await
}

/// Asks for the end of a run that was called, or of the one that goes on for it now.
pub(crate) async fn cancel(shared: Arc<Shared>, tenant: TenantId, child: RunId) {
    let mut run = child;
    loop {
        let reason = "the run that called it does not want it any more".to_owned();
        match shared.deliver(tenant, run, Input::Cancel { reason }).await {
            Ok(()) | Err(DeliverError::Refused { .. }) => return,
            Err(DeliverError::NotFound | DeliverError::Over) => match next(&shared, tenant, run).await {
                Ok(Some(next)) => run = next,
                Ok(None) => return,
                Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
            },
            Err(DeliverError::Unavailable) => tokio::time::sleep(AGAIN_AFTER).await,
        }
        if shared.is_over() {
            return;
        }
    }
}

/// Asks for the end of the run that a call started, if it started one.
pub(crate) async fn cancel_called(shared: Arc<Shared>, tenant: TenantId, caller: RunId, call: EffectId) {
    let key = format!("{caller}/{}", call.key());
    loop {
        match shared.store.idempotency(tenant, CALL, &key).await {
            Ok(Some(row)) => return cancel(shared, tenant, row.run).await,
            Ok(None) => return,
            Err(_) if shared.is_over() => return,
            Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
        }
    }
}

/// The run that goes on for one that is over, if one does.
pub(crate) async fn next(shared: &Shared, tenant: TenantId, run: RunId) -> Result<Option<RunId>, StoreError> {
    let row = shared.store.history(tenant, run).await?;
    match row.and_then(|row| row.ended) {
        Some(ended) if ended.status == "continued" => {
            let row = shared.store.idempotency(tenant, CONTINUE, &run.to_string()).await?;
            // Not there yet: asked again, it will be.
            row.map(|row| Some(row.run)).ok_or_else(|| StoreError::Unavailable("the next run is being started".into()))
        }
        _ => Ok(None),
    }
}

/// What a run that is over still owes.
#[derive(Debug, Clone)]
pub(crate) enum Afterword {
    /// The run that called it is to be told.
    Tell { parent: Parent, outcome: Outcome },
    /// The runs that brought its items are to be told: it is a batch.
    Share { outcome: Outcome },
    /// Another run is to go on with this input, and with what the run hands on. `kept`: that is more than its journal says, since
    /// signals were kept for it while it was paused, and they stand in the store until it is said.
    GoOn { input: Payload, info: Box<RunInfo>, mail: Option<Box<Mail>>, kept: bool },
}

/// What a run owes, if it is over and owes something.
pub(crate) fn afterword(machine: &Machine, facts: &RunFacts) -> Option<Afterword> {
    let (outcome, info) = (machine.outcome()?, machine.info()?);
    match outcome {
        Outcome::Continued { input } => {
            let (info, mail) = (Box::new(info.clone()), machine.mail().map(Box::new));
            Some(Afterword::GoOn { input: input.clone(), info, mail, kept: false })
        }
        outcome if shares(facts) => Some(Afterword::Share { outcome: outcome.clone() }),
        outcome => {
            let parent = info.lineage.as_ref()?.parent?;
            Some(Afterword::Tell { parent, outcome: outcome.clone() })
        }
    }
}

/// Whether a signal that was kept for a run goes on with the next one: this one has gone on, and the signal did not count in it.
pub(crate) fn goes_onward(machine: &Machine, input: &Input) -> bool {
    let continued = matches!(machine.outcome(), Some(Outcome::Continued { .. }));
    continued && matches!(input, Input::Signal { .. }) && !machine.has_counted(input)
}

impl Afterword {
    /// The next run begins with this signal too.
    pub fn carry(&mut self, signal: &Input) {
        if let (Self::GoOn { mail, kept, .. }, Input::Signal { name, correlation, sender, payload }) = (self, signal) {
            mail.get_or_insert_default().put(name, correlation, sender, payload);
            *kept = true;
        }
    }
}

/// Says it until it is durable there, then gives the row of live work up.
pub(crate) async fn say(shared: Arc<Shared>, tenant: TenantId, run: RunId, facts: Arc<RunFacts>, word: Afterword) {
    if let Afterword::GoOn { info, .. } = &word
        && info.lineage.as_ref().is_some_and(|lineage| lineage.generation >= QUICK_GENERATIONS)
        && shared.clock.now().since(facts.started_at).0 < QUICK
    {
        // A flow that goes on for ever without waiting takes no more than its share.
        tokio::time::sleep(AGAIN_AFTER).await;
    }
    let mut telling = Telling::default();
    loop {
        let said = match &word {
            Afterword::Tell { parent, outcome } => tell(&shared, tenant, *parent, outcome).await,
            Afterword::Share { outcome } => telling.tell_all(&shared, tenant, run, outcome).await,
            Afterword::GoOn { input, info, mail, .. } => {
                go_on(&shared, tenant, run, &facts, input, info, mail.as_deref()).await
            }
        };
        if said {
            break;
        }
        // The next owner of its shard says it. A shard that is still coming, or is being handed on and may stay, is this one's.
        if shared.is_over() || !shared.shards.holds(run) {
            return;
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
    // While the shard is being handed on nothing may be written; its next owner finds the row, and says it again.
    while !shared.shards.drives(run) {
        if shared.is_over() || !shared.shards.holds(run) {
            return;
        }
        tokio::time::sleep(SHARD_AGAIN_AFTER).await;
    }
    let kept = matches!(word, Afterword::GoOn { kept: true, .. });
    let nothing = kept.then(|| Asked { at: shared.clock.now(), ask: Ask::Nothing });
    let (live, asks) = (LiveWrite::Delete, nothing.into_iter().collect());
    let write = RunWrite { live, asks, ..RunWrite::of(tenant, run, facts) };
    shared.committer.submit(Job { write, give_up: None, reply: Box::new(drop) });
}

/// Whether the caller knows, or needs not.
pub(crate) async fn tell(shared: &Shared, tenant: TenantId, parent: Parent, outcome: &Outcome) -> bool {
    let input = Input::ChildEnded { id: parent.id, outcome: outcome.clone() };
    match shared.deliver(tenant, parent.run, input).await {
        // What it refuses it knows already, or has given up.
        Ok(()) | Err(DeliverError::Over | DeliverError::Refused { .. }) => true,
        Err(DeliverError::NotFound) => match shared.store.history(tenant, parent.run).await {
            // Live, but not taken up yet.
            Ok(Some(row)) => row.ended.is_some(),
            Ok(None) => true,
            Err(_) => false,
        },
        Err(DeliverError::Unavailable) => false,
    }
}

/// Whether the next run is durable.
async fn go_on(
    shared: &Shared,
    tenant: TenantId,
    run: RunId,
    facts: &Arc<RunFacts>,
    input: &Payload,
    info: &RunInfo,
    mail: Option<&Mail>,
) -> bool {
    let mine = info.lineage.as_deref().cloned().unwrap_or_default();
    let lineage = Lineage { continued_from: Some(run), generation: mine.generation + 1, ..mine };
    let next = shared.shards.mint(&*shared.clock);
    let begun = Begun {
        run: next,
        key_run: None,
        budget: None,
        flow: facts.flow,
        version: facts.version,
        trigger: info.trigger.clone(),
        facts: RunFacts::clone(facts),
        scope: CONTINUE,
        key: run.to_string(),
        lineage,
        mail: mail.cloned().map(Box::new),
        input: input.clone(),
    };
    let from = Caller { tenant, run, facts: facts.clone(), info: info.clone() };
    // Before it can answer, whoever waits for this run's answer waits for that one's.
    shared.answers.pass_on(tenant, run, next);
    match begin(shared, &from, begun).await {
        Ok(started) => {
            if started.run != next {
                shared.answers.pass_on(tenant, next, started.run);
            }
            true
        }
        Err(error) => {
            shared.answers.pass_on(tenant, next, run);
            tracing::warn!(run_id = %run, %error, "the run that goes on is not started yet; trying again");
            false
        }
    }
}
