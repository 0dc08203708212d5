//! What people read on the page of events.

pub const ABOUT: &str =
    "What flows and programs published in this environment, in its one order, and the runs that it started.";
pub const AGAIN: &str = "Deliver again";
pub const AGAIN_WHAT: &str =
    "Events from this one on that the subscription takes are delivered again, each in a new run.";
pub const AT: &str = "At";
pub const DATA: &str = "What it tells";
pub const EMPTY: &str = "No events yet";
pub const EMPTY_WHAT: &str = "Put a Publish event node into a flow, or send one to POST /api/v1/events.";
pub const EVENT: &str = "Event";
pub const EVENTS: &str = "Events";
pub const FAILED: &str = "failed";
pub const FLOW: &str = "Flow";
pub const FROM: &str = "From event";
pub const FROM_HINT: &str = "A position from 1; events are kept for 30 days.";
pub const GOT_BY: &str = "Got by";
pub const NOBODY: &str = "Nobody";
pub const NOT_A_POSITION: &str = "Write a whole number from 1.";
pub const ONE_AT_A_TIME: &str = "one at a time";
pub const PATTERN: &str = "Takes";
pub const POSITION: &str = "#";
pub const SIZE: &str = "Size";
pub const SUBJECT: &str = "Subject";
pub const SUBSCRIPTIONS: &str = "Subscriptions";
pub const WAITING: &str = "waiting";
pub const WHEN: &str = "Published";
