//! CSV (RFC 4180) to lists of maps and back.

mod format;
mod parse;
mod reader;
#[cfg(test)]
#[path = "../../testing.rs"]
mod testing;

use holon_flow::{Capability, ManifestError, capability::NodeError};
use holon_model::Value;

/// What people read of its kinds.
pub const HELP: &str = include_str!("../help.md");

/// The capability.
///
/// # Errors
/// When `capability.json` is not right; a test holds that it is.
pub fn capability() -> Result<Capability, ManifestError> {
    let behaviours: &[(&str, holon_flow::capability::PureFn)] =
        &[("csv.parse@1", parse::run), ("csv.format@1", format::run)];
    Capability::from_manifest(include_str!("../capability.json"), behaviours)
}

/// Bytes charged for one cell.
const CELL: u64 = 16;

/// The one character that the config field holds; `tab` is the tabulator.
fn character(config: &Value, field: &str, default: char) -> Result<char, NodeError> {
    let text = match config.get(field) {
        None | Some(Value::Null) => return Ok(default),
        Some(value) => value.as_str().unwrap_or_default(),
    };
    let mut chars = text.chars();
    match (text, chars.next(), chars.next()) {
        ("tab" | "\\t", ..) => Ok('\t'),
        (_, Some(one), None) if one != '\n' && one != '\r' => Ok(one),
        _ => Err(NodeError::new("bad_config", format!("`{field}` is one character, not a line break"))),
    }
}
