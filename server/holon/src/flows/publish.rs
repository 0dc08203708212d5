//! Publishes the draft: an immutable version, in force in the intent's environment, its webhooks reachable.

use holon_authz::{Authorised, actions::PublishFlows};
use holon_flow::{Definition, definition::pointer::Pointer, validate::DiagnosticCode};
use holon_model::wire::flows::{Published, Severity};
use holon_model::{FlowId, Intent, IntentPayload, canon::hex};
use holon_platform::db::TenantTx;

use super::check::checked_here;
use super::error::stored;
use super::{Error, permitted, store, webhooks};
use crate::{audit, events, failures, polls, schedules, state::AppState};

/// What is asked. With a `base_revision` the draft must still be at it.
#[derive(Debug, Clone)]
pub struct Publish {
    /// Which flow.
    pub id: FlowId,
    /// Why, for the history.
    pub message: String,
}

impl IntentPayload for Publish {
    const TYPE: &'static str = "flow.publish";
}

/// A flow that this server could not run to its end is not published.
fn refuse_what_is_not_served(state: &AppState, definition: &Definition) -> Result<(), Error> {
    let (compiled, _) = holon_engine::compile_draft(definition, &state.catalogue);
    let Some(lacking) = compiled.needs().lacking(&holon_runtime::SUPPORTED) else { return Ok(()) };
    let message = format!("the flow needs {lacking}, which this server does not serve");
    Err(Error::Invalid(vec![DiagnosticCode::NotServed.at(&Pointer::ROOT.key("nodes"), message)]))
}

/// Publishes. A draft that means what the version in force means makes no new version.
pub async fn publish(
    state: &AppState,
    _: Authorised<PublishFlows>,
    intent: Intent<Publish>,
) -> Result<Published, Error> {
    let Publish { id, ref message } = intent.payload;
    let environment = intent.context.environment;
    let _changing = state.webhooks.changing(id);
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    if !store::lock(&mut tx, id).await? {
        return Err(Error::NotFound(id));
    }
    let draft = store::draft(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    if let Some(base) = intent.base_revision.filter(|base| *base != draft.revision) {
        return Err(Error::Stale { base, present: draft.revision });
    }
    let read = checked_here(&mut tx, &state.catalogue, stored(id, &draft.body.definition)?).await?;
    if read.diagnostics.iter().any(|found| found.severity == Severity::Error) {
        return Err(Error::Invalid(read.diagnostics));
    }
    let lacking = permitted::lacking(&read.definition, &state.catalogue, &intent.context.permissions);
    if !lacking.is_empty() {
        return Err(Error::Lacking(lacking));
    }
    refuse_what_is_not_served(state, &read.definition)?;
    if let Some(present) = store::deployed(&mut tx, environment, id).await?
        && present.summary.hash == hex(&draft.body.hash)
    {
        return Ok(Published { summary: present.summary, unchanged: true });
    }
    let version = store::insert_version(&mut tx, id, &draft, message, state.clock.now()).await?;
    store::deploy(&mut tx, environment, id, version).await?;
    let count = schedules::sync(&mut tx, &*state.clock, (environment, id, version), &read.definition).await?;
    if count > schedules::MOST {
        return Err(Error::TooManySchedules);
    }
    if failures::sync(&mut tx, &*state.clock, (environment, id, version), &read.definition).await? > failures::MOST {
        return Err(Error::TooManyFailureTriggers);
    }
    if events::sync(&mut tx, &*state.clock, (environment, id, version), &read.definition).await? > events::MOST {
        return Err(Error::TooManySubscriptions);
    }
    if polls::sync(&mut tx, &*state.clock, (environment, id, version), &read.definition).await? > polls::MOST {
        return Err(Error::TooManyPolls);
    }
    webhooks::sync(&mut tx, &*state.clock, environment, id, &read.definition).await?;
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &version.into()).await?;
    let published = store::version_of(&mut tx, id, version).await?.ok_or(Error::NoVersion(id, version))?;
    tx.commit().await?;
    Ok(Published { summary: published.summary, unchanged: false })
}
