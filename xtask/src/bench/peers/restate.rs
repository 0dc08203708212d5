//! Restate from npm: its server with default settings, and a service on Node.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::load::{Client, Load, many};
use super::{CLIENTS, LOAD_FOR, SEQUENTIAL, WARM_UP};
use crate::bench::measure::median;
use crate::server::{DataDir, free_port};
use crate::{exec, setup};

const SERVER: (&str, &str) = ("@restatedev/restate-server", "1.7.12");
const SDK: (&str, &str) = ("@restatedev/restate-sdk", "1.17.2");
const PATIENCE: Duration = Duration::from_secs(60);
/// Its own defaults; a configuration with others would be another measurement.
const INGRESS: u16 = 8080;
const ADMIN: u16 = 9070;

/// One client's median in milliseconds, and many clients.
pub fn run() -> Result<(f64, Load)> {
    let server = setup::node::tool(SERVER.0, SERVER.1)?;
    let sdk = setup::node::tool(SDK.0, SDK.1)?;
    // Whatever else answers there would be measured in its place.
    for port in [INGRESS, ADMIN] {
        TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("Restate needs port {port}, which is taken"))?;
    }
    let dir = DataDir::new("restate")?;
    let service_port = free_port()?;
    let script = dir.path().join("service.mjs");
    std::fs::write(&script, include_str!("restate.mjs"))?;
    let mut service = setup::node::command()?;
    service.arg(&script).arg(&sdk).arg(service_port.to_string());
    let said = dir.path().join("service.log");
    // Its line for each call costs as much as the call.
    let _service = started(service.env("RESTATE_LOGGING", "ERROR"), &said)?;
    let mut restate = Command::new(binary(&server)?);
    restate.current_dir(dir.path()).env("DO_NOT_TRACK", "1").arg("--base-dir").arg(dir.path().join("data"));
    let _restate = started(&mut restate, &dir.path().join("server.log"))?;

    let uri = format!(r#"{{"uri":"http://localhost:{service_port}"}}"#);
    patiently("Restate did not take the service", || Client::connect(ADMIN, "/deployments", &uri)?.post())?;
    let connect = || Client::connect(INGRESS, "/Three/run", "7");
    patiently("Restate does not run the service", || connect()?.post())
        .with_context(|| std::fs::read_to_string(&said).unwrap_or_default())?;
    let mut client = connect()?;
    for _ in 0..WARM_UP {
        client.post()?;
    }
    let alone: Result<Vec<f64>> = (0..SEQUENTIAL).map(|_| client.post()).collect();
    Ok((median(alone?), many(CLIENTS, LOAD_FOR, connect)?))
}

/// The program inside the package of this machine's kind, which npm chose.
fn binary(package: &Path) -> Result<std::path::PathBuf> {
    let arch = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x64" };
    let scope = package.parent().context("a package lies in a folder")?;
    let binary = scope.join(format!("restate-server-linux-{arch}/bin/restate-server"));
    if binary.is_file() { Ok(binary) } else { bail!("{} has no server for this machine", SERVER.0) }
}

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn started(command: &mut Command, log: &Path) -> Result<Running> {
    let log = std::fs::File::create(log)?;
    let command = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(Running(command.spawn().with_context(|| format!("cannot start {}", exec::shown(command)))?))
}

fn patiently(what: &str, mut once: impl FnMut() -> Result<f64>) -> Result<()> {
    let since = Instant::now();
    loop {
        match once() {
            Ok(_) => return Ok(()),
            Err(error) if since.elapsed() > PATIENCE => return Err(error.context(what.to_owned())),
            Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}
