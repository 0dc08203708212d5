//! The subscriptions of a flow follow its version in force: made, changed and taken away in the transaction that publishes.

use holon_cap_events::Pattern;
use holon_flow::Definition;
use holon_model::wire::flows::Diagnostic;
use holon_model::{EnvironmentId, FlowId, Value};
use holon_platform::clock::{Clock, mint};
use holon_platform::db::TenantTx;

use super::store;
use crate::flows::triggers;

/// What a trigger says.
pub(super) struct Plan {
    pub pattern: String,
    pub ordered: bool,
}

/// What is wrong with the subscriptions of a definition, beyond what their schema says.
pub fn diagnose(definition: &Definition) -> Vec<Diagnostic> {
    let wrong = |(key, config): (&str, &Value)| {
        // What is absent, empty or not a text, validation has found already.
        let pattern = config.get("pattern").and_then(Value::as_str).filter(|text| !text.is_empty())?;
        Some(triggers::wrong_config(key, "/pattern", Pattern::read(pattern).err()?, None))
    };
    triggers::of_kind(definition, super::KIND).filter_map(wrong).collect()
}

/// Makes the subscriptions what the version says, and says how many the tenant has then. One that is there goes on where it is; a
/// new one begins with what is published from now on.
///
/// # Errors
/// When the database refuses; then nothing may be published either.
pub async fn sync(
    tx: &mut TenantTx<'_>,
    clock: &dyn Clock,
    (environment, flow, version): (EnvironmentId, FlowId, i32),
    definition: &Definition,
) -> Result<i64, sqlx::Error> {
    let plan = |(key, config): (&str, &Value)| {
        let pattern = config.get("pattern").and_then(Value::as_str)?;
        let ordered = config.get("ordered").and_then(Value::as_bool).unwrap_or(false);
        Some((key.to_owned(), Plan { pattern: pattern.to_owned(), ordered }))
    };
    let plans: Vec<(String, Plan)> = triggers::of_kind(definition, super::KIND).filter_map(plan).collect();
    let keys: Vec<String> = plans.iter().map(|(key, _)| key.clone()).collect();
    store::keep_only(tx, environment, flow, &keys).await?;
    for (key, plan) in plans {
        store::put(tx, (environment, flow, version), mint(clock), &key, &plan, clock.now()).await?;
    }
    store::count(tx).await
}
