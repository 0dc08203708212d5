//! What people read on the pages of tasks.

use crate::ui::strings::named;

pub const ABOUT: &str = "What runs ask people: approvals, and what to do about a step that could not be undone.";
pub const ALL: &str = "All";
pub const ANSWER: &str = "Your answer";
pub const ANSWERED: &str = "The run has your answer.";
pub const ANYBODY: &str = "Whoever has it";
pub const ASKED_NEXT: &str = "The run asks more";
pub const ASKED: &str = "Asked";
pub const CONTEXT: &str = "What it is about";
pub const DONE: &str = "Done";
pub const DUE: &str = "Due";
pub const EMPTY: &str = "Nothing to answer";
pub const EMPTY_ALL: &str = "No tasks yet";
pub const EMPTY_WHAT: &str = "Put an Approval into a flow: its runs wait until somebody answers.";
pub const EMPTY_WHOM: &str = "Nothing here for these people";
pub const EMPTY_WHOM_WHAT: &str =
    "Flows name assignees by e-mail, by name or as they like. Choose “For anybody” to see all tasks.";
pub const ENDS: &str = "Used, or ends";
pub const ENDS_AFTER: &str = "Ends after";
pub const FILLED_IN: &str = "What was filled in";
pub const FLOW: &str = "Flow";
pub const FOR: &str = "For";
pub const FOR_ANYBODY: &str = "For anybody";
pub const FOR_ME: &str = "For me";
pub const FOR_NOBODY: &str = "For nobody in particular";
pub const FOR_HINT: &str = "To whom you give it; the answer names it. It keeps nobody out.";
pub const KEPT: &str = "Your answer is kept; the run has not taken it in yet. Look again in a moment.";
pub const LINKS: &str = "Links";
pub const LINKS_WHAT: &str = "Whoever has a link answers once, without signing in.";
pub const MADE: &str = "Made";
pub const MAKE_LINK: &str = "Make link";
pub const NEW_LINK: &str = "New link";
pub const NONE: &str = "—";
pub const NOT_A_NUMBER: &str = "This is not a number.";
pub const NOT_CHOSEN: &str = "Choose";
pub const NOT_JSON: &str = "This is not JSON:";
pub const ONCE: &str = "Copy it now: it is not shown again.";
pub const ONE_DAY: &str = "1 day";
pub const OPEN: &str = "Open";
pub const REVOKE: &str = "Revoke";
pub const REVOKE_TITLE: &str = "Revoke the link?";
pub const REVOKE_WHAT: &str = "From now on it leads nowhere.";
pub const RUN: &str = "Run";
pub const SEVEN_DAYS: &str = "7 days";
pub const SHOW: &str = "Which tasks";
pub const STATE: &str = "State";
pub const TASK: &str = "Task";
pub const TASKS: &str = "Tasks";
pub const STEP: &str = "Step";
pub const STEP_GAVE: &str = "What the step gave";
pub const STEP_TOOK: &str = "What the steps were given";
pub const TRIED: &str = "Undoing was tried";
pub const UNDOING: &str = "What was tried";
pub const WHOSE: &str = "Whose tasks";
pub const UNDONE_BY: &str = "Undone by";
pub const REASON_NEEDED: &str =
    "Needed when it is left as it is, and kept with the run beside your name. May be empty otherwise.";
pub const WHILE_OPEN: &str = "Somebody else answered while you had this page open. Nothing of yours was sent.";
pub const THE_ADDRESS: &str = "the address";
pub const THE_LINK: &str = "The link";
pub const THIRTY_DAYS: &str = "30 days";

/// Who answered, if anybody did.
pub fn answerer(by: Option<&str>, name: Option<&str>) -> Option<String> {
    by.map(|by| named(by, name))
}

/// Of an answer that came second.
pub fn beaten(mine: &str) -> String {
    format!("Your answer “{mine}” did not count: the first answer counts.")
}

/// How often undoing was tried.
pub fn tried(times: i64) -> String {
    if times == 1 { "once".to_owned() } else { format!("{times} times") }
}

/// What became of a task that nobody answers any more.
pub fn over(state: &str, choice: Option<&str>, by: Option<&str>) -> String {
    match (state, choice, by) {
        ("answered", Some(choice), Some(by)) => format!("{by} chose “{choice}”"),
        ("answered", ..) => "It was answered".to_owned(),
        _ => "The run went on without an answer, or is over".to_owned(),
    }
}

/// The state in a word.
pub fn state(state: &str) -> &'static str {
    match state {
        "open" => OPEN,
        "answered" => "Answered",
        _ => "Closed",
    }
}

/// The state of a link in a word.
pub fn link_state(state: &str) -> &'static str {
    match state {
        "open" => OPEN,
        "used" => "Used",
        "revoked" => "Revoked",
        _ => "Ended",
    }
}
