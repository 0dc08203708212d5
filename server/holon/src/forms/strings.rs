//! The words of forms where their flow has none.

pub const FAILED: &str = "It could not be completed";
pub const FAILED_WHAT: &str =
    "What you sent was received, and then something failed. Give this number to whoever sent you the form:";
pub const LATER: &str = "It is being worked on.";
pub const MARKED: &str = "What is missing or not right is marked below.";
pub const NOT_SENT: &str = "It was not sent.";
pub const SEND: &str = "Send";
pub const THANKS: &str = "Thank you. It was sent.";
