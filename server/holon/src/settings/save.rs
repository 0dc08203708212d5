//! Saves the operator's settings.

use holon_authz::Authorised;
use holon_authz::actions::EditSettings;
use holon_model::intent::IntentPayload;
use holon_model::wire::identity::{Settings, SignUpPolicy};
use holon_model::{Intent, PersonId, Value};

use super::store;
use crate::http::ApiError;
use crate::state::AppState;
use crate::{audit, identity};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Save {
    /// By whom.
    pub person: PersonId,
    /// What.
    pub settings: Settings,
}

impl IntentPayload for Save {
    const TYPE: &'static str = "settings.save";
}

/// Saves them; they hold from the next request on.
pub async fn save(state: &AppState, _: Authorised<EditSettings>, intent: Intent<Save>) -> Result<(), ApiError> {
    let policy = match intent.payload.settings.sign_up {
        SignUpPolicy::Open => "open",
        SignUpPolicy::Invitation => "invitation",
        SignUpPolicy::Closed => "closed",
    };
    let mut tx = state.pools.auth.begin().await?;
    store::save(&mut tx, "sign_up", policy, intent.payload.person, state.clock.now()).await?;
    identity::bind_tenant(&mut tx, intent.context.tenant).await?;
    let detail = Value::map([("sign_up", Value::from(policy))]);
    audit::record_in(&mut tx, &*state.clock, &intent, "instance", &detail).await?;
    tx.commit().await?;
    Ok(())
}
