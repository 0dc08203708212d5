//! The words of the page behind a link.

pub const ANSWERED: &str = "The run has your answer";
pub const ANSWERED_WHAT: &str = "You can close this page. The link cannot be used again.";
pub const CHOOSE_ONE: &str = "Choose one of the answers.";
pub const DUE: &str = "Due";
pub const FOR: &str = "For";
pub const KEPT: &str = "Your answer is kept";
pub const KEPT_WHAT: &str = "The run has not taken it in yet. It counts unless somebody else answered first: open the link again in a \
                             moment to see whether the question is still there.";
pub const NOT_TAKEN: &str = "Your answer was not taken.";
pub const NOT_YET: &str = "Not asked yet";
pub const NOT_YET_WHAT: &str = "The question comes in a moment. This page looks again by itself.";
pub const ONCE: &str = "The link counts once. Your answer cannot be changed afterwards.";

/// What was answered.
pub fn chose(label: &str) -> String {
    format!("You chose “{label}”.")
}
