//! The Postgres that is measured over.

use std::collections::BTreeMap;
use std::path::PathBuf;

use holon_platform::clock::SystemClock;
use holon_platform::config::{Config, Sources};
use holon_platform::crypto::Keyring;
use holon_platform::db::Database;
use holon_platform::db::test_db::TestDb;
use sqlx::PgPool;

/// A Postgres with fsync on.
pub enum Postgres {
    Given(Box<TestDb>),
    Own(Box<Database>, PathBuf),
}

impl Postgres {
    /// The one of `HOLON_TEST_PG`, else a private one.
    pub async fn open() -> Self {
        if std::env::var_os("HOLON_TEST_PG").is_some_and(|dir| !dir.is_empty()) {
            return Self::Given(Box::new(TestDb::new().await));
        }
        let dir = std::env::temp_dir().join(format!("holon-bench-{}", SystemClock::shared().uuid_v7().simple()));
        let mut env: BTreeMap<String, String> =
            std::env::vars().filter(|(name, _)| name == "HOLON_POSTGRES_BIN").collect();
        env.insert("HOLON_DATA_DIR".into(), dir.display().to_string());
        env.insert("HOLON_PUBLIC_URL".into(), "http://localhost:8080".into());
        let sources = Sources::new(env).expect("there is no file to read");
        let config = Config::from_sources(&sources).expect("the settings are right");
        let database = Database::open(&config, &Keyring::from_bytes([7; 32])).await.expect("Postgres starts");
        Self::Own(Box::new(database), dir)
    }

    /// As the runtime uses it.
    pub fn pool(&self) -> PgPool {
        match self {
            Self::Given(db) => db.pools.engine.clone(),
            Self::Own(database, _) => database.pools.engine.clone(),
        }
    }

    /// Stops the private one.
    pub async fn close(self) {
        if let Self::Own(database, dir) = self {
            database.close().await;
            // What stays in the temporary folder is of no worth.
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}
