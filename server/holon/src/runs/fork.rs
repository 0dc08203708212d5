//! Forks a run: a new run that copies its inputs before a chosen one, on the same version or a newer one, and goes on from there
//! with keys of its own. Says before, step by step, what of the recorded inputs fits.

use holon_authz::{Authorised, actions::ReadRuns, actions::StartRuns};
use holon_model::wire::runs::{ForkCheck, ForkRun, Forked};
use holon_model::{Context, Intent, IntentPayload, RunId, Value, canon::Canon};
use holon_platform::db::TenantTx;
use holon_runtime::Idempotency;

use super::start::WINDOW;
use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Fork {
    /// Which run.
    pub run: RunId,
    /// Where, and on which version.
    pub body: ForkRun,
}

impl IntentPayload for Fork {
    const TYPE: &'static str = "run.fork";
}

/// Says what fits. Nothing is changed.
pub async fn check(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadRuns>,
    run: RunId,
    body: ForkRun,
) -> Result<ForkCheck, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    tx.commit().await?;
    Ok(state.runtime.check_fork(context.tenant, run, body.seq, body.version).await?)
}

/// Forks. The same idempotency key with the same place gives the same run.
pub async fn fork(state: &AppState, _: Authorised<StartRuns>, intent: Intent<Fork>) -> Result<Forked, Error> {
    let Fork { run, body } = intent.payload;
    let ForkRun { seq, version } = body;
    let context = &intent.context;
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    store::find(&mut tx, run).await?.ok_or(Error::NotFound(run))?;
    tx.commit().await?;
    let new = state.runtime.mint();
    let detail = Value::map([
        ("new", Value::from(new.to_string())),
        ("seq", Value::Int(seq)),
        ("version", version.map_or(Value::Null, |version| Value::Int(version.into()))),
    ]);
    let audit = Some(Box::new(audit::row(&*state.clock, &intent, &run.to_string(), &detail)));
    let idempotency = intent.idempotency_key.as_ref().map(|key| Idempotency {
        scope: format!("fork:{run}"),
        key: key.clone(),
        request_hash: Canon::new().text(&format!("{seq} {version:?}")).hash(),
        window: WINDOW,
    });
    let fork = holon_runtime::Fork { seq, version, new, actor: context.actor.label(), idempotency, audit };
    let started = state.runtime.fork(context.tenant, run, fork).await?;
    Ok(Forked { run: started.run, replayed: started.replayed })
}
