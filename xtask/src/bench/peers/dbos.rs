//! DBOS from PyPI, over a Postgres that waits for the disk.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::load::Load;
use crate::temp_postgres::TempPostgres;
use crate::{exec, paths, say};

const VERSION: &str = "3.4.0";

/// One client's median in milliseconds, and 16 threads: more do not make it faster.
pub fn run() -> Result<(f64, Load)> {
    let python = python()?;
    let postgres = TempPostgres::durable()?;
    postgres.sql("create database dbos")?;
    let url = postgres.url("holon_admin", "dbos");
    let script = postgres.write("dbos_bench.py", include_str!("dbos_bench.py"))?;
    let printed = exec::output(Command::new(python).arg(script).arg(url))?;
    let line = printed.lines().rfind(|line| line.starts_with('{')).context("DBOS' program told nothing")?;
    let told: Value = serde_json::from_str(line)?;
    let number = |name: &str| told.get(name).and_then(Value::as_f64).with_context(|| format!("no {name}"));
    Ok((number("p50_1")?, Load { rate: number("rate")?, p50: number("p50")?, p99: number("p99")? }))
}

/// A Python of its own with the package in it.
fn python() -> Result<PathBuf> {
    let home = paths::tools()?.join(format!("dbos-{VERSION}"));
    let python = home.join("bin/python");
    if home.join("installed").is_file() {
        return Ok(python);
    }
    say::step(&format!("pip install dbos=={VERSION}"));
    exec::run(Command::new("python3").args(["-m", "venv"]).arg(&home)).context("install python3 and python3-venv")?;
    let mut pip = Command::new(&python);
    exec::run(pip.args(["-m", "pip", "install", "--quiet"]).arg(format!("dbos=={VERSION}")))?;
    std::fs::write(home.join("installed"), "")?;
    Ok(python)
}
