//! Lists a person's tokens: never the tokens themselves.

use holon_authz::Authorised;
use holon_authz::actions::ReadTokens;
use holon_model::wire::Page;
use holon_model::wire::tokens::Token;
use holon_model::{Context, PersonId};
use holon_platform::db::TenantTx;

use super::store;
use crate::http::ApiError;
use crate::state::AppState;

/// The person's tokens, the newest first.
pub async fn list(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadTokens>,
    person: PersonId,
) -> Result<Page<Token>, ApiError> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let data = store::list(&mut tx, person).await?;
    tx.commit().await?;
    Ok(Page { data, next_cursor: None })
}
