//! The words of pages without scripts.

pub const CHOOSE: &str = "Choose";
pub const EACH_ON_A_LINE: &str = "One on each line.";
pub const GONE: &str = "There is nothing here";
pub const GONE_WHAT: &str =
    "The link is not known, was used already, or is over. If you still need it, ask whoever sent it to you.";
pub const HOLON: &str = "Holon";
pub const MISSING: &str = "This must be filled in.";
pub const NOT_A_NUMBER: &str = "This is not a number.";
pub const NOT_JSON: &str = "This is not JSON:";
pub const NOT_OFFERED: &str = "This is not one of the choices.";
pub const OPTIONAL: &str = "Optional";
