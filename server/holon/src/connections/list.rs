//! Lists connections, never their secrets.

use holon_authz::Authorised;
use holon_authz::actions::ReadConnections;
use holon_model::Context;
use holon_model::wire::Page;
use holon_model::wire::connections::Connection;
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::state::AppState;

/// The environment's connections by name.
pub async fn list(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadConnections>,
) -> Result<Page<Connection>, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let data = store::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Page { data, next_cursor: None })
}
