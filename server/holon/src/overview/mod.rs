//! The home page's one line: whether everything is fine.

mod http;

pub use http::router;

use holon_authz::Authorised;
use holon_authz::actions::ReadWorkspace;
use holon_model::wire::identity::Overview;
use holon_model::{Context, Millis, Timestamp};
use holon_platform::clock::to_db;
use holon_platform::db::TenantTx;

use crate::http::ApiError;
use crate::state::AppState;

const A_DAY: Millis = Millis(24 * 60 * 60 * 1000);

/// Counts what there is and says whether somebody should look.
pub async fn overview(state: &AppState, context: &Context, _: Authorised<ReadWorkspace>) -> Result<Overview, ApiError> {
    let now = state.clock.now();
    let since = Timestamp(now.0.saturating_sub_unsigned(A_DAY.0));
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let (tenant, environment) = (tx.tenant().0, context.environment.0);
    let row = sqlx::query!(
        "select (select count(*) from flow where tenant_id = $1) as \"flows!\", \
         (select count(*) from run_live where tenant_id = $1 and environment_id = $2) as \"live!\", \
         (select count(*) from run_live where tenant_id = $1 and environment_id = $2 and status = 'paused') as \"paused!\", \
         (select count(*) from run_hist where tenant_id = $1 and environment_id = $2 and moment = 'ended' \
          and status = 'failed' and at > $3 and run_id > $4) as \"failed!\"",
        tenant,
        environment,
        to_db(since),
        oldest_run(since),
    )
    .fetch_one(tx.conn())
    .await?;
    tx.commit().await?;
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    let (flows, live, paused, failed) = (count(row.flows), count(row.live), count(row.paused), count(row.failed));
    Ok(Overview {
        line: line(flows, live, paused, failed),
        healthy: failed == 0 && paused == 0,
        flows,
        live_runs: live,
        failed_runs: failed,
    })
}

/// The smallest id of a run that began a day before `since`: ids rise with time, so older history is not read. A run that
/// took longer than a day before it failed is found on the runs page.
fn oldest_run(since: Timestamp) -> uuid::Uuid {
    let millis = u128::try_from(since.0.saturating_sub_unsigned(A_DAY.0)).unwrap_or(0);
    uuid::Uuid::from_u128(millis << 80)
}

fn line(flows: u32, live: u32, paused: u32, failed: u32) -> String {
    let runs = |n: u32| if n == 1 { "1 run".to_owned() } else { format!("{n} runs") };
    match (failed, paused, live, flows) {
        (0, 0, 0, 0) => "Nothing here yet: start with your first flow.".to_owned(),
        (0, 0, 0, _) => "Everything is fine. Nothing is running at the moment.".to_owned(),
        (0, 0, live, _) => format!("Everything is fine. {} in progress.", runs(live)),
        (0, paused, ..) => format!("{} paused and waiting for somebody to look.", runs(paused)),
        (failed, ..) => format!("{} failed in the last 24 hours.", runs(failed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_matters_most() {
        assert_eq!(line(0, 0, 0, 0), "Nothing here yet: start with your first flow.");
        assert_eq!(line(3, 1, 0, 0), "Everything is fine. 1 run in progress.");
        assert_eq!(line(3, 1, 2, 0), "2 runs paused and waiting for somebody to look.");
        assert_eq!(line(3, 9, 2, 1), "1 run failed in the last 24 hours.");
    }
}
