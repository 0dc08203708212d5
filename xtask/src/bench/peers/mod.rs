//! The same work by others beside us, in one call: runs of three journaled steps that do nothing.
//!
//! Restate (its server with default settings, a service on Node) is asked over HTTP, as we are; DBOS is a library, called
//! in process, as our runtime is.

mod dbos;
mod load;
mod restate;

use std::time::Duration;

use anyhow::{Context, Result};

use super::measure::{Measure, Must};
use super::runtime;

const CLIENTS: usize = 64;
const WARM_UP: usize = 200;
const SEQUENTIAL: usize = 500;
const LOAD_FOR: Duration = Duration::from_secs(8);
/// How many times as many runs a second as Restate.
const TIMES_RESTATE: f64 = 5.0;

/// Ours, then theirs.
pub fn run() -> Result<Vec<Measure>> {
    let mut ours = runtime::load()?;
    let of = |name: &str| {
        let found = ours.iter().find(|measure| measure.name == name);
        found.map(|measure| measure.value).with_context(|| format!("there is no measure {name}"))
    };
    let (restate_alone, restate) = restate::run().context("Restate")?;
    let (dbos_alone, dbos) = dbos::run().context("DBOS")?;
    let report = |name: &str, value: f64, unit: &str| Measure::new(name, value, unit, Must::Report);
    let beside = |name: &str, value: f64, unit: &str, must: Must, peer: (&str, f64)| Measure {
        peer: Some((peer.0.to_owned(), peer.1)),
        ..Measure::new(name, value, unit, must)
    };
    let over_http = of("runtime.webhook_runs_per_second_64")?;
    let in_process = of("runtime.runs_per_second_64")?;
    let (alone_http, alone) = (of("runtime.webhook_to_finish_p50")?, of("runtime.start_to_finish_p50")?);
    ours.extend([
        report("peers.restate_runs_per_second_64", restate.rate, "runs/s"),
        report("peers.restate_p50_64", restate.p50, "ms"),
        report("peers.restate_p99_64", restate.p99, "ms"),
        report("peers.restate_p50_1", restate_alone, "ms"),
        report("peers.dbos_runs_per_second_16", dbos.rate, "runs/s"),
        report("peers.dbos_p50_16", dbos.p50, "ms"),
        report("peers.dbos_p50_1", dbos_alone, "ms"),
        beside("peers.holon_http_runs_per_second_64", over_http, "runs/s", Must::Report, ("Restate", restate.rate)),
        beside("peers.times_restate", over_http / restate.rate, "", Must::AtLeast(TIMES_RESTATE), ("Restate", 1.0)),
        beside("peers.holon_in_process_runs_per_second_64", in_process, "runs/s", Must::Report, ("DBOS", dbos.rate)),
        beside("peers.times_dbos", in_process / dbos.rate, "", Must::Report, ("DBOS", 1.0)),
        beside("peers.holon_http_p50_1", alone_http, "ms", Must::Report, ("Restate", restate_alone)),
        beside("peers.holon_in_process_p50_1", alone, "ms", Must::Report, ("DBOS", dbos_alone)),
    ]);
    Ok(ours)
}
