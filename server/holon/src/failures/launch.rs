//! Starts the run of a failure that was found. Starting it again, after a crash or beside another replica, is starting the same
//! run: its id and its key are those of its row.

use holon_model::{Millis, RunId};
use holon_runtime::store::Marks;

use super::store::{self, Due, Settled};
use super::{KIND, told};
use crate::runs::{self, Begin, Refused};
use crate::state::AppState;

/// Waits between tries; the last one again and again, for a day.
const AGAIN_AFTER: [Millis; 4] = [Millis(1_000), Millis(5_000), Millis(30_000), Millis(300_000)];
const MOST_TRIES: i32 = 300;

/// Starts it and writes down what came of it.
///
/// # Errors
/// When the database refuses; then it is started later, as the same run.
pub async fn launch(state: &AppState, due: &Due) -> Result<(), sqlx::Error> {
    let begun = if due.begun { Ok(due.run) } else { begin(state, due).await };
    let now = state.clock.now();
    let settled = match begun {
        Ok(run) => Settled::Started(run),
        Err(Refused::Later(why)) if due.tries < MOST_TRIES => {
            let wait = usize::try_from(due.tries.max(1) - 1).ok().and_then(|tries| AGAIN_AFTER.get(tries));
            Settled::Again(why, now.plus(*wait.unwrap_or(&AGAIN_AFTER[AGAIN_AFTER.len() - 1])))
        }
        Err(Refused::Later(why) | Refused::Never(why)) => Settled::Refused(why),
    };
    if let Settled::Refused(why) | Settled::Again(why, _) = &settled {
        tracing::warn!(flow = %due.flow, failed = %due.failed, why, "a failure started no run");
    }
    store::settle(&state.pools.engine, due, &settled, now).await
}

/// Begins the run that a failure asks for.
async fn begin(state: &AppState, due: &Due) -> Result<RunId, Refused> {
    let told = told::told(state, due).await.map_err(|error| match error {
        told::Error::Gone => Refused::Never("the run that failed is gone".into()),
        error => Refused::Later(error.to_string()),
    })?;
    let begin = Begin {
        tenant: due.tenant,
        environment: due.environment,
        environment_name: &due.environment_name,
        flow: due.flow,
        version: due.version,
        run: due.run,
        node: &due.node,
        kind: KIND,
        input: told.value,
        giver: "a failure",
        scope: format!("failure:{}:{}", due.flow, due.node),
        key: due.failed.to_string(),
        // Found by the same as the run that failed.
        marks: Some(Marks { labels: told.labels, correlation: told.correlation, fork_of: None }),
    };
    runs::begin(state, begin).await
}
