//! The tests of the workspace's crates, against one temporary Postgres.

use anyhow::{Result, bail};

use super::count::Count;
use crate::temp_postgres::TempPostgres;
use crate::{exec, paths, setup};

/// Every test of every crate: by nextest where it is installed, else by cargo itself.
pub fn tests(postgres: &TempPostgres) -> Result<Count> {
    let mut cargo = exec::cargo()?;
    let nextest = paths::program("cargo-nextest").is_some();
    if nextest {
        cargo.args(["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "fail", "--cargo-quiet"]);
        cargo.args(["--final-status-level", "fail", "--no-tests", "pass"]);
    } else {
        cargo.args(["test", "--quiet", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"]);
    }
    cargo.env("HOLON_TEST_PG", postgres.socket_dir()).env("HOLON_POSTGRES_BIN", setup::postgres::binaries()?);
    let (ok, output) = exec::tee(&mut cargo)?;
    let count = if nextest { Count::of_nextest(&output) } else { Count::of_cargo_test(&output) };
    honest(ok, count)
}

/// The examples in documentation comments.
pub fn documentation() -> Result<Count> {
    let (ok, output) = exec::tee(exec::cargo()?.args(["test", "--quiet", "--doc", "--workspace", "--no-fail-fast"]))?;
    honest(ok, Count::of_cargo_test(&output))
}

/// A runner that failed without a failed test (it did not compile, it crashed) is a failure too.
fn honest(ok: bool, count: Count) -> Result<Count> {
    match (ok, count.failed) {
        (false, 0) => bail!("the tests did not run to their end"),
        _ => Ok(count),
    }
}
