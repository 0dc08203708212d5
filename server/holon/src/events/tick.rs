//! The loop that keeps events coming: in every replica, none of them the one that must be there.

use std::time::Duration;

use futures::stream::{self, TryStreamExt as _};
use holon_model::{Millis, SubscriptionId, TenantId, Timestamp};

use super::{launch, order, store, take};
use crate::state::AppState;

/// Between two looks while there is nothing to do.
const REST: Millis = Millis(250);
/// While there is.
const BREATH: Millis = Millis(10);
/// While what there is cannot be done now.
const PATIENCE: Millis = Millis(50);
/// A delivery that waited so long was left by a crash, or could not be started then.
const LEFT_AFTER: Millis = Millis(1000);
/// How long events are kept, and what came of them.
const KEPT: Millis = Millis(30 * 24 * 3_600_000);
/// Subscriptions whose runs are started at once.
const AT_ONCE: usize = 8;
const FORGET_EVERY: Millis = Millis(3_600_000);

/// One replica's look at events, again and again.
#[derive(Debug, Default)]
pub struct Deliverer {
    forgotten: Option<Timestamp>,
}

impl Deliverer {
    /// Does what there is to do, and says how long there is nothing.
    ///
    /// # Errors
    /// When the database refuses; what was not done is done at a later look.
    pub async fn tick(&mut self, state: &AppState) -> Result<Millis, sqlx::Error> {
        let (engine, now) = (&state.pools.engine, state.clock.now());
        self.forget(state, now).await?;
        let glance = store::glance(engine).await?;
        let mut done = 0;
        if glance.unplaced {
            done += usize::try_from(order::order(engine, now).await?).unwrap_or(usize::MAX);
        }
        if glance.behind || done > 0 {
            let taken = take::take(state, now).await?;
            done = done.saturating_add(taken.moved);
            launch_each(state, taken.pending, now).await?;
        }
        if glance.waiting {
            done = done.saturating_add(launch::launch(state, None, back(now, LEFT_AFTER)).await?);
        }
        Ok(match (done > 0, glance.behind || glance.waiting) {
            (true, _) => BREATH,
            (false, true) => PATIENCE,
            (false, false) => REST,
        })
    }

    async fn forget(&mut self, state: &AppState, now: Timestamp) -> Result<(), sqlx::Error> {
        if self.forgotten.is_none_or(|last| now.since(last) >= FORGET_EVERY) {
            self.forgotten = Some(now);
            while store::forget(&state.pools.engine, back(now, KEPT)).await? > 0 {}
        }
        Ok(())
    }
}

/// Starts what waits of each of these, several at once: one that is slow must not keep all the others.
async fn launch_each(
    state: &AppState,
    subscriptions: Vec<(TenantId, SubscriptionId)>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    stream::iter(subscriptions.into_iter().map(Ok))
        .try_for_each_concurrent(AT_ONCE, |subscription| async move {
            launch::launch(state, Some(subscription), now).await.map(drop)
        })
        .await
}

fn back(now: Timestamp, by: Millis) -> Timestamp {
    Timestamp(now.0.saturating_sub_unsigned(by.0))
}

/// Keeps events coming until the server drains.
pub async fn keep_delivering(state: AppState) {
    let mut deliverer = Deliverer::default();
    let mut refused = false;
    loop {
        let rest = match deliverer.tick(&state).await {
            Ok(rest) => {
                refused = false;
                rest
            }
            Err(error) => {
                // Once, and not at each look while the database is away.
                if !std::mem::replace(&mut refused, true) {
                    tracing::warn!(%error, "events cannot be looked at; trying again");
                }
                REST
            }
        };
        tokio::select! {
            () = state.shutdown.begun() => return,
            () = tokio::time::sleep(Duration::from_millis(rest.0)) => {}
        }
    }
}
