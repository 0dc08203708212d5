//! What people read in the editor.

use holon_studio::states::{self, Outcome};
use holon_studio::worker::PreviewReply;

/// Title of the page.
pub const TITLE: &str = "Editor";
/// While the flow is loaded.
pub const OPENING: &str = "Opening the flow …";
/// The list of flows.
pub const FLOWS: &str = "Flows";
/// Name of the flow's field.
pub const NAME: &str = "Name";
/// Description of the flow.
pub const DESCRIPTION: &str = "Description";
/// Everything is on the server.
pub const SAVED: &str = "Saved";
/// Changes wait to be sent.
pub const PENDING: &str = "Unsaved changes";
/// Changes are being sent.
pub const SAVING: &str = "Saving …";
/// Somebody else saved.
pub const STALE: &str = "Not saved: changed elsewhere";
/// Before the reason.
pub const NOT_SAVED: &str = "Not saved";
/// A save that is tried again by itself.
pub const TRIED_AGAIN: &str = "It is tried again every few seconds.";
/// A save that is refused.
pub const REFUSED: &str = "It is not tried again by itself: undo the last change, or copy the definition to keep it.";
/// A save without a session.
pub const SIGN_IN_AGAIN: &str = "Sign in in a new tab, then try again here: nothing is lost meanwhile.";
/// The way to it.
pub const SIGN_IN: &str = "Sign in in a new tab";
/// Keeps the work elsewhere.
pub const COPY_DEFINITION: &str = "Copy the definition";
/// Copied.
pub const DEFINITION_COPIED: &str = "The definition is in the clipboard, as JSON.";
/// Not copied.
pub const DEFINITION_NOT_COPIED: &str =
    "The browser did not allow it. The JSON tab of each node can be copied by hand.";
/// After leaving.
pub const LEFT_UNSAVED: &str =
    "The last changes of the flow could not be saved. Open it again, look at what is there, and repeat them.";
/// Leaving with unsaved changes.
pub const LEAVE_TITLE: &str = "The last changes are not saved";
/// What that means.
pub const LEAVE_TEXT: &str =
    "They are lost when you leave this page. Stay, and they are kept here until they can be saved.";
