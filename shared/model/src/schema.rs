//! Schema references: what a port, an event or a payload looks like.

use crate::Value;
use serde::{Deserialize, Serialize};

/// A JSON Schema, inline for now; a registry joins as another variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaRef(pub Value);

impl SchemaRef {
    /// The schema that accepts everything.
    pub fn any() -> Self {
        Self(Value::Bool(true))
    }

    /// The schema itself.
    pub fn as_value(&self) -> &Value {
        &self.0
    }
}
