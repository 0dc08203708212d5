//! What pages ask about events while the server renders them: the same use cases as REST, in process.

use holon_app::events::api::EventsPort;
use holon_app::ports::PortFuture;
use holon_authz::actions::ReadEvents;
use holon_model::wire::Page;
use holon_model::wire::events::{EventSummary, Subscription};

use super::list;
use crate::http::{Visitor, cursor, problem};
use crate::state::AppState;

/// The port, bound to one request's caller.
pub struct EventsInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
}

impl EventsPort for EventsInProcess {
    fn list(&self, subject: String, cursor: Option<String>) -> PortFuture<Page<EventSummary>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadEvents>()?;
            let cursor = cursor.as_deref().map(cursor::decode).transpose()?;
            let ask = list::ListEvents { subject, cursor, limit: 50 };
            list::list(&state, caller.context(), caller.proof(), ask).await.map_err(problem)
        })
    }

    fn subscriptions(&self) -> PortFuture<Page<Subscription>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadEvents>()?;
            list::subscriptions(&state, caller.context(), caller.proof()).await.map_err(problem)
        })
    }
}
