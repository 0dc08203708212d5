//! Payloads: a value where it is small, a reference by hash where it is not.

use crate::Value;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// A reference to bytes kept apart, by the hash of their content.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobRef {
    /// blake3 of the bytes, 64 lower-case hexadecimal digits.
    pub hash: Arc<str>,
    /// Length in bytes.
    pub len: u64,
    /// Media type, such as `application/json`.
    pub media_type: Arc<str>,
}

impl fmt::Debug for BlobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blob {} ({} bytes, {})", self.hash, self.len, self.media_type)
    }
}

/// What journals and wires carry, from the first day: inline, or by reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// The value itself.
    Inline(Value),
    /// Where the bytes are.
    Blob(BlobRef),
}

impl Payload {
    /// The value as expressions see it: a blob stays a reference.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Inline(value) => value.clone(),
            Self::Blob(blob) => Value::Blob(Arc::new(blob.clone())),
        }
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self::Inline(value)
    }
}
