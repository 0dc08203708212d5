//! `cargo xtask up`: from a fresh clone to a running Holon.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context, Result};

use crate::args::Args;
use crate::{build, paths, say, setup};

/// The port when neither `--port` nor `HOLON_PORT` says another.
const PORT: &str = "8080";

/// Gets what is missing, builds, and becomes the server: Ctrl-C goes to it, and it stops cleanly.
pub fn run(mut args: Args) -> Result<()> {
    let release = args.flag("--release");
    let port = args.option("--port")?;
    let data_dir = args.option("--data-dir")?;
    args.finish()?;
    let built = build::all(release)?;
    let mut server = Command::new(&built.server);
    server.arg("serve").env("HOLON_SITE_DIR", &built.site);
    // Ours, not the server's.
    server.env_remove("HOLON_TARGET_DIR").env_remove("HOLON_CACHE_DIR");
    // With a database of one's own there is none to bring.
    let given = |key: &str| std::env::var_os(key).is_some_and(|url| !url.is_empty());
    if !given("HOLON_DATABASE_URL") && !given("HOLON_DATABASE_APP_URL") {
        let binaries = setup::postgres::binaries()?;
        // Among those of the system the server chooses itself, by the version of its data directory.
        if binaries.starts_with(paths::tools()?) {
            server.env("HOLON_POSTGRES_BIN", binaries);
        }
    }
    if let Some(port) = &port {
        server.env("HOLON_PORT", port);
    }
    // Relative to the clone, not to where the command was called from: the same database every time.
    if data_dir.is_none() && std::env::var_os("HOLON_DATA_DIR").is_none_or(|dir| dir.is_empty()) {
        server.env("HOLON_DATA_DIR", paths::root().join(".holon"));
    }
    if let Some(dir) = data_dir {
        let dir = std::path::absolute(&dir).with_context(|| format!("--data-dir {dir}"))?;
        server.env("HOLON_DATA_DIR", dir);
    }
    let port = port.or_else(|| std::env::var("HOLON_PORT").ok()).unwrap_or_else(|| PORT.to_owned());
    say::plain(&format!("\nHolon will answer at http://localhost:{port} (Ctrl-C stops it)\n"));
    Err(server.exec()).with_context(|| format!("cannot start {}", built.server.display()))
}
