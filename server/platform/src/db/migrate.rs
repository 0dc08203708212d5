//! Migrations: embedded in the binary, checksummed, run at start as `holon_owner` under an advisory lock, so that of
//! several replicas that start together one migrates and the others wait.

use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};

#[cfg(debug_assertions)]
use crate::kill_points::{self, Point};

/// Every migration of this build.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Brings the database up to this build.
///
/// # Errors
/// When a migration fails, was changed after it was applied, or the database is newer than this build.
pub async fn migrate(owner: &PgPool) -> Result<(), MigrateError> {
    #[cfg(debug_assertions)]
    if kill_points::is_armed(Point::InAMigration) {
        return half_done::migrate(owner).await;
    }
    MIGRATOR.run(owner).await
}

/// Where a test ends the process in the middle.
#[cfg(debug_assertions)]
mod half_done {
    use sqlx::migrate::MigrateError;
    use sqlx::{Connection as _, PgConnection, PgPool};

    use super::MIGRATOR;
    use crate::kill_points::{self, Point};

    /// Brings the database up, and ends the process at its point once half of the migrations are there.
    pub(super) async fn migrate(owner: &PgPool) -> Result<(), MigrateError> {
        tokio::select! {
            done = MIGRATOR.run(owner) => done,
            () = ends(owner) => Ok(()),
        }
    }

    async fn ends(owner: &PgPool) {
        // The pool's only connection is the migrations'.
        let options = owner.connect_options();
        let connected = PgConnection::connect_with(&options).await;
        let mut connection = connected.expect("whoever migrates can connect a second time");
        let half = i64::try_from(MIGRATOR.iter().count() / 2).unwrap_or(i64::MAX);
        loop {
            // Until the first one is done there is no such table.
            let done =
                sqlx::query_scalar::<_, i64>("select count(*) from _sqlx_migrations").fetch_one(&mut connection).await;
            if done.is_ok_and(|done| done >= half) {
                kill_points::reach(Point::InAMigration);
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}
