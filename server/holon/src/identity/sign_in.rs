//! A person signs in. Unknown e-mails and wrong passwords give the same answer after the same work.

use axum::http::{HeaderMap, header};
use holon_model::context::Actor;
use holon_model::intent::{IntentPayload, Source};
use holon_model::wire::identity::SignIn;
use holon_model::{Intent, PersonId, SessionId, Value};
use holon_platform::clock::mint;
use holon_platform::crypto::{Secret, hash_token, random_token};
use sqlx::PgConnection;

use super::resolve::{IDLE, LONGEST, known};
use super::store::{self, NewSession};
use super::{Error, cookie};
use crate::audit;
use crate::http::Caller;
use crate::middleware::{Bucket, ClientIp};
use crate::state::AppState;

/// Loose for an account, so that outsiders cannot lock a person out; tight for an address trying one account.
const BY_ACCOUNT: Bucket = Bucket { name: "sign_in_account", burst: 100, refill: 2_000 };
const BY_ADDRESS: Bucket = Bucket { name: "sign_in_address", burst: 30, refill: 3_000 };
const BY_BOTH: Bucket = Bucket { name: "sign_in_both", burst: 6, refill: 10_000 };

/// A session begins.
struct BeginSession;

impl IntentPayload for BeginSession {
    const TYPE: &'static str = "session.begin";
}

/// A session that was just made: the token goes into the cookie and nowhere else.
#[derive(Debug)]
pub struct Grant {
    /// The token in clear.
    pub token: String,
    /// Who is signed in.
    pub caller: Caller,
}

/// Makes a session when e-mail and password belong together.
pub async fn sign_in(state: &AppState, headers: &HeaderMap, ip: ClientIp, body: SignIn) -> Result<Grant, Error> {
    let email_key = body.email.trim().to_lowercase();
    let address = ip.bucket();
    let buckets = [(BY_ACCOUNT, email_key.clone()), (BY_BOTH, format!("{address} {email_key}")), (BY_ADDRESS, address)];
    state.throttle.take(state.clock.now(), &buckets).map_err(Error::Throttled)?;
    let found = store::person_by_email(&state.pools.auth, &email_key).await?;
    let (person, hash) = found.map_or((None, None), |p| (Some(p.id), Some(p.password_hash)));
    let good = state.passwords.verify(Secret::from(body.password), hash).await?;
    let Some(person) = person.filter(|_| good) else {
        tracing::info!(ip = %ip.0, known = person.is_some(), "a sign-in failed");
        return Err(Error::WrongCredentials);
    };
    state.throttle.give_back(&buckets);
    let mut tx = state.pools.auth.begin().await?;
    let grant = grant(state, &mut tx, headers, person).await?;
    tx.commit().await?;
    Ok(grant)
}

/// Begins a session in an open transaction, ending the one that the browser had: no session outlives a sign-in.
pub(super) async fn grant(
    state: &AppState,
    auth: &mut PgConnection,
    headers: &HeaderMap,
    person: PersonId,
) -> Result<Grant, Error> {
    let now = state.clock.now();
    if let Some(old) = cookie::read(&state.config, headers) {
        store::end_session(auth, &hash_token(old), now).await?;
    }
    let member = store::first_membership(auth, person)
        .await?
        .ok_or_else(|| Error::Inconsistent(format!("{person} is in no workspace")))?;
    let token = random_token();
    let id: SessionId = mint(&*state.clock);
    let agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let device: String = agent.chars().take(200).collect();
    store::bind_tenant(auth, member.tenant).await?;
    store::insert_session(
        auth,
        &NewSession {
            id,
            tenant: member.tenant,
            person,
            token_hash: hash_token(&token),
            now,
            idle_expires_at: now.plus(IDLE),
            expires_at: now.plus(LONGEST),
            device: &device,
        },
    )
    .await?;
    let caller = Caller::from(known(member, Actor::Person { id: person }, Source::Web, Some(id), None)?);
    let intent: Intent<BeginSession> = caller.intent(&*state.clock, BeginSession);
    audit::record_in(auth, &*state.clock, &intent, &id.to_string(), &Value::Null).await?;
    Ok(Grant { token, caller })
}
