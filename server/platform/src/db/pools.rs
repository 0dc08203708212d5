//! The four roles and their pools. Whoever holds a pool is that role and can become no other.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool};

use super::embedded::{ADMIN, EmbeddedError, EmbeddedPostgres};
use super::migrate::migrate;
use crate::config::{Config, DatabaseConfig};
use crate::crypto::Keyring;

const ROLES_SQL: &str = include_str!("roles.sql");
const DATABASE_SQL: &str = include_str!("database.sql");
/// Name of the database in the embedded cluster.
pub(super) const DATABASE: &str = "holon";

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The embedded Postgres does not run.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// A configured address does not work.
    #[error("{key}: {problem}")]
    Address {
        /// The configuration key.
        key: &'static str,
        /// What Postgres or the parser said; never the address, which may hold a password.
        problem: String,
    },
    /// A statement at start failed.
    #[error("preparing the database ({what}): {source}")]
    Prepare {
        /// What was tried.
        what: &'static str,
        /// What Postgres said.
        source: sqlx::Error,
    },
    /// Migrations failed.
    #[error("migrating the database: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// The roles of Holon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Migrations only.
    Owner,
    /// Requests, through `TenantTx`.
    App,
    /// The few look-ups before a tenant is known.
    Auth,
    /// The runtime; names the tenant in every statement.
    Engine,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Owner, Self::App, Self::Auth, Self::Engine];

    /// Its name in Postgres.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "holon_owner",
            Self::App => "holon_app",
            Self::Auth => "holon_auth",
            Self::Engine => "holon_engine",
        }
    }

    /// Its password in a Postgres that was given to us.
    pub(super) fn password(self, keyring: &Keyring) -> String {
        keyring.derive(&format!("database role {}", self.name())).iter().map(|b| format!("{b:02x}")).collect()
    }

    pub(super) fn url_key(self) -> &'static str {
        match self {
            Self::Owner => "HOLON_DATABASE_OWNER_URL",
            Self::App => "HOLON_DATABASE_APP_URL",
            Self::Auth => "HOLON_DATABASE_AUTH_URL",
            Self::Engine => "HOLON_DATABASE_ENGINE_URL",
        }
    }
}

/// The pools a running server uses. The owner has none: it migrates at start and is gone.
#[derive(Clone, Debug)]
pub struct Pools {
    /// `holon_app`. Reach tenant rows through `TenantTx::begin` only.
    pub app: PgPool,
    /// `holon_auth`.
    pub auth: PgPool,
    /// `holon_engine`.
    pub engine: PgPool,
}

/// The database of a running server.
#[derive(Debug)]
pub struct Database {
    /// Its pools.
    pub pools: Pools,
    embedded: Option<EmbeddedPostgres>,
}

impl Database {
    /// Starts or reaches the database, makes roles where it may, migrates, and opens the pools.
    ///
    /// # Errors
    /// When any of that fails; the text names the configuration key to change.
    pub async fn open(config: &Config, keyring: &Keyring) -> Result<Self, DbError> {
        match &config.database {
            DatabaseConfig::Embedded { bin_dir } => {
                let postgres = EmbeddedPostgres::start(&config.data_dir, bin_dir.as_deref()).await?;
                prepare_own(|database| postgres.options(ADMIN, database), DATABASE).await?;
                let options = Role::ALL.map(|role| postgres.options(role.name(), DATABASE));
                Ok(Self { pools: Pools::connect(options).await?, embedded: Some(postgres) })
            }
            DatabaseConfig::Single { url } => {
                let admin = parse("HOLON_DATABASE_URL", url)?;
                let options = prepare_given(&admin, keyring).await?;
                Ok(Self { pools: Pools::connect(options).await?, embedded: None })
            }
            DatabaseConfig::Four(urls) => {
                let options = [
                    parse(Role::Owner.url_key(), &urls.owner)?,
                    parse(Role::App.url_key(), &urls.app)?,
                    parse(Role::Auth.url_key(), &urls.auth)?,
                    parse(Role::Engine.url_key(), &urls.engine)?,
                ];
                for (role, options) in Role::ALL.into_iter().zip(&options) {
                    check_role(role, options).await?;
                }
                Ok(Self { pools: Pools::connect(options).await?, embedded: None })
            }
        }
    }

