//! Applies the editor's commands to the draft, in order, all or none: the autosave.

use holon_authz::{Authorised, actions::EditFlows};
use holon_model::{
    FlowId, Intent, IntentPayload,
    canon::hex,
    wire::flows::{ApplyCommands, Saved},
};
use holon_platform::db::TenantTx;
use holon_studio::Command;

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
    if body.base_rev != present.revision {
        return Err(Error::Stale { base: body.base_rev, present: present.revision });
    }
    let mut definition = stored(id, &present.definition)?;
    for (index, command) in commands.iter().enumerate() {
        holon_studio::apply(&mut definition, command)
            .map_err(|error| Error::Command { index, message: error.to_string() })?;
    }
    let new = checked_here(&mut tx, &state.catalogue, definition).await?;
    let summary = summary(&commands);
    let draft = store::NewDraft {
        name: &new.definition.name,
        description: &new.definition.description,
        definition: &new.text,
        hash: new.hash,
        at: state.clock.now(),
        summary: &summary,
    };
    if !store::update(&mut tx, id, body.base_rev, &draft).await? {
        return Err(Error::Stale { base: body.base_rev, present: present.revision + 1 });
    }
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &summary.as_str().into()).await?;
    tx.commit().await?;
    Ok(Saved { revision: body.base_rev + 1, hash: hex(&new.hash), diagnostics: new.diagnostics })
}

fn read_commands(body: &ApplyCommands) -> Result<Vec<Command>, Error> {
    let read = |(index, value): (usize, &holon_model::Value)| {
        Command::from_value(value).map_err(|error| Error::Command { index, message: error.to_string() })
    };
    body.commands.iter().enumerate().map(read).collect()
}

/// The history's line: the first command's name, and how many more.
fn summary(commands: &[Command]) -> String {
    match commands {
        [] => "Nothing".into(),
        [one] => one.label(),
        [first, rest @ ..] => format!("{} and {} more", first.label(), rest.len()),
    }
}
