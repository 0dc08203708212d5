//! Replaces the draft by a whole definition, as REST clients do.

use std::convert::Infallible;

use holon_authz::{Authorised, actions::EditFlows};
use holon_model::document::Made;
use holon_model::{FlowId, Intent, IntentPayload, Value};
use holon_platform::db::TenantTx;

use super::check::check;
use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked; `base_revision` of the intent is the `If-Match`.
#[derive(Debug, Clone)]
pub struct Replace {
    /// Which flow.
    pub id: FlowId,
    /// The definition.
    pub definition: Value,
}

impl IntentPayload for Replace {
    const TYPE: &'static str = "flow.replace";
}

/// Saves the definition over the revision that the asker had seen.
pub async fn replace(state: &AppState, _: Authorised<EditFlows>, intent: Intent<Replace>) -> Result<i64, Error> {
    let Replace { id, ref definition } = intent.payload;
    let new = check(&state.catalogue, definition)?;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let mut draft = store::draft(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    let base = intent.base_revision.unwrap_or(draft.revision);
    let made = Made { at: state.clock.now(), by: intent.context.actor.person(), summary: "Replaced".into() };
    draft.change(base, made, |draft| {
        draft.name.clone_from(&new.definition.name);
        draft.body = new.stored();
        Ok::<(), Infallible>(())
    })?;
    if !store::save(&mut tx, &draft).await? {
        return Err(Error::Stale { base, present: draft.revision });
    }
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &draft.revision.into()).await?;
    tx.commit().await?;
    Ok(draft.revision)
}