/// Leaves.
pub const LEAVE: &str = "Leave without saving";
/// Stays.
pub const STAY: &str = "Stay";
/// An address without a flow.
pub const NO_FLOW: &str = "There is no flow at this address.";
/// An edge that would close a circle.
pub const CIRCLE: &str = "This edge would lead in a circle. Repetition is a scope, such as map.";
/// Spoken after an undo, before its name.
pub const UNDID: &str = "Undid";
/// Spoken after a redo, before its name.
pub const REDID: &str = "Did again:";
/// What could follow in an expression.
pub const SUGGESTIONS: &str = "Suggestions";
/// Undo.
pub const UNDO: &str = "Undo";
/// Redo.
pub const REDO: &str = "Redo";
/// Publish.
pub const PUBLISH: &str = "Publish";
/// Start a real run.
pub const RUN: &str = "Run now";
/// The same, said whole.
pub const DIFFERS: &str = "The draft differs from the published version, which runs and deliveries use";
/// The palette.
pub const PALETTE: &str = "Add a node";
/// Placeholder of its search.
pub const FIND_KIND: &str = "Find a node";
/// No kind fits.
pub const NO_KIND: &str = "No node fits these words.";
/// The left panel's tabs.
pub const NODES: &str = "Nodes";
/// The tree.
pub const OUTLINE: &str = "Outline";
/// Settings tab.
pub const SETTINGS: &str = "Settings";
/// Data tab.
pub const DATA: &str = "Data";
/// Policies tab.
pub const OPTIONS: &str = "Options";
/// JSON tab.
pub const JSON: &str = "JSON";
/// Documentation tab.
pub const HELP: &str = "Help";
/// Key of a node.
pub const KEY: &str = "Key";
/// What the key is for.
pub const KEY_HINT: &str = "Expressions name the node by it: nodes.";
/// The remark.
pub const NOTE: &str = "Note";
/// Disabled switch.
pub const DISABLE: &str = "Disabled: passes its input through";
/// Join.
pub const JOIN: &str = "When several edges lead here";
/// Join any.
pub const JOIN_ANY: &str = "Run if at least one was taken";
/// Join all.
pub const JOIN_ALL: &str = "Run only if all were taken";
/// Join first.
pub const JOIN_FIRST: &str = "Run at the first one taken";
/// Retry.
pub const RETRY: &str = "Try again when it fails";
/// Attempts.
pub const ATTEMPTS: &str = "Attempts in all";
/// First wait.
pub const INITIAL: &str = "First wait";
/// Longest wait.
pub const MOST: &str = "Longest wait";
/// Timeout.
pub const TIMEOUT: &str = "Time limit";
/// What a timeout gives in place of failing.
pub const FALLBACK: &str = "Instead of failing";
/// What that is.
pub const FALLBACK_HINT: &str = "The output when the time is up, as JSON. Empty: the node fails then.";
/// A number of attempts that is none.
pub const ATTEMPTS_WRONG: &str = "A whole number from 1 to 100.";
/// How many of a node go on at a time.
pub const AT_A_TIME: &str = "At a time";
/// Hint of it.
pub const AT_A_TIME_HINT: &str = "So many of this node in a run; the others wait their turn. Empty: no bound.";
/// A number of them that is none.
pub const AT_A_TIME_WRONG: &str = "A whole number from 1 to 10000.";
/// Whether an answer stands for the next one too.
pub const CACHE: &str = "Use an earlier answer while it is good";
/// For how long.
pub const CACHE_TTL: &str = "Good for";
/// Hint of it.
pub const CACHE_TTL_HINT: &str = "Such as 30s, 10m, 12h; a day at most.";
/// A time that is none.
pub const CACHE_TTL_WRONG: &str = "A time from 1ms to a day, such as 10m.";
/// What calls with the same answer share.
pub const CACHE_KEY: &str = "Same answer for the same";
/// Hint of it.
pub const CACHE_KEY_HINT: &str = "An expression over input and config, such as input.sku. Empty: the same settings and the same input, in all flows.";
/// Duration hint.
pub const DURATION: &str = "Such as 500ms, 30s, 5m, 2h. Empty: none.";
/// Hint of the first wait.
pub const INITIAL_HINT: &str = "Such as 500ms, 30s. Empty: 1s.";
/// Hint of the longest wait.
pub const MOST_HINT: &str = "Such as 30s, 5m, 2h. Empty: 1m.";
/// How the waits grow.
pub const FACTOR: &str = "Each wait is longer by";
/// Hint of it.
pub const FACTOR_HINT: &str = "Times the wait before, from 1 to 100. Empty: 2.";
/// A factor that is none.
pub const FACTOR_WRONG: &str = "A number from 1 to 100 with at most two decimals.";
/// Whether waits differ.
pub const JITTER: &str = "Take up to a quarter off each wait, so that many do not try at once";
/// Fields that are rarely needed.
pub const ADVANCED: &str = "More settings";
/// A field that must be filled in.
pub const REQUIRED: &str = "required";
/// Optional field.
pub const OPTIONAL: &str = "optional";
/// Switch to expression.
pub const TO_EXPRESSION: &str = "Compute with an expression";
/// Switch to JSON.
pub const TO_JSON: &str = "Write JSON";
/// Some values cannot be one expression.
pub const NO_EXPRESSION: &str = "This value has text with {{ }} in it, which no expression says. It stays as it is.";
/// Switch to fixed.
pub const TO_FIXED: &str = "Use a fixed value";
/// Add an item.
pub const ADD: &str = "Add";
/// Remove an item.
pub const REMOVE: &str = "Remove";
/// A number that is none.
pub const NOT_A_NUMBER: &str = "This is not a number. The value before it is kept.";
/// A number that is not whole.
pub const NOT_WHOLE: &str = "This is not a whole number. The value before it is kept.";
/// A name that is empty.
pub const NAME_EMPTY: &str = "A name cannot be empty.";
/// The kind of a node stays.
pub const KIND_STAYS: &str = "A node keeps its kind. Add a node of the other kind instead.";
/// An edge without data.
pub const NO_EDGE_DATA: &str = "Nothing went over this edge in the preview.";
/// A flow without a trigger.
pub const NO_TRIGGER: &str = "A flow starts with a trigger. Add one from the left.";
/// Nodes that a sample answered for.
pub const SAMPLED: &str = "Answered by samples";
/// Key of a map.
pub const MAP_KEY: &str = "Name";
/// Nothing chosen.
pub const CHOOSE: &str = "Choose …";
/// No setting.
pub const NO_FIELDS: &str = "This node has no settings.";
/// No data.
pub const NO_DATA: &str = "No data yet: the node did not run in the preview.";
/// Input data.
pub const INPUT: &str = "Input";
/// Output data.
pub const OUTPUT: &str = "Output";
/// Error.
pub const ERROR: &str = "Error";
/// Value of an edge.
pub const EDGE: &str = "Edge";
/// Table view.
pub const TABLE: &str = "Table";
/// Tree view.
pub const TREE: &str = "Tree";
/// Sample data of a node.
pub const SAMPLE: &str = "Sample";
/// What a sample is.
pub const SAMPLE_HINT: &str = "Preview uses it instead of doing this for real.";
/// Sample input.
pub const SAMPLE_INPUT: &str = "Sample input";
/// Back to the kind's sample.
pub const SAMPLE_RESET: &str = "Use the built-in sample";
/// Catch.
pub const CATCH: &str = "Catch the next delivery";
/// Waiting for it.
pub const CATCHING: &str = "Waiting for a delivery to this address, 15 minutes at most:";
/// Caught, with the names of what a sample must not keep.
pub fn caught(left_out: &[String]) -> String {
    let caught = "Caught a delivery. It is the sample now";
    if left_out.is_empty() {
        format!("{caught}.")
    } else {
        format!("{caught}, without the values of {}.", left_out.join(", "))
    }
}
/// Caught for a trigger that is gone.
pub const CAUGHT_FOR_NONE: &str = "A delivery was caught, but its trigger is gone from the flow: it was not kept.";
/// Stop waiting.
pub const STOP: &str = "Stop waiting";
/// Problems.
pub const PROBLEMS: &str = "Problems";
/// None.
pub const NO_PROBLEMS: &str = "No problems. The flow can be published.";
/// Result of the run.
pub const RESULT: &str = "Result";
/// Result expression.
pub const RESULT_HINT: &str = "The flow's output. Empty: what its last node gives.";
/// Result expression of a body.
pub const BODY_RESULT_HINT: &str = "What this body gives its scope. Empty: what its last node gives.";
/// A result that is not one expression.
pub const RESULT_JSON_HINT: &str = " JSON, in which each {\"$cel\": \"…\"} is computed.";
/// Nothing in the flow can run.
pub const NOTHING_RUNS: &str = "Nothing to run yet";
/// Errors kept some nodes from running.
pub const IN_PART: &str = "Ran in part: see Problems";
/// The preview failed although nothing is wrong with the drawing.
pub const PREVIEW_FAILED: &str =
    "Nothing is wrong with the drawing, but the preview failed on its sample. The flow can be published.";
