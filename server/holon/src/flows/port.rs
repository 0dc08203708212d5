//! What pages ask about flows while the server renders them: the same use cases as REST, in process.

use holon_app::flows::api::{FlowsPort, FlowsQuery};
use holon_app::ports::PortFuture;
use holon_authz::actions::ReadFlows;
use holon_model::FlowId;
use holon_model::wire::Page;
use holon_model::wire::flows::{Example, Flow, FlowSummary, Version, VersionSummary};

use super::{examples, read};
use crate::http::{Visitor, cursor, problem};
use crate::state::AppState;

/// The port, bound to one request's caller.
pub struct FlowsInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
}

impl FlowsPort for FlowsInProcess {
    fn list(&self, query: FlowsQuery) -> PortFuture<Page<FlowSummary>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadFlows>()?;
            let cursor = query.cursor.as_deref().map(cursor::decode).transpose()?;
            let ask = read::ListFlows { search: query.q, cursor, limit: query.limit.unwrap_or(50) };
            read::list(&state, caller.context(), caller.proof(), ask).await.map_err(problem)
        })
    }

    fn get(&self, id: FlowId) -> PortFuture<Flow> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadFlows>()?;
            read::read(&state, caller.context(), caller.proof(), id).await.map_err(problem)
        })
    }

    fn versions(&self, id: FlowId) -> PortFuture<Page<VersionSummary>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadFlows>()?;
            read::versions(&state, caller.context(), caller.proof(), id, None, 50).await.map_err(problem)
        })
    }

    fn version(&self, id: FlowId, version: i32) -> PortFuture<Version> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadFlows>()?;
            read::version(&state, caller.context(), caller.proof(), id, version).await.map_err(problem)
        })
    }

    fn examples(&self) -> PortFuture<Page<Example>> {
        let visitor = self.visitor.clone();
        Box::pin(async move {
            visitor.allowed::<ReadFlows>()?;
            Ok(Page { data: examples::all(), next_cursor: None })
        })
    }
}
