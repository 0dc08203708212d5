//! Reading a definition that somebody sent: what it means, its hash, and what is wrong with it.

use holon_flow::definition::pointer::Pointer;
use holon_flow::validate::{DiagnosticCode, validate};
use holon_flow::{Catalogue, Definition};
use holon_model::{Value, wire::flows::Diagnostic};
use holon_platform::db::TenantTx;

use super::store::Stored;
use super::{Error, webhooks};
use crate::{connections, events, forms, polls, schedules};

/// A definition with all that a save needs to know of it.
pub struct Checked {
    /// What it says.
    pub definition: Definition,
    /// Its JSON text, as stored.
    pub text: String,
    /// blake3 of its meaning.
    pub hash: [u8; 32],
    /// What validation found.
    pub diagnostics: Vec<Diagnostic>,
}

impl Checked {
    /// As it is stored.
    pub fn stored(&self) -> Stored {
        Stored {
            description: self.definition.description.clone(),
            definition: self.text.clone(),
            hash: self.hash.to_vec(),
        }
    }
}

/// Reads a definition; one that is only unfinished is fine, one that is no definition is not.
pub fn check(catalogue: &Catalogue, value: &Value) -> Result<Checked, Error> {
    let definition = Definition::from_value(value).map_err(Error::Malformed)?;
    Ok(checked(catalogue, definition))
}

/// The same for a definition that was already read.
pub fn checked(catalogue: &Catalogue, definition: Definition) -> Checked {
    let mut diagnostics = validate(&definition, catalogue);
    diagnostics.extend(schedules::diagnose(&definition));
    diagnostics.extend(events::diagnose(&definition));
    diagnostics.extend(polls::diagnose(&definition));
    diagnostics.extend(too_many_triggers(&definition));
    Checked { text: definition.to_value().to_json(), hash: definition.hash(), diagnostics, definition }
}

/// The same, and what is found out only in the environment of the transaction: whether the connections that it names are there.
pub async fn checked_here(
    tx: &mut TenantTx<'_>,
    catalogue: &Catalogue,
    definition: Definition,
) -> Result<Checked, sqlx::Error> {
    let mut read = checked(catalogue, definition);
    read.diagnostics.extend(connections::diagnose(tx, catalogue, &read.definition).await?);
    Ok(read)
}

/// Triggers that a flow may have which somebody else than a person pulls: each is an address or a schedule to be looked after.
const MOST_TRIGGERS: usize = 20;

fn too_many_triggers(definition: &Definition) -> Option<Diagnostic> {
    let served = |kind: &str| [webhooks::KIND, forms::KIND, schedules::KIND, events::KIND, polls::KIND].contains(&kind);
    let nodes = definition.graph.nodes.values().filter(|node| !node.disabled && served(&node.kind.name));
    let count = nodes.count();
    (count > MOST_TRIGGERS).then(|| {
        let message = format!(
            "the flow has {count} webhooks, forms, schedules, polls and event triggers; it may have {MOST_TRIGGERS}"
        );
        DiagnosticCode::LimitExceeded.at(&Pointer::ROOT.key("nodes"), message)
    })
}
