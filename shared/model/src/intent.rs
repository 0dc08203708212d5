//! Intents: every change, whoever asks for it. Authorisation, idempotency, audit and undo hang on them once.

use crate::context::Actor;
use crate::{Context, EnvironmentId, IntentId, TenantId};
use serde::{Deserialize, Serialize};

/// Where an intent came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A page.
    Web,
    /// The REST API with a token.
    Api,
    /// The command line.
    Cli,
    /// An agent.
    Agent,
    /// An embedded panel.
    Embed,
    /// Holon itself.
    System,
}

impl Source {
    /// The text stored and logged.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Api => "api",
            Self::Cli => "cli",
            Self::Agent => "agent",
            Self::Embed => "embed",
            Self::System => "system",
        }
    }
}

/// What a payload of an intent says of itself: its type's name, such as `flow.publish`.
pub trait IntentPayload {
    /// `resource.verb`, as authorised, audited and logged.
    const TYPE: &'static str;
}

/// One thing asked for. A use case is the handler of one payload type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent<P> {
    /// Its own id.
    pub id: IntentId,
    /// From where.
    pub source: Source,
    /// Under whose authority.
    pub context: Context,
    /// The revision that the asker had seen, where the change depends on it.
    pub base_revision: Option<i64>,
    /// The key under which the same intent, sent again, is the same intent.
    pub idempotency_key: Option<String>,
    /// What is asked.
    pub payload: P,
}

impl<P: IntentPayload> Intent<P> {
    /// What Holon itself asks for, of nobody's permissions.
    pub fn of_system(id: IntentId, tenant: TenantId, environment: EnvironmentId, payload: P) -> Self {
        let context = Context::of(tenant, environment, Actor::System);
        Self { id, source: Source::System, context, base_revision: None, idempotency_key: None, payload }
    }

    /// The type's name.
    pub fn kind(&self) -> &'static str {
        P::TYPE
    }

    /// The same, made on this revision.
    #[must_use]
    pub fn at_revision(mut self, revision: Option<i64>) -> Self {
        self.base_revision = revision;
        self
    }

    /// The same, with this idempotency key.
    #[must_use]
    pub fn with_key(mut self, key: Option<String>) -> Self {
        self.idempotency_key = key;
        self
    }
}
