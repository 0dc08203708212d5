//! The fields of a connection that is a server of its own: where it is, how the way there is encrypted, who signs in.

use holon_model::Problem;
use holon_model::wire::connections::{ConnectionKind, ConnectionServer, ServerTls};
use leptos::prelude::*;

use super::strings;
use crate::ui::Field;
use crate::ui::form::field_error;
use crate::ui::select::{Choice, select};

/// What is filled in.
#[derive(Clone, Copy)]
pub struct Fields {
    host: RwSignal<String>,
    port: RwSignal<String>,
    tls: RwSignal<String>,
    user: RwSignal<String>,
    database: RwSignal<String>,
    sender: RwSignal<String>,
}

impl Fields {
    /// Of a server that is known, or of a new one.
    pub fn of(known: Option<&ConnectionServer>) -> Self {
        let text = |start: Option<String>| RwSignal::new(start.unwrap_or_default());
        Self {
            host: text(known.map(|known| known.host.clone())),
            port: text(known.and_then(|known| known.port).map(|port| port.to_string())),
            tls: RwSignal::new(known.map_or(ServerTls::Tls, |known| known.tls).as_str().to_owned()),
            user: text(known.and_then(|known| known.user.clone())),
            database: text(known.and_then(|known| known.database.clone())),
            sender: text(known.and_then(|known| known.sender.clone())),
        }
    }

    /// What is sent. A port that is no number is none that exists, so that it is refused and not left out.
    pub fn server(self, kind: ConnectionKind) -> ConnectionServer {
        let some =
            |text: RwSignal<String>| Some(text.get_untracked().trim().to_owned()).filter(|text| !text.is_empty());
        ConnectionServer {
            host: self.host.get_untracked().trim().to_owned(),
            port: some(self.port).map(|port| port.parse().unwrap_or(0)),
            tls: ServerTls::of(&self.tls.get_untracked()).unwrap_or_default(),
            user: some(self.user),
            database: some(self.database).filter(|_| kind == ConnectionKind::Postgres),
            sender: some(self.sender).filter(|_| kind == ConnectionKind::Smtp),
        }
    }
}

/// The part of the form.
pub fn fields(fields: Fields, kind: ConnectionKind, problem: RwSignal<Option<Problem>>) -> AnyView {
    let ways: Vec<Choice> = [
        (ServerTls::Tls, strings::TLS),
        (ServerTls::Starttls, strings::TLS_STARTTLS),
        (ServerTls::None, strings::TLS_NONE),
    ]
    .map(|(way, words)| (way.as_str().to_owned(), words.to_owned()))
    .to_vec();
    let mail = kind == ConnectionKind::Smtp;
    let (host, port) = if mail { ("mail.example.com", "465") } else { ("db.example.com", "5432") };
    let last = if mail {
        view! { <Field id="connection-sender" label=strings::SENDER value=fields.sender optional=true hint=strings::SENDER_HINT placeholder="Shop <shop@example.com>" error=field_error(problem, "/server/sender")/> }.into_any()
    } else {
        view! { <Field id="connection-database" label=strings::DATABASE value=fields.database mono=true error=field_error(problem, "/server/database")/> }.into_any()
    };
    let user_hint = if mail { strings::USER_HINT } else { strings::USER_NEEDED };
    let unencrypted = field_error(problem, "/server/tls");
    view! {
        <Field id="connection-host" label=strings::HOST value=fields.host mono=true hint=strings::HOST_HINT placeholder=host error=field_error(problem, "/server/host")/>
        {select("connection-tls", strings::ENCRYPTION, ways, fields.tls)}
        {move || unencrypted.get().map(|wrong| view! { <p class="error" role="alert">{wrong}</p> })}
        <Field id="connection-port" label=strings::PORT kind="number" value=fields.port optional=true hint=strings::PORT_HINT placeholder=port error=field_error(problem, "/server/port")/>
        <Field id="connection-user" label=strings::USER value=fields.user mono=true optional=mail hint=user_hint error=field_error(problem, "/server/user")/>
        {last}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_empty_is_left_out_and_a_port_that_is_none_is_not_passed_over() {
        let owner = Owner::new();
        owner.set();
        let fields = Fields::of(None);
        fields.host.set(" mail.example.com ".into());
        fields.database.set("orders".into());
        let server = fields.server(ConnectionKind::Smtp);
        assert_eq!(server.database, None, "what belongs to another kind");
        assert_eq!((server.host.as_str(), server.port, server.user), ("mail.example.com", None, None));
        fields.port.set("many".into());
        assert_eq!(fields.server(ConnectionKind::Smtp).port, Some(0));
        let again = Fields::of(Some(&server_of(ServerTls::Starttls)));
        assert_eq!(again.server(ConnectionKind::Smtp), server_of(ServerTls::Starttls));
    }

    fn server_of(tls: ServerTls) -> ConnectionServer {
        let (user, sender) = (Some("ada".to_owned()), Some("ada@example.com".to_owned()));
        ConnectionServer { host: "mail.example.com".into(), port: Some(2525), tls, user, database: None, sender }
    }
}
