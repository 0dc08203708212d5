//! Working on data: setting fields, filtering, sorting, grouping, merging. Pure: computed inside the machine, metered.

mod aggregate;
mod filter;
mod merge;
mod order;
mod set;
mod sort;
#[cfg(test)]
#[path = "../../testing.rs"]
mod testing;

use holon_flow::{
    Capability, ManifestError,
    capability::{NodeError, PureCall},
};
use holon_model::Value;

/// What people read of its kinds.
pub const HELP: &str = include_str!("../help.md");

/// The capability.
///
/// # Errors
/// When `capability.json` is not right; a test holds that it is.
pub fn capability() -> Result<Capability, ManifestError> {
    Capability::from_manifest(
        include_str!("../capability.json"),
        &[
            ("data.set@1", set::run),
            ("data.filter@1", filter::run),
            ("data.sort@1", sort::run),
            ("data.aggregate@1", aggregate::run),
            ("data.merge@1", merge::run),
        ],
    )
}

/// Bytes charged for one cell of a new list or map.
const CELL: u64 = 16;

/// The list that `items` names, else the input.
fn items(call: &PureCall<'_>) -> Result<Value, NodeError> {
    let value = call.subject("items");
    if value.as_list().is_some() { Ok(value) } else { Err(not_a_list(&value, "items")) }
}

fn not_a_list(value: &Value, field: &str) -> NodeError {
    let mut error = NodeError::new(
        "bad_input",
        format!(
            "a list is needed, this is {}; point `{field}` at one, for example with `input.lines`",
            with_article(value)
        ),
    );
    error.detail = Value::map([("field", Value::from(field)), ("type", value.type_name().into())]);
    error
}

fn with_article(value: &Value) -> String {
    match value.type_name() {
        "null" => "null".to_owned(),
        "int" => "an int".to_owned(),
        other => format!("a {other}"),
    }
}

/// An index as expressions and errors see it.
fn number(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
