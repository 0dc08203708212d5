//! The form of a connection: a new one, or a new secret for one.

use holon_model::Problem;
use holon_model::wire::connections::{Connection, ConnectionKind, SaveConnection};
use leptos::prelude::*;

use super::{api, server, strings};
use crate::ui::form::{field_error, rest_of};
use crate::ui::{Area, Field, Submit, problem_notice, send, strings as words, use_toasts};

const KINDS: [(ConnectionKind, &str, &str); 6] = [
    (ConnectionKind::HttpBearer, strings::BEARER, strings::BEARER_WHAT),
    (ConnectionKind::HttpBasic, strings::BASIC, strings::BASIC_WHAT),
    (ConnectionKind::HttpHeader, strings::HEADER, strings::HEADER_WHAT),
    (ConnectionKind::HmacKey, strings::HMAC, strings::HMAC_WHAT),
    (ConnectionKind::Smtp, strings::SMTP, strings::SMTP_WHAT),
    (ConnectionKind::Postgres, strings::POSTGRES, strings::POSTGRES_WHAT),
];

/// What is told beside its field.
const POINTERS: [&str; 10] = [
    "/name",
    "/secret",
    "/hosts",
    "/header",
    "/server/host",
    "/server/port",
    "/server/tls",
    "/server/user",
    "/server/database",
    "/server/sender",
];

/// `known` is the connection whose secret is replaced; without it one is made.
pub fn form(known: Option<Connection>, open: RwSignal<bool>, done: impl Fn() + Copy + 'static) -> AnyView {
    let text = |start: Option<String>| RwSignal::new(start.unwrap_or_default());
    let name = text(known.as_ref().map(|known| known.name.clone()));
    let kind = RwSignal::new(known.as_ref().map_or(ConnectionKind::HttpBearer, |known| known.kind));
    let header = text(known.as_ref().and_then(|known| known.header.clone()));
    let hosts = text(known.as_ref().map(|known| known.hosts.join("\n")));
    let place = server::Fields::of(known.as_ref().and_then(|known| known.server.as_ref()));
    let secret = text(None);
    let (pending, problem, toasts) = (RwSignal::new(false), RwSignal::new(None::<Problem>), use_toasts());
    let id = known.map(|known| known.id);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let is_server = kind.get_untracked().is_server();
        let body = SaveConnection {
            name: name.get_untracked().trim().to_owned(),
            kind: kind.get_untracked(),
            secret: secret.get_untracked(),
            hosts: if is_server { Vec::new() } else { lines(&hosts.get_untracked()) },
            server: is_server.then(|| place.server(kind.get_untracked())),
            header: (kind.get_untracked() == ConnectionKind::HttpHeader)
                .then(|| header.get_untracked().trim().to_owned()),
        };
        let ask = match id {
            Some(id) => api::replace(id, &body),
            None => api::create(&body),
        };
        send(ask, pending, problem, move |_| {
            open.try_set(false);
            if id.is_some() {
                toasts.good(strings::REPLACED);
            }
            done();
        });
    };
    let shown = rest_of(problem, &POINTERS);
    let fresh = id.is_none();
    let with_header = move || {
        (kind.get() == ConnectionKind::HttpHeader).then(|| {
        view! { <Field id="connection-header" label=strings::HEADER_NAME value=header mono=true placeholder="X-Api-Key" error=field_error(problem, "/header")/> }
    })
    };
    let with_hosts = move || {
        (kind.get() != ConnectionKind::HmacKey && !kind.get().is_server()).then(|| {
        view! { <Area id="connection-hosts" label=strings::HOSTS value=hosts hint=strings::HOSTS_HINT placeholder="api.example.com" error=field_error(problem, "/hosts")/> }
    })
    };
    view! {
        <form method="post" class="stack" novalidate=true on:submit=submit>
            {move || shown.get().map(|problem| problem_notice(&problem))}
            {fresh.then(|| view! {
                <Field id="connection-name" label=strings::NAME value=name mono=true hint=strings::NAME_HINT placeholder="shop-api" focused=true error=field_error(problem, "/name")/>
                {kinds(kind)}
            })}
            {with_header}
            {move || (kind.get() == ConnectionKind::HttpBasic).then(|| view! { <p class="muted small">{strings::BASIC_HINT}</p> })}
            {move || kind.get().is_server().then(|| server::fields(place, kind.get(), problem))}
            {move || {
                let (label, hint) = match kind.get() {
                    ConnectionKind::Smtp => (strings::PASSWORD, strings::SECRET_EMPTY),
                    ConnectionKind::Postgres => (strings::PASSWORD, strings::SECRET_HINT),
                    _ => (strings::SECRET, strings::SECRET_HINT),
                };
                view! { <Field id="connection-secret" label=label kind="password" value=secret autocomplete="new-password" mono=true focused=!fresh hint=hint error=field_error(problem, "/secret")/> }
            }}
            {with_hosts}
            <div class="dialog-foot">
                <button type="button" class="button" on:click=move |_| open.set(false)>{words::CANCEL}</button>
                <Submit pending label=if fresh { strings::CREATE } else { strings::REPLACE }/>
            </div>
        </form>
    }
    .into_any()
}

fn kinds(chosen: RwSignal<ConnectionKind>) -> AnyView {
    let choice = move |(kind, title, what): (ConnectionKind, &'static str, &'static str)| {
        view! {
            <label>
                <input type="radio" name="connection-kind" prop:checked=move || chosen.get() == kind on:change=move |_| chosen.set(kind)/>
                <span class="title">{title}</span>
                <span class="what">{what}</span>
            </label>
        }
        .into_any()
    };
    view! {
        <fieldset class="field">
            <legend>{strings::KIND}</legend>
            <div class="choices">{KINDS.into_iter().map(choice).collect::<Vec<_>>()}</div>
        </fieldset>
    }
    .into_any()
}

/// One host a line; commas and spaces part them too.
fn lines(text: &str) -> Vec<String> {
    text.split([',', '\n', ' ', '\t', '\r'])
        .map(str::trim)
        .filter(|host| !host.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn hosts_may_be_parted_as_people_part_them() {
        assert_eq!(lines("API.example.com, *.b.org\n\nc.net"), ["api.example.com", "*.b.org", "c.net"]);
    }
}
