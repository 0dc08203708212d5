//! The failure triggers of a flow follow its version in force, in the transaction that publishes.

use holon_flow::Definition;
use holon_model::{EnvironmentId, FlowId, Value};
use holon_platform::clock::Clock;
use holon_platform::db::TenantTx;

use super::{KIND, store};
use crate::flows::triggers;

/// Key and filter of the failure triggers of a definition. A filter that is no flow's id finds nothing that failed: publishing
/// refuses it before.
fn filters(definition: &Definition) -> impl Iterator<Item = (&str, Option<&str>)> {
    triggers::of_kind(definition, KIND).map(|(key, config)| {
        let of = config.get("flow").and_then(Value::as_str).map(str::trim).filter(|of| !of.is_empty());
        (key, of)
    })
}

/// Makes the triggers what the version says, and says how many the tenant has then. One that is there already goes on from where
/// it is.
///
/// # Errors
/// When the database refuses; then nothing may be published either.
pub async fn sync(
    tx: &mut TenantTx<'_>,
    clock: &dyn Clock,
    (environment, flow, version): (EnvironmentId, FlowId, i32),
    definition: &Definition,
) -> Result<i64, sqlx::Error> {
    let found: Vec<(&str, Option<&str>)> = filters(definition).collect();
    let keys: Vec<String> = found.iter().map(|(key, _)| (*key).to_owned()).collect();
    store::keep_only(tx, environment, flow, &keys).await?;
    for (key, of) in found {
        // An id that does not read is that of no flow.
        let of = of.map(|of| of.parse::<FlowId>().unwrap_or(FlowId(uuid::Uuid::nil())));
        store::put(tx, (environment, flow, version), key, of, clock.now()).await?;
    }
    store::count(tx).await
}
