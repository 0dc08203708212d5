//! Makes an invitation: a link that lets one person sign up.

use holon_authz::Authorised;
use holon_authz::actions::EditSettings;
use holon_model::intent::IntentPayload;
use holon_model::wire::identity::InvitationLink;
use holon_model::{Intent, Millis, PersonId, Value};
use holon_platform::crypto::{hash_token, random_token};

use super::store;
use crate::http::ApiError;
use crate::state::AppState;
use crate::{audit, identity};

/// How long an invitation is good.
const LIFE: Millis = Millis(7 * 24 * 60 * 60 * 1000);

/// Who invites.
#[derive(Debug, Clone, Copy)]
pub struct Invite(pub PersonId);

impl IntentPayload for Invite {
    const TYPE: &'static str = "invitation.create";
}

/// Makes the link. Only its hash is stored; the answer is the only time it is shown.
pub async fn invite(
    state: &AppState,
    _: Authorised<EditSettings>,
    intent: Intent<Invite>,
) -> Result<InvitationLink, ApiError> {
    let Invite(person) = intent.payload;
    let token = random_token();
    let now = state.clock.now();
    let mut tx = state.pools.auth.begin().await?;
    store::insert_invitation(&mut tx, &hash_token(&token), person, now, now.plus(LIFE)).await?;
    identity::bind_tenant(&mut tx, intent.context.tenant).await?;
    audit::record_in(&mut tx, &*state.clock, &intent, "instance", &Value::Null).await?;
    tx.commit().await?;
    Ok(InvitationLink { url: format!("{}/sign-up?invitation={token}", state.config.public_base()) })
}
