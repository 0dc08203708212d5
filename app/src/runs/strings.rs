//! What people read on the pages of runs.

pub const AFTER: &str = "After";
pub const AGAIN: &str = "Run again";
pub const ALL_FLOWS: &str = "All flows";
pub const ALL_STATUSES: &str = "Any status";
pub const ANSWER: &str = "Answer";
pub const ATTEMPTS: &str = "Attempts";
pub const BACKWARD: &str = "Undoing, last step first";
pub const BY_HAND: &str = "By hand";
pub const CANCEL: &str = "Cancel run";
pub const CANCEL_ASK: &str = "Cancel this run?";
pub const CANCEL_WHAT: &str = "It stops where it is. Sagas undo what they did before the run ends.";
pub const CANCELLING: &str = "The run was asked to stop.";
pub const CONTENT: &str = "Content";
pub const EMPTY: &str = "No runs yet";
pub const EMPTY_WHAT: &str =
    "Publish a flow, then post to its webhook address or start it by hand. A run appears here within a second.";
pub const EMPTY_FILTER: &str = "No run fits these filters";
pub const EMPTY_FILTER_WHAT: &str = "Choose another flow or status, or clear the filters.";
pub const CANVAS: &str = "The flow, with the state of each node";
pub const CLEAR: &str = "Clear filters";
pub const ERROR: &str = "Error";
pub const FILTER_FLOW: &str = "Flow";
pub const FILTER_STATUS: &str = "Status";
pub const FLOW: &str = "Flow";
pub const FORWARD: &str = "Forward";
pub const INPUT: &str = "Input";
pub const JOURNAL: &str = "Journal";
pub const JOURNAL_WHAT: &str =
    "Every input the run took, in order. The same inputs give the same log hash, here and on the server.";
pub const KIND: &str = "Input";
pub const KEEP_RUNNING: &str = "Keep it running";
pub const LIVE: &str = "Live";
pub const LOG_HASH: &str = "Log hash";
pub const NODES: &str = "Nodes";
pub const NOT_LIVE: &str = "Not connected: trying again";
pub const NOT_OUT_YET: &str = "The run has no output yet.";
pub const NOT_UNDOABLE: &str = "Nothing to undo";
pub const NO_NODES: &str = "No node has started yet.";
pub const OPEN_FLOW: &str = "Open flow";
pub const OUTPUT: &str = "Output";
pub const PATH: &str = "Path";
pub const DATA: &str = "Input and output";
pub const REASON: &str = "Reason";
pub const REASON_HINT: &str = "Stands in the run's journal, beside who cancelled.";
pub const RETRY: &str = "Retry from the failed step";
pub const RETRY_STOPPED: &str = "Retry from where it stopped";
pub const RETRY_OF: &str = "Retries";
pub const RUN: &str = "Run";
pub const RUNS: &str = "Runs";
pub const SAGA: &str = "Steps";
pub const SCHEDULE: &str = "Schedule";
pub const SEE_FLOWS: &str = "See the flows";
pub const SEQ: &str = "#";
pub const STARTED: &str = "Started";
pub const STATUS: &str = "Status";
pub const THE_LOG_HASH: &str = "the log hash";
pub const THE_PATH: &str = "the path";
pub const TOOK: &str = "Took";
pub const TRIES: &str = "tries";
pub const TRIGGER: &str = "Started by";
pub const VERSION: &str = "Version";
pub const ALL_TASKS: &str = "See the tasks";
pub const MORE_TASKS: &str = "more answers are waited for";
pub const WAITS_UNTIL: &str = "Waits until";
pub const WEBHOOK: &str = "Webhook";
pub const WHOLE_INPUT: &str = "What the run was started with";
pub const WHOLE_OUTPUT: &str = "What came out";

/// What started a run, in words.
pub fn trigger(kind: &str) -> String {
    match kind.split('@').next().unwrap_or(kind) {
        "trigger.manual" => BY_HAND.to_owned(),
        "trigger.schedule" => SCHEDULE.to_owned(),
        "trigger.webhook" => WEBHOOK.to_owned(),
        other => other.strip_prefix("trigger.").unwrap_or(other).to_owned(),
    }
}

/// What a node waits for that no timer brings.
pub fn waits(kind: &str, name: &str, correlation: &str) -> String {
    match (kind, correlation) {
        ("signal", "") => format!("Waits for the signal “{name}”"),
        ("signal", _) => format!("Waits for the signal “{name}” about {correlation}"),
        ("person", _) => "A step could not be undone: somebody must say what to do".to_owned(),
        ("task", _) => "Waits for somebody's answer".to_owned(),
        _ => "Waits for the run it started".to_owned(),
    }
}

/// Where a step of a saga stands.
pub fn step(state: &str) -> &'static str {
    match state {
        "running" => "Running",
        "completed" => "Done",
        "failed" => "Failed",
        "cancelled" => "Cancelled",
        "compensating" => "Being undone",
        "compensated" => "Undone",
        "parked" => "Could not be undone",
        "skipped" => "Left as it is",
        "by_hand" => "Undone by hand",
        _ => "Not begun",
    }
}