/// Preview cannot run.
pub const NOT_RUN: &str = "The preview has not run: see Problems.";
/// Before the first preview.
pub const STARTING: &str = "The preview starts …";
/// Log hash.
pub const LOG_HASH: &str = "Log hash";
/// Connect.
pub const CONNECT: &str = "Connect to …";
/// Outputs.
pub const OUTPUTS: &str = "Outputs";
/// Nothing to connect to.
pub const NO_TARGETS: &str = "There is no other node to connect to. Add one first.";
/// New node after.
pub const ADD_AFTER: &str = "Add a node here";
/// Delete.
pub const DELETE: &str = "Delete";
/// Duplicate.
pub const DUPLICATE: &str = "Duplicate";
/// Insert on edge.
pub const INSERT: &str = "Insert a node";
/// Tidy.
pub const TIDY: &str = "Tidy up";
/// Keys.
pub const KEYS: &str = "Keyboard";
/// Close.
pub const CLOSE: &str = "Close";
/// Bodies.
pub const BODIES: &str = "Inside";
/// Open a body.
pub const OPEN_BODY: &str = "Open";
/// Name of a new body.
pub const ADD_BODY: &str = "Add a branch";
/// Stale dialog.
pub const STALE_TITLE: &str = "Somebody saved a newer revision";
/// Stale dialog text.
pub const STALE_TEXT: &str = "This flow was changed in another tab or by another person since you opened it. Your changes since then are not saved and nothing was overwritten. Reload to see the newer revision, or save yours as a copy.";
/// Reload.
pub const RELOAD: &str = "Reload and lose my changes";
/// Copy.
pub const SAVE_COPY: &str = "Save mine as a copy";
/// Publish dialog.
pub const PUBLISH_TITLE: &str = "Publish a version";
/// Message.
pub const MESSAGE: &str = "What changed";
/// Publish text.
pub const PUBLISH_TEXT: &str = "A version never changes. From now on, deliveries and new runs use it.";
/// Problems prevent publishing.
pub const CANNOT_PUBLISH: &str = "Solve the problems first: a flow with errors is kept as a draft.";
/// An address that is not there yet.
pub const ADDRESS: &str = "Address";
/// Before the first version.
pub const ADDRESS_LATER: &str = "Publishing the flow gives it one.";
/// A trigger that the version in force does not have.
pub const ADDRESS_NEXT: &str = "The published version does not have this trigger. Publishing the draft gives it one.";
/// Address.
pub const WEBHOOK: &str = "Webhook address";
/// Form address.
pub const FORM: &str = "Form address";
/// The published version's hash.
pub const HASH: &str = "Hash";
/// What is copied.
pub const THE_HASH: &str = "the hash";
/// What is copied.
pub const THE_LOG_HASH: &str = "the log hash";
/// What is copied.
pub const THE_ADDRESS: &str = "the webhook address";
/// What is copied.
pub const THE_TEST_ADDRESS: &str = "the test address";
/// What is copied.
pub const THE_COMMAND: &str = "the command";
/// Publishing needs a saved draft.
pub const SAVE_FIRST: &str = "The draft could not be saved first.";
/// Try it.
pub const TRY_IT: &str = "Send the sample to it";
/// Run started.
pub const RUN_STARTED: &str = "Run started";
/// No sample to start with.
pub const RUN_NO_INPUT: &str =
    "The preview has not run yet, so there is no sample to start with. Wait for it, or solve its problem.";
