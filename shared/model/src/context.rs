//! Under whose authority, where, and within which bounds something happens. It rides on every intent.

use crate::{EnvironmentId, LinkId, PersonId, TenantId, TokenId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A signed-in person.
    Person {
        /// Who.
        id: PersonId,
    },
    /// A program with a person's API token.
    Token {
        /// Which token.
        id: TokenId,
        /// Whose.
        person: PersonId,
    },
    /// A caller of a webhook: known by its address only.
    Webhook,
    /// Whoever holds a single-use link.
    Link {
        /// Which link.
        id: LinkId,
    },
    /// Holon itself: timers, recovery.
    System,
}

impl Actor {
    /// The person behind the act, where there is one.
    pub fn person(&self) -> Option<PersonId> {
        match self {
            Self::Person { id } | Self::Token { person: id, .. } => Some(*id),
            Self::Webhook | Self::Link { .. } | Self::System => None,
        }
    }

    /// A short text for logs and audit rows: `person_…`, `token_…`, `webhook`, `link_…`, `system`.
    pub fn label(&self) -> String {
        match self {
            Self::Person { id } => id.to_string(),
            Self::Token { id, .. } => id.to_string(),
            Self::Webhook => "webhook".into(),
            Self::Link { id } => id.to_string(),
            Self::System => "system".into(),
        }
    }
}

/// What the actor may do: `resource:action` grants, `resource:*` for any action, `!` in front of one forbids it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions(pub BTreeSet<String>);

impl Permissions {
    /// What both allow, and nothing that either forbids.
    #[must_use]
    pub fn narrowed_to(&self, other: &Self) -> Self {
        let met = self.0.iter().flat_map(|ours| other.0.iter().filter_map(|theirs| meet(ours, theirs)));
        let forbids = self.0.iter().chain(&other.0).filter(|grant| grant.starts_with('!')).cloned();
        Self(met.chain(forbids).collect())
    }
}

/// The grant of what two grants both allow.
fn meet(one: &str, other: &str) -> Option<String> {
    let ((resource, verb), (of, what)) = (one.split_once(':')?, other.split_once(':')?);
    let verb = match (verb, what) {
        (verb, "*") | ("*", verb) => verb,
        (verb, what) if verb == what => verb,
        _ => return None,
    };
    (resource == of && !resource.starts_with('!')).then(|| format!("{resource}:{verb}"))
}

/// How much may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Units of fuel for expressions and pure nodes.
    pub fuel: u64,
    /// Bytes of values that may be made.
    pub bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { fuel: 50_000_000, bytes: 512 * 1024 * 1024 }
    }
}

/// Tenant, environment, actor, permissions, budget and trace. A scope, a sub-flow or a panel can only narrow it. How long a run may
/// take is its flow's to say; a deadline joins with the first caller who is given one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Whose data.
    pub tenant: TenantId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// On whose behalf.
    pub actor: Actor,
    /// What that one may do.
    pub permissions: Permissions,
    /// What it may use.
    pub budget: Budget,
    /// W3C trace id, 32 hexadecimal digits, if the caller sent one: it stands beside the request in the log.
    pub trace: Option<String>,
}

impl Context {
    /// The authority of somebody to whom nothing is granted: what is done under it was allowed by another proof, such as an address
    /// that only its holders know.
    pub fn of(tenant: TenantId, environment: EnvironmentId, actor: Actor) -> Self {
        let (permissions, budget) = (Permissions::default(), Budget::default());
        Self { tenant, environment, actor, permissions, budget, trace: None }
    }

    /// The same authority with fewer permissions: those in both.
    #[must_use]
    pub fn narrowed_to(self, permissions: &Permissions) -> Self {
        Self { permissions: self.permissions.narrowed_to(permissions), ..self }
    }
}
