//! What people read in the editor.

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
/// Undo.
pub const UNDO: &str = "Undo";
/// Redo.
pub const REDO: &str = "Redo";
/// Publish.
pub const PUBLISH: &str = "Publish";
/// Start a real run.
pub const RUN: &str = "Run now";
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
/// Duration hint.
pub const DURATION: &str = "Such as 500ms, 30s, 5m, 2h. Empty: none.";
/// Fields that are rarely needed.
pub const ADVANCED: &str = "More settings";
/// A field that must be filled in.
pub const REQUIRED: &str = "required";
/// Optional field.
pub const OPTIONAL: &str = "optional";
/// Switch to expression.
pub const TO_EXPRESSION: &str = "Compute with an expression";
/// Switch to fixed.
pub const TO_FIXED: &str = "Use a fixed value";
/// Add an item.
pub const ADD: &str = "Add";
/// Remove an item.
pub const REMOVE: &str = "Remove";
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
/// Caught.
pub const CAUGHT: &str = "Caught a delivery. It is the sample now.";
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
/// Preview's state.
pub const PREVIEW: &str = "Preview";
/// Preview cannot run.
pub const NOT_RUN: &str = "The preview runs when the problems above are solved.";
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
/// Copy.
pub const COPY: &str = "Copy";
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
/// Published.
pub const PUBLISHED: &str = "Published";
/// Address.
pub const WEBHOOK: &str = "Webhook address";
/// Try it.
pub const TRY_IT: &str = "Send the sample to it";
/// Run started.
pub const RUN_STARTED: &str = "Run started";
/// Needs publishing.
pub const RUN_UNPUBLISHED: &str = "Runs use the published version. Publish this flow first.";
/// Runs the published version although the draft differs.
pub const RUN_OLD: &str = "The run uses the published version; the changes since then are not in it.";
/// Paste.
pub const PASTE_FAILED: &str = "Nothing was pasted";
/// Import.
pub const IMPORT: &str = "Fill in";
/// Reading an invalid definition.
pub const UNREADABLE: &str = "The draft of this flow cannot be read. Replace it over the API, or restore a version.";
/// The engine has trouble.
pub const ENGINE: &str = "Preview";
/// Start again.
pub const AGAIN: &str = "Try again";
/// Nothing selected.
pub const SELECTED: &str = "selected";
/// The resize handle.
pub const RESIZE: &str = "Width of the inspector";
/// Placeholder of an expression.
pub const EXPRESSION: &str = "input.total > 100";
/// The drawer.
pub const DRAWER: &str = "Run drawer";
/// Show the drawer.
pub const SHOW_DRAWER: &str = "Show";
/// Hide the drawer.
pub const HIDE_DRAWER: &str = "Hide";
/// No connection of that kind.
pub const NO_CONNECTION: &str = "None";
/// The trigger that starts the preview.
pub const TRIGGER: &str = "Started by";

/// The keys, in the order in which they are shown.
pub const SHORTCUTS: &[(&str, &str)] = &[
    ("/", "Add a node; after a click on the canvas, Tab too"),
    ("Enter", "Settings of the selected node"),
    ("C", "Connect the selected node to another"),
    ("Alt ← → ↑ ↓", "Follow edges"),
    ("← → ↑ ↓", "Move the selection, 5 steps with Shift"),
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
