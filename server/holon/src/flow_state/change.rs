//! Sets and forgets what a flow keeps for a key, by hand. A step that is about to change the same key does it on what is then there.

use holon_authz::{Authorised, actions::EditState};
use holon_cap_state::{storable, valid_key};
use holon_model::wire::flow_state::StateEntry;
use holon_model::{FlowId, Intent, IntentPayload, Value};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Put {
    /// Of which flow.
    pub flow: FlowId,
    /// The key.
    pub key: String,
    /// What it is to keep.
    pub value: Value,
}

impl IntentPayload for Put {
    const TYPE: &'static str = "state.put";
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Delete {
    /// Of which flow.
    pub flow: FlowId,
    /// The key.
    pub key: String,
}

impl IntentPayload for Delete {
    const TYPE: &'static str = "state.delete";
}

/// Keeps a value for a key, whatever was kept before.
pub async fn put(state: &AppState, _: Authorised<EditState>, intent: Intent<Put>) -> Result<StateEntry, Error> {
    let Put { flow, ref key, ref value } = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    if !store::flow_exists(&mut tx, flow).await? {
        return Err(Error::NoFlow(flow));
    }
    valid_key(key).map_err(Error::BadKey)?;
    storable(value).map_err(|(_, why)| Error::BadValue(why))?;
    if !store::has(&mut tx, flow, key).await? && store::full(&mut tx, flow).await? {
        return Err(Error::Full);
    }
    let by = intent.context.actor.label();
    let revision = state.clock.uuid_v7();
    store::put(&mut tx, (flow, key), revision, &value.to_json(), &by, state.clock.now()).await?;
    audit::record(&mut tx, &*state.clock, &intent, &flow.to_string(), &named(key)).await?;
    let mut entry = store::find(&mut tx, flow, key).await?.ok_or(Error::NotFound)?;
    store::with_names(&mut tx, std::slice::from_mut(&mut entry)).await?;
    tx.commit().await?;
    Ok(entry)
}

/// Forgets what is kept for a key.
pub async fn delete(state: &AppState, _: Authorised<EditState>, intent: Intent<Delete>) -> Result<(), Error> {
    let Delete { flow, ref key } = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    if !store::delete(&mut tx, flow, key).await? {
        return Err(Error::NotFound);
    }
    audit::record(&mut tx, &*state.clock, &intent, &flow.to_string(), &named(key)).await?;
    tx.commit().await?;
    Ok(())
}

/// The key and not its value, which may be anything.
fn named(key: &str) -> Value {
    Value::map([("key", Value::from(key))])
}
