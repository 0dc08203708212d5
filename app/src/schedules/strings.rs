//! What people read on the pages of schedules.

pub const ABOUT: &str =
    "A flow with a schedule trigger starts by itself. Publishing the flow makes its schedule and changes it.";
pub const ACTIVE: &str = "Active";
pub const AHEAD: &str = "Next ten firings";
pub const AHEAD_PAUSED: &str = "Paused. Its next ten times, were it active";
#[cfg(target_arch = "wasm32")]
pub const ASKING: &str = "Asking for the next firings…";
pub const BY_HAND: &str = "by hand";
pub const CATCH_UP: &str = "Catch up";
pub const CRON: &str = "Cron";
pub const EMPTY: &str = "No schedules yet";
pub const EMPTY_WHAT: &str = "Put a Schedule or a Poll into a flow and publish it: what starts by itself stands here.";
pub const FIRE: &str = "Fire now";
pub const FIRED: &str = "Fired";
pub const FIRINGS: &str = "Last firings";
pub const FLOW: &str = "Flow";
pub const JITTER: &str = "Jitter";
pub const LAST: &str = "Last firing";
pub const NEVER: &str = "Not yet";
pub const NEXT: &str = "Next firing";
pub const NO_FIRINGS: &str = "It has not fired yet.";
pub const NONE: &str = "—";
pub const OVERLAP: &str = "If the run before is still going";
pub const PAUSED: &str = "Paused";
pub const REASON: &str = "Why";
pub const RESULT: &str = "Result";
pub const SCHEDULE: &str = "Schedule";
pub const SCHEDULED: &str = "Time";
pub const SCHEDULES: &str = "Schedules";
pub const NEW_FLOW: &str = "New flow";
pub const SEE_FLOWS: &str = "See the flows";
pub const VERSION: &str = "Version";
#[cfg(target_arch = "wasm32")]
pub const ZONE_FIRST: &str = "The next firings stand here once the time zone is right.";

/// The overlap policy in words.
pub fn overlap(policy: &str) -> &'static str {
    match policy {
        "buffer_one" => "Keep one for later",
        "allow_all" => "Start it beside",
        _ => "Skip the firing",
    }
}

/// What came of a firing, where it has no run to say it.
pub fn outcome(outcome: &str, count: u32) -> String {
    let word = match outcome {
        "pending" => "Starting",
        "buffered" => "Kept for later",
        "started" => "Started",
        "skipped" => "Skipped",
        "missed" => "Missed",
        _ => "Failed",
    };
    if count > 1 { format!("{word} ({count})") } else { word.to_owned() }
}
