//! What pages ask about polls while the server renders them: the same use cases as REST, in process.

use holon_app::polls::api::PollsPort;
use holon_app::ports::PortFuture;
use holon_authz::actions::ReadPolls;
use holon_model::PollId;
use holon_model::wire::Page;
use holon_model::wire::polls::{Poll, PollSummary};

use super::list;
use crate::http::{Visitor, cursor, problem};
use crate::state::AppState;

/// The port, bound to one request's caller.
pub struct PollsInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
}

impl PollsPort for PollsInProcess {
    fn list(&self, cursor: Option<String>) -> PortFuture<Page<PollSummary>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadPolls>()?;
            let cursor = cursor.as_deref().map(cursor::decode).transpose()?;
            let ask = list::ListPolls { flow: None, cursor, limit: 50 };
            list::list(&state, caller.context(), caller.proof(), ask).await.map_err(problem)
        })
    }

    fn get(&self, id: PollId) -> PortFuture<Poll> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadPolls>()?;
            list::read(&state, caller.context(), caller.proof(), id).await.map_err(problem)
        })
    }
}
