//! Starts the run of a failure that was found. Starting it again, after a crash or beside another replica, is starting the same
//! run: its id and its key are those of its row.

use holon_model::context::{Actor, Budget};
use holon_model::{Millis, RunId, Value};
use holon_runtime::{Definitions as _, DefinitionsError, Idempotency, StartError, StartRequest};

use super::store::{self, Due, Settled};
use super::{KIND, told};
use crate::runs::checked_input;
use crate::state::AppState;

/// Waits between tries; the last one again and again, for a day.
const AGAIN_AFTER: [Millis; 4] = [Millis(1_000), Millis(5_000), Millis(30_000), Millis(300_000)];
const MOST_TRIES: i32 = 300;
/// How long the key is remembered. The run's id, which the row keeps, is looked for without end.
const WINDOW: Millis = Millis(7 * 24 * 3_600_000);

/// Why no run was started.
enum Refused {
    /// It can be tried again.
    Later(String),
    /// Trying again would not help.
    Never(String),
}

impl From<StartError> for Refused {
    fn from(error: StartError) -> Self {
        match error {
            StartError::IdempotencyMismatch { .. } | StartError::PayloadTooLarge { .. } | StartError::Refused(_) => {
                Self::Never(error.to_string())
            }
            StartError::Definition(ref why) if !matches!(why, DefinitionsError::Unavailable(_)) => {
                Self::Never(error.to_string())
            }
            other => Self::Later(other.to_string()),
        }
    }
}

/// Starts it and writes down what came of it.
///
/// # Errors
/// When the database refuses; then it is started later, as the same run.
pub async fn launch(state: &AppState, due: &Due) -> Result<(), sqlx::Error> {
    let begun = if due.begun { Ok(due.run) } else { start(state, due).await };
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

async fn start(state: &AppState, due: &Due) -> Result<RunId, Refused> {
    let loaded = state.definitions.load(due.tenant, due.flow, due.version).await.map_err(StartError::from)?;
    let told = told::told(state, due).await.map_err(|error| match error {
        told::Error::Gone => Refused::Never("the run that failed is gone".into()),
        error => Refused::Later(error.to_string()),
    })?;
    checked_input(&loaded.definition, &told.value)
        .map_err(|_| Refused::Never("what a failure gives does not match the flow's input schema".into()))?;
    let key = due.failed.to_string();
    let request = StartRequest {
        tenant: due.tenant,
        environment: due.environment,
        environment_name: due.environment_name.clone(),
        flow: due.flow,
        version: due.version,
        run: due.run,
        input: told.value,
        trigger: Some(due.node.clone()),
        trigger_kind: KIND.to_owned(),
        actor: Actor::System.label(),
        budget: Budget::default(),
        vars: Value::map::<&str>([]),
        idempotency: Some(Idempotency {
            scope: format!("failure:{}:{}", due.flow, due.node),
            request_hash: *blake3::hash(key.as_bytes()).as_bytes(),
            key,
            window: WINDOW,
        }),
        // Found by the same as the run that failed.
        marks: holon_runtime::store::Marks { labels: told.labels, correlation: told.correlation, fork_of: None },
    };
    Ok(state.runtime.start(request).await?.run)
}
