//! `wasm-split-cli`, which cuts the page's module at the marks of `wasm_split`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{exec, paths, say};

/// The version that fits the marks of `wasm_split_helpers` 0.2.
const VERSION: &str = "0.2.4";

/// Finds the program, or builds it into the cache.
pub fn ensure() -> Result<PathBuf> {
    let home = paths::tools()?.join(format!("wasm-split-{VERSION}"));
    let program = home.join("bin/wasm-split-cli");
    if exec::output(Command::new(&program).arg("--help")).is_ok() {
        return Ok(program);
    }
    say::step(&format!("building wasm-split-cli {VERSION} (about a minute, once)"));
    let mut cargo = exec::cargo()?;
    cargo
        // Outside the clone, so that its lock and configuration play no part.
        .current_dir(std::env::temp_dir())
        .env("CARGO_TARGET_DIR", home.join("build"))
        .args(["install", "--quiet", "--force", "--locked", "wasm_split_cli_support", "--version", VERSION])
        .args(["--features", "build-binary", "--root"])
        .arg(&home);
    exec::run(&mut cargo).with_context(|| {
        format!(
            "wasm-split-cli is missing: run `cargo install --locked wasm_split_cli_support --version {VERSION} --features build-binary` by hand"
        )
    })?;
    std::fs::remove_dir_all(home.join("build")).ok();
    Ok(program)
}
