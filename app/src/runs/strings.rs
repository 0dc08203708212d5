//! What people read on the pages of runs.

use holon_model::wire::runs::{BulkAction, RunSummary};
use holon_studio::worker::{Difference, Parting};

use crate::ui::format::{count, thousands};

pub const AFTER: &str = "After";
pub const AGAIN: &str = "Run again";
pub const AGAIN_ASK: &str = "Run all of it again?";
pub const AGAIN_WHAT: &str = "A new run of the version in force does every step anew, with the input of this one: what the flow calls is called for real.";
pub const AGAIN_EDITED: &str = "Run again with edited input";
pub const AGAIN_EDITED_WHAT: &str =
    "Starts a new run by the same trigger on the version in force. Nothing of this run is kept.";
pub const AGREE_BEFORE: &str = "Agree before it";
pub const ALL_FLOWS: &str = "All flows";
pub const ALL_STATUSES: &str = "Any status";
pub const ALL_TASKS: &str = "See the tasks";
pub const ANSWER: &str = "Answer";
pub const ANY_TIME: &str = "Any time";
pub const ANY_TRIGGER: &str = "Any start";
pub const ASKED: &str = "And asked for";
pub const ATTEMPTS: &str = "Attempts";
/// What a node gives that did nothing.
pub const FROM_CACHE: &str = "from cache";
/// What that means.
pub const FROM_CACHE_HINT: &str = "Nothing was done: an earlier answer was still good.";
/// When that answer was given.
pub const GIVEN_FIRST: &str = "Given first";
pub const BACKTEST_FROM: &str = "Back-test from here";
pub const BACKWARD: &str = "Back, last step first";
pub const BECAME: &str = "What happened";
pub const BULK: &str = "With the selected runs";
/// Between a step and the body that undoes it.
pub const BY_BODY: &str = "by";
pub const CAME_IN: &str = "What came in";
pub const CANCEL: &str = "Cancel run";
pub const CANCELLING: &str = "The run was asked to stop.";
pub const CANCEL_ASK: &str = "Cancel this run?";
pub const CANCEL_WHAT: &str = "It stops where it is. Sagas undo what they did before the run ends.";
pub const CANVAS: &str = "The flow, with the state of each node";
pub const CLEAR: &str = "Clear filters";
pub const CLEAR_SELECTION: &str = "Clear selection";
pub const COMPUTED: &str = "This browser's engine gives";
pub const CONFIG: &str = "Config";
pub const CONTENT: &str = "Content";
pub const CUSTOM_TIME: &str = "Between …";
pub const DATA: &str = "Input and output";
pub const DIFFERENCE_MEANS: &str = "The definition, the journal or the engine is not what it was when the run was driven. Nothing was changed by looking.";
pub const DONE_WITH: &str = "Close";
pub const EARLIER: &str = "earlier inputs";
pub const EDGE_DATA: &str = "What went over it";
pub const EDGE_PENDING: &str = "Nothing has gone over it yet";
pub const EDGE_SKIPPED: &str = "Nothing went over it";
pub const EMPTY: &str = "No runs yet";
pub const EMPTY_FILTER: &str = "No run fits these filters";
pub const EMPTY_FILTER_WHAT: &str = "Choose another flow or status, or clear the filters.";
pub const EMPTY_WHAT: &str =
    "Publish a flow, then post to its webhook address or start it by hand. A run appears here within a second.";
pub const ERROR: &str = "Error";
pub const FILTER_FLOW: &str = "Flow";
pub const FILTER_MARK: &str = "Find by label or correlation";
pub const FILTER_MARK_HINT: &str = "key:value or correlation";
pub const FILTER_STATUS: &str = "Status";
pub const FILTER_TIME: &str = "Time";
pub const FILTER_TRIGGER: &str = "Started by";
pub const FIRST: &str = "First input";
pub const FIRST_DIFFERENCE: &str = "The first difference";
pub const FLOW: &str = "Flow";
pub const FOLLOW: &str = "Follow the input";
pub const FORK: &str = "Fork from here";
pub const FORKED: &str = "A new run goes on from there.";
pub const FORK_CHECK: &str = "What fits";
pub const FORK_DO: &str = "Fork";
pub const FORK_OF: &str = "Forked from";
pub const FORWARD: &str = "Forward";
pub const FROM: &str = "From";
pub const GO_ON: &str = "Go on";
pub const GO_THERE: &str = "Go there";
pub const INPUT: &str = "Input";
pub const INPUTS: &str = "Inputs";
pub const INPUT_NUMBER: &str = "Input";
pub const JOURNAL: &str = "Journal";
pub const JOURNAL_WHAT: &str =
    "Every input the run took, in order. The same inputs give the same log hash, here and on the server.";
