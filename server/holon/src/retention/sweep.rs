//! Forgets runs whose time is up. A week of which nobody keeps anything goes as whole partitions; where somebody keeps longer,
//! the others' runs are deleted, some at a time. Any replica may sweep, and two at once do the same work twice and no harm: what
//! is gone is gone.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use holon_model::{Millis, TenantId, Timestamp};
use holon_platform::clock::{least_id, to_db};
use holon_platform::telemetry::Exposition;
use sqlx::PgPool;
use time::{Date, Time};
use uuid::Uuid;

use super::read::horizon;
use super::{BY_WEEK, in_force, store};
use crate::pace::wait;
use crate::state::AppState;

/// Between two sweeps.
const EVERY: Millis = Millis(3_600_000);
/// After the start: what comes up first has other things to do.
const AT_FIRST: Millis = Millis(120_000);
/// Runs that are deleted in one transaction.
const SOME: i64 = 200;
const DAYS: i64 = 24 * 3_600_000;

/// What this process has forgotten so far, for `/metrics`.
#[derive(Debug, Default)]
pub struct Forgotten {
    runs: AtomicU64,
    weeks: AtomicU64,
}

impl Forgotten {
    /// Writes the counts.
    pub fn expose(&self, out: &mut Exposition) {
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        let help = "Runs that were deleted because their time was up; those of dropped weeks are not counted.";
        out.counter("holon_history_runs_deleted_total", help, count(&self.runs));
        let help = "Weeks of history that were dropped whole.";
        out.counter("holon_history_weeks_dropped_total", help, count(&self.weeks));
    }
}

/// What one sweep forgot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Runs that were deleted.
    pub runs: u64,
    /// Weeks that were dropped.
    pub weeks: u64,
}

/// Forgets what is to be forgotten now.
///
/// # Errors
/// When the database refuses; what was not forgotten is forgotten by a later sweep.
pub async fn sweep(state: &AppState) -> Result<Swept, sqlx::Error> {
    let engine = &state.pools.engine;
    let now = state.clock.now();
    let mut swept = Swept::default();
    // What a sweep that ended too early had detached.
    store::drop_detached(engine).await?;
    let kept: Vec<(TenantId, u32)> = store::tenants(engine)
        .await?
        .into_iter()
        .filter_map(|(tenant, chosen)| Some((tenant, in_force(state, chosen)?)))
        .collect();
    if kept.is_empty() {
        return Ok(swept);
    }
    let horizons: Vec<(TenantId, Timestamp)> =
        kept.iter().map(|(tenant, days)| (*tenant, horizon(now, *days))).collect();
    let latest = horizons.iter().map(|(_, at)| *at).max().unwrap_or(Timestamp(0));
    for week in store::weeks(engine).await? {
        let (from, to) = (instant(week), instant(week).saturating_add(7 * DAYS));
        // A day more: what began in a week's last moment is written in the next.
        if to.saturating_add(DAYS) > latest.0.min(now.0 - DAYS) {
            break;
        }
        let ids = (least_id(Timestamp(from)), least_id(Timestamp(to)));
        if store::is_kept(engine, ids, &horizons).await? {
            continue;
        }
        match store::detach(engine, week, now).await {
            Ok(_) => {
                swept.weeks += 1;
                store::drop_detached(engine).await?;
                while store::forget_left(engine, ids).await? > 0 {}
            }
            // Statements were under way for too long: later.
            Err(error) if is_lock_timeout(&error) => tracing::info!(%week, "a week of history is dropped later"),
            Err(error) => return Err(error),
        }
    }
    for (tenant, days) in kept {
        swept.runs += of_tenant(engine, tenant, horizon(now, days), days).await?;
    }
    state.forgotten.runs.fetch_add(swept.runs, Relaxed);
    state.forgotten.weeks.fetch_add(swept.weeks, Relaxed);
    Ok(swept)
}

/// Deletes the runs of one tenant whose time is up, and payloads of weeks of which it has no run any more.
async fn of_tenant(engine: &PgPool, tenant: TenantId, until: Timestamp, days: u32) -> Result<u64, sqlx::Error> {
    let monday = monday_of(until);
    // Where history goes by the week, the week that the horizon lies in goes when it is behind it.
    let below = if days >= BY_WEEK { instant(monday) } else { until.0 };
    let below = least_id(Timestamp(below));
    let (mut after, mut count) = (Uuid::nil(), 0);
    loop {
        let runs = store::over(engine, tenant, (after, below), until, SOME).await?;
        let Some(last) = runs.last() else { break };
        after = last.0;
        count += store::forget(engine, tenant, &runs).await?;
    }
    for week in store::weeks_of_payloads(engine, tenant, monday).await? {
        let (from, to) = (instant(week), instant(week).saturating_add(7 * DAYS));
        let ids = (least_id(Timestamp(from)), least_id(Timestamp(to)));
        if to.saturating_add(DAYS) <= until.0 && !store::has_runs(engine, tenant, ids).await? {
            while store::forget_payloads(engine, tenant, week).await? > 0 {}
        }
    }
    Ok(count)
}

/// The first instant of a day, in UTC.
fn instant(day: Date) -> i64 {
    day.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp() * 1_000
}

/// The Monday of the week of an instant, in UTC.
fn monday_of(at: Timestamp) -> Date {
    let day = to_db(at).date();
    day.saturating_sub(time::Duration::days(i64::from(day.weekday().number_days_from_monday())))
}

fn is_lock_timeout(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "55P03")
}

/// Keeps sweeping until the server drains.
pub async fn keep_sweeping(state: AppState) {
    let mut rest = AT_FIRST;
    while wait(&state.shutdown, rest).await {
        rest = EVERY;
        match sweep(&state).await {
            Ok(Swept { runs: 0, weeks: 0 }) => {}
            Ok(Swept { runs, weeks }) => tracing::info!(runs, weeks, "history whose time was up was forgotten"),
            Err(error) => tracing::warn!(%error, "history was not swept; trying again in an hour"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_its_monday_in_utc() {
        // Saturday, 2026-11-21, and the first and last instants of its week.
        let monday = Date::from_calendar_date(2026, time::Month::November, 16).unwrap();
        let from = instant(monday);
        for at in [from, from + 5 * DAYS, from + 7 * DAYS - 1] {
            assert_eq!(monday_of(Timestamp(at)), monday);
        }
        assert_ne!(monday_of(Timestamp(from - 1)), monday);
        assert_ne!(monday_of(Timestamp(from + 7 * DAYS)), monday);
    }
}
