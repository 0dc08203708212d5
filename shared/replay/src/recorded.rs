//! One row of a journal as it is replayed, from the wire or from the store; and definitions, compiled as far as they can run.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use holon_engine::{Compiled, Input, Stamped, compile_draft, decode_input};
use holon_flow::{Catalogue, Definition};
use holon_model::{Timestamp, Value, wire::runs::JournalRow};
use std::sync::Arc;

/// A row.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Number of the input, from 0.
    pub seq: i64,
    /// The input with its stamp, or why it does not read.
    pub input: Result<Stamped<Input>, String>,
    /// The log hash after it as it was recorded, 64 hexadecimal digits.
    pub log_hash: String,
}

impl Recorded {
    /// A row whose input is as the engine encodes it.
    pub fn new(seq: i64, at: Timestamp, input: &[u8], log_hash: String) -> Self {
        let input = decode_input(input).map(|input| Stamped::new(at, input)).map_err(|error| error.to_string());
        Self { seq, input, log_hash }
    }
}

impl From<&JournalRow> for Recorded {
    fn from(row: &JournalRow) -> Self {
        match STANDARD.decode(&row.input) {
            Ok(bytes) => Self::new(row.seq, row.at, &bytes, row.log_hash.clone()),
            Err(error) => Self { seq: row.seq, input: Err(error.to_string()), log_hash: row.log_hash.clone() },
        }
    }
}

/// A definition, compiled as far as it can run, and how many mistakes it has.
///
/// # Errors
/// When it is no definition at all.
pub fn compiled(definition: &Value, catalogue: &Catalogue) -> Result<(Arc<Compiled>, usize), String> {
    let definition = Definition::from_value(definition).map_err(|_| "the definition cannot be read".to_owned())?;
    let (compiled, mistakes) = compile_draft(&definition, catalogue);
    Ok((compiled, mistakes.len()))
}
