//! Who calls: a person with a session, a program with a token, or nobody; and what they may do.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use holon_authz::{Action, Authorised, authorise};
use holon_model::context::{Actor, Permissions};
use holon_model::intent::{IntentPayload, Source};
use holon_model::wire::identity::{Environment, Person, Session, Tenant};
use holon_model::{Context, Intent, Problem, SessionId};
use holon_platform::clock::{Clock, mint};

use super::ApiError;
use crate::identity::resolve;
use crate::state::AppState;

/// Somebody who is known. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller(Arc<Known>);

/// What is known of a caller.
#[derive(Debug)]
pub struct Known {
    /// Under whose authority.
    pub context: Context,
    /// Through which door.
    pub source: Source,
    /// Who.
    pub person: Person,
    /// In which workspace.
    pub tenant: Tenant,
    /// In which environment.
    pub environment: Environment,
    /// Whether it is the operator.
    pub operator: bool,
    /// Of a token for workers the pools that it is for, none for all; nothing for everybody else.
    pub pools: Option<Vec<String>>,
    /// The browser's session, unless a token was sent.
    pub session: Option<SessionId>,
}

impl From<Known> for Caller {
    fn from(known: Known) -> Self {
        Self(Arc::new(known))
    }
}

impl std::ops::Deref for Caller {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.0
    }
}

impl Caller {
    /// Asks for permission.
    ///
    /// # Errors
    /// `forbidden` when it is not given.
    pub fn allowed<A: Action>(&self) -> Result<Allowed<A>, ApiError> {
        Ok(Allowed { proof: authorise(&self.context)?, caller: self.clone() })
    }

    /// What the browser is told of who is signed in.
    pub fn session(&self) -> Session {
        let Permissions(permissions) = &self.context.permissions;
        Session {
            person: self.person.clone(),
            tenant: self.tenant.clone(),
            environment: self.environment.clone(),
            operator: self.operator,
            permissions: permissions.iter().cloned().collect(),
        }
    }

    /// The intent of this caller with that payload.
    pub fn intent<P: IntentPayload>(&self, clock: &dyn Clock, payload: P) -> Intent<P> {
        Intent {
            id: mint(clock),
            source: self.source,
            context: self.context.clone(),
            base_revision: None,
            idempotency_key: None,
            payload,
        }
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.context.actor
    }
}

/// A caller who may do `A`. As an argument of a route: 401 for nobody, 403 for somebody who may not.
#[derive(Clone, Debug)]
pub struct Allowed<A: Action> {
    caller: Caller,
    proof: Authorised<A>,
}

impl<A: Action> Allowed<A> {
    /// The proof that use cases ask for.
    pub fn proof(&self) -> Authorised<A> {
        self.proof
    }

    /// Under whose authority.
    pub fn context(&self) -> &Context {
        &self.caller.context
    }

    /// Who calls.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The intent of this caller with that payload.
    pub fn intent<P: IntentPayload>(&self, clock: &dyn Clock, payload: P) -> Intent<P> {
        self.caller.intent(clock, payload)
    }
}

/// A caller or nobody: pages are for both.
#[derive(Clone, Debug)]
pub struct Visitor(pub Option<Caller>);

impl Visitor {
    /// Asks for permission.
    ///
    /// # Errors
    /// `unauthenticated` for nobody, `forbidden` when it is not given.
    pub fn allowed<A: Action>(&self) -> Result<Allowed<A>, Problem> {
        let caller = self.0.as_ref().ok_or_else(|| Problem::from(ApiError::unauthenticated()))?;
        Ok(caller.allowed()?)
    }
}

/// What the first extractor of a request found, for those after it.
#[derive(Clone)]
struct Resolved(Option<Caller>);

/// Who sent a request; found once, and known to the route's own arguments then.
///
/// # Errors
/// When the database does not answer.
pub async fn find_caller(parts: &mut Parts, state: &AppState) -> Result<Option<Caller>, ApiError> {
    resolved(parts, state).await
}

async fn resolved(parts: &mut Parts, state: &AppState) -> Result<Option<Caller>, ApiError> {
    if let Some(Resolved(caller)) = parts.extensions.get::<Resolved>() {
        return Ok(caller.clone());
    }
    let caller = resolve::caller(state, &parts.headers).await?;
    if let Some(caller) = &caller {
        tracing::Span::current().record("tenant", tracing::field::display(caller.tenant.id));
        tracing::Span::current().record("actor", tracing::field::display(caller.actor().label()));
        if let Some(trace) = &caller.context.trace {
            tracing::Span::current().record("trace", trace);
        }
    }
    parts.extensions.insert(Resolved(caller.clone()));
    Ok(caller)
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        resolved(parts, state).await?.ok_or_else(ApiError::unauthenticated)
    }
}

impl OptionalFromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Option<Self>, ApiError> {
        resolved(parts, state).await
    }
}

impl<A: Action> FromRequestParts<AppState> for Allowed<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        resolved(parts, state).await?.ok_or_else(ApiError::unauthenticated)?.allowed()
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Ok(Self(resolved(parts, state).await?))
    }
}
