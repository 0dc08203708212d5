//! The database as its owner reaches it, beside a server or without one: for backups. The owner sees every row, so
//! nothing that serves uses this.

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _, PgConnection};

use super::embedded::{ADMIN, EmbeddedPostgres};
use super::pools::{DATABASE, DbError, Role, check_role, parse, prepare, prepare_given, prepare_own};
use crate::config::{Config, DatabaseConfig};
use crate::crypto::Keyring;

/// How the owner connects.
#[derive(Debug)]
pub struct OwnerDatabase {
    options: PgConnectOptions,
    /// The embedded Postgres, when no server was running it.
    started: Option<EmbeddedPostgres>,
}

impl OwnerDatabase {
    /// Reaches a database that exists, whether a server is running on it or not. Changes nothing.
    ///
    /// # Errors
    /// When there is none, or it cannot be reached.
    pub async fn existing(config: &Config, keyring: &Keyring) -> Result<Self, DbError> {
        match &config.database {
            DatabaseConfig::Embedded { bin_dir } => {
                let (options, started) = match EmbeddedPostgres::running(&config.data_dir)? {
                    Some(socket) => (socket.options(Role::Owner.name(), DATABASE), None),
                    None => {
                        let postgres = EmbeddedPostgres::start(&config.data_dir, bin_dir.as_deref()).await?;
                        (postgres.options(Role::Owner.name(), DATABASE), Some(postgres))
                    }
                };
                Ok(Self { options, started })
            }
            DatabaseConfig::Single { url } => {
                let admin = parse("HOLON_DATABASE_URL", url)?;
                let password = Role::Owner.password(keyring);
                Ok(Self { options: admin.username(Role::Owner.name()).password(&password), started: None })
            }
            DatabaseConfig::Four(urls) => {
                let options = parse(Role::Owner.url_key(), &urls.owner)?;
                check_role(Role::Owner, &options).await?;
                Ok(Self { options, started: None })
            }
        }
    }

    /// The same for a database that is to be filled: it is made, with its roles, where that is needed. The embedded one
    /// must not be in use.
    ///
    /// # Errors
    /// When it cannot be made or reached.
    pub async fn to_fill(config: &Config, keyring: &Keyring) -> Result<Self, DbError> {
        match &config.database {
            DatabaseConfig::Embedded { bin_dir } => {
                let postgres = EmbeddedPostgres::start(&config.data_dir, bin_dir.as_deref()).await?;
                prepare_own(|database| postgres.options(ADMIN, database), DATABASE).await?;
                Ok(Self { options: postgres.options(Role::Owner.name(), DATABASE), started: Some(postgres) })
            }
            DatabaseConfig::Single { url } => {
                let [owner, ..] = prepare_given(&parse("HOLON_DATABASE_URL", url)?, keyring).await?;
                Ok(Self { options: owner, started: None })
            }
            DatabaseConfig::Four(_) => Self::existing(config, keyring).await,
        }
    }

    /// A connection that may be quiet for as long as it takes.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connect(&self) -> Result<PgConnection, DbError> {
        let mut connection =
            PgConnection::connect_with(&self.options).await.map_err(prepare("connecting as holon_owner"))?;
        connection
            .execute("set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set timezone = 'UTC'")
            .await
            .map_err(prepare("setting up the connection"))?;
        Ok(connection)
    }

    /// Stops the embedded Postgres if this started it.
    pub async fn close(self) {
        if let Some(postgres) = self.started {
            postgres.stop().await;
        }
    }
}
