//! Creates a flow: empty, from an example, or from a whole definition.

use holon_authz::{Authorised, actions::EditFlows};
use holon_flow::definition::{Definition, Node};
use holon_model::document::{Document, DocumentKind, Made};
use holon_model::{FlowId, Intent, IntentPayload, wire::flows::CreateFlow};
use holon_platform::clock::mint;
use holon_platform::db::TenantTx;

use super::check::{Checked, check, checked};
use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Create(pub CreateFlow);

impl IntentPayload for Create {
    const TYPE: &'static str = "flow.create";
}

/// Creates the flow at revision 1.
pub async fn create(state: &AppState, _: Authorised<EditFlows>, intent: Intent<Create>) -> Result<FlowId, Error> {
    let new = body(state, &intent.payload.0)?;
    let id: FlowId = mint(&*state.clock);
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let made = Made { at: state.clock.now(), by: intent.context.actor.person(), summary: "Created".into() };
    let draft = Document::new(id, DocumentKind::Flow, &new.definition.name, new.stored(), made);
    store::insert(&mut tx, &draft).await?;
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &draft.name.as_str().into()).await?;
    tx.commit().await?;
    Ok(id)
}

fn body(state: &AppState, ask: &CreateFlow) -> Result<Checked, Error> {
    let mut new = match (&ask.definition, &ask.example) {
        (Some(definition), _) => check(&state.catalogue, definition)?,
        (None, Some(name)) => {
            let definition = super::examples::definition(name).ok_or_else(|| Error::NoExample(name.clone()))?;
            check(&state.catalogue, definition)?
        }
        (None, None) => checked(&state.catalogue, empty()),
    };
    if let Some(name) = ask.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        new.definition.name = name.to_owned();
        new = checked(&state.catalogue, new.definition);
    }
    Ok(new)
}

/// A manual trigger and nothing else: the smallest flow that can be run.
fn empty() -> Definition {
    let mut definition = Definition { name: "Untitled flow".into(), ..Definition::default() };
    if let Ok(kind) = "trigger.manual@1".parse() {
        definition.graph.nodes.insert("start".into(), Node::new(kind));
    }
    definition
}
