//! What pages ask about tokens while the server renders them.

use holon_app::ports::PortFuture;
use holon_app::tokens::api::TokensPort;
use holon_authz::actions::ReadTokens;
use holon_model::wire::Page;
use holon_model::wire::tokens::Token;

use super::list;
use crate::http::{Visitor, problem};
use crate::state::AppState;

/// The port, bound to one request's caller.
pub struct TokensInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
}

impl TokensPort for TokensInProcess {
    fn list(&self) -> PortFuture<Page<Token>> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadTokens>()?;
            let person = caller.caller().person.id;
            list::list(&state, caller.context(), caller.proof(), person).await.map_err(problem)
        })
    }
}
