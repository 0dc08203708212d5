//! The engine alone: pure nodes per second on one core, natively and in wasm32 under Node.

use std::process::Command;

use anyhow::{Context, Result};

use super::measure::{Measure, Must, median};
use crate::{exec, parity, setup};

/// Times the module's own loop for about a second, several times.
const SCRIPT: &str = "
const parity = require(process.argv[1]);
parity.bench_nodes(50);
for (let i = 0; i < 5; i++) {
  const since = performance.now();
  let nodes = 0;
  while (performance.now() - since < 700) nodes += parity.bench_nodes(50);
  console.log(nodes / (performance.now() - since) * 1000);
}
";

/// Runs both sides, one after the other.
pub fn run() -> Result<Vec<Measure>> {
    let printed = exec::output(Command::new(parity::native()?).arg("bench"))?;
    let mut measures = super::lines(&printed)?;
    let native = measures
        .iter()
        .find(|measure| measure.name == "engine.native")
        .context("`parity bench` gave no engine.native")?
        .value;
    let module = parity::module()?;
    let printed = exec::output(setup::node::command()?.args(["-e", SCRIPT]).arg(module))?;
    let rates: Result<Vec<f64>> = printed.lines().map(|line| line.parse().context("not a rate")).collect();
    let wasm = median(rates?);
    measures.push(Measure::new("engine.wasm", wasm, "nodes/s", Must::Report));
    measures.push(Measure::new("engine.wasm_share_of_native", wasm / native, "", Must::AtLeast(0.5)));
    Ok(measures)
}
