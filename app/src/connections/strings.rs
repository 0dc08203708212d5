//! What people read on the page of connections.

use holon_model::wire::connections::ConnectionKind;

pub const ABOUT: &str = "A connection is a credential that flows use by name. Its secret is encrypted, sent only to its own hosts, and never shown again.";
pub const BASIC: &str = "Name and password";
pub const BASIC_HINT: &str = "Written as name:password.";
pub const BASIC_WHAT: &str = "Sent as Authorization: Basic …";
pub const BEARER: &str = "Bearer token";
pub const BEARER_WHAT: &str = "Sent as Authorization: Bearer …";
pub const CONNECTIONS: &str = "Connections";
pub const CREATE: &str = "Create connection";
pub const DELETE: &str = "Delete";
pub const DELETE_WHAT: &str = "Flows that name it fail at their next request or delivery. Its secret is erased.";
pub const DELETE_CONNECTION: &str = "Delete connection";
pub const EMPTY: &str = "No connections yet";
pub const EMPTY_WHAT: &str =
    "Make one when a flow has to sign in somewhere, or has to check who signed what it receives.";
pub const HEADER: &str = "Header";
pub const HEADER_NAME: &str = "Header's name";
pub const HEADER_WHAT: &str = "Sent as a header of any name";
pub const HMAC: &str = "HMAC key";
pub const HMAC_WHAT: &str = "Checks signatures of what a webhook receives";
pub const HOSTS: &str = "Hosts";
pub const HOSTS_HINT: &str = "One a line: api.example.com or *.example.com. The secret is sent nowhere else.";
pub const KIND: &str = "Kind";
pub const NAME: &str = "Name";
pub const NAME_HINT: &str = "Flows refer to it by this name: small letters, digits, - and _.";
pub const NEW: &str = "New connection";
pub const NO_HOSTS: &str = "—";
pub const REPLACE: &str = "Replace secret";
pub const REPLACED: &str = "Secret replaced";
pub const SECRET: &str = "Secret";
pub const SECRET_HINT: &str = "It is encrypted at once. Nobody can read it back, you neither.";
pub const SECRET_SET: &str = "Secret set";

/// The kind in words.
pub fn kind(kind: ConnectionKind) -> &'static str {
    match kind {
        ConnectionKind::HttpBearer => BEARER,
        ConnectionKind::HttpBasic => BASIC,
        ConnectionKind::HttpHeader => HEADER,
        ConnectionKind::HmacKey => HMAC,
    }
}
