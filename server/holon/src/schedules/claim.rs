//! Takes up what is due: decides what becomes of each firing, writes that down and moves the schedule on, in one
//! transaction under the schedule's lock. A crash before its commit has done nothing, one after it has lost nothing.

use holon_model::{ScheduleId, TenantId, Timestamp};
use sqlx::PgConnection;

use super::plan::{Overlap, Plan, words};
use super::reckon::{Missed, reckon};
use super::store::{self, NewFiring, Next, Row};
use crate::state::AppState;

/// What was taken up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claimed {
    /// How many schedules were looked at; there may be more while it is not 0.
    pub rows: usize,
    /// Those with firings that wait for their runs.
    pub pending: Vec<(TenantId, ScheduleId)>,
}

/// Takes up schedules that are due, some at a time.
///
/// # Errors
/// When the database refuses; then nothing was taken up.
pub async fn claim(state: &AppState, now: Timestamp) -> Result<Claimed, sqlx::Error> {
    let mut tx = state.pools.engine.begin().await?;
    let rows = store::lock_due(&mut tx, now).await?;
    let mut claimed = Claimed { rows: rows.len(), ..Claimed::default() };
    for row in rows {
        if take_up(state, &mut tx, &row, now).await? {
            claimed.pending.push((row.tenant, row.id));
        }
    }
    tx.commit().await?;
    Ok(claimed)
}

/// Takes up one schedule; true when a run is to be started.
async fn take_up(state: &AppState, tx: &mut PgConnection, row: &Row, now: Timestamp) -> Result<bool, sqlx::Error> {
    let nowhere = Next { at: None, due: None, reckoned: now };
    let Some(next) = row.next_at else { return store::move_on(tx, row, nowhere).await.map(|()| false) };
    let Some(plan) = row.plan() else {
        // Publishing checks it; only a zone that left the database can bring this about.
        tracing::error!(schedule = %row.id, cron = row.cron, time_zone = row.time_zone, "a schedule does not read back");
        let reason = "the expression or its time zone cannot be read any more; publish the flow again";
        let firing = NewFiring { at: next, outcome: "failed", reason: Some(reason), count: 1, run: None };
        store::record(tx, row, now, firing).await?;
        return store::move_on(tx, row, nowhere).await.map(|()| false);
    };
    let reckoned = reckon(&plan, row.id, next, now);
    if let Some(missed) = reckoned.missed {
        let reason = late(missed, &plan);
        let firing =
            NewFiring { at: missed.first, outcome: "missed", reason: Some(&reason), count: missed.count, run: None };
        store::record(tx, row, now, firing).await?;
    }
    let (mut going, mut kept) = match plan.overlap {
        Overlap::AllowAll => (false, false),
        Overlap::Skip | Overlap::BufferOne => store::busy(tx, row).await?,
    };
    let paused = state.runtime.may_begin(row.tenant, row.environment, row.flow).err().map(|why| why.to_string());
    let mut pending = false;
    for at in reckoned.due {
        let skipped = |reason| NewFiring { at, outcome: "skipped", reason: Some(reason), count: 1, run: None };
        let firing = match plan.overlap {
            // What a person has paused is not made up for, as with a schedule that is paused by itself.
            _ if paused.is_some() => skipped(paused.as_deref().unwrap_or_default()),
            Overlap::Skip if going => skipped("the run before was still going"),
            Overlap::BufferOne if kept => {
                skipped("the run before was still going, and a firing is kept for later already")
            }
            Overlap::BufferOne if going => {
                kept = true;
                NewFiring { at, outcome: "buffered", reason: None, count: 1, run: None }
            }
            _ => {
                let run = state.runtime.mint();
                NewFiring { at, outcome: "pending", reason: None, count: 1, run: Some(run) }
            }
        };
        // One that is there already was made by a clock that ran ahead: it is not made again.
        if store::record(tx, row, now, firing).await? && firing.run.is_some() {
            pending = true;
            going |= plan.overlap != Overlap::AllowAll;
        }
    }
    store::move_on(tx, row, Next::of(&plan, row.id, reckoned.next, now)).await?;
    Ok(pending)
}

fn late(missed: Missed, plan: &Plan) -> String {
    let count = match missed {
        Missed { more: true, count, .. } => format!("more than {count} firings were"),
        Missed { count: 1, .. } => "it was".to_owned(),
        Missed { count, .. } => format!("{count} firings were"),
    };
    format!("{count} more than {} late when a server was there again", words(plan.catch_up))
}

/// Firings that were kept for later whose time has come: no run of their schedule is going any more.
///
/// # Errors
/// When the database refuses; then nothing was changed.
pub async fn take_from_buffers(state: &AppState) -> Result<Vec<(TenantId, ScheduleId)>, sqlx::Error> {
    let mut tx = state.pools.engine.begin().await?;
    let mut pending = Vec::new();
    for (row, at) in store::lock_buffered(&mut tx).await? {
        if !store::busy(&mut tx, &row).await?.0 {
            store::take_from_buffer(&mut tx, &row, at, state.runtime.mint()).await?;
            pending.push((row.tenant, row.id));
        }
    }
    tx.commit().await?;
    Ok(pending)
}

/// Reckons anew what was reckoned by a clock that was ahead of this one by more than `limit` says; how many.
///
/// # Errors
/// When the database refuses.
pub async fn mend(state: &AppState, now: Timestamp, limit: Timestamp) -> Result<usize, sqlx::Error> {
    let mut tx = state.pools.engine.begin().await?;
    let rows = store::lock_ahead(&mut tx, limit).await?;
    for row in &rows {
        let next =
            row.plan().map_or(Next { at: None, due: None, reckoned: now }, |plan| Next::after(&plan, row.id, now));
        store::move_on(&mut tx, row, next).await?;
    }
    tx.commit().await?;
    Ok(rows.len())
}
