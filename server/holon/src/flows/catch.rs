//! Catching a delivery: a test address that keeps the next thing sent to it as a sample for the editor.

use std::time::Duration;

use holon_authz::{
    Authorised,
    actions::{EditFlows, ReadFlows},
};
use holon_model::wire::flows::{Catch, Caught};
use holon_model::{Context, FlowId, Intent, IntentPayload, Millis, json};
use holon_platform::crypto::random_hex;
use holon_platform::db::TenantTx;

use super::{CATCH_PREFIX, Error, store};
use crate::webhooks::store as addresses;
use crate::{audit, state::AppState};

/// How long a test address waits.
const LIFE: Millis = Millis(15 * 60 * 1000);
/// How often a waiting question looks. The delivery may have reached another replica, so there is no signal to wait for.
const LOOK: Duration = Duration::from_millis(250);

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct OpenCatch(pub FlowId);

impl IntentPayload for OpenCatch {
    const TYPE: &'static str = "flow.catch";
}

/// Opens a test address.
pub async fn open(state: &AppState, _: Authorised<EditFlows>, intent: Intent<OpenCatch>) -> Result<Catch, Error> {
    let OpenCatch(flow) = intent.payload;
    let token = random_hex::<16>();
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    store::draft(&mut tx, flow).await?.ok_or(Error::NotFound(flow))?;
    let now = state.clock.now();
    addresses::open_catch(&mut tx, flow, &token, now, now.plus(LIFE)).await?;
    audit::record(&mut tx, &*state.clock, &intent, &flow.to_string(), &holon_model::Value::Null).await?;
    tx.commit().await?;
    Ok(Catch { url: format!("{}{CATCH_PREFIX}{token}", state.config.public_base()), token })
}

/// What was caught; waits up to `wait` for it.
pub async fn caught(
    state: &AppState,
    context: &Context,
    _: Authorised<ReadFlows>,
    flow: FlowId,
    token: &str,
    wait: Duration,
) -> Result<Caught, Error> {
    let until = tokio::time::Instant::now() + wait;
    loop {
        let found = look(state, context, flow, token).await?;
        if found.value.is_some() || tokio::time::Instant::now() >= until {
            return Ok(found);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn look(state: &AppState, context: &Context, flow: FlowId, token: &str) -> Result<Caught, Error> {
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let caught = addresses::caught(&mut tx, flow, token, state.clock.now()).await?.ok_or(Error::NoCatch)?;
    tx.commit().await?;
    let read = |text: String| json::parse(text.as_bytes()).map_err(|_| Error::Inconsistent(flow));
    Ok(Caught { value: caught.map(read).transpose()? })
}
