//! The loop that keeps failure triggers looking and their runs started: in every replica, none of them the one that must be
//! there.

use futures::stream::{self, StreamExt as _};
use holon_model::Millis;

use super::{launch, look, store};
use crate::pace::{Hourly, Pace};
use crate::state::AppState;

/// Between two rounds.
const REST: Millis = Millis(1_000);
/// How long it is remembered what a failure started: much longer than a look goes back.
const KEPT: Millis = Millis(30 * 24 * 3_600_000);
/// Runs that are started at once.
const AT_ONCE: usize = 16;
/// Looks in one round: triggers that find more and more must not keep what was found from being started.
const MOST_LOOKS: usize = 64;

/// One replica's rounds.
#[derive(Debug, Default)]
pub struct Watcher {
    forgotten: Hourly,
}

impl Watcher {
    /// Looks at what is due and starts what is to be started.
    ///
    /// # Errors
    /// When the database refuses; what was not done is done in a later round.
    pub async fn round(&mut self, state: &AppState) -> Result<(), sqlx::Error> {
        let now = state.clock.now();
        for _ in 0..MOST_LOOKS {
            if look::look(state, now).await? == 0 {
                break;
            }
        }
        loop {
            let claimed = store::claim_due(&state.pools.engine, now).await?;
            if claimed.is_empty() {
                break;
            }
            let started: Vec<Result<(), sqlx::Error>> = stream::iter(claimed)
                .map(|due| async move { launch::launch(state, &due).await })
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            started.into_iter().collect::<Result<(), _>>()?;
        }
        if self.forgotten.due(now) {
            while store::forget(&state.pools.engine, now.minus(KEPT)).await? > 0 {}
        }
        Ok(())
    }
}

/// Keeps watching until the server drains.
pub async fn keep_watching(state: AppState) {
    let mut watcher = Watcher::default();
    let mut pace = Pace::new(&state.shutdown, REST, "failure triggers cannot be looked at; trying again each second");
    while pace.rest(watcher.round(&state).await.map(|()| REST)).await {}
}
