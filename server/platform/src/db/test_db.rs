//! For tests: a database per test, cloned from a migrated template, reached **as the roles the server uses** (a test
//! that runs as a superuser never sees row-level security and cannot fail).
//!
//! All tests of a machine share one cluster, started on first use and left running: the socket's folder in
//! `HOLON_TEST_PG`, else a cluster of ours under the temporary folder. It runs without fsync and holds nothing of worth.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};

use super::embedded::{
    ADMIN, Layout, PORT_SOCKET, read_major, running_postmaster, server_settings, socket_dir, socket_options,
};
use super::os_user::{OsUser, private_dir};
use super::pg_binaries::PgBinaries;
use super::pools::{Pools, Role, pool, prepare_database, prepare_roles};
use super::{MIGRATOR, migrate};

/// Connections of each pool of a test: enough to test concurrency, few enough for many tests at once.
const CONNECTIONS: u32 = 4;
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A database of one test. Dropped with it.
#[derive(Debug)]
pub struct TestDb {
    /// The pools, as the server has them.
    pub pools: Pools,
    name: String,
    socket: PathBuf,
}

impl TestDb {
    /// Makes one.
    ///
    /// # Panics
    /// When there is no Postgres to be had or migrations fail: the test cannot say anything then.
    pub async fn new() -> Self {
        let socket = shared_socket().await;
        let template = template(&socket).await;
        let name = format!("holon_t_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = connect(&socket, "postgres").await;
        run(&mut admin, format!("create database {name} template {template} owner holon_owner")).await;
        let [_, app, auth, engine] = Role::ALL.map(|role| socket_options(&socket, role.name(), &name));
        Self { pools: Pools::lazy(app, auth, engine, CONNECTIONS), name, socket }
    }

    /// A pool of its own for the store of a runtime under test. Connections live in the runtime that opened them: of the pool that a
    /// test asks, one that a stopped runtime leaves behind may still answer when it is taken and be dead at the next statement.
    #[must_use]
    pub fn pool_apart(&self) -> PgPool {
        pool(CONNECTIONS).connect_lazy_with(self.options(Role::Engine))
    }

    /// How to connect as a role, for tests of the roles themselves.
    #[must_use]
    pub fn options(&self, role: Role) -> PgConnectOptions {
        socket_options(&self.socket, role.name(), &self.name)
    }

    /// How to connect as the cluster's superuser, for walks over the catalogue of all tables.
    #[must_use]
    pub fn admin_options(&self) -> PgConnectOptions {
        socket_options(&self.socket, ADMIN, &self.name)
    }

    /// The tables that hold a text anywhere, as characters or as bytes.
    ///
    /// # Panics
    /// When the database cannot be read.
    pub async fn holding(&self, text: &str) -> Vec<String> {
        let mut admin = PgConnection::connect_with(&self.admin_options()).await.unwrap();
        let tables: Vec<String> = sqlx::query_scalar(
            "select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by 1",
        )
        .fetch_all(&mut admin)
        .await
        .unwrap();
        assert!(tables.len() > 40, "{tables:?}");
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut found = Vec::new();
        for table in tables {
            let sql = format!("select exists (select from \"{table}\" t where t::text like $1 or t::text like $2)");
            let holds: bool = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(format!("%{text}%"))
                .bind(format!("%{hex}%"))
                .fetch_one(&mut admin)
                .await
                .unwrap();
            if holds {
                found.push(table);
            }
        }
        found
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let (socket, name) = (self.socket.clone(), self.name.clone());
        // The test's runtime may be gone or busy: a thread with its own one drops the database.
        let dropping = std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(async {
                if let Ok(mut admin) = PgConnection::connect_with(&socket_options(&socket, ADMIN, "postgres")).await {
                    // What stays behind is dropped by the next process that runs tests.
                    let statement = format!("drop database if exists {name} with (force)");
                    let _ = admin.execute(AssertSqlSafe(statement)).await;
                }
            });
        });
        // A panic in the thread leaves the database behind, nothing worse.
        let _ = dropping.join();
    }
}

