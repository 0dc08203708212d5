//! How fast this machine is today: a fixed loop, compared with what it took where the bars were set.

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use super::measure::median;
use crate::{exec, setup};

/// Milliseconds of the loop on the machine where the bars were set.
const REFERENCE: f64 = 330.0;

/// Integer work that no optimiser removes. In Node, because this program itself is not optimised.
const LOOP: &str = "
let x = 1;
const run = () => { for (let i = 0; i < 5e7; i++) { x = Math.imul(x, 1664525) + 1013904223 | 0; x ^= x >>> 13; } };
run();
for (let i = 0; i < 7; i++) { const t = performance.now(); run(); console.log(performance.now() - t); }
if (x === 42) console.log('');
";

/// 1 on the reference machine, 2 where everything takes twice as long.
fn slowness() -> Result<f64> {
    let printed = exec::output(setup::node::command()?.args(["-e", LOOP]))?;
    let times: Result<Vec<f64>> = printed.lines().map(|line| line.parse().context("not a time")).collect();
    Ok(median(times?) / REFERENCE)
}

/// What measures are taken on.
pub struct Machine {
    processor: String,
    cores: usize,
    /// The version of the Postgres that benchmarks start.
    postgres: String,
    /// See [`slowness`].
    pub slowness: f64,
}

impl Machine {
    /// Looks at this one.
    pub fn look() -> Result<Self> {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model =
            info.lines().find_map(|line| line.strip_prefix("model name")).and_then(|rest| rest.split_once(": "));
        let said = exec::output(Command::new(setup::postgres::binaries()?.join("postgres")).arg("--version"))?;
        Ok(Self {
            processor: model.map_or("an unknown processor", |(_, name)| name).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            postgres: said.trim().trim_start_matches("postgres (PostgreSQL) ").to_owned(),
            slowness: slowness()?,
        })
    }

    /// For programs: it stands before the measures.
    pub fn json(&self) -> String {
        let Self { processor, cores, postgres, slowness } = self;
        json!({ "machine": processor, "cores": cores, "postgres": postgres, "slowness": slowness }).to_string()
    }

    /// For people.
    pub fn line(&self) -> String {
        let Self { processor, cores, postgres, slowness } = self;
        format!(
            "{processor}, {cores} cores, Postgres {postgres}; {slowness:.2} times the time of the reference for a fixed loop"
        )
    }
}
