//! Test addresses of the editor: what is sent there is kept as a sample and starts nothing.

use holon_model::context::{Actor, Budget, Permissions};
use holon_model::{Code, Context, Problem};

use super::delivery::Delivery;
use super::store;
use crate::http::ApiError;
use crate::state::AppState;

/// Keeps a delivery for the editor that waits for it.
pub async fn catching(state: &AppState, token: &str, delivery: &Delivery) -> Result<(), ApiError> {
    let gone = || {
        Problem::new(Code::NotFound, "This test address is not waiting for a delivery. Ask the editor for a new one.")
    };
    let found = store::catching(&state.pools, token, state.clock.now()).await?;
    let (tenant, environment) = found.ok_or_else(gone)?;
    let value = delivery.to_value()?;
    let context = Context {
        tenant,
        environment,
        actor: Actor::Webhook,
        permissions: Permissions::default(),
        deadline: None,
        budget: Budget::default(),
        trace: None,
    };
    if store::keep_caught(&state.pools, &context, token, &value.to_json()).await? { Ok(()) } else { Err(gone().into()) }
}
