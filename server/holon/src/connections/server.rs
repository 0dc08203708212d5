//! A connection that is a server of its own: what of it is accepted.

use holon_model::wire::connections::{ConnectionKind, ConnectionServer, SaveConnection, ServerTls};

use super::Error;
use super::save::is_host;

/// The server in its normal form, with its port.
///
/// # Errors
/// When the kind wants one and it is not acceptable, or does not and there is one.
pub(super) fn checked(body: &SaveConnection) -> Result<Option<ConnectionServer>, Error> {
    let one = |pointer: &str, why: &str| Err(Error::Fields(vec![(pointer.to_owned(), why.to_owned())]));
    let server = match (&body.server, body.kind.is_server()) {
        (None, false) => return Ok(None),
        (None, true) => return one("/server", "says which server it is"),
        (Some(_), false) => return one("/server", "is only for kinds that are a server, such as `smtp`"),
        (Some(server), true) => server,
    };
    let mut wrong: Vec<(String, String)> = Vec::new();
    let mut refuse = |pointer: &str, why: &str| wrong.push((pointer.to_owned(), why.to_owned()));
    let host = server.host.trim().trim_end_matches('.').to_ascii_lowercase();
    if host.starts_with('*') || !is_host(&host) {
        refuse("/server/host", "is not a host like `mail.example.com` (no scheme, port or path)");
    }
    if server.port == Some(0) {
        refuse("/server/port", "is 1 to 65535");
    }
    let text =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let (user, database, sender) = (text(&server.user), text(&server.database), text(&server.sender));
    for (pointer, value) in [("/server/user", &user), ("/server/database", &database), ("/server/sender", &sender)] {
        if value.as_ref().is_some_and(|text| text.len() > 320 || text.chars().any(char::is_control)) {
            refuse(pointer, "is at most 320 bytes long, without line breaks");
        }
    }
    if user.is_some() && server.tls == ServerTls::None && !is_here(&host) {
        refuse("/server/tls", "is needed: a password is not sent over an unencrypted way");
    }
    if body.kind == ConnectionKind::Postgres {
        for (pointer, value) in [("/server/user", &user), ("/server/database", &database)] {
            if value.is_none() {
                refuse(pointer, "is needed");
            }
        }
        if sender.is_some() {
            refuse("/server/sender", "is not for this kind");
        }
    }
    if body.kind == ConnectionKind::Smtp {
        if database.is_some() {
            refuse("/server/database", "is not for this kind");
        }
        if sender.as_deref().is_some_and(|sender| !holon_cap_email::is_sender(sender)) {
            refuse("/server/sender", "is one address, such as `shop@example.com` or `Shop <shop@example.com>`");
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Fields(wrong));
    }
    let port = server.port.unwrap_or_else(|| usual_port(body.kind, server.tls));
    Ok(Some(ConnectionServer { host, port: Some(port), tls: server.tls, user, database, sender }))
}

/// Where such a server usually listens.
fn usual_port(kind: ConnectionKind, tls: ServerTls) -> u16 {
    match (kind, tls) {
        (ConnectionKind::Smtp, ServerTls::Starttls) => 587,
        (ConnectionKind::Smtp, ServerTls::None) => 25,
        // Submissions, RFC 8314.
        (ConnectionKind::Smtp, ServerTls::Tls) => 465,
        (ConnectionKind::Postgres, _) => 5432,
        _ => 443,
    }
}

/// This machine, where nobody listens in on the way.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(host: &str, tls: ServerTls, user: Option<&str>) -> SaveConnection {
        let (host, user) = (host.to_owned(), user.map(str::to_owned));
        let server = ConnectionServer { host, port: None, tls, user, database: None, sender: None };
        SaveConnection {
            name: "mail".into(),
            kind: ConnectionKind::Smtp,
            secret: "s".into(),
            hosts: vec![],
            header: None,
            server: Some(server),
        }
    }

    fn pointers(body: &SaveConnection) -> Vec<String> {
        let Err(Error::Fields(fields)) = checked(body) else { return Vec::new() };
        fields.into_iter().map(|(pointer, _)| pointer).collect()
    }

    #[test]
    fn a_server_gets_its_usual_port_and_a_host_in_its_normal_form() {
        for (tls, port) in [(ServerTls::Tls, 465), (ServerTls::Starttls, 587), (ServerTls::None, 25)] {
            let made = checked(&body(" Mail.Example.com. ", tls, None)).unwrap().unwrap();
            assert_eq!((made.host.as_str(), made.port), ("mail.example.com", Some(port)));
        }
    }

    #[test]
    fn what_a_server_cannot_be_is_refused_and_a_password_never_goes_in_clear() {
        assert_eq!(pointers(&body("https://x.example", ServerTls::Tls, None)), ["/server/host"]);
        assert_eq!(pointers(&body("*.example.com", ServerTls::Tls, None)), ["/server/host"]);
        assert_eq!(pointers(&body("mail.example.com", ServerTls::None, Some("ada"))), ["/server/tls"]);
        assert_eq!(pointers(&body("127.0.0.1", ServerTls::None, Some("ada"))), [] as [&str; 0]);
        assert_eq!(pointers(&body("mail.example.com", ServerTls::Tls, Some("a\nb"))), ["/server/user"]);
        let mut odd = body("mail.example.com", ServerTls::Tls, None);
        odd.server.as_mut().unwrap().sender = Some("not an address".into());
        assert_eq!(pointers(&odd), ["/server/sender"]);
        odd.kind = ConnectionKind::Postgres;
        assert_eq!(pointers(&odd), ["/server/user", "/server/database", "/server/sender"]);
        odd.kind = ConnectionKind::HttpBearer;
        assert_eq!(pointers(&odd), ["/server"]);
        assert_eq!(pointers(&SaveConnection { server: None, ..body("x", ServerTls::Tls, None) }), ["/server"]);
    }
}
