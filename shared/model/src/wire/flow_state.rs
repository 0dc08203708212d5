//! The state of flows: what they keep from run to run.

use crate::{RunId, Timestamp, Value};
use serde::{Deserialize, Serialize};

/// What a flow keeps for a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateEntry {
    /// The key.
    pub key: String,
    /// The value; absent in lists when it is large: read the key by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Its size as JSON.
    pub bytes: u32,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// The run that changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Who changed it by hand, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
}
