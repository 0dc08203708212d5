//! Sign-up, session, settings and overview: the port and its REST client.

use holon_model::wire::identity::{Instance, InvitationLink, Overview, Session, Settings, SignIn, SignUp};

use crate::ports::PortFuture;
use crate::rest::{Ask, Rest};

/// What pages read about the instance and who is signed in.
pub trait IdentityPort: Send + Sync {
    /// What a page needs to know before anybody is signed in.
    fn instance(&self) -> PortFuture<Instance>;
    /// Who is signed in; `unauthenticated` when nobody is.
    fn session(&self) -> PortFuture<Session>;
    /// Whether everything is fine.
    fn overview(&self) -> PortFuture<Overview>;
    /// The operator's settings.
    fn settings(&self) -> PortFuture<Settings>;
}

impl IdentityPort for Rest {
    fn instance(&self) -> PortFuture<Instance> {
        Ask::get("/instance").read()
    }

    fn session(&self) -> PortFuture<Session> {
        Ask::get("/session").read()
    }

    fn overview(&self) -> PortFuture<Overview> {
        Ask::get("/overview").read()
    }

    fn settings(&self) -> PortFuture<Settings> {
        Ask::get("/settings").read()
    }
}

/// Makes a person and a workspace, and signs in.
pub fn sign_up(body: &SignUp) -> PortFuture<Session> {
    Ask::post("/sign-up").json(body).read()
}

/// Signs in.
pub fn sign_in(body: &SignIn) -> PortFuture<Session> {
    Ask::post("/sign-in").json(body).read()
}

/// Ends the session.
pub fn sign_out() -> PortFuture<()> {
    Ask::post("/sign-out").done()
}

/// Changes the operator's settings.
pub fn save_settings(body: &Settings) -> PortFuture<()> {
    Ask::put("/settings").json(body).done()
}

/// Makes an invitation link, shown once.
pub fn invite() -> PortFuture<InvitationLink> {
    Ask::post("/invitations").read()
}