pub const KEEP_RUNNING: &str = "Keep it running";
pub const KIND: &str = "Input";
pub const LAST: &str = "Last input";
pub const LAST_DAY: &str = "Last 24 hours";
pub const LAST_HOUR: &str = "Last hour";
pub const LAST_MONTH: &str = "Last 30 days";
pub const LAST_WEEK: &str = "Last 7 days";
pub const LATER: &str = "later inputs";
pub const LEAVE: &str = "Leave stepping";
pub const LIVE: &str = "Live";
pub const LOG_HASH: &str = "Log hash";
pub const MARKS: &str = "About";
pub const MORE_TASKS: &str = "more answers are waited for";
pub const NEW_RUN: &str = "New run";
pub const NEXT: &str = "Next input";
pub const NODE: &str = "Node";
pub const NODES: &str = "Nodes";
pub const NOT_LIVE: &str = "Not connected: trying again";
pub const NOT_OUT_YET: &str = "The run has no output yet.";
pub const NOT_UNDOABLE: &str = "Nothing to undo";
pub const NO_NODES: &str = "No node has started yet.";
pub const OPEN_FLOW: &str = "Open flow";
pub const OUTPUT: &str = "Output";
pub const PARTED_BY_HASH: &str =
    "Up to here this browser's engine computed what was recorded; with this input it computes something else.";
pub const PATH: &str = "Path";
pub const PAUSE: &str = "Pause";
pub const PAUSE_ASK: &str = "Pause this run?";
pub const PAUSE_HINT: &str = "Stands beside your name for as long as the run is paused.";
pub const PAUSE_WHAT: &str = "It takes nothing new in until it is resumed. What is being done is finished, and timers that come due meanwhile fire then.";
pub const PAUSING: &str = "The run is paused.";
pub const PREVIOUS: &str = "Previous input";
pub const REASON: &str = "Reason";
pub const REASON_HINT: &str = "Stands in the run's journal, beside who cancelled.";
pub const RECORDED: &str = "Recorded";
pub const REMOVE_FILTER: &str = "Remove filter";
pub const REPLAYING: &str = "Replaying the journal in this browser …";
pub const RESULTS: &str = "What became of them";
pub const RESUME: &str = "Resume";
pub const RESUMED: &str = "The run goes on.";
pub const RETRY: &str = "Retry from the failed step";
pub const RETRY_OF: &str = "Retries";
pub const RETRY_STOPPED: &str = "Retry from where it stopped";
pub const RUN: &str = "Run";
pub const RUNS: &str = "Runs";
pub const SAGA: &str = "Steps";
pub const SAME_VERSION: &str = "the one it runs on";
pub const SCRUBBER: &str = "Input after which the run is shown";
pub const SEE_BATCH: &str = "See the batch";
pub const SEE_FLOWS: &str = "See the flows";
pub const SELECT: &str = "Select";
pub const SELECT_ALL: &str = "Select all that are shown";
pub const SEQ: &str = "#";
pub const SHOW_DIFFERENCE: &str = "Show the difference";
pub const STARTED: &str = "Started";
pub const STATUS: &str = "Status";
pub const STEP_THROUGH: &str = "Step through";
pub const STEP_TO_IT: &str = "Step to this input";
pub const STOP: &str = "Stop";
pub const TERMINATE: &str = "Terminate";
pub const TERMINATE_ASK: &str = "Terminate this run?";
pub const TERMINATE_HINT: &str = "Stands as the run's error, beside who ended it.";
pub const TERMINATE_WHAT: &str =
    "It ends at once: nothing is undone and nothing is cleaned up. Cancelling is the gentle way.";
