//! `when`: passes its input on `true` or on `false`.
//!
//! No state of its own: pending → running → succeeded in one decision.

use crate::{
    arena::{CNode, Compiled},
    machine::{At, Machine},
};
use holon_flow::capability::NodeError;
use holon_model::Value;

/// Config: `{if: bool}`.
pub(crate) fn start(
    machine: &mut Machine,
    flow: &Compiled,
    at: At,
    node: &CNode,
    config: &Value,
) -> Result<(), NodeError> {
    let holds = config.get("if").unwrap_or(&Value::Null);
    let Some(holds) = holds.as_bool() else {
        let message = format!("`if` must be true or false, it is a value of type {}", holds.type_name());
        return Err(NodeError::new("type_mismatch", message));
    };
    let port = if holds { "true" } else { "false" };
    let unknown = || NodeError::new("unknown_port", format!("the node has no port `{port}`"));
    machine.pass(flow, at, node.port(port).ok_or_else(unknown)?);
    Ok(())
}
