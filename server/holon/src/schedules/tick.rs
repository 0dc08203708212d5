//! The loop that keeps schedules firing: in every replica, none of them the one that must be there.

use futures::stream::{self, TryStreamExt as _};
use holon_model::{Millis, ScheduleId, TenantId, Timestamp};

use super::{claim, launch, store};
use crate::pace::{Hourly, Pace};
use crate::state::AppState;

/// The longest between two looks: schedules made elsewhere are seen by then.
const REST: Millis = Millis(1000);
/// The shortest.
const BREATH: Millis = Millis(10);
/// A firing that waited so long was left by a crash, or could not be started then.
const LEFT_AFTER: Millis = Millis(5000);
/// Clocks of replicas differ by less; a clock ahead by more was wrong.
const SKEW: Millis = Millis(60_000);
/// How long firings are remembered.
const KEPT: Millis = Millis(90 * 24 * 3_600_000);
/// Schedules whose runs are started at once.
const AT_ONCE: usize = 8;

/// One replica's look at schedules, again and again.
#[derive(Debug, Default)]
pub struct Ticker {
    seen: Option<Timestamp>,
    forgotten: Hourly,
}

impl Ticker {
    /// Does what is due, and says how long there is nothing to do.
    ///
    /// # Errors
    /// When the database refuses; what was not done is done at a later look.
    pub async fn tick(&mut self, state: &AppState) -> Result<Millis, sqlx::Error> {
        let now = state.clock.now();
        self.mend(state, now).await?;
        self.forget(state, now).await?;
        let glance = store::glance(&state.pools.engine).await?;
        if glance.due.is_some_and(|due| due <= now) {
            loop {
                let claimed = claim::claim(state, now).await?;
                launch_each(state, claimed.pending, now).await?;
                if claimed.rows == 0 {
                    break;
                }
            }
        }
        if glance.open {
            launch_each(state, claim::take_from_buffers(state).await?, now).await?;
            launch::launch(state, None, now.minus(LEFT_AFTER)).await?;
        }
        let due = store::glance(&state.pools.engine).await?.due;
        Ok(due.map_or(REST, |due| due.since(state.clock.now())).clamp(BREATH, REST))
    }

    /// A clock that went back leaves times that were reckoned too far ahead; so may one before this process began.
    async fn mend(&mut self, state: &AppState, now: Timestamp) -> Result<(), sqlx::Error> {
        if self.seen.is_none_or(|seen| now < seen) {
            loop {
                match claim::mend(state, now, now.plus(SKEW)).await? {
                    0 => break,
                    count => tracing::warn!(count, "the clock went back: schedules were reckoned anew"),
                }
            }
        }
        self.seen = Some(now);
        Ok(())
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
    schedules: Vec<(TenantId, ScheduleId)>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    stream::iter(schedules.into_iter().map(Ok))
        .try_for_each_concurrent(AT_ONCE, |schedule| async move {
            launch::launch(state, Some(schedule), now).await.map(drop)
        })
        .await
}

/// Keeps schedules firing until the server drains.
pub async fn keep_firing(state: AppState) {
    let mut ticker = Ticker::default();
    let mut pace = Pace::new(&state.shutdown, REST, "schedules cannot be looked at; trying again each second");
    while pace.rest(ticker.tick(&state).await).await {}
}
