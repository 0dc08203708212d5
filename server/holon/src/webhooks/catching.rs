//! Test addresses of the editor: what is sent there is kept as a sample and starts nothing.

use holon_model::context::Actor;
use holon_model::{Code, Context, EnvironmentId, Problem, TenantId};

use super::delivery::Delivery;
use super::{is_token, store};
use crate::http::ApiError;
use crate::state::AppState;

/// Who waits at a test address.
///
/// # Errors
/// When nobody does, or that cannot be read.
pub async fn catcher(state: &AppState, token: &str) -> Result<(TenantId, EnvironmentId), ApiError> {
    let found = match is_token(token) {
        true => store::catching(&state.pools, token, state.clock.now()).await?,
        false => None,
    };
    Ok(found.ok_or_else(gone)?)
}

/// Keeps a delivery for the editor that waits for it.
///
/// # Errors
/// When it does not read as what it says, or another one came first.
pub async fn keep(
    state: &AppState,
    (tenant, environment): (TenantId, EnvironmentId),
    token: &str,
    delivery: &Delivery,
) -> Result<(), ApiError> {
    let value = delivery.to_value("Nothing was kept.")?;
    let context = Context::of(tenant, environment, Actor::Webhook);
    if store::keep_caught(&state.pools, &context, token, &value).await? { Ok(()) } else { Err(gone().into()) }
}

fn gone() -> Problem {
    Problem::new(Code::NotFound, "This test address is not waiting for a delivery. Ask the editor for a new one.")
}
