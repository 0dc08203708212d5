//! Publishes an event by the API: durable when it is answered, in its place a moment later.

use holon_authz::{Authorised, actions::PublishEvents};
use holon_cap_events::{MOST_DATA, valid_subject};
use holon_model::wire::events::{EventPublished, PublishEvent};
use holon_model::{Intent, IntentPayload, PublishedId, Value};
use holon_platform::clock::mint;
use holon_platform::db::TenantTx;
use uuid::Uuid;

use super::{Error, store};
use crate::{audit, state::AppState};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Publish(pub PublishEvent);

impl IntentPayload for Publish {
    const TYPE: &'static str = "event.publish";
}

/// Publishes it. With a key it is published once for as long as events are kept.
pub async fn publish(
    state: &AppState,
    _: Authorised<PublishEvents>,
    intent: Intent<Publish>,
) -> Result<EventPublished, Error> {
    let Publish(PublishEvent { subject, data }) = &intent.payload;
    valid_subject(subject).map_err(Error::BadSubject)?;
    let data = data.to_json();
    if data.len() > MOST_DATA {
        return Err(Error::TooLarge(data.len()));
    }
    let id = intent.idempotency_key.as_deref().map_or_else(|| mint(&*state.clock), |key| keyed(&intent, key));
    let mut tx = TenantTx::begin(&state.pools, &intent.context).await?;
    if store::crowded(&mut tx).await? {
        return Err(Error::TooMany);
    }
    let by = intent.context.actor.label();
    if store::publish(&mut tx, id, (subject, &data), &by, state.clock.now()).await? {
        let said = Value::map([("subject", Value::from(subject.as_str()))]);
        audit::record(&mut tx, &*state.clock, &intent, &id.to_string(), &said).await?;
        tx.commit().await?;
        return Ok(EventPublished { id, replayed: false });
    }
    let same = store::is_same(&mut tx, id, (subject, &data)).await?;
    tx.commit().await?;
    if same { Ok(EventPublished { id, replayed: true }) } else { Err(Error::IdempotencyMismatch) }
}

/// The id of the event that a key publishes in an environment.
fn keyed(intent: &Intent<Publish>, key: &str) -> PublishedId {
    let mut hasher = blake3::Hasher::new_derive_key("holon event of an idempotency key");
    hasher.update(intent.context.tenant.as_bytes());
    hasher.update(intent.context.environment.as_bytes());
    hasher.update(key.as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    PublishedId(Uuid::from_bytes(id))
}
