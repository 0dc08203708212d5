//! Connections: credentials by name. A secret goes in and never comes out.

use crate::{ConnectionId, Timestamp};
use serde::{Deserialize, Serialize};

/// A connection as lists and pages show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Connection {
    /// Id.
    pub id: ConnectionId,
    /// The name definitions refer to: `[a-z][a-z0-9_-]{0,47}`.
    pub name: String,
    /// Its kind.
    pub kind: ConnectionKind,
    /// Hosts it may be sent to; exact names or `*.example.com`. Empty for keys that are only verified with.
    pub hosts: Vec<String>,
    /// The header's name, for `http_header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the secret was last replaced.
    pub rotated_at: Timestamp,
}

/// The kinds of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConnectionKind {
    /// `Authorization: Bearer <secret>`.
    HttpBearer,
    /// A header of any name.
    HttpHeader,
    /// `Authorization: Basic`; the secret is `name:password`.
    HttpBasic,
    /// A key that signatures are checked or made with (HMAC-SHA256).
    HmacKey,
}

/// `POST /api/v1/connections`; `PUT /api/v1/connections/{id}` replaces the secret and the hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SaveConnection {
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: ConnectionKind,
    /// The secret, 1 to 8,192 bytes.
    pub secret: String,
    /// Hosts it may be sent to.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The header's name, for `http_header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
}
