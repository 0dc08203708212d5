//! Whether a value is what a schema asks for; what is not, each at its place.

use holon_flow::expr::Meter;
use holon_flow::schema::{Options, check};
use holon_model::Value;
use holon_model::error::FieldError;

/// Steps that a check may take: as many as a run spends on the form of a task.
const FUEL: u64 = 1_000_000;
/// More would help nobody.
const MOST: usize = 50;

/// What does not match.
pub fn mismatches(schema: &Value, value: &Value) -> Vec<FieldError> {
    let options = Options { most: MOST, ..Options::default() };
    match check(schema, value, options, &mut Meter::new(FUEL, 0)) {
        Ok(found) => found
            .into_iter()
            .map(|miss| FieldError { pointer: miss.pointer, detail: miss.message, code: Some(miss.keyword.into()) })
            .collect(),
        Err(error) => vec![FieldError { pointer: String::new(), detail: error.to_string(), code: None }],
    }
}
