//! `continue`: ends the run, and another one of the same flow goes on for it with a given input: a history that would grow for
//! ever is cut into runs.
//!
//! Signals that nobody took go on with it, see `mail`.
//!
//! Running → succeeded; what else runs in the graph is stopped, then the run is over as continued. A run that is cancelled
//! meanwhile is cancelled.

use crate::{
    arena::Compiled,
    machine::{At, Machine},
    node::Emit,
};
use holon_flow::capability::NodeError;
use holon_model::Value;

/// Config: `{input?}`; without one the node's input. Only in the definition's own graph.
pub(crate) fn start(machine: &mut Machine, flow: &Compiled, at: At, config: &Value) -> Result<(), NodeError> {
    // The body of a batch has the first frame too.
    if at.frame != 0 || machine.core.arena.frame(at.frame).graph != 0 {
        let message = "a run can only go on in another one from the flow's own graph, not from inside a scope";
        return Err(NodeError::new("misplaced_continue", message));
    }
    let input = &machine.core.arena.node(at.frame, at.node).input;
    let value = crate::node::shallow(config.get("input").unwrap_or(input).clone())?;
    machine.core.next = Some(value.clone());
    let port = machine.cnode(flow, at).out_port;
    machine.succeed_node(flow, at, Emit { port, value, passed: false });
    machine.cancel_frame(flow, 0);
    Ok(())
}