/// The socket's folder of the shared cluster, starting it when it does not run.
async fn shared_socket() -> PathBuf {
    if let Some(dir) = std::env::var_os("HOLON_TEST_PG").filter(|v| !v.is_empty()) {
        return PathBuf::from(dir);
    }
    let user = OsUser::for_postgres().expect("a user to run Postgres as");
    let me = rustix::process::geteuid().as_raw();
    let dir = std::env::temp_dir().join(format!("holon-test-pg-{me}"));
    std::fs::create_dir_all(&dir).expect("the temporary folder can be written");
    // One process starts it, the others wait here; held to the end of this function.
    let lock = File::create(dir.join("start.lock")).expect("the temporary folder can be written");
    lock.lock().expect("files in the temporary folder can be locked");

    let cluster = dir.join("cluster");
    let major = read_major(&cluster).expect("the test cluster is readable");
    let bin = std::env::var_os("HOLON_POSTGRES_BIN").map(PathBuf::from);
    let mut settings = server_settings();
    settings
        .retain(|(name, _)| !matches!(*name, "fsync" | "synchronous_commit" | "full_page_writes" | "max_connections"));
    for (name, value) in
        [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"), ("max_connections", "300")]
    {
        settings.push((name, value.to_owned()));
    }
    let layout = Layout {
        binaries: PgBinaries::find(bin.as_deref(), major).expect("Postgres is installed"),
        user,
        socket_dir: socket_dir(&dir, user).expect("a folder for the socket"),
        log: dir.join("postgres.log"),
        settings,
        cluster,
    };
    if running_postmaster(&layout.cluster).is_none() || !layout.socket_dir.join(PORT_SOCKET).exists() {
        private_parent(&layout.cluster, user);
        if major.is_none() {
            layout.init().await.expect("initdb works");
        }
        // The child is not killed when its handle is dropped: it serves the tests of other processes too.
        drop(layout.launch().await.expect("Postgres starts"));
        drop_leftovers(&layout.socket_dir).await;
    }
    layout.socket_dir
}

fn private_parent(cluster: &Path, user: Option<OsUser>) {
    if let Some(parent) = cluster.parent() {
        private_dir(parent, user).expect("the temporary folder can be written");
    }
}

/// The name of the template with this build's migrations, making it when it is not there.
async fn template(socket: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    for migration in MIGRATOR.iter() {
        hasher.update(&migration.version.to_be_bytes()).update(&migration.checksum);
    }
    let name = format!("holon_tpl_{}", &hasher.finalize().to_hex()[..16]);
    let mut admin = connect(socket, "postgres").await;
    admin.execute("select pg_advisory_lock(7241018602)").await.expect("the test cluster can lock");
    let exists: bool = sqlx::query_scalar("select exists (select 1 from pg_database where datname = $1)")
        .bind(&name)
        .fetch_one(&mut admin)
        .await
        .expect("the test cluster answers");
    if !exists {
        let draft = format!("{name}_new");
        prepare_roles(&mut admin).await.expect("the roles can be made");
        run(&mut admin, format!("drop database if exists {draft} with (force)")).await;
        run(&mut admin, format!("create database {draft} owner holon_owner template template0")).await;
        prepare_database(&socket_options(socket, ADMIN, &draft)).await.expect("grants work");
        let owner = sqlx::PgPool::connect_with(socket_options(socket, Role::Owner.name(), &draft))
            .await
            .expect("the owner can connect");
        migrate(&owner).await.expect("migrations run");
        owner.close().await;
        run(&mut admin, format!("alter database {draft} rename to {name}")).await;
    }
    name
}

/// Drops the databases of test processes that are gone.
async fn drop_leftovers(socket: &Path) {
    let mut admin = connect(socket, "postgres").await;
    let names: Vec<String> =
        sqlx::query_scalar("select datname::text from pg_database where datname like 'holon\\_t\\_%'")
            .fetch_all(&mut admin)
            .await
            .expect("the test cluster answers");
    for name in names {
        let pid = name.split('_').nth(2).unwrap_or_default().to_owned();
        if !Path::new("/proc").join(pid).exists() {
            run(&mut admin, format!("drop database if exists {name} with (force)")).await;
        }
    }
}

async fn connect(socket: &Path, database: &str) -> PgConnection {
    PgConnection::connect_with(&socket_options(socket, ADMIN, database)).await.expect("the test cluster answers")
}

async fn run(admin: &mut PgConnection, statement: String) {
    admin.execute(AssertSqlSafe(statement)).await.expect("the test cluster does what it is told");
}
