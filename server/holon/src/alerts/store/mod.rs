//! All SQL of alerts: what requests ask (`requests`), what the loop looks for (`looks`, and what
//! waits: `queues`), and what is to be told (`firings`).

mod firings;
mod looks;
mod queues;
mod requests;

pub use firings::{Due, Settled, add_test, claim_due, claim_one, due, fire, firing, firings, forget, settle};
pub use looks::{
    Rule, failed_runs, failing_polls, lock_due, missed, move_on, outcomes, parked_runs, plan_each, see, waiting_tasks,
};
pub use queues::{oldest_firing, oldest_queued, oldest_unclaimed, oldest_undelivered};
pub use requests::{SealedUrl, count, delete, has_connection, has_flow, list, lock, put};

use holon_model::wire::alerts::{AlertChannel, AlertWhat};
use holon_model::{AlertId, FiringId, Timestamp};

/// The text stored.
pub fn what_text(what: AlertWhat) -> &'static str {
    match what {
        AlertWhat::RunFailed => "run_failed",
        AlertWhat::RunParked => "run_parked",
        AlertWhat::ErrorRate => "error_rate",
        AlertWhat::QueueAge => "queue_age",
        AlertWhat::ScheduleMissed => "schedule_missed",
        AlertWhat::ApprovalWaiting => "approval_waiting",
        AlertWhat::PollFailing => "poll_failing",
    }
}

/// All that this build looks for; what a newer one beside it knows is left to that one.
const KNOWN: [AlertWhat; 7] = [
    AlertWhat::RunFailed,
    AlertWhat::RunParked,
    AlertWhat::ErrorRate,
    AlertWhat::QueueAge,
    AlertWhat::ScheduleMissed,
    AlertWhat::ApprovalWaiting,
    AlertWhat::PollFailing,
];

fn what(text: &str) -> Option<AlertWhat> {
    KNOWN.into_iter().find(|what| what_text(*what) == text)
}

/// The text stored.
pub fn channel_text(channel: AlertChannel) -> &'static str {
    match channel {
        AlertChannel::Webhook => "webhook",
        AlertChannel::Chat => "chat",
        AlertChannel::Flow => "flow",
        AlertChannel::Email => "email",
    }
}

fn channel(text: &str) -> Option<AlertChannel> {
    [AlertChannel::Webhook, AlertChannel::Chat, AlertChannel::Flow, AlertChannel::Email]
        .into_iter()
        .find(|channel| channel_text(*channel) == text)
}

/// A column that the table's checks keep to its values.
fn inconsistent(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("`{what}` is not a value that a rule has").into())
}

/// What is to be told.
#[derive(Debug, Clone, Copy)]
pub struct NewFiring<'a> {
    /// Its id.
    pub id: FiringId,
    /// Of which rule.
    pub rule: AlertId,
    /// When.
    pub at: Timestamp,
    /// `rule | test`.
    pub cause: &'a str,
    /// In a sentence.
    pub summary: &'a str,
    /// How much was found.
    pub count: u32,
    /// The last of it, JSON.
    pub items: &'a str,
}
