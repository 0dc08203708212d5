//! What pages ask about alert rules while the server renders them.

use holon_app::alerts::api::AlertsPort;
use holon_app::ports::PortFuture;
use holon_authz::actions::ReadAlerts;
use holon_model::wire::Page;
use holon_model::wire::alerts::Alert;

use super::list;
use crate::http::{Visitor, problem};
use crate::state::AppState;

/// The port, bound to one request's caller.
pub struct AlertsInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
}

impl AlertsPort for AlertsInProcess {
    fn list(&self) -> PortFuture<Page<Alert>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadAlerts>()?;
            list::list(&state, caller.context(), caller.proof()).await.map_err(problem)
        })
    }
}
