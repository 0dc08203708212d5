//! The engine alone: pure nodes per second on one core, natively and in wasm32 under Node, in turns: what disturbs the machine
//! disturbs both.

use std::process::Command;

use anyhow::{Context, Result};

use super::measure::{Measure, Must, median};
use crate::{exec, parity, setup};

/// Turns that each side has.
const TURNS: usize = 5;

/// Times the module's own loop several times.
const SCRIPT: &str = "
const parity = require(process.argv[1]);
parity.bench_nodes(50);
for (let i = 0; i < 3; i++) {
  const since = performance.now();
  let nodes = 0;
  while (performance.now() - since < 300) nodes += parity.bench_nodes(50);
  console.log(nodes / (performance.now() - since) * 1000);
}
";

/// Runs both sides, again and again one after the other.
pub fn run() -> Result<Vec<Measure>> {
    let native = parity::native()?;
    let printed = exec::output(Command::new(&native).arg("bench"))?;
    let mut measures = super::lines(&printed)?;
    let module = parity::module()?;
    let (mut rates, mut shares) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let natively = rate(Command::new(&native).arg("nodes"))?;
        let wasm = rate(setup::node::command()?.args(["-e", SCRIPT]).arg(&module))?;
        rates.push(wasm);
        shares.push(wasm / natively);
    }
    measures.push(Measure::new("engine.wasm", median(rates), "nodes/s", Must::Report));
    measures.push(Measure::new("engine.wasm_share_of_native", median(shares), "", Must::AtLeast(0.5)));
    Ok(measures)
}

/// The median of the rates that a program prints, one a line.
fn rate(program: &mut Command) -> Result<f64> {
    let printed = exec::output(program)?;
    let rates: Result<Vec<f64>> = printed.lines().map(|line| line.parse().context("not a rate")).collect();
    Ok(median(rates?))
}
