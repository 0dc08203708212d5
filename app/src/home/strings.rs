//! What people read on the first page.

pub const ALL_RUNS: &str = "All runs";
pub const ASKED: &str = "A run waits for an answer";
pub const ATTENTION: &str = "To look at";
pub const CHANGED: &str = "The draft differs from the published version";
pub const DONE: &str = "done";
pub const FAILED: &str = "The last run failed";
pub const FAILED_RUN: &str = "failed run in 24 hours";
pub const FAILED_RUNS: &str = "failed runs in 24 hours";
pub const FIRST_STEPS: &str = "First steps";
pub const FLOW: &str = "flow";
pub const FLOWS: &str = "flows";
pub const LIVE_RUN: &str = "live run";
pub const LIVE_RUNS: &str = "live runs";
pub const MORE_TASK: &str = "more task";
pub const MORE_TASKS: &str = "more tasks";
pub const NOTHING_TO_LOOK_AT: &str = "No open tasks, no failed runs, no unpublished changes.";
pub const OPEN_FLOWS: &str = "Open flows";
pub const RECENT: &str = "Recent runs";
pub const STUCK: &str = "A step could not be undone, and its run waits for a decision";
pub const STEP_MAKE: &str = "Make a flow";
pub const STEP_MAKE_WHAT: &str = "Start empty or from one of the examples. It runs in your browser while you draw.";
pub const STEP_PUBLISH: &str = "Publish it";
pub const STEP_PUBLISH_WHAT: &str = "A version never changes again, and its webhook address starts to answer.";
pub const STEP_RUN: &str = "Start a run";
pub const STEP_RUN_WHAT: &str = "Post to the webhook with curl, or start it by hand, and watch it live.";
pub const GO_MAKE: &str = "Choose a start";
