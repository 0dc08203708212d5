//! Reads the operator's settings.

use holon_authz::Authorised;
use holon_authz::actions::ReadSettings;
use holon_model::wire::identity::Settings;

use crate::http::ApiError;
use crate::identity;
use crate::state::AppState;

/// The settings as they are.
pub async fn read(state: &AppState, _: Authorised<ReadSettings>) -> Result<Settings, ApiError> {
    let mut auth = state.pools.auth.acquire().await?;
    Ok(Settings { sign_up: identity::sign_up_policy(&mut auth).await? })
}
