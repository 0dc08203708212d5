//! From a request's cookie or token to who it comes from.

use axum::http::{HeaderMap, header};
use holon_authz::{Role, worker_permissions};
use holon_model::context::Actor;
use holon_model::intent::Source;
use holon_model::wire::identity::{Environment, Person, Tenant};
use holon_model::{Context, Millis, SessionId, Timestamp};
use holon_platform::crypto::{ApiToken, hash_token};

use super::store::{self, FoundMember};
use super::{Error, cookie};
use crate::http::{ApiError, Caller, Known};
use crate::state::AppState;

/// A session nobody uses for so long is over.
pub const IDLE: Millis = Millis(14 * 24 * 60 * 60 * 1000);
/// A session is over after so long, used or not.
pub const LONGEST: Millis = Millis(30 * 24 * 60 * 60 * 1000);
/// How exactly the last use is known; more exact would be a write a request.
const SESSION_GRAIN: Millis = Millis(5 * 60 * 1000);
const TOKEN_GRAIN: Millis = Millis(60 * 1000);

/// Who sent a request; nobody when it carries neither a session nor a token, or one that is over.
///
/// # Errors
/// When the database does not answer.
pub async fn caller(state: &AppState, headers: &HeaderMap) -> Result<Option<Caller>, ApiError> {
    let trace = trace_id(headers);
    // A token that was sent on purpose is what counts, even where a browser adds its cookie.
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(bearer).and_then(|text| ApiToken::parse(text).ok());
        return match token {
            Some(token) => by_token(state, &token, trace).await,
            None => Ok(None),
        };
    }
    match cookie::read(&state.config, headers) {
        Some(token) => by_session(state, token, trace).await,
        None => Ok(None),
    }
}

async fn by_session(state: &AppState, token: &str, trace: Option<String>) -> Result<Option<Caller>, ApiError> {
    let now = state.clock.now();
    let Some(found) = store::session(&state.pools.auth, &hash_token(token), now).await? else { return Ok(None) };
    if now.since(found.seen_at) >= SESSION_GRAIN {
        let idle = now.plus(IDLE).min(found.expires_at);
        store::keep_alive(&state.pools.auth, found.member.tenant, found.id, now, idle).await?;
    }
    let actor = Actor::Person { id: found.member.person };
    Ok(Some(Caller::from(known(found.member, actor, Source::Web, Some(found.id), trace)?)))
}

async fn by_token(state: &AppState, token: &ApiToken, trace: Option<String>) -> Result<Option<Caller>, ApiError> {
    let now = state.clock.now();
    let Some(found) = store::token(&state.pools.auth, &token.hash(), now).await? else { return Ok(None) };
    if found.last_used_at.is_none_or(|at: Timestamp| now.since(at) >= TOKEN_GRAIN) {
        store::note_token_use(&state.pools.auth, found.member.tenant, found.id, now).await?;
    }
    let actor = Actor::Token { id: found.id, person: found.member.person };
    let mut caller = known(found.member, actor, Source::Api, None, trace)?;
    if found.pools.is_some() {
        caller.context = caller.context.narrowed_to(&worker_permissions());
        caller.operator = false;
        caller.pools = found.pools;
    }
    Ok(Some(Caller::from(caller)))
}

/// A member as a caller.
pub(super) fn known(
    member: FoundMember,
    actor: Actor,
    source: Source,
    session: Option<SessionId>,
    trace: Option<String>,
) -> Result<Known, Error> {
    let role: Role = member.role.parse().map_err(|e: holon_authz::UnknownRole| Error::Inconsistent(e.to_string()))?;
    let by_token = matches!(actor, Actor::Token { .. });
    Ok(Known {
        context: Context {
            permissions: role.permissions(member.operator, by_token),
            trace,
            ..Context::of(member.tenant, member.environment, actor)
        },
        source,
        person: Person { id: member.person, name: member.name, email: member.email },
        tenant: Tenant { id: member.tenant, name: member.tenant_name },
        environment: Environment { id: member.environment, name: member.environment_name },
        operator: member.operator,
        pools: None,
        session,
    })
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The trace id of a W3C `traceparent` header.
fn trace_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let id = text.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_ascii_lowercase())
}
