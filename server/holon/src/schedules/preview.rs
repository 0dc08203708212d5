//! What an expression names, before there is a schedule.

use holon_model::Timestamp;
use holon_model::wire::schedules::{PreviewSchedule, SchedulePreview};

use super::plan::Times;

/// The next ten times, or what is wrong.
pub fn preview(ask: &PreviewSchedule, now: Timestamp) -> SchedulePreview {
    match Times::read(&ask.cron, &ask.time_zone) {
        Ok(times) => SchedulePreview { next: times.ahead(now), faults: Vec::new() },
        Err(faults) => SchedulePreview { next: Vec::new(), faults },
    }
}
