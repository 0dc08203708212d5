//! What pages ask about identity while the server renders them.

use axum::http::HeaderMap;
use holon_app::identity::api::IdentityPort;
use holon_app::ports::PortFuture;
use holon_authz::actions::{ReadSettings, ReadWorkspace};
use holon_model::Problem;
use holon_model::wire::identity::{Instance, Overview, Session, Settings};

use crate::http::{ApiError, Visitor, problem};
use crate::state::AppState;
use crate::{overview, settings};

/// The port, bound to one request.
pub struct IdentityInProcess {
    /// The server.
    pub state: AppState,
    /// Who asks; may be nobody.
    pub visitor: Visitor,
    /// The request's headers.
    pub headers: HeaderMap,
}

impl IdentityPort for IdentityInProcess {
    fn instance(&self) -> PortFuture<Instance> {
        let (state, headers) = (self.state.clone(), self.headers.clone());
        Box::pin(async move { super::instance(&state, &headers).await.map_err(problem) })
    }

    fn session(&self) -> PortFuture<Session> {
        let visitor = self.visitor.clone();
        Box::pin(async move {
            visitor.0.map(|caller| caller.session()).ok_or_else(|| Problem::from(ApiError::unauthenticated()))
        })
    }

    fn overview(&self) -> PortFuture<Overview> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadWorkspace>()?;
            overview::overview(&state, caller.context(), caller.proof()).await.map_err(problem)
        })
    }

    fn settings(&self) -> PortFuture<Settings> {
        let (state, visitor) = (self.state.clone(), self.visitor.clone());
        Box::pin(async move {
            let caller = visitor.allowed::<ReadSettings>()?;
            settings::read(&state, caller.proof()).await.map_err(problem)
        })
    }
}
