//! What people read on the page of settings.

pub const ACCOUNT: &str = "Account";
pub const ALERTS: &str = "Alerts";
pub const ALERTS_GO: &str = "Manage alerts";
pub const ALERTS_WHAT: &str = "Hear of failed runs, missed schedules, polls that keep failing and tasks that wait: by mail, in a chat, in a program or a flow.";
pub const APPEARANCE: &str = "Appearance";
pub const APPEARANCE_WHAT: &str = "For this browser.";
pub const CLOSED: &str = "Closed";
pub const CLOSED_WHAT: &str = "Nobody can sign up.";
pub const COPY_LINK: &str =
    "Send this link to one person. It is valid for seven days and one sign-up, and is not shown again.";
pub const EMAIL: &str = "E-mail";
pub const ENVIRONMENT: &str = "Environment";
pub const HISTORY: &str = "History of runs";
pub const HISTORY_DEFAULT: &str = "As the instance says";
pub const HISTORY_EMPTY: &str = "No run is over yet.";
pub const HISTORY_FOR: &str = "Keep for";
pub const HISTORY_KEEP: &str = "Keep";
pub const HISTORY_SAVED: &str = "Saved. What is older goes within the day.";
pub const HISTORY_SURE: &str =
    "They go within a day, with their journals, payloads, tasks and links, and cannot be had back.";
pub const HISTORY_WHAT: &str = "How long runs are kept after they are over. Runs that are not over are always kept. From 30 days on history goes week by week.";
pub const INVITATION: &str = "By invitation";
pub const INVITATION_WHAT: &str = "Whoever holds an invitation link can sign up, once.";
pub const INVITE: &str = "Make invitation link";
pub const INVITE_TITLE: &str = "Invitations";
pub const INVITE_WHAT: &str = "An invited person gets a workspace of their own.";
pub const NAME: &str = "Name";
pub const OLDEST: &str = "the oldest from";
pub const OPEN: &str = "Open";
pub const OPEN_WHAT: &str = "Everybody who reaches this address can sign up.";
pub const SAVE: &str = "Save";
pub const SAVED: &str = "Saved.";
pub const SETTINGS: &str = "Settings";
pub const SIGN_UP: &str = "Sign-up";
pub const SIGN_UP_WHAT: &str = "Who may create a workspace on this Holon. You decide this as its operator.";
pub const THE_LINK: &str = "the link";
pub const TOKENS: &str = "API tokens";
pub const TOKENS_GO: &str = "Manage API tokens";
pub const TOKENS_WHAT: &str = "For programs that call the REST API as you.";
pub const WORKSPACE: &str = "Workspace";

/// For how long.
pub fn kept_for(days: Option<u32>) -> String {
    match days {
        None => "Without end".to_owned(),
        Some(1) => "1 day".to_owned(),
        Some(days) if days % 365 == 0 && days > 365 => format!("{} years", days / 365),
        Some(365) => "1 year".to_owned(),
        Some(days) => format!("{days} days"),
    }
}

/// How much is kept.
pub fn kept_now(runs: u64) -> String {
    match runs {
        1 => "1 run that is over is kept".to_owned(),
        runs if runs >= holon_model::wire::retention::COUNTED => {
            format!("More than {runs} runs that are over are kept")
        }
        runs => format!("{runs} runs that are over are kept"),
    }
}

/// What would go.
pub fn would_go(runs: u64) -> String {
    match runs {
        0 => "No run goes.".to_owned(),
        1 => "1 run goes.".to_owned(),
        runs if runs >= holon_model::wire::retention::COUNTED => format!("More than {runs} runs go."),
        runs => format!("{runs} runs go."),
    }
}
