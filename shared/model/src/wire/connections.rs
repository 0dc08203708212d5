//! Connections: credentials by name. A secret goes in and never comes out.

use crate::{ConnectionId, FlowId, Timestamp};
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
    /// The server, for kinds that are one; the secret is the password there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ConnectionServer>,
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
    /// A mail server.
    Smtp,
    /// A Postgres database.
    Postgres,
}

impl ConnectionKind {
    /// Whether it is a server of its own, with `server`, and not a secret for addresses that flows name.
    #[must_use]
    pub fn is_server(self) -> bool {
        matches!(self, Self::Smtp | Self::Postgres)
    }
}

/// A server that is spoken to in another protocol than HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConnectionServer {
    /// Its name or address, without a port.
    pub host: String,
    /// Its port; the usual one of the kind and the encryption if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the way there is encrypted.
    #[serde(default)]
    pub tls: ServerTls,
    /// Who signs in there; nobody if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Which database, for kinds that are one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Who mail is from unless a node says otherwise, such as `Shop <shop@example.com>`; for `smtp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
}

/// How the way to a server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ServerTls {
    /// From the first byte.
    #[default]
    Tls,
    /// After a first word in clear; nothing is sent to a server that does not offer it.
    Starttls,
    /// Not at all.
    None,
}

impl ServerTls {
    /// As it is stored and written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Starttls => "starttls",
            Self::None => "none",
        }
    }

    /// What `as_str` wrote.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        [Self::Tls, Self::Starttls, Self::None].into_iter().find(|known| known.as_str() == text)
    }
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
    /// The secret, 1 to 8,192 bytes; empty for a server that nobody signs in to.
    pub secret: String,
    /// Hosts it may be sent to.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The header's name, for `http_header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The server, for kinds that are one; then `hosts` is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ConnectionServer>,
}

/// A flow that names a connection: `GET /api/v1/connections/{id}/flows`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionUse {
    /// Which flow.
    pub flow: FlowId,
    /// Its name.
    pub name: String,
    /// Whether its draft names it.
    pub draft: bool,
    /// Whether the version in force names it.
    pub published: bool,
}
