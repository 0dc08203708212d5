//! What pages ask about connections while the server renders them.

use holon_app::connections::api::ConnectionsPort;
use holon_app::ports::PortFuture;
use holon_authz::actions::ReadConnections;
use holon_model::wire::Page;
use holon_model::wire::connections::Connection;

use super::list;
use crate::http::{Visitor, problem};
use crate::state::AppState;

/// The port, bound to one request's caller.
pub struct ConnectionsInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
}

impl ConnectionsPort for ConnectionsInProcess {
    fn list(&self) -> PortFuture<Page<Connection>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadConnections>()?;
            list::list(&state, caller.context(), caller.proof()).await.map_err(problem)
        })
    }
}