pub const TERMINATING: &str = "The run was ended.";
pub const THE_LOG_HASH: &str = "the log hash";
pub const THE_OTHER_RUN: &str = "See the other run";
pub const THE_PATH: &str = "the path";
pub const TO: &str = "To";
pub const TOOK: &str = "Took";
pub const TRIES: &str = "tries";
pub const TRIGGER: &str = "Started by";
/// Between that a node waits and when it goes on.
pub const UNTIL: &str = "until ";
pub const VERIFY: &str = "Verify";
pub const VERIFY_AGAIN: &str = "Verify again";
pub const VERSION: &str = "Version";
/// How long a node waited until there was a place for it.
pub const WAITED_TURN: &str = "Waited its turn";
pub const WAITS_UNTIL: &str = "Waits until";
pub const WHAT_HAPPENED: &str = "What this input did";
pub const WHOLE_INPUT: &str = "What the run was started with";
pub const WHOLE_OUTPUT: &str = "What came out";

/// Who or what started a run: a trigger by itself, or somebody by one.
pub fn started_by(run: &RunSummary) -> String {
    match &run.started_by_name {
        Some(name) => format!("{name} · {}", run.trigger_title),
        None => run.trigger_title.clone(),
    }
}

/// What a node waits for that no timer brings.
pub fn waits(kind: &str, name: &str, correlation: &str) -> String {
    match (kind, correlation) {
        ("signal", address) if name == "callback" && address.starts_with("link_") => "Waits for a delivery".to_owned(),
        ("signal", "") => format!("Waits for the signal “{name}”"),
        ("signal", _) => format!("Waits for the signal “{name}” about {correlation}"),
        ("person", _) => "A step could not be undone: somebody must say what to do".to_owned(),
        ("task", _) => "Waits for somebody's answer".to_owned(),
        ("batch", _) => "Waits for its batch: for more items, or for what becomes of them".to_owned(),
        ("turn", _) => "Waits its turn: as many of this node go on in the run as may".to_owned(),
        _ => "Waits for the run it started".to_owned(),
    }
}

/// Of a node in a body that has a name, for whoever hears it.
pub fn within(body: &str) -> String {
    format!("in {body}")
}

/// What somebody decided about a step that could not be undone.
pub fn decided(state: &str, who: &str) -> String {
    match state {
        "skipped" => format!("{who} left it as it is"),
        "by_hand" => format!("{who} undid it by hand"),
        _ => format!("{who} had it tried again"),
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
        "to_undo" => "To be undone",
        "nothing" => NOT_UNDOABLE,
        _ => "Not begun",
    }
}

/// What kind of input it was, in words.
pub fn input(kind: &str) -> &'static str {
    match kind {
        "start" => "Started",
        "effect_completed" => "Answered",
        "effect_from_cache" => "Answered from the cache",
        "effect_failed" => "Answered with a failure",
        "timer_fired" => "Timer fired",
        "cancel" => "Asked to cancel",
        "signal" => "Signal came",
        "task_answered" => "Person answered",
        "child_ended" => "Called run ended",
        "batch_chosen" => "Batch found",
        "item_joined" => "Item joined the batch",
        "item_left" => "Item taken back",
        "tried_again" => "Tried again",
        _ => "Input of another kind",
    }
}

/// Class and icon of a kind of input.
pub fn input_look(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "start" => ("is-running", "play"),
        "effect_completed" | "effect_from_cache" => ("is-succeeded", "circle-check"),
        "effect_failed" => ("is-failed", "circle-x"),
        "timer_fired" => ("is-waiting", "clock"),
        "cancel" => ("is-cancelled", "ban"),
        "signal" => ("is-running", "bell"),
        "task_answered" => ("is-succeeded", "clipboard-check"),
        "child_ended" => ("is-succeeded", "workflow"),
        "batch_chosen" | "item_joined" | "item_left" => ("is-waiting", "layers"),
        "tried_again" => ("is-running", "rotate-ccw"),
        _ => ("is-none", "dot"),
    }
}

/// Where one is, for whoever hears it.
pub fn moment(at: u32, of: u64, kind: &str, path: Option<&str>) -> String {
    let node = path.map(|path| format!(", {path}")).unwrap_or_default();
    format!("Input {at} of {}: {}{node}", of.saturating_sub(1), input(kind))
}

/// The heading of a moment.
pub fn input_title(at: u32) -> String {
    format!("Input {at}")
}

