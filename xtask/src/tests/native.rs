//! The tests of the workspace's crates, against one temporary Postgres.

use anyhow::{Result, bail};

use super::count::Count;
use crate::temp_postgres::TempPostgres;
use crate::{exec, paths, say, setup};

/// Every test of every crate: by nextest where it is installed, else by cargo itself.
pub fn tests(postgres: &TempPostgres) -> Result<Count> {
    let nextest = paths::program("cargo-nextest").is_some();
    // For itself, so that one sees what compiling takes and what the tests do.
    let timer = say::Timer::start("compiling the tests");
    exec::run(runner(nextest)?.arg("--no-run"))?;
    timer.done();
    let mut cargo = runner(nextest)?;
    if nextest {
        cargo.args(["--no-fail-fast", "--status-level", "fail", "--final-status-level", "slow", "--no-tests", "pass"]);
        // Many tests wait for a database or for another process: one more than there are processors keeps these busy.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        cargo.args(["--test-threads", &(processors + 1).to_string()]);
    } else {
        cargo.arg("--no-fail-fast");
    }
    cargo.env("HOLON_TEST_PG", postgres.socket_dir()).env("HOLON_POSTGRES_BIN", setup::postgres::binaries()?);
    let (ok, output) = exec::tee(&mut cargo)?;
    let count = if nextest { Count::of_nextest(&output) } else { Count::of_cargo_test(&output) };
    honest(ok, count)
}

/// What runs, or only compiles, every test of the workspace.
fn runner(nextest: bool) -> Result<std::process::Command> {
    let mut cargo = exec::cargo()?;
    if nextest {
        cargo.args(["nextest", "run", "--workspace", "--cargo-quiet"]);
    } else {
        cargo.args(["test", "--quiet", "--workspace", "--lib", "--bins", "--tests", "--examples"]);
    }
    Ok(cargo)
}

/// A runner that failed without a failed test (it did not compile, it crashed) is a failure too.
pub fn honest(ok: bool, count: Count) -> Result<Count> {
    match (ok, count.failed) {
        (false, 0) => bail!("the tests did not run to their end"),
        _ => Ok(count),
    }
}
