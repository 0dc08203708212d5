//! Migrations: embedded in the binary, checksummed, run at start as `holon_owner` under an advisory lock, so that of
//! several replicas that start together one migrates and the others wait.

use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};

/// Every migration of this build.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Brings the database up to this build.
///
/// # Errors
/// When a migration fails, was changed after it was applied, or the database is newer than this build.
pub async fn migrate(owner: &PgPool) -> Result<(), MigrateError> {
    MIGRATOR.run(owner).await
}