/// Something that became true, or was asked for.
pub fn fact(what: &str) -> &'static str {
    match what {
        "run_started" => "The run began",
        "cancel_requested" => "The run was asked to cancel",
        "run_completed" => "The run completed",
        "run_failed" => "The run failed",
        "run_cancelled" => "The run was cancelled",
        "run_continued" => "Another run goes on for this one",
        "node_started" => "started",
        "node_waiting" => "waits",
        "saga_step" => "moved on",
        "node_succeeded" => "succeeded",
        "node_failed" => "failed",
        "node_skipped" => "will not run",
        "node_cancelled" => "was stopped",
        "responded" => "The caller was answered",
        "run_effect" => "is to be done:",
        "set_timer" => "is to be woken at",
        "await_signal" => "waits for the signal",
        "open_task" => "asks people:",
        "start_child" => "starts a run of",
        _ => "changed",
    }
}

/// Class and icon of a fact.
pub fn fact_look(what: &str) -> (&'static str, &'static str) {
    match what {
        "run_completed" | "node_succeeded" => ("is-succeeded", "circle-check"),
        "run_failed" | "node_failed" => ("is-failed", "circle-x"),
        "run_cancelled" | "cancel_requested" | "node_cancelled" => ("is-cancelled", "ban"),
        "node_waiting" => ("is-waiting", "clock"),
        "node_skipped" => ("is-skipped", "circle-minus"),
        "saga_step" => ("is-compensating", "undo-2"),
        "responded" => ("is-succeeded", "reply"),
        "set_timer" => ("is-none", "timer"),
        "await_signal" => ("is-none", "bell"),
        "open_task" => ("is-none", "clipboard-check"),
        "start_child" => ("is-none", "workflow"),
        "run_effect" | "run_continued" => ("is-none", "arrow-right"),
        _ => ("is-running", "play"),
    }
}

/// Of a step that did very much.
pub fn more_facts(count: &str) -> String {
    format!("and {count} more")
}

/// It is the same here.
pub fn confirmed(rows: u64) -> String {
    format!("Confirmed in this browser: {} replayed", count(rows, "input", "inputs"))
}

/// While it is computed.
pub fn replaying(rows: u64, total: u64) -> String {
    match rows {
        0 => REPLAYING.to_owned(),
        _ => format!("Replaying in this browser: {} of {}", thousands(rows), thousands(total)),
    }
}

/// Somebody stopped it.
pub fn stopped(rows: u64, total: u64) -> String {
    format!("Stopped after {} of {}: no difference so far", thousands(rows), thousands(total))
}

/// A long run is replayed when somebody asks for it.
pub fn not_replayed(total: u64) -> String {
    format!("Not verified here yet: {}", count(total, "input", "inputs"))
}

/// It is another here.
pub fn differs(difference: &Difference) -> String {
    match difference.what {
        Parting::Hash => format!("Differs from input {} on", difference.seq),
        Parting::Missing => format!("Input {} is missing in the journal", difference.seq),
        Parting::Unreadable => format!("Input {} cannot be read", difference.seq),
        Parting::Refused => format!("Input {} is not taken by this engine", difference.seq),
    }
}

/// The journal agrees with the engine, but not with what the run says of itself.
pub fn ends_otherwise(hash: &str) -> String {
    format!("The journal is sound, but it ends with another log hash than the run: {hash}")
}

/// An input is missing.
pub fn parted_missing(seq: i64) -> String {
    format!("The journal has no input {seq}, though it goes on behind it. What follows cannot be replayed.")
}

/// An input cannot be read.
pub fn parted_unreadable(why: &str) -> String {
    format!("The recorded bytes are not an input: {why}. What follows cannot be replayed.")
}

/// The engine does not take an input.
pub fn parted_refused(why: &str) -> String {
    format!("The engine does not take this input where it was recorded: {why}. What follows cannot be replayed.")
}

/// It could not be computed here.
pub fn not_checked(why: &str) -> String {
    format!("Not checked: {why}")
}

/// What a fork keeps.
pub fn fork_what(at: u32) -> String {
    let copied = if at == 0 { "input 0".to_owned() } else { format!("the inputs 0 to {at}") };
    format!("A new run begins with a copy of {copied}, and goes on from there by itself. This run stays as it is.")
}

/// All that would be copied fits.
pub fn all_fit(inputs: &str) -> String {
    format!("All of it fits: {inputs}")
}

