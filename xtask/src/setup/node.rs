//! Node and the packages of `package-lock.json`: fonts, icons, and what the browser tests need.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::apt;
use crate::{exec, paths, say};

/// The oldest major version that builds.
const OLDEST: u32 = 18;
/// The oldest major version that the browser tests' packages accept.
const OLDEST_FOR_TESTS: u32 = 20;

/// Node itself, new enough to build.
pub fn ensure() -> Result<()> {
    at_least(OLDEST)
}

/// Node itself, new enough for the browser tests.
pub fn ensure_for_tests() -> Result<()> {
    at_least(OLDEST_FOR_TESTS)
}

fn at_least(oldest: u32) -> Result<()> {
    if paths::program("node").is_none() || paths::program("npm").is_none() {
        apt::install(&["nodejs", "npm"], "Node and npm")?;
    }
    let said = exec::output(Command::new("node").arg("--version"))?;
    let major = said.trim().trim_start_matches('v').split('.').next().and_then(|word| word.parse::<u32>().ok());
    match major {
        Some(major) if major >= oldest => Ok(()),
        _ => bail!("Node {} is too old: install Node {oldest} or newer by hand", said.trim()),
    }
}

/// The packages, installed again only when the lock changed.
pub fn packages() -> Result<()> {
    ensure()?;
    let root = paths::root();
    let lock = std::fs::read(root.join("package-lock.json")).context("cannot read package-lock.json")?;
    let stamp = root.join("node_modules/.holon-lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    say::step("npm ci (fonts, icons, browser tests)");
    let mut npm = Command::new("npm");
    npm.current_dir(&root).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    exec::run(&mut npm).context("npm could not install the packages of package-lock.json")?;
    std::fs::write(stamp, lock)?;
    Ok(())
}

/// One more package in a folder of its own in the cache, for tools that only some machines need.
pub fn tool(name: &str, version: &str) -> Result<PathBuf> {
    ensure()?;
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
