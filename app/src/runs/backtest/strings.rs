//! What people read of back-tests.

use crate::ui::format::{count, duration, thousands};

pub const ASKED_OTHERWISE: &str = "Asked for otherwise; the recorded answer may not fit";
pub const BACKTEST: &str = "Back-test";
pub const DIFFERENT: &str = "End differently";
pub const DRAFT: &str = "On the draft";
pub const EMPTY: &str = "No finished runs yet";
pub const EMPTY_WHAT: &str = "A back-test needs recorded runs of this flow. Run it, then come back.";
pub const FIRST_STEP: &str = "First step that differs";
pub const FLOWS: &str = "Flows";
pub const HOW_MANY: &str = "How many runs";
pub const IN_DETAIL: &str = "In detail";
pub const LISTING: &str = "Finding finished runs …";
pub const MISSING: &str = "Never recorded, so the end is not known";
pub const NONE_HERE: &str = "None of the runs that were tried";
pub const NOT_ASKED: &str = "Done then, not asked for now";
pub const NOT_TRIED: &str = "Could not be tried";
pub const OPEN: &str = "Not known";
pub const OPEN_RUN: &str = "Open run";
pub const RECORDED: &str = "As recorded";
pub const RUN: &str = "Run";
/// Before what was found of the run that somebody came from.
pub const RUN_FROM: &str = "The run you came from:";
pub const SAME: &str = "The same";
pub const SHOWN: &str = "Which runs";
pub const START: &str = "Back-test the draft";
pub const STEPS: &str = "Other steps, same end";
pub const STEP_ABSENT: &str = "No such step";
pub const STOP: &str = "Stop";
pub const VERDICT: &str = "On the draft";
pub const VERSION: &str = "Version";
pub const WHAT: &str = "Tries recorded runs of this flow on its draft, in this browser. Recorded results answer what the draft asks for: \
     nothing outside is touched, nothing is started, and what was never recorded stays open.";
pub const WHAT_DIFFERS: &str = "What differs";

/// How many runs can be tried.
pub fn last(runs: u16) -> String {
    format!("Last {} runs", thousands(runs.into()))
}

/// While it goes on.
pub fn progress(done: usize, of: usize) -> String {
    format!("{} of {} tried", thousands(done as u64), count(of as u64, "run", "runs"))
}

/// Somebody stopped it.
pub fn stopped(done: usize, of: usize) -> String {
    format!("Stopped: {}", progress(done, of))
}

/// After it.
pub fn tried(runs: usize, millis: u64) -> String {
    format!("{} tried in {}", count(runs as u64, "run", "runs"), duration(millis))
}

/// The draft has mistakes.
pub fn draft_mistakes(errors: usize) -> String {
    format!(
        "The draft has {}: the nodes concerned fail where they are reached, and so do the runs tried on it.",
        count(errors as u64, "mistake", "mistakes")
    )
}

/// How the end changes.
pub fn ends(was: &str, now: &str) -> String {
    match was == now {
        true => format!("{was}, with another result"),
        false => format!("{was} → {now}"),
    }
}

/// The draft asks for what was never recorded.
pub fn asks(paths: &[String]) -> String {
    match paths {
        [] => "Waits for something that was never recorded".to_owned(),
        [one] => format!("`{one}` asks for something that was never recorded"),
        [first, rest @ ..] => format!("`{first}` and {} more ask for something that was never recorded", rest.len()),
    }
}

/// Which step is the first to differ.
pub fn first_step(path: &str) -> String {
    format!("First at `{path}`")
}

/// What is asked of the outside otherwise.
pub fn otherwise(path: &str) -> String {
    format!("`{path}` asks for something else")
}

/// What is not asked for any more.
pub fn no_more(path: &str) -> String {
    format!("`{path}` is not done any more")
}
