//! The durable runtime: from a delivery to a finished run, on a Postgres that waits for the disk.

use anyhow::{Context, Result};

use super::measure::Measure;
use crate::temp_postgres::TempPostgres;
use crate::{exec, setup};

/// Runs the runtime's own benchmark, and one commit by `pgbench` beside it as the peer of what is a time.
pub fn run() -> Result<Vec<Measure>> {
    let postgres = TempPostgres::durable()?;
    let commit = commit_milliseconds(&postgres)?;
    let mut cargo = exec::cargo()?;
    cargo
        .args(["run", "--quiet", "--release", "--package", "holon-runtime", "--example", "bench"])
        .env("HOLON_TEST_PG", postgres.socket_dir())
        .env("HOLON_POSTGRES_BIN", setup::postgres::binaries()?);
    let mut measures = super::lines(&exec::output(&mut cargo)?)?;
    for measure in measures.iter_mut().filter(|measure| measure.unit == "ms") {
        measure.peer = Some(("pgbench commit ms".to_owned(), commit));
    }
    Ok(measures)
}

/// The mean time of one client's smallest durable transaction.
fn commit_milliseconds(postgres: &TempPostgres) -> Result<f64> {
    let script = postgres.write("commit.sql", "insert into bench_commit default values;\n")?;
    postgres.sql("create table bench_commit (id bigint generated always as identity)")?;
    let mut pgbench = postgres.tool("pgbench");
    pgbench.args(["--no-vacuum", "--client", "1", "--time", "3", "--file"]).arg(script).arg("postgres");
    let printed = exec::output(&mut pgbench)?;
    let line =
        printed.lines().find_map(|line| line.strip_prefix("latency average = ")).context("pgbench gave no latency")?;
    line.split(' ').next().unwrap_or("").parse().context("pgbench's latency is not a number")
}
