//! `fail`: fails on purpose, with a code and a message of the flow's own.
//!
//! No state of its own: pending → running → failed in one decision.

use holon_flow::capability::NodeError;
use holon_model::Value;

/// Config: `{code?, message}`.
pub(crate) fn error(config: &Value) -> NodeError {
    let text = |name: &str| config.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut error =
        NodeError::new(text("code").unwrap_or("failed"), text("message").unwrap_or("the flow failed on purpose"));
    error.detail = config.get("detail").cloned().unwrap_or_default();
    error
}
