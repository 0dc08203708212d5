//! Which database is Holon's own: queries of flows never go there.

use std::sync::Arc;

use async_trait::async_trait;
use holon_cap_sql::{Marks, OwnDatabase, SqlQuery};
use holon_flow::capability::NodeError;
use holon_platform::execute::Executors;
use sqlx::PgPool;

/// The database of this pool.
struct Own(PgPool);

#[async_trait]
impl OwnDatabase for Own {
    fn place(&self) -> Option<(String, u16)> {
        let options = self.0.connect_options();
        options.get_socket().is_none().then(|| (options.get_host().to_ascii_lowercase(), options.get_port()))
    }

    async fn marks(&self) -> Result<Marks, NodeError> {
        let read = sqlx::query!(
            r#"select extract(epoch from pg_postmaster_start_time())::text as "started!",
                 has_function_privilege('pg_control_system()', 'execute') as "tells!""#
        )
        .fetch_one(&self.0);
        let away = |error: sqlx::Error| {
            tracing::warn!(%error, "which database is Holon's own cannot be read");
            let mut away = NodeError::new("unavailable", "Holon's own database does not answer at the moment");
            away.retryable = true;
            away
        };
        let row = read.await.map_err(away)?;
        let system = if row.tells {
            let read = sqlx::query_scalar!(r#"select system_identifier::text as "system!" from pg_control_system()"#);
            Some(read.fetch_one(&self.0).await.map_err(away)?)
        } else {
            None
        };
        Ok(Marks { system, started: Some(row.started) })
    }
}

/// The executor of `sql.query`, for every database but this one.
pub fn executors(own: PgPool) -> Executors {
    Executors::from([("sql.query@1".to_owned(), Arc::new(SqlQuery::new(Arc::new(Own(own)))) as _)])
}
