//! Tasks: what runs ask people, and their answers. The rows are written by the runtime; only an answer goes the other way.

mod answer;
mod error;
mod http;
mod list;
mod port;
mod read;
mod store;

pub use error::Error;
pub use http::router;
pub use port::TasksInProcess;
pub use read::find;

use holon_model::Value;

/// Keys and words of what can be answered.
pub fn choices(listed: &Value) -> impl Iterator<Item = (&str, &str)> {
    listed.as_list().unwrap_or_default().iter().filter_map(|choice| {
        let text = |member: &str| choice.get(member).and_then(Value::as_str);
        let key = text("key")?;
        Some((key, text("label").filter(|label| !label.is_empty()).unwrap_or(key)))
    })
}
