//! What pages ask about workers while the server renders them: the same use cases as REST, in process.

use holon_app::ports::PortFuture;
use holon_app::workers::api::WorkersPort;
use holon_authz::actions::ReadWork;
use holon_model::wire::Page;
use holon_model::wire::workers::{WorkItem, WorkPool};

use super::list;
use crate::http::{Visitor, cursor, problem};
use crate::state::AppState;

/// The port, bound to one request's caller.
pub struct WorkersInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
}

impl WorkersPort for WorkersInProcess {
    fn pools(&self) -> PortFuture<Page<WorkPool>> {
        let (server, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadWork>()?;
            list::pools(&server, caller.context(), caller.proof()).await.map_err(problem)
        })
    }

    fn work(&self, pool: Option<String>, cursor: Option<String>) -> PortFuture<Page<WorkItem>> {
        let (server, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadWork>()?;
            let cursor = cursor.as_deref().map(cursor::decode).transpose()?;
            let ask = list::ListWork { pool, state: None, cursor, limit: 50 };
            list::work(&server, caller.context(), caller.proof(), ask).await.map_err(problem)
        })
    }
}
