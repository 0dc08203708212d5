//! The simulator: real runtimes over one store in memory, in one thread with its own time, in a world that a seed makes fail.
//!
//! `world` is the story of a seed and `seed` what it says; `faults` is misfortune, `ledger` the outside, `clients` and `people` those who
//! ask and tell, `flows` what is run, `oracle` what must hold at the end, `trace` what happened, and `run` how seeds are gone through.

mod clients;
mod faults;
mod flows;
mod ledger;
mod oracle;
mod people;
mod run;
mod seed;
mod trace;
mod world;

use std::time::Duration;

use run::{Seeds, seeds};
use seed::{Less, Plan, Planted};

/// Seeds of each test run: unoptimised, one takes a quarter of a second. The long way has the rest.
const SEEDS: u64 = 180;
/// On a machine that is slow or busy with something else fewer seeds do: those of the long way are gone through anyway.
const WITHIN: Duration = Duration::from_secs(150);

#[test]
fn whatever_befalls_them_runs_that_were_acknowledged_end_and_nothing_is_done_twice() {
    // One seed, told in full: what a failure prints.
    if let Some(seed) = run::number("HOLON_SIM_SEED") {
        return run::tell(seed, &Less::from_environment());
    }
    let from = run::number("HOLON_SIM_FROM").unwrap_or(0);
    let asked = run::number("HOLON_SIM_COUNT");
    let within = asked.is_none().then_some(WITHIN);
    let done = seeds(Seeds { from, count: asked.unwrap_or(SEEDS), within });
    assert!(done.runs > done.seeds && done.effects > done.seeds, "next to nothing was simulated: {done:?}");
}

#[test]
fn a_seed_gives_the_same_trace_every_time() {
    for seed in 0..40 {
        let (first, second) = (run::one(Plan::of(seed), false), run::one(Plan::of(seed), false));
        assert_eq!((first.hash, first.notes), (second.hash, second.notes), "seed {seed}");
    }
}

/// Seeds between two notes of how far it is.
const STEP: u64 = 2_000;

#[test]
#[ignore = "as long as one likes: `cargo xtask sim`"]
fn the_long_way_goes_on_where_it_stopped() {
    let state = run::Kept::open();
    let count = run::number("HOLON_SIM_COUNT").unwrap_or(SEEDS);
    // Behind the seeds of every test run.
    let mut from = run::number("HOLON_SIM_FROM").unwrap_or_else(|| state.read().max(SEEDS));
    let end = from + count;
    while from < end {
        let count = STEP.min(end - from);
        seeds(Seeds { from, count, within: None });
        from += count;
        state.write(from);
    }
}

/// Goes through seeds until the oracle sees a defect that was put in on purpose.
fn found(planted: Planted) -> Option<(u64, Vec<(&'static str, String)>)> {
    (0..300).find_map(|seed| {
        let report = run::one(Plan { planted: Some(planted), ..Plan::of(seed) }, false);
        (!report.problems.is_empty()).then_some((seed, report.problems))
    })
}

#[test]
fn a_planted_defect_is_found() {
    for (planted, kinds) in [
        (Planted::AcknowledgedTooEarly, &["lost", "journal", "not durable", "parked", "stuck", "told too early"][..]),
        (Planted::NoFence, &["zombie"]),
        (Planted::AnotherKey, &["another key"]),
        (Planted::RowLeft, &["stuck", "parked"]),
    ] {
        let (seed, problems) = found(planted).unwrap_or_else(|| panic!("{planted:?} is not found"));
        assert!(
            problems.iter().any(|(kind, _)| kinds.contains(kind)),
            "seed {seed}: {planted:?} is taken for something else: {problems:?}"
        );
    }
}
