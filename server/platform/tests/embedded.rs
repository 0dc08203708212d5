//! The embedded Postgres as an operator meets it: first start, second start, a killed server, a killed database, a
//! data directory in use, another major version.

use std::path::{Path, PathBuf};
use std::time::Duration;

use holon_platform::db::{EmbeddedError, EmbeddedPostgres};
use sqlx::{Connection as _, Executor as _, PgConnection};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("holon-embedded-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

async fn connect(postgres: &EmbeddedPostgres) -> PgConnection {
    PgConnection::connect_with(&postgres.options("holon_admin", "postgres")).await.unwrap()
}

fn postmaster_pid(data_dir: &Path) -> i32 {
    let text = std::fs::read_to_string(data_dir.join("postgres/postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

fn kill(pid: i32) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn data_survives_a_clean_stop_and_the_database_is_durable_and_private() {
    let folder = Folder::new("clean");
    let postgres = EmbeddedPostgres::start(&folder.0, None).await.unwrap();
    let mut connection = connect(&postgres).await;
    connection.execute("create table kept (n int); insert into kept values (42)").await.unwrap();
    for (name, expected) in [("fsync", "on"), ("full_page_writes", "on"), ("listen_addresses", "")] {
        let value: String =
            sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&mut connection).await.unwrap();
        assert_eq!(value, expected, "{name}");
    }
    connection.close().await.unwrap();
    postgres.stop().await;
    assert!(!folder.0.join("postgres/postmaster.pid").exists(), "it was stopped, not abandoned");

    let again = EmbeddedPostgres::start(&folder.0, None).await.unwrap();
    let n: i32 = sqlx::query_scalar("select n from kept").fetch_one(&mut connect(&again).await).await.unwrap();
    assert_eq!(n, 42);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_data_directory_is_refused_by_name() {
    let folder = Folder::new("inuse");
    let postgres = EmbeddedPostgres::start(&folder.0, None).await.unwrap();
    let error = EmbeddedPostgres::start(&folder.0, None).await.unwrap_err();
    assert!(matches!(error, EmbeddedError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("HOLON_DATA_DIR"), "{error}");
    postgres.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_postmaster_is_started_again_with_its_committed_data() {
    let folder = Folder::new("killed");
    let postgres = EmbeddedPostgres::start(&folder.0, None).await.unwrap();
    let mut connection = connect(&postgres).await;
    connection.execute("create table kept (n int); insert into kept values (7)").await.unwrap();
    let before = postmaster_pid(&folder.0);
    kill(before);

    let options = postgres.options("holon_admin", "postgres");
    let answered = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            if let Ok(mut connection) = PgConnection::connect_with(&options).await
                && let Ok(n) = sqlx::query_scalar::<_, i32>("select n from kept").fetch_one(&mut connection).await
                && postmaster_pid(&folder.0) != before
            {
                break n;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(answered.await.expect("the supervisor starts it again"), 7);
    postgres.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_of_a_killed_server_is_stopped_and_replaced() {
    let folder = Folder::new("orphan");
    let postgres = EmbeddedPostgres::start(&folder.0, None).await.unwrap();
    connect(&postgres).await.execute("create table kept (n int); insert into kept values (9)").await.unwrap();
    postgres.stop().await;
    // What a killed server leaves: a postmaster without a parent that cares, and a lock that the system released.
    postgres_by_hand(&folder.0);
    let orphan = postmaster_pid(&folder.0);
    let again = EmbeddedPostgres::start(&folder.0, None).await.unwrap();
    assert_ne!(postmaster_pid(&folder.0), orphan);
    let n: i32 = sqlx::query_scalar("select n from kept").fetch_one(&mut connect(&again).await).await.unwrap();
    assert_eq!(n, 9);
    again.stop().await;
}

/// Starts a postmaster on the cluster as `pg_ctl` does, so that nobody supervises it.
fn postgres_by_hand(data_dir: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::process::CommandExt as _;
    let cluster = data_dir.join("postgres").canonicalize().unwrap();
    let owner = std::fs::metadata(&cluster).unwrap();
    let bin = holon_platform::db::PgBinaries::find(None, None).unwrap().dir;
    let status = std::process::Command::new(bin.join("pg_ctl"))
        .args(["-w", "-s", "-l", "/dev/null", "start"])
        .args(["-o", &format!("-c listen_addresses='' -c unix_socket_directories='{}'", cluster.display()), "-D"])
        .arg(&cluster)
        .current_dir("/")
        .uid(owner.uid())
        .gid(owner.gid())
        .status()
        .unwrap();
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_of_another_major_version_is_refused_and_left_alone() {
    let folder = Folder::new("major");
    let cluster = folder.0.join("postgres");
    std::fs::create_dir_all(&cluster).unwrap();
    std::fs::write(cluster.join("PG_VERSION"), "99\n").unwrap();
    let error = EmbeddedPostgres::start(&folder.0, None).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("made by Postgres 99") && text.contains("HOLON_POSTGRES_BIN"), "{text}");
    assert_eq!(std::fs::read_dir(&cluster).unwrap().count(), 1, "nothing was added");
}
