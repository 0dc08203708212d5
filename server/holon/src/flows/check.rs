//! Reading a definition that somebody sent: what it means, its hash, and what is wrong with it.

use holon_flow::{Catalogue, Definition, validate::validate};
use holon_model::{Value, wire::flows::Diagnostic};

use super::Error;
use crate::schedules;

/// A definition with all that a save needs to know of it.
pub struct Checked {
    /// What it says.
    pub definition: Definition,
    /// Its JSON text, as stored.
    pub text: String,
    /// blake3 of its meaning.
    pub hash: [u8; 32],
    /// What validation found.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a definition; one that is only unfinished is fine, one that is no definition is not.
pub fn check(catalogue: &Catalogue, value: &Value) -> Result<Checked, Error> {
    let definition = Definition::from_value(value).map_err(Error::Malformed)?;
    Ok(checked(catalogue, definition))
}

/// The same for a definition that was already read.
pub fn checked(catalogue: &Catalogue, definition: Definition) -> Checked {
    let mut diagnostics = validate(&definition, catalogue);
    diagnostics.extend(schedules::diagnose(&definition));
    Checked { text: definition.to_value().to_json(), hash: definition.hash(), diagnostics, definition }
}
