//! What pages ask about the state of flows while the server renders them: the same use cases as REST, in process.

use holon_app::flow_state::api::StatePort;
use holon_app::ports::PortFuture;
use holon_authz::actions::ReadState;
use holon_model::FlowId;
use holon_model::wire::Page;
use holon_model::wire::flow_state::StateEntry;

use super::list;
use crate::http::{Visitor, cursor, problem};
use crate::state::AppState;

/// The port, bound to one request's caller.
pub struct StateInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
}

impl StatePort for StateInProcess {
    fn list(&self, flow: FlowId, cursor: Option<String>) -> PortFuture<Page<StateEntry>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadState>()?;
            let cursor = cursor.as_deref().map(cursor::decode).transpose()?;
            let ask = list::ListState { flow, prefix: String::new(), cursor, limit: 50 };
            list::list(&state, caller.context(), caller.proof(), ask).await.map_err(problem)
        })
    }
}
