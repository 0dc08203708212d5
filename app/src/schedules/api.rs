//! Schedules: the port and its REST client.

use holon_model::ScheduleId;
use holon_model::wire::Page;
use holon_model::wire::runs::Started;
use holon_model::wire::schedules::{PreviewSchedule, Schedule, SchedulePreview, ScheduleSummary};

use crate::ports::PortFuture;
use crate::rest::{Ask, Query, Rest};

/// What pages read about schedules.
pub trait SchedulesPort: Send + Sync {
    /// Schedules, last made first.
    fn list(&self, cursor: Option<String>) -> PortFuture<Page<ScheduleSummary>>;
    /// One, with its next times and its last firings.
    fn get(&self, id: ScheduleId) -> PortFuture<Schedule>;
}

impl SchedulesPort for Rest {
    fn list(&self, cursor: Option<String>) -> PortFuture<Page<ScheduleSummary>> {
        let address = Query::new("/schedules").with("cursor", &cursor.unwrap_or_default());
        Ask::get(address.build()).read()
    }

    fn get(&self, id: ScheduleId) -> PortFuture<Schedule> {
        Ask::get(format!("/schedules/{id}")).read()
    }
}

/// What an expression names.
pub fn preview(body: &PreviewSchedule) -> PortFuture<SchedulePreview> {
    Ask::post("/schedules/preview").json(body).read()
}

/// Pauses it, or resumes it from now on.
pub fn set_paused(id: ScheduleId, paused: bool) -> PortFuture<()> {
    Ask::post(format!("/schedules/{id}/{}", if paused { "pause" } else { "resume" })).done()
}

/// Fires it now.
pub fn fire(id: ScheduleId) -> PortFuture<Started> {
    Ask::post(format!("/schedules/{id}/fire")).read()
}
