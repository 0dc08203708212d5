//! What people read on the page of a flow's state.

pub const ABOUT: &str = "What the flow keeps from run to run. Its steps read and change it; what you change here, they find at their next look.";
pub const CHANGED: &str = "Changed";
pub const CHANGE: &str = "Change";
pub const DELETE: &str = "Delete";
pub const DELETE_KEY: &str = "Delete key";
pub const DELETE_WHAT: &str = "The flow forgets the value. Its next run finds nothing there.";
pub const EMPTY: &str = "Nothing is kept";
pub const EMPTY_WHAT: &str = "Put a state node into the flow, and what its runs keep is here.";
pub const FLOWS: &str = "Flows";
pub const KEY: &str = "Key";
pub const KEY_HINT: &str = "Up to 200 characters.";
pub const LARGE: &str = "large";
pub const NEW: &str = "New key";
pub const NOT_JSON: &str = "This is not JSON:";
pub const SAVE: &str = "Save";
pub const STATE: &str = "State";
pub const VALUE: &str = "Value";
pub const VALUE_HINT: &str = "JSON, such as 7, \"text\" or {\"a\": 1}; up to 64 KiB.";
