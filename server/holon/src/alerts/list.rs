//! Reads alert rules and what they fired.

use holon_authz::{Authorised, actions::ReadAlerts};
use holon_model::wire::Page;
use holon_model::wire::alerts::{Alert, AlertDetail};
use holon_model::{AlertId, Context};
use holon_platform::db::TenantTx;

use super::{Error, store};
use crate::state::AppState;

/// Firings of one rule that are shown.
const SHOWN: i64 = 50;

/// The rules of the environment, last made first. There are few enough for one page.
pub async fn list(state: &AppState, context: &Context, _: Authorised<ReadAlerts>) -> Result<Page<Alert>, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let data = store::list(&mut tx, None).await?;
    tx.commit().await?;
    Ok(Page { data, next_cursor: None })
}

/// One rule with its last firings.
pub async fn read(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadAlerts>,
    id: AlertId,
) -> Result<AlertDetail, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let alert = store::list(&mut tx, Some(id)).await?.pop().ok_or(Error::NotFound)?;
    let firings = store::firings(&mut tx, id, SHOWN).await?;
    tx.commit().await?;
    Ok(AlertDetail { alert, firings })
}
