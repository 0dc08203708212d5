//! What pages ask about runs while the server renders them: the same use cases as REST, in process.

use holon_app::ports::PortFuture;
use holon_app::runs::api::{RunsPort, RunsQuery};
use holon_authz::actions::ReadRuns;
use holon_model::RunId;
use holon_model::wire::Page;
use holon_model::wire::runs::{JournalRow, Run, RunSummary, Starter};

use super::{read, starters, store};
use crate::http::{Visitor, cursor, problem};
use crate::state::AppState;

/// The port, bound to one request's caller.
pub struct RunsInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
}

impl RunsPort for RunsInProcess {
    fn list(&self, query: RunsQuery) -> PortFuture<Page<RunSummary>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadRuns>()?;
            let before = query.cursor.as_deref().map(cursor::decode).transpose()?;
            let filter = store::Filter {
                flow: query.flow,
                status: query.status,
                trigger: query.trigger,
                since: query.since,
                until: query.until,
                correlation: query.correlation,
                labels: query.labels,
                before,
            };
            let limit = query.limit.unwrap_or(50);
            read::list(&state, caller.context(), caller.proof(), filter, limit).await.map_err(problem)
        })
    }

    fn starters(&self) -> PortFuture<Page<Starter>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            visitor.allowed::<ReadRuns>()?;
            Ok(Page { data: starters::all(&state.catalogue), next_cursor: None })
        })
    }

    fn get(&self, id: RunId) -> PortFuture<Run> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadRuns>()?;
            read::read(&state, caller.context(), caller.proof(), id).await.map_err(problem)
        })
    }

    fn journal(&self, id: RunId, cursor: Option<String>) -> PortFuture<Page<JournalRow>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadRuns>()?;
            let from = cursor.as_deref().map(cursor::decode).transpose()?.unwrap_or(0);
            read::journal(&state, caller.context(), caller.proof(), id, from, 200).await.map_err(problem)
        })
    }
}
