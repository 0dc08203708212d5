//! Forms as triggers: a page at an address of its own, made from the JSON Schema of a published flow's trigger. What is sent there
//! starts a run, once for each time that the page was opened.

mod http;
mod page;
mod strings;
mod submit;

pub use http::router;

/// The kind whose nodes are forms.
pub const KIND: &str = "trigger.form";
/// Path of forms; the token follows.
pub const PREFIX: &str = "/f/";
