//! Tells a firing: to an address or by mail through the one road out, or to a flow by starting it.

use bytes::Bytes;
use holon_engine::ChildVersion;
use holon_model::wire::alerts::AlertChannel;
use holon_model::{Intent, IntentPayload, Millis, RunId, Timestamp, Value};
use holon_platform::clock::{Clock, mint};
use holon_platform::crypto::SecretScope;
use holon_platform::egress::{EgressRequest, Limits};
use holon_runtime::{Definitions as _, DefinitionsError, Idempotency, StartError, StartRequest};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::time::Duration;

use super::store::{self, Due, Settled};
use super::{KIND, message, sign};
use crate::{audit, state::AppState};

/// Waits between tries; after the last of them it has failed.
const AGAIN_AFTER: [Millis; 6] =
    [Millis(5_000), Millis(30_000), Millis(120_000), Millis(600_000), Millis(3_600_000), Millis(3 * 3_600_000)];
/// How long an address may take to answer.
const WITHIN: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read: nobody reads more than whether it was heard.
const MOST_ANSWER: usize = 64 << 10;
/// How long the key of a started flow is remembered: longer than a firing is tried.
const WINDOW: Millis = Millis(7 * 24 * 3_600_000);

/// Why it was not heard.
enum Unheard {
    /// It can be tried again.
    Later(String),
    /// Trying again would not help.
    Never(String),
}

/// What Holon asks of itself: that a firing is told to whom its rule names.
#[derive(Debug, Clone)]
pub struct Deliver(pub Due);

impl IntentPayload for Deliver {
    const TYPE: &'static str = "alert.deliver";
}

impl Deliver {
    /// The intent, in the rule's environment. Told again, a firing is the same: it is its key.
    pub fn of(clock: &dyn Clock, due: Due) -> Intent<Self> {
        let key = due.id.to_string();
        Intent::of_system(mint(clock), due.tenant, due.environment, Self(due)).with_key(Some(key))
    }
}

/// Tells a firing that was claimed, and writes down what came of it: with the row of the audit log once it is over.
///
/// # Errors
/// When the database refuses; then it is told again, with the same id.
pub async fn deliver(state: &AppState, intent: Intent<Deliver>) -> Result<(), sqlx::Error> {
    let due = &intent.payload.0;
    let told = match due.channel {
        AlertChannel::Flow => start(state, &intent).await.map(Some),
        AlertChannel::Webhook | AlertChannel::Chat => send(state, &intent).await.map(|()| None),
        AlertChannel::Email => mail(state, &intent).await.map(|()| None),
    };
    let now = state.clock.now();
    let settled = match told {
        Ok(run) => Settled::Delivered(run),
        Err(Unheard::Never(why)) => Settled::Failed(why),
        Err(Unheard::Later(why)) => match wait(due.tries) {
            Some(wait) => Settled::Again(why, now.plus(wait)),
            None => Settled::Failed(why),
        },
    };
    if let Settled::Failed(why) | Settled::Again(why, _) = &settled {
        tracing::warn!(alert = %due.rule, firing = %due.id, why, "an alert was not heard");
    }
    let mut tx = state.pools.engine.begin().await?;
    if store::settle(&mut tx, due, &settled, now).await?
        && let Some(detail) = detail(due, &settled)
    {
        audit::record_in(&mut tx, &*state.clock, &intent, &due.rule.to_string(), &detail).await?;
    }
    tx.commit().await
}

/// What the audit log says of a firing that is over; why it was not heard stands with the firing.
fn detail(due: &Due, settled: &Settled) -> Option<Value> {
    let (outcome, run) = match settled {
        Settled::Delivered(run) => ("delivered", *run),
        Settled::Failed(_) => ("failed", None),
        Settled::Again(..) => return None,
    };
    Some(Value::map([
        ("firing", Value::from(due.id.to_string())),
        ("channel", Value::from(store::channel_text(due.channel))),
        ("outcome", Value::from(outcome)),
        ("tries", Value::from(i64::from(due.tries))),
        ("run", run.map_or(Value::Null, |run| Value::from(run.to_string()))),
    ]))
}

/// How long to wait after so many tries.
fn wait(tries: i32) -> Option<Millis> {
    AGAIN_AFTER.get(usize::try_from(tries.max(1) - 1).ok()?).copied()
}

async fn send(state: &AppState, intent: &Intent<Deliver>) -> Result<(), Unheard> {
    let due = &intent.payload.0;
    let url = address(state, due)?;
    let now = state.clock.now();
    let body = match due.channel {
        AlertChannel::Chat => Value::map([("text", Value::from(due.summary.as_str()))]),
        _ => message::body(due, &state.config.public_base()),
    }
    .to_json();
    let mut request = EgressRequest::new(Method::POST, url);
    request.headers = headers(state, due, now, body.as_bytes()).await?;
    request.body = Bytes::from(body);
    request.limits = Limits { total: WITHIN, body: MOST_ANSWER, ..Limits::default() };
    let answer = state.egress.for_tenant(intent.context.tenant).send(request).await;
    match answer {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => Err(Unheard::Later(format!("the address answered {}", answer.status))),
        Err(error) if error.retryable => Err(Unheard::Later(error.to_string())),
        Err(error) => Err(Unheard::Never(error.to_string())),
    }
}

