//! Removes a connection; nodes that name it fail from then on and say so.

use holon_authz::Authorised;
use holon_authz::actions::EditConnections;
use holon_model::intent::IntentPayload;
use holon_model::{ConnectionId, Intent, Value};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::audit;
use crate::state::AppState;

/// Which.
#[derive(Debug, Clone, Copy)]
pub struct Delete(pub ConnectionId);

impl IntentPayload for Delete {
    const TYPE: &'static str = "connection.delete";
}

/// Removes it.
pub async fn delete(state: &AppState, _: Authorised<EditConnections>, intent: Intent<Delete>) -> Result<(), Error> {
    let Delete(id) = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let name = store::delete(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let detail = Value::map([("name", Value::from(name.as_str()))]);
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &detail).await?;
    tx.commit().await?;
    Ok(())
}
