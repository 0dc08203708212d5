//! Where published flows come from. The server implements it over its tables, with a cache that pages share.

use std::sync::Arc;

use async_trait::async_trait;
use holon_engine::{ChildVersion, Compiled, Needs};
use holon_flow::Definition;
use holon_model::{EnvironmentId, FlowId, TenantId};

/// What of the needs of flows this server serves: a flow that needs more is neither published nor run.
pub const SUPPORTED: Needs = Needs { signals: true, tasks: true, children: true, continuing: true, workers: true };

/// A published version, ready to run. Versions never change, so it may be kept.
pub struct LoadedFlow {
    /// As written.
    pub definition: Definition,
    /// As the machine takes it.
    pub compiled: Arc<Compiled>,
    /// Its canonical hash.
    pub hash: [u8; 32],
}

/// Finds published flows.
#[async_trait]
pub trait Definitions: Send + Sync + 'static {
    /// A published version.
    ///
    /// # Errors
    /// When there is none, it cannot be read now, or this build cannot compile it.
    async fn load(&self, tenant: TenantId, flow: FlowId, version: i32) -> Result<Arc<LoadedFlow>, DefinitionsError>;

    /// The number of the version that is asked for: the one in force in the environment, or one that was ever published.
    ///
    /// # Errors
    /// When there is none, or it cannot be read now.
    async fn resolve(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        flow: FlowId,
        version: ChildVersion,
    ) -> Result<i32, DefinitionsError>;
}

/// Why a flow cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionsError {
    /// There is no such version.
    #[error("there is no such version of the flow")]
    NotFound,
    /// It cannot be read now; later it may.
    #[error("the flow cannot be read now: {0}")]
    Unavailable(String),
    /// It does not compile with this build.
    #[error("the flow does not compile: {0}")]
    Broken(String),
}
