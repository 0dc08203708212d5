//! Makes a connection, or replaces its secret and its hosts. The secret is sealed before it is stored.

use axum::http::{HeaderName, HeaderValue};
use holon_authz::Authorised;
use holon_authz::actions::EditConnections;
use holon_model::intent::IntentPayload;
use holon_model::wire::connections::{Connection, ConnectionKind, SaveConnection};
use holon_model::{ConnectionId, Intent, Value};
use holon_platform::clock::mint;
use holon_platform::crypto::{Secret, SecretScope};
use holon_platform::db::TenantTx;

use super::store::{self, NewConnection};
use super::{Error, keys, server};
use crate::audit;
use crate::http::is_unique_violation;
use crate::state::AppState;

/// A new connection.
#[derive(Debug, Clone)]
pub struct Create(pub SaveConnection);

impl IntentPayload for Create {
    const TYPE: &'static str = "connection.create";
}

/// Another secret for one that is there.
#[derive(Debug, Clone)]
pub struct Replace {
    /// Which.
    pub id: ConnectionId,
    /// By what.
    pub body: SaveConnection,
}

impl IntentPayload for Replace {
    const TYPE: &'static str = "connection.replace";
}

/// Makes a connection.
pub async fn create(
    state: &AppState,
    _: Authorised<EditConnections>,
    intent: Intent<Create>,
) -> Result<Connection, Error> {
    let id = mint(&*state.clock);
    save(state, &intent, &intent.payload.0, id, true).await
}

/// Replaces the secret, the hosts and the rest of a connection.
pub async fn replace(
    state: &AppState,
    _: Authorised<EditConnections>,
    intent: Intent<Replace>,
) -> Result<Connection, Error> {
    save(state, &intent, &intent.payload.body, intent.payload.id, false).await
}

async fn save<P: IntentPayload>(
    state: &AppState,
    intent: &Intent<P>,
    body: &SaveConnection,
    id: ConnectionId,
    new: bool,
) -> Result<Connection, Error> {
    let hosts = checked(body)?;
    let server = server::checked(body)?;
    let hosts = server.as_ref().map_or(hosts, |server| vec![server.host.clone()]);
    let now = state.clock.now();
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let (created_at, version) = if new {
        (now, 1)
    } else {
        let (created_at, version) = store::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
        (created_at, version + 1)
    };
    let key = keys::tenant_key(state, &mut tx).await?;
    let scope = SecretScope { environment: intent.context.environment, owner: id.0, version };
    let sealed = key.seal(&scope, &Secret::new(body.secret.as_bytes()));
    let row = NewConnection {
        id,
        name: &body.name,
        kind: body.kind,
        hosts: &hosts,
        header: body.header.as_deref(),
        server: server.as_ref(),
        version,
        sealed: &sealed,
        key: key.id(),
        now,
    };
    let written = if new { store::insert(&mut tx, &row).await } else { store::replace(&mut tx, &row).await };
    written.map_err(|e| if is_unique_violation(&e) { Error::NameTaken(body.name.clone()) } else { e.into() })?;
    let detail = Value::map([
        ("name", Value::from(body.name.as_str())),
        ("kind", Value::from(store::kind_text(body.kind))),
        ("hosts", Value::list(hosts.iter().map(|host| Value::from(host.as_str())))),
    ]);
    audit::record(&mut tx, &*state.clock, intent, &id.to_string(), &detail).await?;
    tx.commit().await?;
    Ok(Connection {
        id,
        name: body.name.clone(),
        kind: body.kind,
        hosts,
        header: body.header.clone(),
        server,
        created_at,
        rotated_at: now,
    })
}

/// The hosts in their normal form, when everything is accepted.
fn checked(body: &SaveConnection) -> Result<Vec<String>, Error> {
    let mut wrong: Vec<(String, String)> = Vec::new();
    let mut refuse = |pointer: String, why: &str| wrong.push((pointer, why.to_owned()));
    if !is_name(&body.name) {
        refuse("/name".into(), "starts with a small letter and has small letters, digits, `_` and `-`, 48 at most");
    }
    let sent = body.kind != ConnectionKind::HmacKey && !body.kind.is_server();
    let nobody = body.server.as_ref().is_some_and(|server| server.user.is_none());
    match body.secret.len() {
        1..=8192 => {}
        0 if nobody => {}
        _ => refuse("/secret".into(), "needs 1 to 8192 bytes"),
    }
    if sent && HeaderValue::from_str(&body.secret).is_err() {
        refuse("/secret".into(), "has characters that cannot stand in a header, such as a line break");
    }
    if body.kind == ConnectionKind::HttpBasic && !body.secret.contains(':') {
        refuse("/secret".into(), "is `name:password` for this kind");
    }
    match (body.kind, &body.header) {
        (ConnectionKind::HttpHeader, None) => refuse("/header".into(), "says which header carries the secret"),
        (ConnectionKind::HttpHeader, Some(name)) if HeaderName::try_from(name.as_str()).is_err() => {
            refuse("/header".into(), "is not the name of a header");
        }
        (ConnectionKind::HttpHeader, Some(_)) | (_, None) => {}
        (_, Some(_)) => refuse("/header".into(), "is only for the kind `http_header`"),
    }
    if body.kind.is_server() && !body.hosts.is_empty() {
        refuse("/hosts".into(), "is not for this kind: its host stands in `server`");
    }
    if sent && body.hosts.is_empty() {
        refuse("/hosts".into(), "needs at least one host that the secret may be sent to, such as `api.example.com`");
    }
    if body.hosts.len() > 50 {
        refuse("/hosts".into(), "has more than 50 hosts");
    }
    let hosts: Vec<String> =
        body.hosts.iter().map(|host| host.trim().trim_end_matches('.').to_ascii_lowercase()).collect();
    for (index, host) in hosts.iter().enumerate() {
        if !is_host(host) {
            refuse(
                format!("/hosts/{index}"),
                "is not a host like `api.example.com` or `*.example.com` (no scheme, port or path)",
            );
        }
    }
    if wrong.is_empty() { Ok(hosts) } else { Err(Error::Fields(wrong)) }
}

fn is_name(text: &str) -> bool {
    text.len() <= 48
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
}

/// A name that a URL can have as its host, or `*.` and such a name of at least two parts.
pub(super) fn is_host(text: &str) -> bool {
    let (name, wild) = text.strip_prefix("*.").map_or((text, false), |rest| (rest, true));
    if name.is_empty() || (wild && !name.contains('.')) || name.len() > 253 {
        return false;
    }
    match url::Host::parse(name) {
        Ok(url::Host::Domain(domain)) => {
            domain == name && !name.starts_with('.') && !name.contains("..") && !name.contains('*')
        }
        Ok(url::Host::Ipv4(ip)) => !wild && ip.to_string() == name,
        Ok(url::Host::Ipv6(_)) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_without_scheme_port_or_path() {
        for good in ["api.example.com", "localhost", "*.example.com", "127.0.0.1", "xn--bcher-kva.example"] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "*.",
            "*.com",
            "https://x.com",
            "x.com:80",
            "x.com/a",
            "a b",
            "a*.com",
            ".x",
            "x..y",
            "bücher.example",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn a_connection_that_could_not_work_is_refused_field_by_field() {
        let body = SaveConnection {
            name: "Bad Name".into(),
            kind: ConnectionKind::HttpHeader,
            secret: "line\nbreak".into(),
            hosts: vec![],
            header: None,
            server: None,
        };
        let Err(Error::Fields(fields)) = checked(&body) else { panic!("accepted") };
        let pointers: Vec<&str> = fields.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/secret", "/header", "/hosts"]);
    }
}
