//! The loop that keeps events coming: in every replica, none of them the one that must be there.

use futures::stream::{self, TryStreamExt as _};
use holon_model::{Millis, SubscriptionId, TenantId, Timestamp};

use super::{launch, order, store, take};
use crate::pace::{Hourly, Pace};
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

/// One replica's look at events, again and again.
#[derive(Debug, Default)]
pub struct Deliverer {
    forgotten: Hourly,
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
            done = done.saturating_add(launch::launch(state, None, now.minus(LEFT_AFTER)).await?);
        }
        Ok(match (done > 0, glance.behind || glance.waiting) {
            (true, _) => BREATH,
            (false, true) => PATIENCE,
            (false, false) => REST,
        })
    }

    async fn forget(&mut self, state: &AppState, now: Timestamp) -> Result<(), sqlx::Error> {
        if self.forgotten.due(now) {
            while store::forget(&state.pools.engine, now.minus(KEPT)).await? > 0 {}
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

/// Keeps events coming until the server drains.
pub async fn keep_delivering(state: AppState) {
    let mut deliverer = Deliverer::default();
    let mut pace = Pace::new(&state.shutdown, REST, "events cannot be looked at; trying again");
    while pace.rest(deliverer.tick(&state).await).await {}
}
