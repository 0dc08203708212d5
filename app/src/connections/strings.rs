//! What people read on the page of connections.

use holon_model::wire::connections::{ConnectionKind, ConnectionUse};

pub const ABOUT: &str = "A connection is a credential that flows use by name. Its secret is encrypted, sent only to its own hosts, and never shown again.";
pub const BASIC: &str = "Name and password";
pub const BASIC_HINT: &str = "Written as name:password.";
pub const BASIC_WHAT: &str = "Sent as Authorization: Basic …";
pub const BEARER: &str = "Bearer token";
pub const BEARER_WHAT: &str = "Sent as Authorization: Bearer …";
pub const CONNECTIONS: &str = "Connections";
pub const CREATE: &str = "Create connection";
pub const DATABASE: &str = "Database";
pub const DELETE: &str = "Delete";
const DELETE_WHAT: &str = "Flows that name it fail at their next request or delivery. Its secret is erased.";
const DELETE_UNUSED: &str = "No flow names it. Its secret is erased.";
pub const DELETE_CONNECTION: &str = "Delete connection";
pub const EMPTY: &str = "No connections yet";
pub const EMPTY_WHAT: &str =
    "Make one when a flow has to sign in somewhere, or has to check who signed what it receives.";
pub const HEADER: &str = "Header";
pub const HEADER_NAME: &str = "Header's name";
pub const HEADER_WHAT: &str = "Sent as a header of any name";
pub const ENCRYPTION: &str = "Encryption";
pub const HMAC: &str = "HMAC key";
pub const HMAC_WHAT: &str = "Checks signatures of what a webhook receives";
pub const HOST: &str = "Server";
pub const HOST_HINT: &str = "Its name or address, without a port.";
pub const HOSTS: &str = "Hosts";
pub const HOSTS_HINT: &str = "One a line: api.example.com or *.example.com. The secret is sent nowhere else.";
pub const KIND: &str = "Kind";
pub const NAME: &str = "Name";
pub const NAME_HINT: &str = "Flows refer to it by this name: small letters, digits, - and _.";
pub const NEW: &str = "New connection";
pub const NO_HOSTS: &str = "—";
pub const PASSWORD: &str = "Password";
pub const PORT: &str = "Port";
pub const PORT_HINT: &str = "The usual one if empty: for mail 465 with TLS and 587 with STARTTLS, for Postgres 5432.";
pub const POSTGRES: &str = "Postgres database";
pub const POSTGRES_WHAT: &str = "A database of yours that flows ask in SQL";
pub const REPLACE: &str = "Replace secret";
pub const REPLACED: &str = "Secret replaced";
pub const SECRET: &str = "Secret";
pub const SECRET_HINT: &str = "It is encrypted at once. Nobody can read it back, you neither.";
pub const SECRET_EMPTY: &str = "It is encrypted at once. Leave it empty for a server that nobody signs in to.";
pub const SECRET_SET: &str = "Secret set";

pub const SENDER: &str = "Sender";
pub const SENDER_HINT: &str = "Who mail is from unless a node says otherwise: Shop <shop@example.com>.";
pub const SMTP: &str = "Mail server (SMTP)";
pub const SMTP_WHAT: &str = "Takes mail that flows and alerts send";
pub const TLS: &str = "TLS from the start";
pub const TLS_NONE: &str = "None: only for a server on the same machine";
pub const TLS_STARTTLS: &str = "STARTTLS, and nothing without it";
pub const USER: &str = "User";
pub const USER_NEEDED: &str = "Who signs in there.";
pub const USER_HINT: &str = "Who signs in there; empty for nobody.";

/// The kind in words.
pub fn kind(kind: ConnectionKind) -> &'static str {
    match kind {
        ConnectionKind::HttpBearer => BEARER,
        ConnectionKind::HttpBasic => BASIC,
        ConnectionKind::HttpHeader => HEADER,
        ConnectionKind::HmacKey => HMAC,
        ConnectionKind::Smtp => SMTP,
        ConnectionKind::Postgres => POSTGRES,
    }
}

/// What deleting it does, with the flows that name it once they are known.
pub fn delete_what(flows: Option<&[ConnectionUse]>) -> String {
    let Some(flows) = flows else { return DELETE_WHAT.to_owned() };
    if flows.is_empty() {
        return DELETE_UNUSED.to_owned();
    }
    let one = |flow: &ConnectionUse| match (flow.published, flow.draft) {
        (true, true) => format!("“{}”", flow.name),
        (true, false) => format!("“{}” (published, no longer in the draft)", flow.name),
        _ => format!("“{}” (draft)", flow.name),
    };
    let named: Vec<String> = flows.iter().map(one).collect();
    format!("{} {DELETE_WHAT}", used_by(&named))
}

fn used_by(named: &[String]) -> String {
    match named {
        [one] => format!("{one} names it."),
        [all @ .., last] => format!("{} and {last} name it.", all.join(", ")),
        [] => String::new(),
    }
}
