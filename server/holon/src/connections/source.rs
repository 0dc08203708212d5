//! Opens connections for the runtime and for webhooks: the one place where a stored secret becomes readable.

use std::sync::Arc;

use async_trait::async_trait;
use holon_model::{ConnectionId, EnvironmentId, TenantId};
use holon_platform::crypto::{Keyring, SecretScope};
use holon_platform::execute::{ConnectionError, ConnectionSource, ResolvedConnection};
use sqlx::PgPool;

use super::{Error, store};

/// Connections in the database.
pub struct StoredConnections {
    engine: PgPool,
    keyring: Arc<Keyring>,
}

impl StoredConnections {
    /// Reads as `holon_engine`, opens with the keyring.
    pub fn new(engine: PgPool, keyring: Arc<Keyring>) -> Self {
        Self { engine, keyring }
    }
}

/// What was asked for, or why it is not there.
fn found<T>(result: Result<Option<T>, Error>, tenant: TenantId, name: &str) -> Result<T, ConnectionError> {
    match result {
        Ok(found) => found.ok_or_else(|| ConnectionError::Unknown { name: name.to_owned() }),
        Err(Error::Inconsistent(why)) => {
            tracing::error!(%tenant, name, why, "a connection cannot be read");
            Err(ConnectionError::Sealed { name: name.to_owned() })
        }
        Err(error) => {
            tracing::warn!(%tenant, name, %error, "connections cannot be read");
            Err(ConnectionError::Unavailable)
        }
    }
}

#[async_trait]
impl ConnectionSource for StoredConnections {
    async fn resolve(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        name: &str,
    ) -> Result<ResolvedConnection, ConnectionError> {
        let found = found(store::sealed(&self.engine, tenant, environment, name).await, tenant, name)?;
        let scope = SecretScope { environment, owner: found.id.0, version: found.version };
        let opened = self.keyring.tenant_key(tenant, &found.key).and_then(|key| key.open(&scope, &found.sealed));
        let secret = opened.map_err(|error| {
            tracing::error!(%tenant, name, %error, "a connection's secret cannot be opened");
            ConnectionError::Sealed { name: name.to_owned() }
        })?;
        let (header, hosts, server) = (found.header, found.hosts, found.server);
        Ok(ResolvedConnection { kind: found.kind, secret, header, hosts, server })
    }

    async fn revision(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        name: &str,
    ) -> Result<(ConnectionId, i32), ConnectionError> {
        let revision = store::revision(&self.engine, tenant, environment, name).await;
        found(revision.map_err(Error::from), tenant, name)
    }
}
