//! JSON Schema over Holon's values: exact numbers, a budget, no fetching, patterns without backtracking.
//!
//! Draft 2020-12 and what draft 7 wrote differently (`definitions`, `items` as a list, `dependencies`). Not understood, and
//! refused rather than ignored: `$dynamicRef`, `$recursiveRef`, `unevaluatedProperties`, `unevaluatedItems`, and references
//! that lead outside the schema. An off-the-shelf validator has no budget (thirty chained `allOf`s are a billion steps),
//! compares decimals as floats and would be a third of the browser's engine.

mod format;
mod walk;
mod well_formed;

use crate::expr::{ExprError, Meter};
use holon_model::Value;

pub use well_formed::{SchemaFault, well_formed};

/// What does not match, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// JSON pointer into the value.
    pub pointer: String,
    /// The keyword that does not hold.
    pub keyword: &'static str,
    /// What is wrong, for people.
    pub message: String,
}

/// How values are checked.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether `format` is checked.
    pub formats: bool,
    /// Whether `{"$cel"}` and `{"$text"}` match anything: config before it is evaluated.
    pub dynamic: bool,
    /// How many mismatches are listed.
    pub most: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { formats: true, dynamic: false, most: 100 }
    }
}

/// Why a value could not be checked at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The schema cannot be used.
    #[error("the schema cannot be used: {0}")]
    Schema(String),
    /// The budget ran out.
    #[error(transparent)]
    Budget(#[from] ExprError),
}

/// Checks `value` against `schema`; nothing in the list means that it matches.
///
/// # Errors
/// When the schema cannot be used or the budget runs out.
pub fn check(schema: &Value, value: &Value, options: Options, meter: &mut Meter) -> Result<Vec<Mismatch>, CheckError> {
    walk::Walk::new(schema, options, meter).run(value)
}

/// Patterns longer than this are refused.
pub(crate) const MAX_PATTERN: usize = 1_000;

/// A pattern as JSON Schema means it: found anywhere, linear in the text.
pub(crate) fn pattern(source: &str) -> Result<regex_lite::Regex, String> {
    const MAX_PROGRAM: usize = 64 * 1024;
    if source.len() > MAX_PATTERN {
        return Err(format!("a pattern has at most {MAX_PATTERN} bytes"));
    }
    regex_lite::RegexBuilder::new(source).size_limit(MAX_PROGRAM).build().map_err(|error| {
        format!("the pattern cannot be used: {error}; look-around, back-references and `\\p` classes do not exist here")
    })
}

#[cfg(test)]
mod tests;