/// Needs publishing.
pub const RUN_UNPUBLISHED: &str = "Runs use the published version. Publish this flow first.";
/// Before when a schedule fires next.
pub const FIRES: &str = "fires next";
/// Before when a poll looks next.
pub const LOOKS: &str = "looks next";
/// Of one that is paused.
pub const FIRES_NOT: &str = "is paused";
/// Of one whose times are all past.
pub const FIRES_NEVER: &str = "never fires again";
/// Asking for a run.
pub const RUN_TITLE: &str = "Run it for real?";
/// Instead of running what is old.
pub const PUBLISH_FIRST: &str = "Publish first";
/// Import.
pub const IMPORT: &str = "Fill in";
/// What an import kept out of the flow, and where it belongs.
pub fn left_out_of_import(names: &[String]) -> String {
    let names = names.join(", ");
    format!(
        "Filled in without {names}: whoever reads the flow would read it. Save it as a connection and choose that here."
    )
}
/// The way there.
pub const NEW_CONNECTION: &str = "New connection";
/// Reading an invalid definition.
pub const UNREADABLE: &str =
    "The draft of this flow cannot be read. Replace it over the API, or use one of its versions as the draft.";
/// Start again.
pub const AGAIN: &str = "Try again";
/// The resize handle.
pub const RESIZE: &str = "Width of the inspector";
/// Placeholder of an expression.
pub const EXPRESSION: &str = "input.total > 100";
/// The drawer.
pub const DRAWER: &str = "Run drawer";
/// No connection of that kind.
pub const NO_CONNECTION: &str = "None";
/// The trigger that starts the preview.
pub const TRIGGER: &str = "Started by";

