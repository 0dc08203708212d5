//! Ends what nobody does: attempts whose time is up, and those that one worker after the other lost. Each replica looks after the runs
//! that it drives; what two of them say of the same attempt counts once.

use holon_engine::{EffectId, Input, Outcome};
use holon_flow::capability::NodeError;
use holon_model::Millis;
use holon_runtime::DeliverError;

use super::{MOST_CLAIMS, store};
use crate::pace::{Hourly, Pace};
use crate::state::AppState;

/// Between two rounds.
const REST: Millis = Millis(1_000);
/// Attempts that are ended in one round at most; the rest is for the next.
const MOST: i64 = 512;
/// How long workers are remembered.
const REMEMBERED: Millis = Millis(7 * 24 * 3_600_000);

/// One replica's rounds.
#[derive(Debug, Default)]
pub struct Watcher {
    forgotten: Hourly,
}

impl Watcher {
    /// Ends what is to be ended now; answers how much it was.
    ///
    /// # Errors
    /// When the database refuses; what was not done is done in a later round.
    pub async fn round(&mut self, state: &AppState) -> Result<usize, sqlx::Error> {
        let now = state.clock.now();
        let ended = store::ended(&state.pools.engine, now, &state.runtime.shards(), MOST).await?;
        let count = ended.len();
        for end in ended {
            let mut error = if end.late {
                NodeError::new("timeout", format!("no worker of the pool `{}` did it in time", end.pool))
            } else {
                let message = format!(
                    "{MOST_CLAIMS} workers of the pool `{}` took it one after the other and were lost",
                    end.pool
                );
                NodeError::new("worker_lost", message)
            };
            error.retryable = true;
            let outcome = Outcome::Failed { error };
            let input = Input::EffectCompleted { id: EffectId(*end.effect.as_bytes()), attempt: end.attempt, outcome };
            match state.runtime.deliver(end.tenant, end.run, input).await {
                // A worker was faster, or the run is over: its row goes by itself.
                Ok(_) | Err(DeliverError::Refused { .. } | DeliverError::Over | DeliverError::NotFound) => {}
                Err(DeliverError::Unavailable) => {
                    tracing::debug!(run_id = %end.run, "a run cannot be told of a lost task; trying again")
                }
            }
        }
        if self.forgotten.due(now) {
            store::forget_workers(&state.pools.engine, now.minus(REMEMBERED)).await?;
        }
        Ok(count)
    }
}

/// Keeps watching until the server drains.
pub async fn keep_watching(state: AppState) {
    let mut watcher = Watcher::default();
    let mut pace = Pace::new(&state.shutdown, REST, "tasks for workers cannot be looked at; trying again each second");
    while pace.rest(watcher.round(&state).await.map(|_| REST)).await {}
}
