//! Under whose authority, where, and within which bounds something happens. It rides on every intent and every run.

use crate::{EnvironmentId, LinkId, PersonId, TenantId, Timestamp, TokenId};
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

/// What the actor may do: `resource:action` grants, `*` for any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions(pub BTreeSet<String>);

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

/// Tenant, environment, actor, permissions, deadline, budget and trace. A scope, a sub-flow or a panel can only narrow it.
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
    /// When it must be over, if it must.
    pub deadline: Option<Timestamp>,
    /// What it may use.
    pub budget: Budget,
    /// W3C trace id, 32 hexadecimal digits, if the caller sent one.
    pub trace: Option<String>,
}

impl Context {
    /// The same authority with fewer permissions: those in both.
    #[must_use]
    pub fn narrowed_to(mut self, permissions: &Permissions) -> Self {
        self.permissions.0.retain(|held| permissions.0.contains(held));
        self
    }

    /// The same authority, over at `deadline` at the latest.
    #[must_use]
    pub fn until(mut self, deadline: Timestamp) -> Self {
        self.deadline = Some(self.deadline.map_or(deadline, |own| own.min(deadline)));
        self
    }

    /// The same authority with at most `budget`.
    #[must_use]
    pub fn within(mut self, budget: Budget) -> Self {
        self.budget = Budget { fuel: self.budget.fuel.min(budget.fuel), bytes: self.budget.bytes.min(budget.bytes) };
        self
    }
}
