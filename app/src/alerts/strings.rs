//! What people read on the page of alerts.

use holon_model::wire::alerts::{AlertChannel, AlertWhat};

pub const ABOUT: &str = "An alert looks for what went wrong and tells somebody: a program, a chat, people by mail, or a flow of yours. What is found within the quiet time after it told is told together then.";
pub const ADDRESS: &str = "Address";
pub const ADDRESS_HINT: &str = "It is encrypted and not shown again.";
pub const ADDRESS_KEPT: &str = "Leave it empty to keep the address that is stored.";
pub const ALERTS: &str = "Alerts";
pub const ANY_FLOW: &str = "Any flow";
pub const CHAT: &str = "Chat";
pub const CHAT_WHAT: &str = "Sends {\"text\": …} to the address of a chat's incoming webhook";
pub const CONNECTION: &str = "Signing key";
pub const CONNECTION_HINT: &str =
    "The name of a connection of the kind “HMAC key”. Deliveries are signed as Standard Webhooks says.";
pub const CREATE: &str = "Create alert";
pub const DELETE: &str = "Delete";
pub const DELETE_ALERT: &str = "Delete alert";
pub const DELETE_WHAT: &str = "It looks no more, and what it told is forgotten.";
pub const EDIT: &str = "Edit";
pub const EMAIL: &str = "E-mail";
pub const EMAIL_WHAT: &str = "Sends mail through a mail server of yours";
pub const EMPTY: &str = "No alerts yet";
pub const EMPTY_WHAT: &str = "Make one to hear of failed runs without looking for them.";
pub const FIRED: &str = "Last told";
pub const FLOW: &str = "Flow";
pub const FLOW_WHAT: &str = "Starts a flow with what was found as its input";
pub const FLOWS_ONLY: &str = "About";
pub const FOR_LONGER: &str = "For longer than";
pub const MAIL_SERVER: &str = "Mail server";
pub const MAIL_SERVER_HINT: &str = "The name of a connection of the kind “Mail server”, with a sender.";
pub const NAME: &str = "Name";
pub const NEVER: &str = "Never";
pub const NEW: &str = "New alert";
pub const NO_TIME: &str = "No time";
pub const OFF: &str = "Off";
pub const PERCENT: &str = "Percent that fail";
pub const PERCENT_HINT: &str = "Of the runs that ended in that time; five at least.";
pub const QUIET: &str = "Quiet for";
pub const RECIPIENTS: &str = "To";
pub const RECIPIENTS_HINT: &str = "One address a line, twenty at most.";
pub const SAVE: &str = "Save alert";
pub const SAVED: &str = "Alert saved";
pub const STARTS: &str = "Starts the flow";
pub const TELLS: &str = "Tells";
pub const TEST: &str = "Send a test";
pub const TEST_FAILED: &str = "The test was not delivered";
pub const TEST_STARTED: &str = "The test was delivered: a run has started";
pub const TESTED: &str = "The test was delivered";
pub const WEBHOOK: &str = "Webhook";
pub const WEBHOOK_WHAT: &str = "Sends JSON with everything that was found, signed if you want";
pub const WHAT: &str = "Looks for";
pub const WITHIN: &str = "Within";

/// A time that can be chosen, in its largest whole unit.
pub fn span(millis: u64) -> String {
    let units = [(86_400_000, "day", "days"), (3_600_000, "hour", "hours"), (60_000, "minute", "minutes")];
    let (count, one, many) = units
        .into_iter()
        .find(|(unit, ..)| millis.is_multiple_of(*unit))
        .map_or((millis / 1000, "second", "seconds"), |(unit, one, many)| (millis / unit, one, many));
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What a rule looks for, in words.
pub fn what(what: AlertWhat) -> &'static str {
    match what {
        AlertWhat::RunFailed => "A failed run",
        AlertWhat::RunParked => "A run that Holon cannot drive on",
        AlertWhat::ErrorRate => "Many failed runs",
        AlertWhat::QueueAge => "Work that waits for its turn",
        AlertWhat::ScheduleMissed => "A schedule that did not fire",
        AlertWhat::ApprovalWaiting => "A task that waits for an answer",
        AlertWhat::PollFailing => "A poll that keeps failing",
    }
}

/// Who is told, in a word.
pub fn channel(channel: AlertChannel) -> &'static str {
    match channel {
        AlertChannel::Webhook => WEBHOOK,
        AlertChannel::Chat => CHAT,
        AlertChannel::Flow => FLOW,
        AlertChannel::Email => EMAIL,
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn a_time_is_told_in_its_largest_whole_unit() {
        assert_eq!(
            [60_000, 90_000, 3_600_000, 7_200_000, 86_400_000].map(span),
            ["1 minute", "90 seconds", "1 hour", "2 hours", "1 day"]
        );
    }
}
