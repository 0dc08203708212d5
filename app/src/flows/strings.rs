//! What people read on the pages of flows.

use holon_flow::definition::limits::MAX_NAME;

pub const BACKTEST: &str = "Back-test the draft";
pub const ABOUT: &str =
    "A flow is drawn, previewed in the browser while you draw, and published as a version that runs durably.";
pub const CHANGED: &str = "changed";
pub const CREATE: &str = "Create flow";
pub const DELETE: &str = "Delete";
pub const DELETE_FLOW: &str = "Delete flow";
pub const DELETED: &str = "Deleted";
pub const DRAFT: &str = "draft";
pub const DUPLICATE: &str = "Duplicate";
pub const EMPTY: &str = "No flows yet";
pub const EMPTY_WHAT: &str = "Start from an example that runs as it is, or from an empty canvas.";
pub const EMPTY_FLOW: &str = "Empty flow";
pub const FLOWS: &str = "Flows";
pub const HASH: &str = "Content hash";
pub const LAST_RUN: &str = "Last run";
pub const MESSAGE: &str = "Message";
pub const NAME: &str = "Name";
pub const NAME_PLACEHOLDER: &str = "Order intake";
pub const NEW: &str = "New flow";
pub const NO_MESSAGE: &str = "No message";
pub const NO_RUNS: &str = "—";
pub const NOT_FOUND: &str = "No flow contains these words";
pub const NOT_FOUND_WHAT: &str = "Names and descriptions are searched. Try fewer or other words.";
pub const OPEN: &str = "Open";
pub const OR_EXAMPLE: &str = "Or start from an example";
pub const PUBLISHED: &str = "Published";
pub const RUNS: &str = "Runs";
pub const SAVED: &str = "Saved";
pub const SEARCH: &str = "Search flows";
pub const SHOW_DEFINITION: &str = "Definition";
pub const START_EXAMPLE: &str = "Use this example";
pub const USE_DRAFT: &str = "Use as draft";
pub const USE_DRAFT_WHAT: &str = "The draft becomes what this version is. What was changed in the draft and never published is replaced; nothing is published.";
pub const USED_DRAFT: &str = "The draft is that version now.";
pub const THE_HASH: &str = "the content hash";
pub const VERSION: &str = "Version";
pub const STATE: &str = "State";
pub const VERSIONS: &str = "Versions";
pub const VERSIONS_EMPTY: &str = "Nothing is published yet";
pub const VERSIONS_EMPTY_WHAT: &str =
    "Publish the draft in the editor: its version is kept here, unchanged, with its content hash.";
pub const BY: &str = "By";
pub const IN_FORCE: &str = "in force";

/// The name of a copy, which is no longer than a name may be.
pub fn copy_of(name: &str) -> String {
    let room = MAX_NAME - " (copy)".len();
    format!("{} (copy)", name.chars().take(room).collect::<String>().trim_end())
}

/// Told where the copy is opened.
pub fn duplicated(name: &str) -> String {
    format!("“{name}” is a new draft. Nothing of it is published yet.")
}

/// The question before a flow goes.
pub fn delete_title(name: &str) -> String {
    format!("Delete “{name}”?")
}

/// What goes with it. How many runs are not over, and whether there are more, once that is known.
pub fn delete_what(live: Option<(usize, bool)>) -> String {
    let going = match live {
        None | Some((0, _)) => "Runs that are live finish".to_owned(),
        Some((1, _)) => "1 run is live: it goes on to its end, and what it asks people still waits for them".to_owned(),
        Some((count, more)) => format!(
            "{count}{} runs are live: they go on to their end, and what they ask people still waits for them",
            if more { "+" } else { "" }
        ),
    };
    format!(
        "Its draft, its versions and its webhook addresses go. {going}. What ran stays in the history under its name."
    )
}
