//! The tenant's key: made with its first connection.

use holon_platform::crypto::TenantKey;
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::state::AppState;

/// The tenant's newest key, making the first one.
pub async fn tenant_key(state: &AppState, tx: &mut TenantTx<'_>) -> Result<TenantKey, Error> {
    let tenant = tx.tenant();
    if let Some(wrapped) = store::tenant_key(tx).await? {
        return state
            .keyring
            .tenant_key(tenant, &wrapped)
            .map_err(|e| Error::Inconsistent(format!("key of {tenant}: {e}")));
    }
    let (key, wrapped) = state.keyring.new_tenant_key(tenant, state.clock.uuid_v7());
    store::insert_tenant_key(tx, &wrapped, state.clock.now()).await?;
    Ok(key)
}
