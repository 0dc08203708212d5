//! `wasm-bindgen` of exactly the version in `Cargo.lock`: another one refuses the modules.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{exec, paths, say};

/// Finds the program, or builds it into the cache.
pub fn ensure() -> Result<PathBuf> {
    let version = locked_version()?;
    if let Some(found) = paths::program("wasm-bindgen").filter(|program| is_version(program, &version)) {
        return Ok(found);
    }
    let home = paths::tools()?.join(format!("wasm-bindgen-{version}"));
    let program = home.join("bin/wasm-bindgen");
    if is_version(&program, &version) {
        return Ok(program);
    }
    say::step(&format!("building wasm-bindgen {version} (about two minutes, once)"));
    let mut cargo = exec::cargo()?;
    cargo
        // Outside the clone, so that its lock and configuration play no part.
        .current_dir(std::env::temp_dir())
        .env("CARGO_TARGET_DIR", home.join("build"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .args([
            "install",
            "--quiet",
            "--force",
            "wasm-bindgen-cli",
            "--version",
            &version,
            "--bin",
            "wasm-bindgen",
            "--root",
        ])
        .arg(&home);
    exec::run(&mut cargo).with_context(|| {
        format!("wasm-bindgen is missing: run `cargo install wasm-bindgen-cli --version {version}` by hand")
    })?;
    std::fs::remove_dir_all(home.join("build")).ok();
    Ok(program)
}

fn is_version(program: &Path, version: &str) -> bool {
    let said = exec::output(Command::new(program).arg("--version")).unwrap_or_default();
    said.split_whitespace().nth(1) == Some(version)
}

fn locked_version() -> Result<String> {
    let lock = std::fs::read_to_string(paths::root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let (_, after) =
        lock.split_once("name = \"wasm-bindgen\"\nversion = \"").context("Cargo.lock has no wasm-bindgen")?;
    let (version, _) = after.split_once('"').context("Cargo.lock is cut off")?;
    Ok(version.to_owned())
}
