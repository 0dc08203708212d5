//! Sign-up, sign-in, the session and the operator's settings.

use crate::{EnvironmentId, PersonId, TenantId};
use serde::{Deserialize, Serialize};

/// The fewest characters of a password, which nothing stands beside yet: NIST SP 800-63B-4 §3.1.1.2 asks for 15 where it is used alone.
pub const SHORTEST_PASSWORD: usize = 15;

/// `POST /api/v1/sign-up`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// The person's name, 1 to 100 characters.
    pub name: String,
    /// E-mail address, kept lower-case.
    pub email: String,
    /// At least 15 characters, at most 256.
    pub password: String,
    /// The workspace's name, 1 to 100 characters.
    pub workspace: String,
    /// The token of an invitation link (`/sign-up?invitation=…`), where sign-up is by invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<String>,
}

/// `POST /api/v1/sign-in`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// E-mail address.
    pub email: String,
    /// Password.
    pub password: String,
}

/// `GET /api/v1/session`: who is signed in, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// The person.
    pub person: Person,
    /// The workspace.
    pub tenant: Tenant,
    /// The environment that pages show.
    pub environment: Environment,
    /// Whether this person is the operator of the instance.
    pub operator: bool,
    /// What the person may do, for hiding what would be refused.
    pub permissions: Vec<String>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Person {
    /// Id.
    pub id: PersonId,
    /// Name.
    pub name: String,
    /// E-mail.
    pub email: String,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tenant {
    /// Id.
    pub id: TenantId,
    /// Name.
    pub name: String,
}

/// An environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Environment {
    /// Id.
    pub id: EnvironmentId,
    /// Name, such as `prod`.
    pub name: String,
}

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignUpPolicy {
    /// Everybody who reaches the address.
    Open,
    /// Whoever holds an invitation.
    Invitation,
    /// Nobody.
    Closed,
}

/// `GET /api/v1/instance`: what a page needs to know before anybody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Instance {
    /// Whether nobody has signed up yet: the first person becomes the operator.
    pub first_run: bool,
    /// Who may sign up.
    pub sign_up: SignUpPolicy,
    /// Why signing in cannot work from this address, if it cannot (such as plain HTTP on a network).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in_obstacle: Option<String>,
    /// Version of the server.
    pub version: String,
}

/// `GET|PUT /api/v1/settings`: the operator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Who may sign up.
    pub sign_up: SignUpPolicy,
}

/// `POST /api/v1/invitations`: the answer, whose link is shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvitationLink {
    /// The address to send to the person, valid for seven days and one sign-up.
    pub url: String,
}

/// `GET /api/v1/overview`: whether everything is fine, in one line, and what to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overview {
    /// One sentence.
    pub line: String,
    /// Whether somebody should look.
    pub healthy: bool,
    /// Flows in the workspace.
    pub flows: u32,
    /// Runs that are not over.
    pub live_runs: u32,
    /// Runs that failed in the last 24 hours.
    pub failed_runs: u32,
    /// Runs that Holon parked: it cannot drive them on.
    pub parked_runs: u32,
}