    /// True when the database is our own child process.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Closes the pools and stops the embedded Postgres.
    pub async fn close(self) {
        self.pools.close().await;
        if let Some(postgres) = self.embedded {
            postgres.stop().await;
        }
    }
}

impl Pools {
    /// Migrates as the owner (first of the four), then opens the pools of the others.
    ///
    /// # Errors
    /// When a connection or a migration fails.
    pub async fn connect(options: [PgConnectOptions; 4]) -> Result<Self, DbError> {
        let [owner, app, auth, engine] = options;
        let migrating = PgPoolOptions::new().max_connections(1).connect_with(owner).await;
        let migrating = migrating.map_err(|source| DbError::Prepare { what: "connecting as holon_owner", source })?;
        let migrated = migrate(&migrating).await;
        migrating.close().await;
        migrated?;
        Ok(Self::lazy(app, auth, engine, 16))
    }

    pub(super) fn lazy(app: PgConnectOptions, auth: PgConnectOptions, engine: PgConnectOptions, most: u32) -> Self {
        Self {
            app: pool(most).after_release(|connection, _| Box::pin(is_clean(connection))).connect_lazy_with(app),
            auth: pool(most.div_ceil(2))
                .after_release(|connection, _| Box::pin(is_clean(connection)))
                .connect_lazy_with(auth),
            engine: pool(most).connect_lazy_with(engine),
        }
    }

    /// Closes all of them, waiting for connections in use.
    pub async fn close(&self) {
        tokio::join!(self.app.close(), self.auth.close(), self.engine.close());
    }

    /// True when the database answers as each role.
    pub async fn answer(&self) -> bool {
        for pool in [&self.app, &self.auth, &self.engine] {
            if sqlx::query("select 1").execute(pool).await.is_err() {
                return false;
            }
        }
        true
    }
}

pub(super) fn pool(most: u32) -> PgPoolOptions {
    // A request waits for a connection no longer than a person would.
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_secs(600))
        .max_lifetime(Duration::from_secs(3600))
        // Compiling a statement takes a third of a second, and ours take a few milliseconds.
        .after_connect(|connection, _| Box::pin(async move { connection.execute("set jit = off").await.map(drop) }))
}

/// A tenant must never stay set on a connection that goes back to the pool: such a connection is closed.
async fn is_clean(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let left: Option<String> =
        sqlx::query_scalar("select nullif(current_setting('app.tenant_id', true), '')").fetch_one(connection).await?;
    if left.is_some() {
        tracing::error!(alarm = "tenant_setting_leaked", "a connection came back with a tenant set; closing it");
    }
    Ok(left.is_none())
}

pub(super) fn parse(key: &'static str, url: &str) -> Result<PgConnectOptions, DbError> {
    let options: PgConnectOptions =
        url.parse().map_err(|e: sqlx::Error| DbError::Address { key, problem: e.to_string() })?;
    Ok(options.application_name("holon"))
}

pub(super) fn prepare(what: &'static str) -> impl FnOnce(sqlx::Error) -> DbError {
    move |source| DbError::Prepare { what, source }
}

/// Makes roles and database in a cluster of our own.
pub(super) async fn prepare_own(
    options: impl Fn(&str) -> PgConnectOptions,
    database: &'static str,
) -> Result<(), DbError> {
    let mut admin = PgConnection::connect_with(&options("postgres")).await.map_err(prepare("connecting"))?;
    prepare_roles(&mut admin).await?;
    let exists: bool = sqlx::query_scalar("select exists (select 1 from pg_database where datname = $1)")
        .bind(database)
        .fetch_one(&mut admin)
        .await
        .map_err(prepare("looking for the database"))?;
    if !exists {
        let statement = format!("create database {database} owner holon_owner template template0");
        admin.execute(sqlx::AssertSqlSafe(statement)).await.map_err(prepare("making the database"))?;
    }
    admin.close().await.map_err(prepare("closing"))?;
    prepare_database(&options(database)).await
}

