//! The simulator: real runtimes over one store in memory, in one thread with its own time, in a world that a seed makes fail.
//!
//! `world` is the story of a seed and `seed` what it says; `faults` is misfortune, `ledger` the outside, `clients`, `operators`, `people`
//! and `workers` those who ask, order, tell and do, `flows` what is run, `lines` who stands where, `oracle` what must hold at the end, `trace`
//! what happened, and `run` how seeds are gone through.

mod clients;
mod faults;
mod flows;
mod ledger;
mod lines;
mod operators;
mod oracle;
mod people;
mod run;
mod seed;
mod trace;
mod workers;
mod world;

use run::{Seeds, seeds};
use seed::{Less, Plan, Planted};

/// Seeds of each test run, always the same ones; `cargo xtask sim` goes through those behind them.
const SEEDS: u64 = 10_000;
/// Tests that share them, so that all processors have something to do.
const PARTS: u64 = 10;

/// Goes through one part of the seeds; `HOLON_SIM_FROM` says which ones a test run goes through instead of the first.
fn part(number: u64) {
    let count = SEEDS / PARTS;
    let from = run::number("HOLON_SIM_FROM").unwrap_or_default() + number * count;
    let done = seeds(Seeds { from, count, threads: 1 });
    assert!(done.runs > done.seeds && done.effects > done.seeds, "next to nothing was simulated: {done:?}");
}

mod whatever_befalls_them_runs_that_were_acknowledged_end_and_nothing_is_done_twice {
    macro_rules! parts {
        ($($name:ident: $number:literal),* $(,)?) => {
            $(#[test]
            fn $name() {
                crate::part($number);
            })*
        };
    }
    parts! {
        in_the_first_thousand_worlds: 0,
        in_the_second_thousand_worlds: 1,
        in_the_third_thousand_worlds: 2,
        in_the_fourth_thousand_worlds: 3,
        in_the_fifth_thousand_worlds: 4,
        in_the_sixth_thousand_worlds: 5,
        in_the_seventh_thousand_worlds: 6,
        in_the_eighth_thousand_worlds: 7,
        in_the_ninth_thousand_worlds: 8,
        in_the_tenth_thousand_worlds: 9,
    }
}

/// Worlds in which something did not hold once, with what it was: also when other seeds are gone through.
const PINNED: [(u64, &str); 4] = [
    (6_105, "a replica that was taken for dead took what its successor wrote for its own, and told a person so"),
    (6_559, "a start of which nobody was told landed when the world seemed to be over"),
    (7_382, "what a run owes was given up while the shards of a new replica were still coming"),
    (8_861, "a cancelled run that an older build cannot drive ended without the hash of its journal"),
];

/// The same of worlds with all that came later.
const PINNED_SINCE: [(u64, &str); 1] =
    [(57_243, "what was read of a run before its shard left and came back parked it when it was over")];

#[test]
fn worlds_that_did_not_hold_once_hold_now() {
    let before = PINNED.map(|(seed, then)| (Plan::as_it_was(seed), then));
    let since = PINNED_SINCE.map(|(seed, then)| (Plan::of(seed), then));
    for (plan, then) in before.into_iter().chain(since) {
        let (seed, report) = (plan.seed, run::one(plan, false));
        assert!(report.problems.is_empty(), "seed {seed} ({then}): {:?}", report.problems);
    }
}

#[test]
fn a_seed_gives_the_same_trace_every_time() {
    for seed in 0..40 {
        let (first, second) = (run::one(Plan::of(seed), false), run::one(Plan::of(seed), false));
        assert_eq!((first.hash, first.notes), (second.hash, second.notes), "seed {seed}");
    }
}

/// Seeds between two notes of how far it is.
const STEP: u64 = 1_000;

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
        seeds(Seeds { from, count, threads: run::number("HOLON_SIM_THREADS").unwrap_or_else(run::processors) });
        state.write(from, from + count);
        from += count;
    }
}

#[test]
#[ignore = "for whoever looks for what went wrong: `cargo xtask sim --seed N`"]
fn one_seed_is_told_in_full() {
    run::tell(run::number("HOLON_SIM_SEED").unwrap_or_default(), &Less::from_environment());
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
        (Planted::PauseForgotten, &["paused"]),
        (Planted::SleeperForgotten, &["stuck", "lost", "left behind"]),
        (Planted::SleepsOn, &["stuck"]),
        (Planted::PlaceGivenBack, &["limit"]),
        (Planted::LastFirst, &["turn"]),
        (Planted::FullForNothing, &["refused"]),
        (Planted::AcceptedForgotten, &["refused"]),
        (Planted::RateForgotten, &["rate"]),
        (Planted::WorkStays, &["work"]),
        (Planted::LostAnswerCounts, &["work"]),
        (Planted::EventLost, &["event"]),
        (Planted::StaleChange, &["count", "state"]),
        (Planted::AnothersAnswer, &["used again"]),
        (Planted::OldAnswer, &["used again"]),
        (Planted::JoinedForRefused, &["batch"]),
        (Planted::MembersForgotten, &["stuck"]),
        (Planted::SaidAgain, &["letters"]),
        (Planted::MailForgotten, &["mail"]),
    ] {
        let (seed, problems) = found(planted).unwrap_or_else(|| panic!("{planted:?} is not found"));
        assert!(
            problems.iter().any(|(kind, _)| kinds.contains(kind)),
            "seed {seed}: {planted:?} is taken for something else: {problems:?}"
        );
    }
}