/// By mail. Tried again it has the same `Message-ID`; when it is not known whether the server took it, it is tried again too:
/// better told twice than not at all.
async fn mail(state: &AppState, intent: &Intent<Deliver>) -> Result<(), Unheard> {
    let (due, context) = (&intent.payload.0, &intent.context);
    let name = due.connection.as_deref().ok_or_else(|| Unheard::Never("no mail server is named".into()))?;
    let connection = state.connections.resolve(context.tenant, context.environment, name).await;
    let connection = connection.map_err(|error| Unheard::Later(error.to_string()))?;
    let key = due.id.to_string();
    let text = message::text(due, &state.config.public_base());
    let subject = message::subject(&due.summary);
    let mail = holon_cap_email::Mail {
        key: &key,
        to: due.recipients.clone(),
        subject: &subject,
        text: Some(&text),
        ..holon_cap_email::Mail::default()
    };
    let egress = state.egress.for_tenant(context.tenant);
    match holon_cap_email::deliver(&egress, name, &connection, &mail, WITHIN).await {
        Ok(_) => Ok(()),
        Err(error) if error.retryable || error.code == "outcome_unknown" => Err(Unheard::Later(error.message)),
        Err(error) => Err(Unheard::Never(error.message)),
    }
}

/// The address, opened.
fn address(state: &AppState, due: &Due) -> Result<String, Unheard> {
    let lost =
        || Unheard::Never("the address cannot be opened with this server's root key; save the alert again".into());
    let (sealed, wrapped) = due.sealed.as_ref().ok_or_else(lost)?;
    let scope = SecretScope { environment: due.environment, owner: due.rule.0, version: due.version };
    let opened = state.keyring.tenant_key(due.tenant, wrapped).and_then(|key| key.open(&scope, sealed));
    let opened = opened.map_err(|_| lost())?;
    opened.expose_str().map(str::to_owned).ok_or_else(lost)
}

async fn headers(state: &AppState, due: &Due, now: Timestamp, body: &[u8]) -> Result<HeaderMap, Unheard> {
    let id = due.id.to_string();
    let mut all = vec![
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::USER_AGENT, concat!("Holon/", env!("CARGO_PKG_VERSION")).to_owned()),
    ];
    if due.channel == AlertChannel::Webhook {
        all.push((HeaderName::from_static("webhook-id"), id.clone()));
    }
    if let Some(name) = &due.connection {
        let connection = state.connections.resolve(due.tenant, due.environment, name).await;
        let connection = connection.map_err(|error| Unheard::Later(error.to_string()))?;
        let (at, signature) = sign::signed(connection.secret.expose(), &id, now, body)
            .ok_or_else(|| Unheard::Never(format!("the key of connection `{name}` is not what `whsec_` promises")))?;
        all.push((HeaderName::from_static("webhook-timestamp"), at));
        all.push((HeaderName::from_static("webhook-signature"), signature));
    }
    let value = |text: String| HeaderValue::try_from(text).map_err(|error| Unheard::Never(error.to_string()));
    all.into_iter().map(|(name, text)| Ok((name, value(text)?))).collect()
}

/// Starts the flow; started again with the same key, it is the same run.
async fn start(state: &AppState, intent: &Intent<Deliver>) -> Result<RunId, Unheard> {
    let (due, context) = (&intent.payload.0, &intent.context);
    let flow = due.target.ok_or_else(|| Unheard::Never("no flow is named".into()))?;
    let (tenant, environment) = (context.tenant, context.environment);
    let version = state.definitions.resolve(tenant, environment, flow, ChildVersion::Latest).await;
    let version = version.map_err(|error| match error {
        DefinitionsError::Unavailable(why) => Unheard::Later(why),
        error => Unheard::Never(format!("the flow is not in force: {error}")),
    })?;
    let key = due.id.to_string();
    let request = StartRequest {
        tenant,
        environment,
        environment_name: due.environment_name.clone(),
        flow,
        version,
        run: state.runtime.mint(),
        input: message::body(due, &state.config.public_base()),
        trigger: None,
        trigger_kind: KIND.to_owned(),
        actor: context.actor.label(),
        budget: context.budget,
        vars: Value::map::<&str>([]),
        idempotency: Some(Idempotency {
            scope: due.rule.to_string(),
            request_hash: *blake3::hash(key.as_bytes()).as_bytes(),
            key,
            window: WINDOW,
        }),
        marks: holon_runtime::store::Marks::default(),
        // That it was told is written down when it was.
        audit: None,
    };
    let unheard = |error: StartError| match error.passes() {
        true => Unheard::Later(error.to_string()),
        false => Unheard::Never(error.to_string()),
    };
    let started = state.runtime.start(request).await.map_err(unheard)?;
    Ok(started.run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_further_and_further_apart_and_end() {
        let waits: Vec<Option<Millis>> = (1..=7).map(wait).collect();
        assert!(waits[..6].windows(2).all(|pair| pair[0] < pair[1]), "{waits:?}");
        assert_eq!((waits[0], waits[6]), (Some(Millis(5_000)), None));
    }
}
