//! Node and the packages of `package-lock.json`: fonts, icons, and what the browser tests need.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

use super::apt;
use crate::{exec, paths, say};

/// The oldest major version that all of our packages accept.
const OLDEST: u32 = 20;
/// Taken from npm where the system's own is older.
const NPM_VERSION: &str = "24.21.0";

/// Node itself, new enough: the system's, or one from npm beside it.
pub fn program() -> Result<&'static Path> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found);
    }
    if paths::program("node").is_none() || paths::program("npm").is_none() {
        apt::install(&["nodejs", "npm"], "Node and npm")?;
    }
    let said = exec::output(Command::new("node").arg("--version"))?;
    let found = if major(&said).is_some_and(|major| major >= OLDEST) {
        PathBuf::from("node")
    } else {
        newer().with_context(|| format!("Node {} is too old: install Node {OLDEST} or newer by hand", said.trim()))?
    };
    Ok(FOUND.get_or_init(|| found))
}

/// Node with a script to run.
pub fn command() -> Result<Command> {
    Ok(Command::new(program()?))
}

/// The 20 of `v20.11.1`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Debian's stable releases lag behind what the browser tests' packages ask for; npm has Node itself as a package.
fn newer() -> Result<PathBuf> {
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => bail!("npm has no Node for {other}"),
    };
    Ok(install(&format!("node-linux-{machine}"), NPM_VERSION)?.join("bin/node"))
}

/// The packages, installed again only when the lock changed.
pub fn packages() -> Result<()> {
    program()?;
    let root = paths::root();
    let lock = std::fs::read(root.join("package-lock.json")).context("cannot read package-lock.json")?;
    once(&root, "ci", "fonts, icons, browser tests", &lock)
        .context("npm could not install the packages of package-lock.json")
}

/// The packages that a manifest names, in a folder of its name in the cache, installed again only when it names others.
pub fn packages_of(name: &str, manifest: &Path, what: &str) -> Result<PathBuf> {
    program()?;
    let wanted = std::fs::read(manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let home = paths::tools()?.join(name);
    exec::make_dir(&home)?;
    std::fs::write(home.join("package.json"), &wanted)?;
    once(&home, "install", what, &wanted).with_context(|| format!("npm could not install {what}"))?;
    Ok(home.join("node_modules"))
}

/// Lets npm install into a folder, unless it did so for the same state.
fn once(home: &Path, verb: &str, what: &str, state: &[u8]) -> Result<()> {
    let stamp = home.join("node_modules/.holon-lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == state) {
        return Ok(());
    }
    say::step(&format!("npm {verb} ({what})"));
    let mut npm = Command::new("npm");
    npm.current_dir(home).args([verb, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    exec::run(&mut npm)?;
    std::fs::write(stamp, state)?;
    Ok(())
}

/// One more package in a folder of its own in the cache, for tools that only some machines need.
pub fn tool(name: &str, version: &str) -> Result<PathBuf> {
    program()?;
    install(name, version)
}

fn install(name: &str, version: &str) -> Result<PathBuf> {
    let home = paths::tools()?.join(format!("{}-{version}", name.replace(['@', '/'], "_")));
    let package = home.join("node_modules").join(name);
    if package.join("package.json").is_file() {
        return Ok(package);
    }
    say::step(&format!("npm install {name}@{version}"));
    exec::make_dir(&home)?;
    let mut npm = Command::new("npm");
    npm.current_dir(&home).args(["install", "--prefix", ".", "--no-audit", "--no-fund", "--loglevel=error"]);
    exec::run(npm.arg(format!("{name}@{version}")))?;
    Ok(package)
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read_from_what_node_says() {
        assert_eq!(major("v20.11.1\n"), Some(20));
        assert_eq!(major("v8.0.0"), Some(8));
        assert_eq!(major("20.1"), None);
    }
}
