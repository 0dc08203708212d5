//! Pauses over REST.

use holon_model::FlowId;
use holon_model::wire::pauses::{Intake, PutPause};

use crate::ports::PortFuture;
use crate::rest::Ask;

/// What is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A flow.
    Flow(FlowId),
    /// The workspace.
    Workspace,
    /// The instance.
    Instance,
}

impl Scope {
    fn path(self) -> String {
        match self {
            Self::Flow(id) => format!("/flows/{id}/pause"),
            Self::Workspace => "/workspace/pause".into(),
            Self::Instance => "/instance/pause".into(),
        }
    }
}

/// Whether it is paused, and what has not ended.
pub fn read(scope: Scope) -> PortFuture<Intake> {
    Ask::get(scope.path()).read()
}

/// Pauses it.
pub fn pause(scope: Scope, body: &PutPause) -> PortFuture<Intake> {
    Ask::put(scope.path()).json(body).read()
}

/// Lets it go on.
pub fn resume(scope: Scope) -> PortFuture<()> {
    Ask::delete(scope.path()).done()
}
