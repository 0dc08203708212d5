//! `respond`: answers the caller who waits for the run, and passes its input on.
//!
//! One run answers once: the first answer is the answer, later ones pass their input on and say nothing.

use crate::{
    Command, EventKind,
    arena::Compiled,
    command::Response,
    machine::{At, Machine},
};
use holon_flow::capability::NodeError;
use holon_model::Value;

/// Config: `{status?: 100..599, headers?: map, body?}`; without a body the input is the body.
pub(crate) fn start(machine: &mut Machine, flow: &Compiled, at: At, config: &Value) -> Result<(), NodeError> {
    if machine.core.response.is_none() {
        let input = &machine.core.arena.node(at.frame, at.node).input;
        let response = Response {
            status: status(config.get("status"))?,
            headers: config.get("headers").cloned().unwrap_or_else(|| Value::map::<&str>([])),
            body: config.get("body").unwrap_or(input).clone(),
        };
        machine.node_event(flow, at, EventKind::Responded { status: response.status }, false);
        machine.core.response = Some(response.clone());
        machine.log.command(Command::Respond(response));
    }
    machine.pass(flow, at, machine.cnode(flow, at).out_port);
    Ok(())
}

fn status(value: Option<&Value>) -> Result<u16, NodeError> {
    let status = match value {
        None | Some(Value::Null) => Some(200),
        Some(value) => value.as_int(),
    };
    let accepted = status.and_then(|status| u16::try_from(status).ok()).filter(|status| (100..600).contains(status));
    accepted.ok_or_else(|| NodeError::new("invalid_value", "`status` must be a whole number from 100 to 599"))
}
