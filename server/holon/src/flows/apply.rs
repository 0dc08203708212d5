//! Applies the editor's commands to the draft, in order, all or none: the autosave.

use holon_authz::{Authorised, actions::EditFlows};
use holon_model::{
    FlowId, Intent, IntentPayload,
    canon::hex,
    wire::flows::{ApplyCommands, Saved},
};
use holon_platform::db::TenantTx;
use holon_studio::Command;
use holon_studio::document::{FlowDocument, edit};

use super::check::checked_here;
use super::error::stored;
use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Apply {
    /// Which flow.
    pub id: FlowId,
    /// On which revision, and what.
    pub body: ApplyCommands,
}

impl IntentPayload for Apply {
    const TYPE: &'static str = "flow.edit";
}

/// Saves what the commands make of the revision they were made on.
pub async fn apply(state: &AppState, _: Authorised<EditFlows>, intent: Intent<Apply>) -> Result<Saved, Error> {
    let Apply { id, ref body } = intent.payload;
    let commands = read_commands(body)?;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let present = store::draft(&mut tx, id).await?.ok_or(Error::NotFound(id))?;
    let mut document: FlowDocument = present.try_map(|body| stored(id, &body.definition))?;
    edit(&mut document, body.base_rev, &commands, state.clock.now(), intent.context.actor.person())?;
    let new = checked_here(&mut tx, &state.catalogue, document.body.clone()).await?;
    let draft = document.try_map(|_| Ok::<_, Error>(new.stored()))?;
    if !store::save(&mut tx, &draft).await? {
        return Err(Error::Stale { base: body.base_rev, present: draft.revision });
    }
    let summary = draft.history.first().map_or("", |made| made.summary.as_str());
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &summary.into()).await?;
    tx.commit().await?;
    Ok(Saved { revision: draft.revision, hash: hex(&new.hash), diagnostics: new.diagnostics })
}

fn read_commands(body: &ApplyCommands) -> Result<Vec<Command>, Error> {
    let read = |(index, value): (usize, &holon_model::Value)| {
        Command::from_value(value).map_err(|error| Error::Command { index, message: error.to_string() })
    };
    body.commands.iter().enumerate().map(read).collect()
}