/// Some of it does not.
pub fn some_fit(copied: i64) -> String {
    match copied {
        0 => "Nothing of it fits this version".to_owned(),
        _ => format!(
            "Only the first {} fit: fork from an earlier input, or choose another version",
            count(u64::try_from(copied).unwrap_or(0), "input", "inputs")
        ),
    }
}

/// From where a run was forked.
pub fn fork_of(run: &str, at: i64) -> String {
    format!("{run}, after input {at}")
}

/// Leads to the runs that are about the same.
pub fn same_correlation(about: &str) -> String {
    format!("Runs about {about}")
}

/// Leads to the runs with the same label.
pub fn same_label(label: &str) -> String {
    format!("Runs labelled {label}")
}

/// How many are selected.
pub fn selected(runs: u64) -> String {
    format!("{} selected", thousands(runs))
}

/// Icon and verb of what is done to many.
pub fn bulk(action: BulkAction) -> (&'static str, &'static str) {
    match action {
        BulkAction::Retry => ("rotate-ccw", "Retry"),
        BulkAction::Cancel => ("ban", "Cancel"),
        BulkAction::Terminate => ("octagon-x", TERMINATE),
        BulkAction::Pause => ("circle-pause", PAUSE),
        BulkAction::Resume => ("circle-play", RESUME),
    }
}

/// The question before it.
pub fn bulk_ask(action: BulkAction, runs: u64) -> String {
    format!("{} {}?", bulk(action).1, count(runs, "run", "runs"))
}

/// What will happen to each.
pub fn bulk_what(action: BulkAction) -> &'static str {
    match action {
        BulkAction::Retry => {
            "Each begins a new run that goes on from where it failed or was stopped; what was done is not done again."
        }
        BulkAction::Cancel => CANCEL_WHAT,
        BulkAction::Terminate => TERMINATE_WHAT,
        BulkAction::Pause => PAUSE_WHAT,
        BulkAction::Resume => "What came due while they were paused happens then.",
    }
}

/// Some of what is selected is not meant.
pub fn left_out(runs: u64) -> String {
    match runs {
        1 => "1 selected run is left out: as it stands this does nothing to it.".to_owned(),
        _ => format!("{} selected runs are left out: as they stand this does nothing to them.", thousands(runs)),
    }
}

/// While it goes on.
pub fn done_so_far(done: u64, of: u64, refused: u64) -> String {
    let refused = if refused > 0 { format!(", {} refused", thousands(refused)) } else { String::new() };
    format!("{} of {}{refused}", thousands(done), count(of, "run", "runs"))
}

/// Those to which it was done.
pub fn done(runs: u64) -> String {
    count(runs, "run", "runs")
}

/// How it went.
pub fn bulk_done(action: BulkAction, done: u64, failed: u64) -> String {
    let deed = match action {
        BulkAction::Retry => "retried",
        BulkAction::Cancel => "asked to stop",
        BulkAction::Terminate => "terminated",
        BulkAction::Pause => "paused",
        BulkAction::Resume => "resumed",
    };
    match (done, failed) {
        (done, 0) => format!("{} {deed}.", count(done, "run", "runs")),
        (0, failed) => format!("{} not {deed}.", count(failed, "run", "runs")),
        (done, failed) => format!("{} {deed}, {} not.", count(done, "run", "runs"), thousands(failed)),
    }
}

/// Code and words of an error that is told in one line, `code: words`.
pub fn apart(error: &str) -> (Option<&str>, &str) {
    let is_code = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    match error.split_once(": ") {
        Some((code, words)) if is_code(code) && !words.is_empty() => (Some(code), words),
        _ => (None, error),
    }
}

/// Without the ids that stand beside people's names, which are for programs.
pub fn for_people(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(", person_") {
        out.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::{apart, for_people};

    #[test]
    fn people_are_named_without_their_ids() {
        assert_eq!(for_people("closed (paused by Ada, person_01a203)"), "closed (paused by Ada)");
        assert_eq!(for_people("nobody, person"), "nobody, person");
    }

    #[test]
    fn the_code_of_an_error_stands_apart_from_its_words() {
        assert_eq!(apart("no_such_overload: list has no field"), (Some("no_such_overload"), "list has no field"));
        for words in ["cancelled by Ada", "Ada: enough", "The server said: no", "code:words", "code: "] {
            assert_eq!(apart(words), (None, words));
        }
    }
}
