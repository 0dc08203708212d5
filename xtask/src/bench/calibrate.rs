//! How fast this machine is today: a fixed loop, compared with what it took where the bars were set.

use anyhow::{Context, Result};

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
pub fn slowness() -> Result<f64> {
    let printed = exec::output(setup::node::command()?.args(["-e", LOOP]))?;
    let times: Result<Vec<f64>> = printed.lines().map(|line| line.parse().context("not a time")).collect();
    Ok(median(times?) / REFERENCE)
}

/// The processor and how many there are.
pub fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).and_then(|rest| rest.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{}, {cores} cores", model.map_or("an unknown processor", |(_, name)| name))
}
