//! The durable runtime: from a delivery to a finished run, on a Postgres that waits for the disk.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::measure::Measure;
use crate::temp_postgres::TempPostgres;
use crate::{exec, setup};

/// Runs the benchmark of the whole server over HTTP and that of the runtime alone, and one commit by `pgbench` beside
/// them as the peer of what is a time.
pub fn run() -> Result<Vec<Measure>> {
    measured(&[])
}

/// The same without what nothing else is compared with: many runs that wait, and neighbours.
pub fn load() -> Result<Vec<Measure>> {
    measured(&[("HOLON_BENCH_ONLY", Path::new("load"))])
}

fn measured(env: &[(&str, &Path)]) -> Result<Vec<Measure>> {
    // With a Postgres of its own, as `holon serve` has it.
    let mut measures = example("holon", "server_bench", env)?;
    let postgres = TempPostgres::durable()?;
    let commit = commit_milliseconds(&postgres)?;
    let there = [("HOLON_TEST_PG", postgres.socket_dir())];
    measures.extend(example("holon-runtime", "bench", &[env, &there].concat())?);
    for measure in measures.iter_mut().filter(|measure| measure.unit == "ms") {
        measure.peer = Some(("pgbench commit ms".to_owned(), commit));
    }
    Ok(measures)
}

/// What is done beside millions of runs of the past, and without them.
pub fn history() -> Result<Vec<Measure>> {
    example("holon", "server_bench", &[("HOLON_BENCH_ONLY", Path::new("history"))])
}

/// The measures of an example of a crate. One that ends with 1 because it fell short has told its measures: they
/// are judged here, where it is known how slow the machine is.
fn example(package: &str, name: &str, env: &[(&str, &Path)]) -> Result<Vec<Measure>> {
    let mut cargo = exec::cargo()?;
    cargo.args(["run", "--quiet", "--release", "--package", package, "--example", name]);
    cargo.env("HOLON_POSTGRES_BIN", setup::postgres::binaries()?).envs(env.iter().copied());
    let output = cargo.stderr(std::process::Stdio::inherit()).output().with_context(|| format!("running {name}"))?;
    let measures = super::lines(&String::from_utf8_lossy(&output.stdout))?;
    if measures.is_empty() {
        bail!("the example {name} of {package} told no measure ({})", output.status)
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
