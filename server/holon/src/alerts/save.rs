//! Makes an alert rule, or makes it another one. From then on it looks at what happens, not at what happened.

use holon_authz::{Authorised, actions::EditAlerts};
use holon_model::wire::alerts::{Alert, AlertChannel, AlertWhat, SaveAlert};
use holon_model::{AlertId, Intent, IntentPayload, Value};
use holon_platform::clock::mint;
use holon_platform::crypto::{Secret, SecretScope};
use holon_platform::db::TenantTx;
use url::Url;

use super::store::{self, SealedUrl};
use super::{Error, MOST};
use crate::{audit, connections, state::AppState};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
const QUIET: u64 = 5 * MINUTE;
/// Addresses that one rule tells by mail.
const MOST_RECIPIENTS: usize = 20;

/// A new rule.
#[derive(Debug, Clone)]
pub struct Create(pub SaveAlert);

impl IntentPayload for Create {
    const TYPE: &'static str = "alert.create";
}

/// Another rule in its place.
#[derive(Debug, Clone)]
pub struct Replace {
    /// Which.
    pub id: AlertId,
    /// By what.
    pub body: SaveAlert,
}

impl IntentPayload for Replace {
    const TYPE: &'static str = "alert.replace";
}

/// Makes a rule.
pub async fn create(state: &AppState, _: Authorised<EditAlerts>, intent: Intent<Create>) -> Result<Alert, Error> {
    save(state, &intent, &intent.payload.0, None).await
}

/// Makes it another one.
pub async fn replace(state: &AppState, _: Authorised<EditAlerts>, intent: Intent<Replace>) -> Result<Alert, Error> {
    save(state, &intent, &intent.payload.body, Some(intent.payload.id)).await
}

async fn save<P: IntentPayload>(
    state: &AppState,
    intent: &Intent<P>,
    body: &SaveAlert,
    before: Option<AlertId>,
) -> Result<Alert, Error> {
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    let (id, version, kept) = match before {
        Some(id) => {
            let (version, kept) = store::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
            (id, version + 1, kept)
        }
        None if store::count(&mut tx).await? >= MOST => return Err(Error::TooMany(MOST)),
        None => (mint(&*state.clock), 1, false),
    };
    let url = checked(body, kept)?;
    let unknown = |pointer| Error::Fields(vec![(pointer, "is not a flow of this workspace".to_owned())]);
    for (pointer, flow) in [("/flow", body.flow), ("/target", body.target)] {
        if let Some(flow) = flow
            && !store::has_flow(&mut tx, flow).await?
        {
            return Err(unknown(pointer));
        }
    }
    if let Some(name) = &body.connection {
        let (kind, what) = match body.channel {
            AlertChannel::Email => ("smtp", "that is a mail server (kind `smtp`)"),
            _ => ("hmac_key", "with a key (kind `hmac_key`)"),
        };
        if !store::has_connection(&mut tx, name, kind).await? {
            return Err(Error::Fields(vec![("/connection", format!("there is no connection `{name}` {what}"))]));
        }
    }
    let sealed = match url {
        None => None,
        Some(url) => {
            let key = connections::tenant_key(state, &mut tx).await?;
            let scope = SecretScope { environment: intent.context.environment, owner: id.0, version };
            let shown = format!("{}/…", url.origin().ascii_serialization());
            Some(SealedUrl { bytes: key.seal(&scope, &Secret::new(url.as_str())), key: key.id(), shown })
        }
    };
    store::put(&mut tx, id, version, body, body.quiet.unwrap_or(QUIET), sealed.as_ref(), state.clock.now()).await?;
    let detail = Value::map([
        ("name", Value::from(body.name.as_str())),
        ("what", Value::from(store::what_text(body.what))),
        ("channel", Value::from(store::channel_text(body.channel))),
    ]);
    audit::record(&mut tx, &*state.clock, intent, &id.to_string(), &detail).await?;
    let made = store::list(&mut tx, Some(id)).await?.pop().ok_or(Error::NotFound)?;
    tx.commit().await?;
    Ok(made)
}

