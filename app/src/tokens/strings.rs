//! What people read on the page of API tokens.

pub const ABOUT: &str = "A program with your token may do in this workspace what you may do. Give each program its own, so that one can be revoked alone.";
pub const CREATE: &str = "Create token";
pub const DAYS_30: &str = "30 days";
pub const DAYS_90: &str = "90 days";
pub const DAYS_365: &str = "365 days";
pub const DONE: &str = "Done";
pub const EMPTY: &str = "No API tokens yet";
pub const EMPTY_WHAT: &str = "Make one to call the REST API: list flows, start runs, read results.";
pub const ENDS: &str = "Ends";
pub const ENDS_AFTER: &str = "Ends after";
pub const LAST_USED: &str = "Last used";
pub const MADE: &str = "Made";
pub const MAY: &str = "May do";
pub const MAY_ALL: &str = "What I may do";
pub const MAY_WORK: &str = "Take tasks for workers, nothing else";
pub const NAME: &str = "Name";
pub const NAME_HINT: &str = "What it is for, such as the program's name.";
pub const NEVER: &str = "Never";
pub const NEW: &str = "New API token";
pub const ONCE: &str = "Copy it now: it is not shown again.";
pub const POOLS: &str = "Pools";
pub const POOLS_HINT: &str = "Names between commas; empty: all pools.";
pub const PREFIX: &str = "Starts with";
pub const REVOKE: &str = "Revoke";
pub const REVOKE_TOKEN: &str = "Revoke token";
pub const REVOKE_WHAT: &str = "Programs that use it are refused from now on. This cannot be undone.";
pub const THE_CALL: &str = "the call";
pub const THE_TOKEN: &str = "the token";
pub const TOKENS: &str = "API tokens";
pub const TRY: &str = "Try it";
pub const YOUR_TOKEN: &str = "Your token";

/// What a token for workers is for.
pub fn workers(pools: &[String]) -> String {
    if pools.is_empty() { "workers of all pools".to_owned() } else { format!("workers of {}", pools.join(", ")) }
}
