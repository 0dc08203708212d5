//! What people read on the pages of polls.

use holon_model::wire::polls::Look;

use crate::alerts::strings as alerts;
use crate::ui::format;

pub const AT: &str = "Found";
pub const CURSOR: &str = "Cursor";
pub const EVERY: &str = "Every";
pub const FAILED: &str = "Failed";
pub const FAILING_SINCE: &str = "Failing since";
pub const FLOW: &str = "Flow";
pub const FORGET: &str = "Forget what was seen";
pub const FORGET_ASK: &str = "Forget what was seen?";
pub const FORGET_VERB: &str = "Forget";
pub const FORGET_WHAT: &str = "The cursor and everything that is remembered go, and the next look is a first one: what is there \
                               starts runs again, or is only noted, as the trigger says of the first look. This cannot be undone.";
pub const FORGOTTEN: &str = "Forgotten. The next look is a first one.";
pub const HELD: &str = "Held";
/// How it goes on while looks fail.
pub const LESS_OFTEN: &str = "Until a look succeeds it looks less and less often, at last once an hour.";
pub const IN_CONFIG: &str = "In the trigger's settings at";
pub const ITEMS: &str = "Items";
pub const LAST: &str = "Last look";
pub const LOOK: &str = "Look now";
pub const LOOKING: &str = "Looking now";
pub const MORE_PAGES: &str = "There are more pages than the request may fetch; what stands on them was not seen.";
pub const NEVER: &str = "Not yet";
pub const NEXT: &str = "Next look";
pub const NO_FOUND: &str = "Nothing that was new has started a run yet.";
pub const NONE: &str = "—";
pub const POLL: &str = "Poll";
pub const POLLS: &str = "Polls";
pub const POLLS_WHAT: &str = "Flows that look at an endpoint every so often and start runs for what is new.";
pub const REASON: &str = "Why";
pub const RESULT: &str = "Result";
pub const SEEN: &str = "Remembered";
pub const STARTED: &str = "Found and started";
pub const VERSION: &str = "Version";

/// What a look came to, in a few words.
pub fn outcome(look: &Look) -> String {
    match look.outcome.as_str() {
        "failed" => FAILED.to_owned(),
        "held" => HELD.to_owned(),
        _ if look.started + look.refused + look.waiting == 0 => "Nothing new".to_owned(),
        _ => {
            let mut parts = Vec::new();
            let mut say = |count: u32, word: &str| {
                if count > 0 {
                    parts.push(format!("{count} {word}"));
                }
            };
            say(look.started, "started");
            say(look.waiting, "waiting");
            say(look.refused, "refused");
            parts.join(", ")
        }
    }
}

/// How often it looks.
pub fn every(millis: u64) -> String {
    alerts::span(millis)
}

/// How many items the endpoint listed.
pub fn listed(count: u32) -> String {
    format!("{} listed", format::count(count.into(), "item", "items"))
}

/// How many looks in a row failed.
pub fn failures(count: u32) -> String {
    format::count(count.into(), "failed look", "failed looks in a row")
}

/// What came of an item, where it has no run to say it.
pub fn state(state: &str) -> &'static str {
    match state {
        "starting" => "Starting",
        "refused" => "Refused",
        _ => "Started",
    }
}