/// The address, when a new one is given and all fields are accepted. `kept`: one is stored.
fn checked(body: &SaveAlert, kept: bool) -> Result<Option<Url>, Error> {
    let mut wrong: Vec<(&'static str, String)> = Vec::new();
    let mut refuse = |pointer, why: &str| wrong.push((pointer, why.to_owned()));
    if body.name.trim().is_empty() || body.name.chars().count() > 100 || body.name.contains('\0') {
        refuse("/name", "needs 1 to 100 characters");
    }
    let (window, threshold) = (body.window, body.threshold);
    match body.what {
        AlertWhat::ErrorRate => {
            if !window.is_some_and(|window| (MINUTE..=DAY).contains(&window)) {
                refuse("/window", "needs one minute to one day, in milliseconds");
            }
            if !threshold.is_some_and(|percent| (1..=100).contains(&percent)) {
                refuse("/threshold", "needs 1 to 100 percent");
            }
        }
        AlertWhat::QueueAge | AlertWhat::ApprovalWaiting | AlertWhat::PollFailing => {
            if window.is_some() {
                refuse("/window", "is only for `error_rate`");
            }
            if !threshold.is_some_and(|age| (1_000..=365 * DAY).contains(&age)) {
                refuse("/threshold", "needs one second to one year, in milliseconds");
            }
        }
        AlertWhat::RunFailed | AlertWhat::RunParked | AlertWhat::ScheduleMissed => {
            for (pointer, value) in [("/window", window), ("/threshold", threshold)] {
                if value.is_some() {
                    refuse(pointer, "means nothing for what this rule looks for");
                }
            }
        }
    }
    if body.quiet.is_some_and(|quiet| quiet > DAY) {
        refuse("/quiet", "is one day at most, in milliseconds");
    }
    let to_flow = body.channel == AlertChannel::Flow;
    if to_flow != body.target.is_some() {
        refuse("/target", if to_flow { "says which flow is started" } else { "is only for the channel `flow`" });
    }
    let by_mail = body.channel == AlertChannel::Email;
    match (&body.connection, body.channel) {
        (None, AlertChannel::Email) => refuse("/connection", "says which mail server it goes through"),
        (None, _) | (Some(_), AlertChannel::Webhook | AlertChannel::Email) => {}
        (Some(_), _) => refuse("/connection", "is only for the channels `webhook` and `email`"),
    }
    match &body.recipients {
        None if by_mail => refuse("/recipients", "says whom it goes to"),
        Some(_) if !by_mail => refuse("/recipients", "is only for the channel `email`"),
        Some(to) if to.len() > MOST_RECIPIENTS || !holon_cap_email::is_recipients(to) => {
            refuse("/recipients", "needs 1 to 20 addresses, such as `ada@example.com`");
        }
        _ => {}
    }
    let without_address = to_flow || by_mail;
    let url = body.url.as_deref().map(str::trim).filter(|url| !url.is_empty());
    let parsed = url.map(|url| Url::parse(url).ok().filter(|url| url.scheme() == "https" || url.scheme() == "http"));
    match (&parsed, without_address) {
        (Some(_), true) => refuse("/url", "is only for the channels `webhook` and `chat`"),
        (Some(None), false) => refuse("/url", "needs an address that begins with https:// or http://"),
        (Some(Some(url)), false)
            if !url.username().is_empty() || url.password().is_some() || url.as_str().len() > 2048 =>
        {
            refuse("/url", "is at most 2048 characters long, without a name or password before the host");
        }
        (None, false) if !kept => refuse("/url", "is needed: the address of what is told"),
        _ => {}
    }
    if wrong.is_empty() { Ok(parsed.flatten()) } else { Err(Error::Fields(wrong)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(what: AlertWhat) -> SaveAlert {
        SaveAlert {
            name: "Failures".into(),
            what,
            flow: None,
            window: None,
            threshold: None,
            channel: AlertChannel::Chat,
            url: Some("https://chat.example/T0/secret".into()),
            connection: None,
            recipients: None,
            target: None,
            quiet: None,
            enabled: None,
        }
    }

    fn mail(to: Option<&[&str]>) -> SaveAlert {
        SaveAlert {
            channel: AlertChannel::Email,
            url: None,
            connection: Some("mail".into()),
            recipients: to.map(|to| to.iter().map(|one| (*one).to_owned()).collect()),
            ..rule(AlertWhat::RunFailed)
        }
    }

    fn pointers(body: &SaveAlert) -> Vec<&'static str> {
        let Err(Error::Fields(fields)) = checked(body, false) else { return Vec::new() };
        fields.into_iter().map(|(pointer, _)| pointer).collect()
    }

    #[test]
    fn a_rule_that_can_look_and_tell_is_accepted() {
        let flow = Some(holon_model::FlowId(uuid::Uuid::nil()));
        for body in [
            rule(AlertWhat::RunFailed),
            SaveAlert { window: Some(MINUTE), threshold: Some(50), ..rule(AlertWhat::ErrorRate) },
            SaveAlert { threshold: Some(60 * MINUTE), ..rule(AlertWhat::ApprovalWaiting) },
            SaveAlert { threshold: Some(60 * MINUTE), flow, ..rule(AlertWhat::QueueAge) },
            SaveAlert { flow, ..rule(AlertWhat::RunParked) },
            mail(Some(&["ada@example.com"])),
        ] {
            assert_eq!(pointers(&body), [] as [&str; 0], "{body:?}");
        }
        assert!(checked(&SaveAlert { url: None, ..rule(AlertWhat::RunFailed) }, true).unwrap().is_none());
    }

    #[test]
    fn what_a_rule_cannot_mean_is_refused_field_by_field() {
        let flow = Some(holon_model::FlowId(uuid::Uuid::nil()));
        for (body, expected) in [
            (
                SaveAlert { name: " ".into(), threshold: Some(1), ..rule(AlertWhat::RunFailed) },
                &["/name", "/threshold"][..],
            ),
            (rule(AlertWhat::ErrorRate), &["/window", "/threshold"]),
            (SaveAlert { threshold: Some(1), flow, ..rule(AlertWhat::QueueAge) }, &["/threshold"]),
            (SaveAlert { threshold: Some(1), ..rule(AlertWhat::RunParked) }, &["/threshold"]),
            (SaveAlert { url: None, ..rule(AlertWhat::RunFailed) }, &["/url"]),
            (SaveAlert { url: Some("file:///etc".into()), ..rule(AlertWhat::RunFailed) }, &["/url"]),
            (SaveAlert { channel: AlertChannel::Flow, ..rule(AlertWhat::RunFailed) }, &["/target", "/url"]),
            (
                SaveAlert { target: flow, connection: Some("x".into()), ..rule(AlertWhat::RunFailed) },
                &["/target", "/connection"],
            ),
            (mail(None), &["/recipients"]),
            (mail(Some(&[])), &["/recipients"]),
            (mail(Some(&["nobody"])), &["/recipients"]),
            (mail(Some(&["ada@example.com\r\nBcc: eve@example.com"])), &["/recipients"]),
            (SaveAlert { connection: None, ..mail(Some(&["ada@example.com"])) }, &["/connection"]),
            (
                SaveAlert { channel: AlertChannel::Chat, ..mail(Some(&["a@b.org"])) },
                &["/connection", "/recipients", "/url"],
            ),
        ] {
            assert_eq!(pointers(&body), expected, "{body:?}");
        }
    }
}
