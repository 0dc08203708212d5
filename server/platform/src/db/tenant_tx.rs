//! `TenantTx`: the only road to tenants' rows. The tenant is set locally to the transaction, read back and compared,
//! so that a forgotten `where` meets row-level security and a lost setting meets an error.

use std::time::Duration;

use holon_model::{Context, TenantId};
use sqlx::{PgConnection, Postgres, Transaction};

use super::Pools;

/// The longest a statement of a request may run.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a tenant's transaction did not begin or end.
#[derive(Debug, thiserror::Error)]
pub enum TxError {
    /// The database refused.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The setting that row-level security reads is not what was set.
    #[error("the tenant setting did not take: refusing to go on")]
    NotSet,
}

/// A transaction in which only the rows of one tenant exist. Dropped without `commit`, it is rolled back.
/// Never hold one across an outbound call or a stream.
#[derive(Debug)]
pub struct TenantTx<'c> {
    inner: Transaction<'c, Postgres>,
    context: &'c Context,
}

impl<'c> TenantTx<'c> {
    /// Begins one under the authority of `context`.
    ///
    /// # Errors
    /// When the database refuses, or the tenant setting did not take.
    pub async fn begin(pools: &Pools, context: &'c Context) -> Result<Self, TxError> {
        let mut inner = pools.app.begin().await?;
        let tenant = context.tenant.0.to_string();
        let set: Option<String> = sqlx::query_scalar(
            "select set_config('app.tenant_id', $1, true) from (select set_config('app.actor', $2, true), \
             set_config('statement_timeout', $3, true)) as also",
        )
        .bind(&tenant)
        .bind(context.actor.label())
        .bind(STATEMENT_TIMEOUT.as_millis().to_string())
        .fetch_one(&mut *inner)
        .await?;
        let seen: Option<String> =
            sqlx::query_scalar("select current_setting('app.tenant_id', true)").fetch_one(&mut *inner).await?;
        if set.as_deref() != Some(&tenant) || seen.as_deref() != Some(&tenant) {
            return Err(TxError::NotSet);
        }
        Ok(Self { inner, context })
    }

    /// The connection, for the statements of a store: `.fetch_one(tx.conn())`.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.inner
    }

    /// Whose rows there are.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.context.tenant
    }

    /// Under whose authority.
    #[must_use]
    pub fn context(&self) -> &'c Context {
        self.context
    }

    /// Makes what was done durable.
    ///
    /// # Errors
    /// When the database refuses; then nothing was done.
    pub async fn commit(self) -> Result<(), TxError> {
        Ok(self.inner.commit().await?)
    }

    /// Undoes what was done, without waiting for the drop.
    ///
    /// # Errors
    /// When the connection is gone; then nothing was done either.
    pub async fn rollback(self) -> Result<(), TxError> {
        Ok(self.inner.rollback().await?)
    }
}
