//! A private Postgres for as long as a command needs one: on a Unix socket only, in a temporary folder.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{exec, paths, say, setup};

/// The superuser of the cluster, the same name as in the server's own.
const ADMIN: &str = "holon_admin";

/// Where a cluster stands that must be on a disk.
const DISK: &str = "/tmp";
/// The file system in memory that Linux machines have.
const MEMORY: &str = "/dev/shm";
/// What must be free there, in KiB: many times what a run of the tests takes at once, so that nobody else goes short of memory.
const ROOM: u64 = 4 << 20;

/// Becomes its program, with a watcher that ends it and removes its folder when the other end of the standard input goes
/// away: that is when we end, however we do. Postgres minds children it does not know only when they fail.
const WATCHED: &str = r#"
exec 3<&0
{ read -r _ <&3
  kill -QUIT $$
  for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 $$ || break; sleep 1; done
  rm -rf "$HOLON_TEMP_DIR"
} >/dev/null 2>&1 &
exec "$0" "$@" </dev/null 3<&-
"#;

/// A running cluster. Dropping it stops the process and removes the folder.
pub struct TempPostgres {
    bin: PathBuf,
    dir: PathBuf,
    user: Option<User>,
    child: Child,
}

/// Whom Postgres runs as when this process is the superuser: it refuses to be root.
#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl TempPostgres {
    /// For tests: it does not wait for the disk, and stands in memory where there is room. Each test makes and drops a database of
    /// hundreds of files, and a file system that was just told to delete as many takes long to find places for new ones.
    pub fn start() -> Result<Self> {
        let settings = [
            "listen_addresses=",
            "max_connections=300",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "max_wal_size=256MB",
        ];
        Self::with(tests_home(), &settings)
    }

    /// For benchmarks: as durable as the server's own.
    pub fn durable() -> Result<Self> {
        Self::with(DISK, &["listen_addresses=", "max_connections=300", "shared_buffers=256MB"])
    }

    fn with(home: &str, settings: &[&str]) -> Result<Self> {
        let bin = setup::postgres::binaries()?;
        let user = if exec::is_root() { Some(unprivileged()?) } else { None };
        // A socket's path holds 107 bytes at most: the temporary folder, not the (maybe long) target directory.
        let dir = PathBuf::from(home).join(format!("holon-xtask-pg-{}", std::process::id()));
        if dir.exists() {
            // Left by a process that had our id before and was ended before it could start Postgres.
            std::fs::remove_dir_all(&dir).with_context(|| format!("{} is in the way", dir.display()))?;
        }
        exec::make_dir(&dir)?;
        if let Some(user) = user {
            std::os::unix::fs::chown(&dir, Some(user.uid), Some(user.gid))?;
        }
        let data = dir.join("data");
        let mut init = as_user(&bin.join("initdb"), user);
        init.args([
            "--username",
            ADMIN,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--no-sync",
            "--pgdata",
        ]);
        exec::output(init.arg(&data)).context("initdb failed")?;
        let log = std::fs::File::create(dir.join("log"))?;
        let mut postgres = as_user(Path::new("/bin/sh"), user);
        postgres.args(["-c", WATCHED]).arg(bin.join("postgres")).env("HOLON_TEMP_DIR", &dir);
        postgres.arg("-D").arg(&data).arg("-k").arg(&dir);
        for setting in settings {
            postgres.args(["-c", setting]);
        }
        // Its own group: Ctrl-C reaches us, and our end reaches it.
        let child = postgres.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).process_group(0).spawn()?;
        let mut started = Self { bin, dir, user, child };
        started.wait_until_ready()?;
        Ok(started)
    }

    /// The folder of its socket.
    pub fn socket_dir(&self) -> &Path {
        &self.dir
    }

    /// The address of a database for `DATABASE_URL`.
    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@localhost/{database}?host={}", self.dir.display())
    }

    /// A client program of this Postgres, connected as the superuser.
    pub fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.env("PGHOST", &self.dir).env("PGUSER", ADMIN);
        command
    }

    /// Runs one statement in the database `postgres`.
    pub fn sql(&self, statement: &str) -> Result<()> {
        self.psql(ADMIN, "postgres", &["-c"], Path::new(statement))
    }

    /// Puts a file into its folder.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.dir.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Makes a database with the roles of Holon and every migration in it.
    pub fn migrated(&self, database: &str) -> Result<()> {
        let root = paths::root();
        let prepared = root.join("server/platform/src/db");
        self.psql(ADMIN, "postgres", &["-f"], &prepared.join("roles.sql"))?;
        let create = format!("create database {database} owner holon_owner template template0");
        self.sql(&create)?;
        self.psql(ADMIN, database, &["-f"], &prepared.join("database.sql"))?;
        let mut migrations: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(root.join("migrations"))? {
            migrations.push(entry?.path());
        }
        migrations.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
        migrations.sort();
        for migration in migrations {
            // A migration that must run outside a transaction says so on its first line, as sqlx wants it.
            let text = std::fs::read_to_string(&migration)?;
            let one: &[&str] = if text.starts_with("-- no-transaction") { &["-f"] } else { &["-1", "-f"] };
            self.psql("holon_owner", database, one, &migration)?;
        }
        Ok(())
    }

    fn psql(&self, role: &str, database: &str, how: &[&str], what: &Path) -> Result<()> {
        let mut psql = Command::new(client(&self.bin)?);
        psql.env("PGOPTIONS", "-c client_min_messages=warning").args([
            "-qX",
            "-v",
            "ON_ERROR_STOP=1",
            "-o",
            "/dev/null",
        ]);
        psql.arg("-h").arg(&self.dir).args(["-U", role]).args(how).arg(what).arg(database);
        exec::output(&mut psql).map(drop)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let since = Instant::now();
        let socket = self.dir.join(".s.PGSQL.5432");
        // The socket is there before the server answers; the line in its log says when it does.
        let ready = |dir: &Path| {
            let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
            log.contains("ready to accept connections")
        };
        while !(socket.exists() && ready(&self.dir)) {
            if self.child.try_wait()?.is_some() || since.elapsed() > Duration::from_secs(60) {
                let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
                bail!("the temporary Postgres did not start:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for TempPostgres {
    fn drop(&mut self) {
        let mut stop = as_user(&self.bin.join("pg_ctl"), self.user);
        stop.args(["stop", "--mode", "immediate", "-w", "-D"]).arg(self.dir.join("data"));
        if !exec::succeeds(&mut stop) {
            self.child.kill().ok();
        }
        self.child.wait().ok();
        if let Err(error) = std::fs::remove_dir_all(&self.dir) {
            say::note(&format!("{} stays behind: {error}", self.dir.display()));
        }
    }
}

/// Where what tests keep stands while they run: in memory where there is room.
pub fn tests_home() -> &'static str {
    if room_in_memory() { MEMORY } else { DISK }
}

/// Whether the file system in memory has room for a cluster of tests; in a container it often has next to none.
fn room_in_memory() -> bool {
    let free = exec::output(Command::new("df").args(["-k", "-P", MEMORY])).unwrap_or_default();
    let free = free.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    free.is_some_and(|kib: u64| kib >= ROOM)
}

/// `psql`: beside the server's programs, in the path, or from Debian (npm's package has none).
fn client(bin: &Path) -> Result<PathBuf> {
    let beside = bin.join("psql");
    if beside.is_file() {
        return Ok(beside);
    }
    if let Some(found) = paths::program("psql") {
        return Ok(found);
    }
    setup::apt::install(&["postgresql-client"], "psql, to apply migrations")?;
    paths::program("psql").context("postgresql-client brought no psql")
}

fn unprivileged() -> Result<User> {
    let passwd = std::fs::read_to_string("/etc/passwd")?;
    let find = |name: &str| {
        passwd.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [found, _, uid, gid, ..] = fields.as_slice() else { return None };
            (*found == name).then_some(())?;
            Some(User { uid: uid.parse().ok()?, gid: gid.parse().ok()? })
        })
    };
    find("postgres").or_else(|| find("nobody")).context("Postgres refuses to be root, and there is no other user")
}

fn as_user(program: &Path, user: Option<User>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C");
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command
}
