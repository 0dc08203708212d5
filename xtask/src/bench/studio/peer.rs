//! The peer's page: `@xyflow/react` from npm, bundled as one would bundle it to serve it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{exec, paths, setup};

/// What the page is written in, beside this file.
const SOURCES: &str = "xtask/src/bench/studio/peer";

/// Builds the page into `to`, a folder that serves as it is; `icons` is the sprite of Holon's site.
pub fn build(to: &Path, icons: &Path) -> Result<()> {
    let sources = paths::root().join(SOURCES);
    let what = "xyflow, React and a bundler, to compare with";
    let modules = setup::node::packages_of("bench-studio", &sources.join("package.json"), what)?;
    exec::make_dir(to)?;
    let mut esbuild = Command::new(modules.join(".bin/esbuild"));
    esbuild
        .arg(sources.join("main.jsx"))
        .args(["--bundle", "--minify", "--format=esm", "--target=es2022", "--jsx=automatic", "--log-level=warning"])
        .arg("--define:process.env.NODE_ENV=\"production\"")
        .arg(format!("--outdir={}", to.display()))
        // The packages lie in the cache, not beside the page's sources.
        .env("NODE_PATH", &modules);
    exec::run(&mut esbuild).context("the page of xyflow cannot be bundled")?;
    for (from, name) in [(sources.join("index.html"), "index.html"), (icons.to_owned(), "icons.svg")] {
        std::fs::copy(&from, to.join(name)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(())
}
