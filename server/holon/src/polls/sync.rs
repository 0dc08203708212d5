//! The polls of a flow follow its version in force: made, changed and taken away in the transaction that publishes.

use holon_cap_triggers::Poll;
use holon_flow::Definition;
use holon_model::wire::flows::Diagnostic;
use holon_model::{EnvironmentId, FlowId, Millis, PollId, Value};
use holon_platform::clock::{Clock, mint};
use holon_platform::db::TenantTx;

use super::store;
use crate::flows::triggers;

/// What a trigger says that its row has to know.
pub(super) struct Plan {
    pub node: String,
    pub every: Millis,
    pub meaning: [u8; 32],
}

/// What is wrong with the polls of a definition, beyond what their schema says.
pub fn diagnose(definition: &Definition) -> Vec<Diagnostic> {
    let wrong = |(key, config): (&str, &Value)| {
        // What is dynamic or of another type, validation has found already.
        config.get("every").filter(|every| every.as_str().is_some() || every.as_int().is_some())?;
        Some(triggers::wrong_config(key, "/every", Poll::every(config).err()?, None))
    };
    triggers::of_kind(definition, super::KIND).filter_map(wrong).collect()
}

/// Makes the polls what the version says, and says how many the tenant has then. One that means the same goes on where it is.
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
        let meaning = *blake3::hash(Poll::meaning(config).as_bytes()).as_bytes();
        Some(Plan { node: key.to_owned(), every: Poll::every(config).ok()?, meaning })
    };
    let plans: Vec<Plan> = triggers::of_kind(definition, super::KIND).filter_map(plan).collect();
    let keys: Vec<String> = plans.iter().map(|plan| plan.node.clone()).collect();
    store::keep_only(tx, environment, flow, &keys).await?;
    for plan in plans {
        let id: PollId = mint(clock);
        store::put(tx, (environment, flow, version), id, &plan, clock.now()).await?;
    }
    store::count(tx).await
}
