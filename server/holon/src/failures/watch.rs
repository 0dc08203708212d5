//! The loop that keeps failure triggers looking and their runs started: in every replica, none of them the one that must be
//! there.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use holon_model::{Millis, Timestamp};

use super::{launch, look, store};
use crate::state::AppState;

/// Between two rounds.
const REST: Duration = Duration::from_secs(1);
/// How long it is remembered what a failure started: much longer than a look goes back.
const KEPT: Millis = Millis(30 * 24 * 3_600_000);
const FORGET_EVERY: Millis = Millis(3_600_000);
/// Runs that are started at once.
const AT_ONCE: usize = 16;
/// Looks in one round: triggers that find more and more must not keep what was found from being started.
const MOST_LOOKS: usize = 64;

/// One replica's rounds.
#[derive(Debug, Default)]
pub struct Watcher {
    forgotten: Option<Timestamp>,
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
        if self.forgotten.is_none_or(|last| now.since(last) >= FORGET_EVERY) {
            self.forgotten = Some(now);
            let before = Timestamp(now.0.saturating_sub_unsigned(KEPT.0));
            while store::forget(&state.pools.engine, before).await? > 0 {}
        }
        Ok(())
    }
}

/// Keeps watching until the server drains.
pub async fn keep_watching(state: AppState) {
    let mut watcher = Watcher::default();
    let mut refused = false;
    loop {
        match watcher.round(&state).await {
            Ok(()) => refused = false,
            // Once, and not each second while the database is away.
            Err(error) if !std::mem::replace(&mut refused, true) => {
                tracing::warn!(%error, "failure triggers cannot be looked at; trying again each second");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = state.shutdown.begun() => return,
            () = tokio::time::sleep(REST) => {}
        }
    }
}
