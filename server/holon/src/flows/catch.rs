//! Catching a delivery: a test address that keeps the next thing sent to it as a sample for the editor.

use std::time::Duration;

use holon_authz::{
    Authorised,
    actions::{EditFlows, ReadFlows},
};
use holon_model::wire::flows::{Catch, Caught};
use holon_model::{Context, FlowId, Intent, IntentPayload, Millis, json};
use holon_platform::clock::to_db;
use holon_platform::crypto::random_hex;
use holon_platform::db::TenantTx;

use super::{CATCH_PREFIX, Error, store};
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
    let tenant = tx.tenant().0;
    let now = state.clock.now();
    // Test addresses that are over go when a new one is made: nothing else reads them.
    sqlx::query!("delete from webhook_catch where tenant_id = $1 and expires_at < $2", tenant, to_db(now))
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "insert into webhook_catch (tenant_id, token, flow_id, expires_at) values ($1, $2, $3, $4)",
        tenant,
        token,
        flow.0,
        to_db(now.plus(LIFE)),
    )
    .execute(tx.conn())
    .await?;
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
    let tenant = tx.tenant().0;
    let row = sqlx::query!(
        "select caught from webhook_catch where tenant_id = $1 and token = $2 and flow_id = $3 and expires_at > $4",
        tenant,
        token,
        flow.0,
        to_db(state.clock.now()),
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or(Error::NoCatch)?;
    tx.commit().await?;
    let read = |text: String| json::parse(text.as_bytes()).map_err(|_| Error::Inconsistent(flow));
    Ok(Caught { value: row.caught.map(read).transpose()? })
}
