//! What people read about pauses.

use holon_model::wire::pauses::{Intake, PauseMode};

use super::Scope;

pub const BY: &str = "by";
pub const CHOICE: &str = "What becomes of runs that wait for their place";
pub const DRAIN: &str = "They begin too";
pub const DRAIN_WHAT: &str = "All that was accepted goes on to its end. Nothing new is accepted.";
pub const GO_ON: &str = "Let runs begin";
pub const KEEP: &str = "Go on as it is";
pub const PAUSE: &str = "Pause";
pub const PAUSE_CHOICE: &str = "They stay where they are";
pub const PAUSE_WHAT: &str = "They begin when you let runs begin again.";
pub const REASON: &str = "Why";
pub const REASON_HINT: &str = "Shown to whoever is refused.";
pub const RESUMED: &str = "Runs begin again.";
pub const STARTS: &str = "Starts";
pub const WHAT: &str = "New starts are refused: webhooks are answered with 503 and sent again by most services, and schedules do \
                        not fire. What has begun goes on.";

pub fn ask(scope: Scope) -> &'static str {
    match scope {
        Scope::Flow(_) => "Pause this flow?",
        Scope::Workspace => "Pause all flows of the workspace?",
        Scope::Instance => "Pause every workspace on this Holon?",
    }
}

pub fn title(scope: Scope) -> &'static str {
    match scope {
        Scope::Flow(_) => STARTS,
        Scope::Workspace => "Starts in this workspace",
        Scope::Instance => "Starts on this Holon",
    }
}

pub fn open(scope: Scope) -> &'static str {
    match scope {
        Scope::Flow(_) => "Runs of this flow begin when they are started.",
        Scope::Workspace => "Runs of all flows begin when they are started.",
        Scope::Instance => "Runs of all workspaces begin when they are started.",
    }
}

pub fn shut(mode: PauseMode) -> &'static str {
    match mode {
        PauseMode::Pause => "Paused: nothing begins.",
        PauseMode::Drain => "Draining: nothing new is accepted.",
    }
}

pub fn counts(intake: &Intake) -> String {
    let Intake { running, waiting, queued, .. } = intake;
    format!("{running} running, {waiting} waiting or held, {queued} queued")
}

/// Of the heading: two of them may stand on one page.
pub fn id(scope: Scope) -> &'static str {
    match scope {
        Scope::Flow(_) | Scope::Workspace => "starts",
        Scope::Instance => "starts-everywhere",
    }
}
