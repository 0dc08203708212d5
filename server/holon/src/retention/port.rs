//! What the page of settings asks while the server renders it.

use holon_app::ports::PortFuture;
use holon_app::settings::api::HistoryPort;
use holon_authz::actions::ReadWorkspace;
use holon_model::wire::retention::Retention;

use super::read;
use crate::http::{Visitor, problem};
use crate::state::AppState;

/// The port, bound to one request's caller.
pub struct RetentionInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
}

impl HistoryPort for RetentionInProcess {
    fn kept(&self, days: Option<u32>) -> PortFuture<Retention> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadWorkspace>()?;
            read::read(&state, caller.context(), caller.proof(), days).await.map_err(problem)
        })
    }
}
