//! The engine alone: pure nodes per second on one core, natively and in wasm32 under Node.

use std::process::Command;

use anyhow::{Context, Result};

use super::measure::{Measure, Must, median};
use crate::{exec, parity};

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
    let native = super::lines(&printed)?.into_iter().next().context("`parity bench` printed no measure")?.value;
    let module = parity::module()?;
    let printed = exec::output(Command::new("node").args(["-e", SCRIPT]).arg(module))?;
    let rates: Result<Vec<f64>> = printed.lines().map(|line| line.parse().context("not a rate")).collect();
    let wasm = median(rates?);
    let mut share = Measure::new("engine.wasm_share_of_native", wasm / native, "", Must::AtLeast(0.5));
    share.peer = Some(("native nodes/s".to_owned(), native));
    Ok(vec![
        Measure::new("engine.native", native, "nodes/s", Must::RateAtLeast(600_000.0)),
        Measure::new("engine.wasm", wasm, "nodes/s", Must::Report),
        Measure { peer: None, ..share },
    ])
}
