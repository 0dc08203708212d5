//! The schedules of a flow follow its version in force: made, changed and taken away in the transaction that publishes.

use holon_flow::Definition;
use holon_model::wire::flows::Diagnostic;
use holon_model::wire::schedules::ScheduleFault;
use holon_model::{EnvironmentId, FlowId};
use holon_platform::clock::{Clock, mint};
use holon_platform::db::TenantTx;

use super::plan::Plan;
use super::store::{self, Next};
use crate::flows::triggers;

/// What is wrong with the schedules of a definition, beyond what their schema says.
pub fn diagnose(definition: &Definition) -> Vec<Diagnostic> {
    let located =
        |key: &str, fault: ScheduleFault| triggers::wrong_config(key, &fault.pointer, fault.message, fault.span);
    // What is absent or not a text, validation has found already.
    let readable = triggers::of_kind(definition, super::KIND).filter(|(_, config)| {
        let text = |name: &str| config.get(name).map(|value| value.as_str().is_some());
        text("cron") == Some(true) && text("time_zone") != Some(false)
    });
    readable
        .flat_map(|(key, config)| {
            Plan::of_config(config).err().into_iter().flatten().map(move |fault| located(key, fault))
        })
        .collect()
}

/// Makes the schedules what the version says, and says how many the tenant has then. A schedule whose times are the same goes on
/// as it is.
///
/// # Errors
/// When the database refuses; then nothing may be published either.
pub async fn sync(
    tx: &mut TenantTx<'_>,
    clock: &dyn Clock,
    (environment, flow, version): (EnvironmentId, FlowId, i32),
    definition: &Definition,
) -> Result<i64, sqlx::Error> {
    let plans: Vec<(String, Plan)> = triggers::of_kind(definition, super::KIND)
        .filter_map(|(key, config)| Some((key.to_owned(), Plan::of_config(config).ok()?)))
        .collect();
    let keys: Vec<String> = plans.iter().map(|(key, _)| key.clone()).collect();
    store::keep_only(tx, environment, flow, &keys).await?;
    for (key, plan) in plans {
        let now = clock.now();
        let known = store::of_node(tx, environment, flow, &key).await?;
        let id = known.as_ref().map_or_else(|| mint(clock), |row| row.id);
        let next = match known {
            Some(row) if row.cron == plan.cron && row.time_zone == plan.time_zone => {
                Next::of(&plan, id, row.next_at, now)
            }
            _ => Next::after(&plan, id, now),
        };
        store::put(tx, (environment, flow, version), id, &key, &plan, next).await?;
    }
    store::count(tx).await
}
