//! `switch`: passes its input on the port of the first case that holds, else on `default`.
//!
//! No state of its own: pending → running → succeeded in one decision.

use crate::{
    arena::{CNode, Compiled},
    machine::{At, Machine},
};
use holon_flow::capability::NodeError;
use holon_model::Value;

/// Config: `{cases: [{port, when: bool}]}`.
pub(crate) fn start(
    machine: &mut Machine,
    flow: &Compiled,
    at: At,
    node: &CNode,
    config: &Value,
) -> Result<(), NodeError> {
    let port = choose(config)?;
    let unknown = || NodeError::new("unknown_port", format!("the node has no port `{port}`"));
    machine.pass(flow, at, node.port(port).ok_or_else(unknown)?);
    Ok(())
}

fn choose(config: &Value) -> Result<&str, NodeError> {
    for case in config.get("cases").and_then(Value::as_list).unwrap_or_default() {
        let port = case.get("port").and_then(Value::as_str).unwrap_or_default();
        let holds = case.get("when").unwrap_or(&Value::Null);
        match holds.as_bool() {
            Some(true) => return Ok(port),
            Some(false) => {}
            None => {
                let found = holds.type_name();
                let message =
                    format!("`when` of the case `{port}` must be true or false, it is a value of type {found}");
                return Err(NodeError::new("type_mismatch", message));
            }
        }
    }
    Ok("default")
}