/// The keys, in the order in which they are shown.
pub const SHORTCUTS: &[(&str, &str)] = &[
    ("Ctrl S", "Save now"),
    ("Ctrl K", "Search everything"),
    ("?", "This list"),
    ("/", "Add a node; after a click on the canvas, Tab too"),
    ("Enter", "Settings of the selected node"),
    ("C", "Connect the selected node to another"),
    ("Alt ← → ↑ ↓", "Follow edges"),
    ("← → ↑ ↓", "Move the selection, 5 steps with Shift"),
    ("Home, End", "First node, last node"),
    ("Delete", "Delete the selection"),
    ("Ctrl Z, Ctrl Shift Z", "Undo, redo"),
    ("Ctrl A", "Select all"),
    ("Ctrl C, Ctrl X, Ctrl V", "Copy, cut, paste as JSON"),
    ("Ctrl D", "Duplicate"),
    ("D", "Disable or enable"),
    ("T", "Tidy up"),
    (". + −", "Show all, zoom"),
    ("Shift drag", "Select with a rectangle"),
    ("Space drag", "Pan"),
    ("Escape", "Back to the canvas, close, deselect, leave the scope"),
];

/// What a preview is called as a whole.
pub fn outcome(preview: &PreviewReply) -> &'static str {
    match states::outcome(preview) {
        Outcome::NotRun => NOT_RUN,
        Outcome::Nothing => NOTHING_RUNS,
        Outcome::InPart => IN_PART,
        Outcome::Ended(status) => crate::ui::status::word(status),
    }
}

/// Above a command for a trigger that takes signed deliveries only.
pub fn signed(connection: &str) -> String {
    format!(
        "Only signed deliveries are taken. Put the key that “{connection}” holds in place of the dots: nobody can read it back here."
    )
}

/// What starting a run does.
pub fn run_version(version: i32) -> String {
    format!("{RUN}: a real run of version {version}, with the sample as its input")
}

/// The same, before it is done.
pub fn run_what(version: i32, trigger: &str) -> String {
    match trigger {
        "" => format!("Version {version} runs on the server, with the sample as its input."),
        _ => format!("Version {version} runs on the server, with the sample of “{trigger}” as its input."),
    }
}

/// What is not played this time.
pub fn run_real(sampled: &[String]) -> String {
    let each: Vec<String> = sampled.iter().map(|path| format!("“{path}”")).collect();
    format!("What samples answered for in the preview is done for real: {}.", each.join(", "))
}

/// The draft is another.
pub fn run_old(version: i32) -> String {
    format!("The draft has changed since version {version}. Those changes are not in this run.")
}

/// The verb.
pub fn run_button(version: i32) -> String {
    format!("Run version {version}")
}

/// The draft is not what is published.
pub fn changed_since(version: i32) -> String {
    format!("draft changed since v{version}")
}

/// Over what is inside a scope.
pub fn inside(words: &str) -> String {
    format!("Inside {words}")
}

/// Spoken when the preview's state changes.
pub fn preview_is(word: &str) -> String {
    format!("Preview: {word}")
}

/// Spoken after adding a node.
pub fn added(key: &str) -> String {
    format!("Added {key}")
}

/// Spoken after deleting nodes.
pub fn deleted(count: usize) -> String {
    format!("Deleted {count}")
}

/// Spoken after copying nodes.
pub fn copied(count: usize) -> String {
    format!("Copied {count}")
}

/// Spoken after pasting nodes.
pub fn pasted(count: usize) -> String {
    format!("Pasted {count}")
}

/// Spoken after drawing an edge.
pub fn connected(from: &str, to: &str) -> String {
    format!("Connected {from} to {to}")
}

/// The dialog that connects.
pub fn connect_title(from: &str) -> String {
    format!("Connect {from} to …")
}

/// Warnings do not prevent publishing.
pub fn warnings(count: usize) -> String {
    let found = if count == 1 { "There is 1 warning".to_owned() } else { format!("There are {count} warnings") };
    format!("{found}. The flow can be published; look at Problems first.")
}

