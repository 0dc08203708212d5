//! A built server as a child process, for benchmarks: a data directory of its own, a free port, stopped by its id.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::build::Built;
use crate::{exec, setup};

/// How long a start may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder that goes away with this value.
pub struct DataDir(PathBuf);

impl DataDir {
    /// An empty one in the temporary folder, where an unprivileged Postgres can reach it.
    pub fn new(name: &str) -> Result<Self> {
        let dir = std::env::temp_dir().join(format!("holon-{name}-{}", std::process::id()));
        exec::make_dir(&dir)?;
        Ok(Self(dir))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// A running server.
pub struct Server {
    child: Child,
    /// Its port on the loopback address.
    pub port: u16,
    /// From the start of the process to the first good answer of `/health/ready`.
    pub ready_after: Duration,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub fn start(built: &Built, data: &DataDir, settings: &[(&str, &str)]) -> Result<Self> {
        let port = free_port()?;
        let log = std::fs::File::create(data.path().join("server.log"))?;
        let mut command = Command::new(&built.server);
        command
            .arg("serve")
            .env("HOLON_SITE_DIR", &built.site)
            .env("HOLON_DATA_DIR", data.path().join("data"))
            .env("HOLON_PORT", port.to_string())
            .env("HOLON_POSTGRES_BIN", setup::postgres::binaries()?)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let since = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", built.server.display()))?;
        let mut server = Self { child, port, ready_after: Duration::ZERO };
        loop {
            if server.get("/health/ready").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                server.ready_after = since.elapsed();
                return Ok(server);
            }
            if server.child.try_wait()?.is_some() || since.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(data.path().join("server.log")).unwrap_or_default();
                bail!("the server did not become ready:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Bytes of memory that the process holds; its Postgres is other processes.
    pub fn memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in /proc")?;
        let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes * 1024.0)
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        exec::run(Command::new("kill").arg("-TERM").arg(self.child.id().to_string()))?;
        self.child.wait()?;
        Ok(())
    }

    fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\n\r\n", self.port)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end.
        if matches!(self.child.try_wait(), Ok(None)) {
            exec::succeeds(Command::new("kill").arg("-TERM").arg(self.child.id().to_string()));
            self.child.wait().ok();
        }
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
