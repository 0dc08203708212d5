//! The browser tests: Playwright drives Chromium against servers that the tests start themselves.

use anyhow::{Context, Result, bail};

use super::count::Count;
use crate::{build, exec, paths, setup, temp_postgres};

/// Builds what a user would run, and walks through it: all files, or those whose path contains `file`.
pub fn run(file: Option<&str>) -> Result<Count> {
    let tools = setup::build_tools()?;
    let chromium = setup::browser::ensure()?;
    let site = build::site(false, &tools)?;
    // With the whole workspace's features, so that nothing is compiled a second time after the native tests.
    let server = build::server_of_workspace()?;
    let mut node = setup::node::command()?;
    node.current_dir(paths::root().join("end2end"))
        .arg(paths::root().join("node_modules/@playwright/test/cli.js"))
        .args(["test", "--reporter=list"])
        .args(file)
        .env("CI", "1")
        .env("HOLON_SERVER", server)
        .env("HOLON_SITE_DIR", site)
        .env("HOLON_CHROMIUM", chromium)
        .env("TMPDIR", temp_postgres::tests_home())
        .env("HOLON_POSTGRES_BIN", setup::postgres::binaries()?);
    let (ok, output) = exec::tee(&mut node).context("Playwright did not start")?;
    let count = Count::of_playwright(&output);
    if count == Count::default() || (!ok && count.failed == 0) {
        bail!("the browser tests did not run to their end");
    }
    Ok(count)
}
