//! What people read in the frame.

pub const ABOUT_404: &str = "The address may be mistyped, or what was here is gone or belongs to another workspace.";
pub const CLOSE_RAIL: &str = "Hide the words";
pub const CONNECTIONS: &str = "Connections";
pub const CRUMBS: &str = "Where you are";
pub const DARK: &str = "Dark";
pub const DOCS: &str = "API documents";
pub const FIND: &str = "Search or jump to";
pub const FLOW: &str = "Flow";
pub const EVENTS: &str = "Events";
pub const FLOWS: &str = "Flows";
pub const GO_HOME: &str = "Go to home";
pub const HOME: &str = "Home";
pub const LIGHT: &str = "Light";
pub const MORE: &str = "More";
pub const NAVIGATION: &str = "Pages";
pub const NEW_CONNECTION: &str = "New connection";
pub const NEW_FLOW: &str = "New flow";
pub const NEW_TOKEN: &str = "New API token";
pub const NOTHING_FOUND: &str =
    "Nothing is called that. Search for a page, a flow or an action, or paste the id of a run.";
pub const NOTHING_HERE: &str = "There is nothing here";
pub const PALETTE: &str = "Search and commands";
pub const PALETTE_ASK: &str = "A page, a flow, the id of a run, or an action";
pub const PAGE_MISSING: &str =
    "This page did not load. The network may be gone, or Holon was updated since this tab was opened.";
pub const RELOAD: &str = "Reload";
pub const RUN: &str = "Run";
pub const RUNS: &str = "Runs";
pub const SCHEDULES: &str = "Schedules";
pub const SEE_FLOWS: &str = "See the flows";
pub const SETTINGS: &str = "Settings";
pub const SIGN_OUT: &str = "Sign out";
pub const SIGN_OUT_FAILED: &str = "You are still signed in: the server did not answer. Try again.";
pub const SKIP: &str = "Skip to the content";
pub const SYSTEM: &str = "As the system";
pub const TASKS: &str = "Tasks";
pub const THEME_DARK: &str = "Use the dark scheme";
pub const THEME_LIGHT: &str = "Use the light scheme";
pub const THEME_SYSTEM: &str = "Use the system's scheme";
pub const TOGGLE_RAIL: &str = "Show the words";
pub const TOKENS: &str = "API tokens";
pub const WORKERS: &str = "Workers";
pub const WORKSPACE: &str = "Workspace";

/// How many tasks name who looks, for whoever hears it.
pub fn for_you(tasks: u32) -> String {
    format!(", {tasks} for you")
}

/// Above a page that does not hear its server.
pub fn lost(since: &str) -> String {
    format!("The server cannot be reached: trying again. What is shown is as it was at {since}.")
}
