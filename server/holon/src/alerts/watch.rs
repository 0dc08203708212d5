//! The loop that keeps rules looking and firings told: in every replica, none of them the one that must be there.

use futures::stream::{self, StreamExt as _};
use holon_model::Millis;

use super::{deliver, look, store};
use crate::pace::{Hourly, Pace};
use crate::state::AppState;

/// Between two rounds.
const REST: Millis = Millis(1_000);
/// How long firings are remembered.
const KEPT: Millis = Millis(90 * 24 * 3_600_000);
/// How long it is remembered which tasks, polls and parked runs were found. What stands for longer is told again.
const TASKS: Millis = Millis(30 * 24 * 3_600_000);
/// How long it is remembered what else was found: longer than a look goes back.
const SEEN: Millis = Millis(2 * 3_600_000);
/// Firings that are told at once.
const AT_ONCE: usize = 16;

/// One replica's rounds.
#[derive(Debug, Default)]
pub struct Watcher {
    forgotten: Hourly,
}

impl Watcher {
    /// Looks at what is due and tells what is to be told.
    ///
    /// # Errors
    /// When the database refuses; what was not done is done in a later round.
    pub async fn round(&mut self, state: &AppState) -> Result<(), sqlx::Error> {
        let now = state.clock.now();
        while look::look(state, now).await? > 0 {}
        loop {
            let claimed = store::claim_due(&state.pools.engine, now).await?;
            if claimed.is_empty() {
                break;
            }
            let told: Vec<Result<(), sqlx::Error>> = stream::iter(claimed)
                .map(|(tenant, id)| async move {
                    match store::due(&state.pools.engine, tenant, id).await? {
                        Some(due) => deliver::deliver(state, deliver::Deliver::of(&*state.clock, due)).await,
                        None => Ok(()),
                    }
                })
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            told.into_iter().collect::<Result<(), _>>()?;
        }
        if self.forgotten.due(now) {
            let before = (now.minus(KEPT), now.minus(TASKS), now.minus(SEEN));
            while store::forget(&state.pools.engine, before).await? > 0 {}
        }
        Ok(())
    }
}

/// Keeps watching until the server drains.
pub async fn keep_watching(state: AppState) {
    let mut watcher = Watcher::default();
    let mut pace = Pace::new(&state.shutdown, REST, "alert rules cannot be looked at; trying again each second");
    while pace.rest(watcher.round(&state).await.map(|()| REST)).await {}
}
