//! What people read in the component kit.

pub const CANCEL: &str = "Cancel";
pub const CLOSE: &str = "Close";
pub const COPIED: &str = "Copied";
pub const COPY: &str = "Copy";
pub const COPY_FAILED: &str = "The browser did not allow copying. Select the text and copy it yourself.";
pub const COPY_PATH: &str = "Copy path";
pub const COPY_VALUE: &str = "Copy value";
pub const FILL_IN: &str = "Fill this in.";
pub const LEFT: &str = "left";
pub const MORE_ACTIONS: &str = "More actions";
pub const OPTIONAL: &str = "optional";
pub const REQUEST: &str = "Request";
pub const REQUEST_ID: &str = "the request's id";
pub const SHOW: &str = "Show";
pub const HIDE: &str = "Hide";
pub const SHOW_MORE: &str = "Show more";
pub const TREE: &str = "Tree";
pub const RAW: &str = "Raw";

/// Who did something: by name where it is known.
pub fn named(label: &str, name: Option<&str>) -> String {
    name.unwrap_or_else(|| who(label)).to_owned()
}

/// Who did something, as journals and answers name them: `person_…`, `token_…`, `webhook`, `system`.
pub fn who(label: &str) -> &str {
    // To whom a link was given; whether it was they who used it nobody knows.
    if let Some(assignee) = label.strip_prefix("link:") {
        return assignee;
    }
    match label.split('_').next() {
        Some("person") => "A person",
        Some("token") => "A program",
        Some("webhook") => "A delivery",
        Some("system") => "Holon",
        Some("link") => "Somebody with a link",
        _ => label,
    }
}
