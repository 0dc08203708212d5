//! Revokes a token: the next request with it is refused.

use holon_authz::Authorised;
use holon_authz::actions::EditTokens;
use holon_model::intent::IntentPayload;
use holon_model::{Code, Intent, PersonId, Problem, TokenId, Value};
use holon_platform::db::TenantTx;

use super::store;
use crate::audit;
use crate::http::ApiError;
use crate::state::AppState;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Revoke {
    /// Whose token.
    pub person: PersonId,
    /// Which.
    pub id: TokenId,
}

impl IntentPayload for Revoke {
    const TYPE: &'static str = "token.revoke";
}

/// Revokes the token.
pub async fn revoke(state: &AppState, _: Authorised<EditTokens>, intent: Intent<Revoke>) -> Result<(), ApiError> {
    let Revoke { person, id } = intent.payload;
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    if !store::revoke(&mut tx, person, id, state.clock.now()).await? {
        return Err(Problem::new(Code::NotFound, "There is no token with this id.").into());
    }
    audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &Value::Null).await?;
    tx.commit().await?;
    Ok(())
}
