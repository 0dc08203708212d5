//! The home page's one line: whether everything is fine.

mod http;

pub use http::router;

use holon_authz::Authorised;
use holon_authz::actions::ReadWorkspace;
use holon_model::wire::identity::Overview;
use holon_model::{Context, Millis, Timestamp};
use holon_platform::clock::{least_id, to_db};
use holon_platform::db::TenantTx;

use crate::http::ApiError;
use crate::state::AppState;

const A_DAY: Millis = Millis(24 * 60 * 60 * 1000);

/// Counts what there is and says whether somebody should look.
pub async fn overview(state: &AppState, context: &Context, _: Authorised<ReadWorkspace>) -> Result<Overview, ApiError> {
    let now = state.clock.now();
    let since = now.minus(A_DAY);
    let mut tx = TenantTx::begin(&state.pools, context).await?;
    let (tenant, environment) = (tx.tenant().0, context.environment.0);
    let row = sqlx::query!(
        "select (select count(*) from flow where tenant_id = $1) as \"flows!\", \
         (select count(*) from run_live where tenant_id = $1 and environment_id = $2) as \"live!\", \
         (select count(*) from run_live where tenant_id = $1 and environment_id = $2 and status = 'paused' \
          and not parked) as \"paused!\", \
         (select count(*) from run_live where tenant_id = $1 and environment_id = $2 and parked) as \"parked!\", \
         (select count(*) from run_hist where tenant_id = $1 and environment_id = $2 and moment = 'ended' \
          and status = 'failed' and at > $3 and run_id > $4) as \"failed!\", \
         (select count(*) from task where tenant_id = $1 and environment_id = $2 and state = 'open' \
          and kind = 'compensation') as \"stuck!\", \
         (select count(*) from task where tenant_id = $1 and environment_id = $2 and state = 'open' \
          and kind <> 'compensation') as \"asked!\"",
        tenant,
        environment,
        to_db(since),
        oldest_run(since),
    )
    .fetch_one(tx.conn())
    .await?;
    tx.commit().await?;
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    let counted = Counted {
        flows: count(row.flows),
        live: count(row.live),
        paused: count(row.paused),
        parked: count(row.parked),
        failed: count(row.failed),
        stuck: count(row.stuck),
        asked: count(row.asked),
    };
    Ok(Overview {
        line: counted.line(),
        healthy: counted.is_healthy(),
        flows: counted.flows,
        live_runs: counted.live,
        failed_runs: counted.failed,
        parked_runs: counted.parked,
    })
}

/// The smallest id of a run that began a day before `since`: ids rise with time, so older history is not read. A run that
/// took longer than a day before it failed is found on the runs page.
fn oldest_run(since: Timestamp) -> uuid::Uuid {
    least_id(since.minus(A_DAY))
}

/// What there is.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    flows: u32,
    live: u32,
    /// By a person.
    paused: u32,
    /// By Holon, which cannot drive them on.
    parked: u32,
    /// In the last 24 hours.
    failed: u32,
    /// Steps whose undoing keeps failing: each is a task, and its run stands still.
    stuck: u32,
    /// Tasks of flows that ask as they were drawn to.
    asked: u32,
}

impl Counted {
    /// Whether nothing went wrong that somebody must look at.
    fn is_healthy(self) -> bool {
        self.failed == 0 && self.paused == 0 && self.parked == 0 && self.stuck == 0
    }

    fn line(self) -> String {
        let runs = |n: u32| if n == 1 { "1 run".to_owned() } else { format!("{n} runs") };
        let wrong: Vec<String> = [
            (self.stuck == 1).then(|| "1 step could not be undone and waits for a decision".to_owned()),
            (self.stuck > 1).then(|| format!("{} steps could not be undone and wait for a decision", self.stuck)),
            (self.parked == 1).then(|| "1 run is parked and cannot go on by itself".to_owned()),
            (self.parked > 1).then(|| format!("{} runs are parked and cannot go on by themselves", self.parked)),
            (self.failed > 0).then(|| format!("{} failed in the last 24 hours", runs(self.failed))),
        ]
        .into_iter()
        .flatten()
        .collect();
        let asked = match self.asked {
            0 => String::new(),
            1 => " 1 task waits for an answer.".to_owned(),
            tasks => format!(" {tasks} tasks wait for an answer."),
        };
        match self {
            _ if !wrong.is_empty() => format!("{}.", wrong.join(", and ")),
            Self { paused: 1.., .. } => format!("{} paused and waiting for somebody to look.", runs(self.paused)),
            Self { live: 0, flows: 0, .. } => "Nothing here yet: start with your first flow.".to_owned(),
            Self { live: 0, .. } => "Everything is fine. Nothing is running at the moment.".to_owned(),
            Self { live, .. } => format!("Everything is fine. {} in progress.{asked}", runs(live)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_matters_most() {
        let fine = Counted { flows: 3, live: 1, ..Counted::default() };
        let line = |counted: Counted| (counted.line(), counted.is_healthy());
        assert_eq!(line(Counted::default()), ("Nothing here yet: start with your first flow.".to_owned(), true));
        assert_eq!(line(fine), ("Everything is fine. 1 run in progress.".to_owned(), true));
        let asked = Counted { asked: 2, ..fine };
        assert_eq!(
            line(asked),
            ("Everything is fine. 1 run in progress. 2 tasks wait for an answer.".to_owned(), true)
        );
        let paused = Counted { paused: 2, ..asked };
        assert_eq!(line(paused), ("2 runs paused and waiting for somebody to look.".to_owned(), false));
        let failed = Counted { failed: 1, ..paused };
        assert_eq!(line(failed), ("1 run failed in the last 24 hours.".to_owned(), false));
    }

    #[test]
    fn nothing_is_fine_while_a_run_is_parked() {
        let parked = Counted { flows: 1, live: 2, parked: 1, ..Counted::default() };
        assert_eq!(
            (parked.line().as_str(), parked.is_healthy()),
            ("1 run is parked and cannot go on by itself.", false)
        );
        let both = Counted { parked: 2, failed: 1, ..parked };
        assert_eq!(
            both.line(),
            "2 runs are parked and cannot go on by themselves, and 1 run failed in the last 24 hours."
        );
    }

    #[test]
    fn nothing_is_fine_while_a_step_cannot_be_undone() {
        let stuck = Counted { flows: 1, live: 1, stuck: 1, ..Counted::default() };
        assert_eq!(stuck.line(), "1 step could not be undone and waits for a decision.");
        assert!(!stuck.is_healthy());
        let both = Counted { stuck: 2, failed: 1, ..stuck };
        assert_eq!(
            both.line(),
            "2 steps could not be undone and wait for a decision, and 1 run failed in the last 24 hours."
        );
    }
}