/// Makes the four roles where they are missing.
pub(super) async fn prepare_roles(admin: &mut PgConnection) -> Result<(), DbError> {
    admin.execute(ROLES_SQL).await.map_err(prepare("making the roles"))?;
    Ok(())
}

/// Says what the roles may do in a database.
pub(super) async fn prepare_database(admin: &PgConnectOptions) -> Result<(), DbError> {
    let mut inside = PgConnection::connect_with(admin).await.map_err(prepare("connecting"))?;
    inside.execute(DATABASE_SQL).await.map_err(prepare("granting"))?;
    inside.close().await.map_err(prepare("closing"))
}

/// Makes roles in a Postgres that was given to us, with passwords derived from the root key so that there is nothing
/// to keep and every replica with the same root key knows them.
pub(super) async fn prepare_given(
    admin: &PgConnectOptions,
    keyring: &Keyring,
) -> Result<[PgConnectOptions; 4], DbError> {
    const KEY: &str = "HOLON_DATABASE_URL";
    let wrong = |problem: String| DbError::Address { key: KEY, problem };
    let mut connection = PgConnection::connect_with(admin)
        .await
        .map_err(|e| wrong(format!("cannot connect: {e}. Is the address right and Postgres running?")))?;
    let can: bool = sqlx::query_scalar("select rolsuper or rolcreaterole from pg_roles where rolname = current_user")
        .fetch_one(&mut connection)
        .await
        .map_err(|e| wrong(e.to_string()))?;
    if !can {
        return Err(wrong(
            "its role may not create roles. Use a role with CREATEROLE that owns the database, or make the four roles \
             yourself and set HOLON_DATABASE_{OWNER,APP,AUTH,ENGINE}_URL"
                .to_owned(),
        ));
    }
    connection.execute(ROLES_SQL).await.map_err(|e| wrong(format!("making the roles: {e}")))?;
    let mut options = Vec::with_capacity(4);
    for role in Role::ALL {
        let password = role.password(keyring);
        // Names are ours and the password is hexadecimal: nothing here needs quoting.
        let statement = format!("alter role {} password '{password}'", role.name());
        connection
            .execute(sqlx::AssertSqlSafe(statement))
            .await
            .map_err(|e| wrong(format!("setting the password of {}: {e}", role.name())))?;
        options.push(admin.clone().username(role.name()).password(&password));
    }
    connection.close().await.map_err(prepare("closing"))?;
    prepare_database(admin).await?;
    options.try_into().map_err(|_| wrong("four roles give four addresses".to_owned()))
}

/// Refuses an address whose role could walk around the walls.
pub(super) async fn check_role(role: Role, options: &PgConnectOptions) -> Result<(), DbError> {
    let wrong = |problem: String| DbError::Address { key: role.url_key(), problem };
    let mut connection =
        PgConnection::connect_with(options).await.map_err(|e| wrong(format!("cannot connect: {e}")))?;
    let (name, bypasses): (String, bool) =
        sqlx::query_as("select rolname::text, rolsuper or rolbypassrls from pg_roles where rolname = current_user")
            .fetch_one(&mut connection)
            .await
            .map_err(|e| wrong(e.to_string()))?;
    connection.close().await.map_err(prepare("closing"))?;
    if name != role.name() {
        return Err(wrong(format!("connects as `{name}`; policies are written for `{}`", role.name())));
    }
    if bypasses {
        return Err(wrong(format!("`{name}` is a superuser or has BYPASSRLS; row-level security would not hold")));
    }
    Ok(())
}