/// What publishing did.
pub fn published(version: i32) -> String {
    format!("Published version {version}")
}

/// What publishing did when there was nothing to publish.
pub fn unchanged(version: i32) -> String {
    format!("Nothing changed since version {version}: it stays in force. The message was not kept.")
}

/// There is nothing to publish.
pub fn same_as(version: i32) -> String {
    format!("Nothing that runs is different from version {version}, which is in force: there is nothing to publish.")
}

/// An item of a list, by its place from 1.
pub fn item(number: usize) -> String {
    format!("Item {number}")
}

/// Moves an item of a list.
pub fn move_up(number: usize) -> String {
    format!("Move item {number} up")
}

/// Removes an item of a list.
pub fn remove_item(number: usize) -> String {
    format!("{REMOVE} item {number}")
}

/// A name that another item has.
pub fn name_taken(name: &str) -> String {
    format!("There is a `{name}` already.")
}

/// What a node that is added will follow.
pub fn after(port: &str) -> String {
    format!("After {port}")
}

/// How many nodes are selected.
pub fn selected(count: usize) -> String {
    format!("{} nodes selected", crate::ui::format::thousands(count as u64))
}

/// Nothing was pasted, and why.
pub fn paste_failed(why: &impl std::fmt::Display) -> String {
    format!("Nothing was pasted: {why}")
}
/// The longest a run may take.
pub const DEADLINE: &str = "The longest a run may take";
/// Whether so many runs go on at a time.
pub const CONCURRENCY: &str = "Limit how many runs go on at a time";
/// How many.
pub const AT_ONCE: &str = "Runs at a time";
/// Hint of a number of runs.
pub const AT_ONCE_HINT: &str = "A whole number from 1.";
/// What divides runs into lines.
pub const LINE: &str = "Counted apart for each";
/// Hint of it.
pub const LINE_HINT: &str = "An expression over what starts the run, such as trigger.body.customer. With one run at a time, those of \
                             one customer go on in their order. Empty: all runs together.";
/// The same for a rate.
pub const RATE_LINE_HINT: &str =
    "An expression over what starts the run, such as trigger.body.customer. Empty: all runs together.";
/// What becomes of a start when so many go on.
pub const WHEN_FULL: &str = "A new start, when so many go on";
/// How many wait.
pub const QUEUE: &str = "At most so many wait";
/// Hint of it.
pub const QUEUE_HINT: &str = "More are refused, and told to come again. Empty: 1000.";
/// Whether so many begin in a time.
pub const RATE: &str = "Limit how many runs begin in a time";
/// How many.
pub const RATE_RUNS: &str = "Runs";
/// In which time.
pub const RATE_PER: &str = "Within";
/// Hint of it.
pub const RATE_PER_HINT: &str = "Such as 1s, 1m, 1h.";
/// How many at once.
pub const BURST: &str = "At once";
/// Hint of it.
pub const BURST_HINT: &str = "So many may begin together after a quiet time. Empty: as many as in the whole time.";
/// A number that is none.
pub const COUNT_WRONG: &str = "A whole number.";

/// What becomes of a start when as many runs go on as may.
pub fn when_full(one: holon_flow::definition::intake::WhenFull) -> &'static str {
    use holon_flow::definition::intake::WhenFull;
    match one {
        WhenFull::Queue => "Waits its turn",
        WhenFull::Refuse => "Is refused",
        WhenFull::Replace => "Takes the place of the oldest, which is cancelled",
    }
}

/// What doing a step of this protocol again means; nothing for what computes.
pub fn promise(effect: &str) -> Option<&'static str> {
    Some(match effect {
        "idempotent" => "it may be done more than once, always with the same key.",
        "at_most_once" => "it is never begun a second time; where nobody knows whether it was done, it fails.",
        "transactional" => "it changes Holon's own database in the commit of its result: both or neither.",
        "outbox" => "what it sends is written in the commit of its result, and leaves from there once.",
        _ => return None,
    })
}
