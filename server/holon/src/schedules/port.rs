//! What pages ask about schedules while the server renders them: the same use cases as REST, in process.

use holon_app::ports::PortFuture;
use holon_app::schedules::api::SchedulesPort;
use holon_authz::actions::ReadSchedules;
use holon_model::ScheduleId;
use holon_model::wire::Page;
use holon_model::wire::schedules::{Schedule, ScheduleSummary};

use super::{list, read};
use crate::http::{Visitor, cursor, problem};
use crate::state::AppState;

/// The port, bound to one request's caller.
pub struct SchedulesInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
}

impl SchedulesPort for SchedulesInProcess {
    fn list(&self, cursor: Option<String>) -> PortFuture<Page<ScheduleSummary>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadSchedules>()?;
            let cursor = cursor.as_deref().map(cursor::decode).transpose()?;
            let ask = list::ListSchedules { flow: None, cursor, limit: 50 };
            list::list(&state, caller.context(), caller.proof(), ask).await.map_err(problem)
        })
    }

    fn get(&self, id: ScheduleId) -> PortFuture<Schedule> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadSchedules>()?;
            read::read(&state, caller.context(), caller.proof(), id).await.map_err(problem)
        })
    }
}
