//! The seam between the runtime, which decides *when* an effect runs, and the capabilities, which know *how*.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use holon_flow::capability::NodeError;
use holon_model::wire::connections::{ConnectionKind, ConnectionServer};
use holon_model::{ConnectionId, EnvironmentId, RunId, TenantId, Value};
use tokio_util::sync::CancellationToken;

use crate::crypto::Secret;
use crate::egress::Egress;

pub use crate::records::{NewEvent, NoRecords, Records};

/// How one kind of node is executed.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Executes an effect once. It may be called again with the same key after a crash or for a retry.
    ///
    /// # Errors
    /// What the node's `error` edge, its retry policy and the run's page are told.
    async fn execute(&self, cx: &EffectContext, request: EffectRequest) -> Result<Value, NodeError>;

    /// Whether an earlier answer may stand for the one to this request, where its node asks for that (`policies.cache`): not where the
    /// request changes something outside.
    fn may_answer_again(&self, _request: &EffectRequest) -> bool {
        true
    }

    /// Whether this answer may stand for the next one.
    fn is_worth_keeping(&self, _answer: &Value) -> bool {
        true
    }
}

/// Executors by kind, `name@version`.
pub type Executors = BTreeMap<String, Arc<dyn Executor>>;

/// What is to be executed.
#[derive(Clone, Debug)]
pub struct EffectRequest {
    /// The run.
    pub run: RunId,
    /// The node's structural path.
    pub path: String,
    /// The node's kind, `name@version`.
    pub kind: String,
    /// Its config, evaluated.
    pub config: Value,
    /// Its input.
    pub input: Value,
    /// The idempotency key: the same for every attempt.
    pub key: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How long it may take.
    pub timeout: Option<Duration>,
}

/// On whose behalf, and with what.
#[derive(Clone)]
pub struct EffectContext {
    /// Whose run it is.
    pub tenant: TenantId,
    /// In which environment.
    pub environment: EnvironmentId,
    /// The one road out.
    pub egress: Arc<Egress>,
    /// The tenant's connections.
    pub connections: Arc<dyn ConnectionSource>,
    /// What it reads and changes in Holon's own database, for kinds that are `transactional` or `outbox`.
    pub records: Arc<dyn Records>,
    /// Given when the effect is no longer wanted.
    pub cancel: CancellationToken,
}

/// Finds connections by name.
#[async_trait]
pub trait ConnectionSource: Send + Sync {
    /// The connection of that name in that environment, with its secret.
    ///
    /// # Errors
    /// When there is none, it cannot be opened, or the database is away.
    async fn resolve(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        name: &str,
    ) -> Result<ResolvedConnection, ConnectionError>;

    /// Which connection the name means now, and its version, which grows with every change. Where that is not known, no answer that was
    /// given through it is used again.
    ///
    /// # Errors
    /// As for `resolve`; and always, of a source that does not say.
    async fn revision(
        &self,
        _tenant: TenantId,
        _environment: EnvironmentId,
        name: &str,
    ) -> Result<(ConnectionId, i32), ConnectionError> {
        Err(ConnectionError::Unknown { name: name.to_owned() })
    }
}

/// A connection with its secret, for the one call that uses it. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct ResolvedConnection {
    /// Its kind.
    pub kind: ConnectionKind,
    /// The secret.
    pub secret: Secret,
    /// The header's name, for `http_header`.
    pub header: Option<String>,
    /// Hosts it may be sent to; pass them to the egress policy. Empty for keys that never leave.
    pub hosts: Vec<String>,
    /// The server, for kinds that are one.
    pub server: Option<ConnectionServer>,
}

/// Why a connection cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionError {
    /// There is none of that name in that environment.
    Unknown {
        /// The name.
        name: String,
    },
    /// Its secret cannot be opened with this server's root key.
    Sealed {
        /// The name.
        name: String,
    },
    /// The database does not answer; later it may.
    Unavailable,
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => {
                write!(f, "there is no connection named `{name}`; make it on the connections page")
            }
            Self::Sealed { name } => {
                write!(
                    f,
                    "the secret of connection `{name}` cannot be opened with this server's root key; save it again"
                )
            }
            Self::Unavailable => f.write_str("connections cannot be read at the moment"),
        }
    }
}

impl std::error::Error for ConnectionError {}

impl From<ConnectionError> for NodeError {
    fn from(error: ConnectionError) -> Self {
        let code = match error {
            ConnectionError::Unknown { .. } => "unknown_connection",
            ConnectionError::Sealed { .. } => "sealed_connection",
            ConnectionError::Unavailable => "connections_unavailable",
        };
        let mut node = Self::new(code, error.to_string());
        node.retryable = error == ConnectionError::Unavailable;
        node
    }
}
