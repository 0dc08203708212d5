//! `flow`: calls another flow: a run of its own with a journal of its own, whose output is the node's.
//!
//! Running → succeeded | failed when the other run is over; tried again as a scope is, with another run for each attempt. A call
//! that is cancelled or out of time waits until the other run is over: nothing of it runs on behind its back.

use crate::{
    ChildVersion, Command, EventKind, Outcome, StartChild,
    arena::Compiled,
    ask::Ask,
    input::EffectId,
    machine::{At, Machine},
    node::Emit,
    retry,
    state::Ending,
    timeout,
};
use holon_flow::capability::NodeError;
use holon_model::Value;

/// Calls inside calls.
const MAX_DEPTH: u32 = 16;

/// Config: `{flow: id, version?: "latest" | number | hash, input?}`; without an input the node's input.
pub(crate) fn start(machine: &mut Machine, flow: &Compiled, at: At, config: &Value) -> Result<(), NodeError> {
    let depth = deeper(machine)?;
    // What ends as paths do is no id: it would be taken for a batch.
    let is_id = |called: &&str| !called.is_empty() && !crate::batch::is_batch(called);
    let called = config.get("flow").and_then(Value::as_str).filter(is_id);
    let called = called.ok_or_else(|| NodeError::new("invalid_value", "`flow` must be the id of a flow"))?;
    let state = machine.core.arena.node(at.frame, at.node);
    let attempt = state.extra.as_ref().map_or(1, |extra| extra.attempt);
    let child = StartChild {
        id: machine.ask_id(flow, at, "child", attempt)?,
        path: machine.path(at),
        flow: called.to_owned(),
        version: version(config.get("version"))?,
        input: config.get("input").unwrap_or(&state.input).clone(),
        depth,
        budget: machine.means(2).then(|| machine.budget_left()),
        batch: None,
    };
    let ask = Ask::Child(child);
    machine.node_event(flow, at, EventKind::NodeAwaits { what: ask.awaited() }, false);
    machine.open_ask(flow, at, ask);
    Ok(())
}

/// How deep a run is that this one calls.
pub(crate) fn deeper(machine: &Machine) -> Result<u32, NodeError> {
    let depth = machine.core.info.as_ref().map_or(0, |info| info.depth()) + 1;
    if depth > MAX_DEPTH {
        let message =
            format!("flows call each other more than {MAX_DEPTH} deep: does one of them call itself for ever?");
        return Err(NodeError::new("call_too_deep", message));
    }
    Ok(depth)
}

fn version(value: Option<&Value>) -> Result<ChildVersion, NodeError> {
    let read = match value {
        None | Some(Value::Null) => Some(ChildVersion::Latest),
        Some(Value::Str(text)) if &**text == "latest" => Some(ChildVersion::Latest),
        Some(Value::Str(text)) => hash(text).map(ChildVersion::Hash),
        Some(number) => number.as_int().and_then(|number| u32::try_from(number).ok()).map(ChildVersion::Number),
    };
    let message = "`version` must be `latest`, a version's number, or its hash of 64 hexadecimal digits";
    read.ok_or_else(|| NodeError::new("invalid_value", message))
}

fn hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(hash)
}

/// The node is to end like this, once the run that it called is over.
pub(crate) fn stop(machine: &mut Machine, flow: &Compiled, at: At, ending: Ending) {
    let extra = machine.core.arena.node_mut(at.frame, at.node).extra();
    let told = extra.closing.is_some();
    if !told || ending == Ending::Cancelled {
        extra.closing = Some(ending);
    }
    let Some(Ask::Child(child)) = extra.ask.as_deref() else { return };
    let id = child.id;
    if !told {
        let key = &machine.cnode(flow, at).key;
        machine.log.ask(at.frame, key, Command::CancelChild { id });
    }
}

/// The run that was called is over.
pub(crate) fn ended(machine: &mut Machine, flow: &Compiled, id: EffectId, outcome: Outcome) {
    let Some((frame, node)) = machine.core.asks.get(&id).copied() else { return };
    let at = At { frame, node };
    machine.take_ask(at);
    match machine.core.arena.node_mut(at.frame, at.node).extra().closing.take() {
        Some(Ending::Timeout(error)) => return timeout::time_up(machine, flow, at, error),
        Some(_) => return machine.cancelled_node(flow, at),
        None => {}
    }
    let error = match outcome {
        Outcome::Ok(payload) | Outcome::Kept { value: payload, .. } => {
            let value = payload.to_value();
            let paid = machine.meter.alloc(value.weight()).map_err(NodeError::from);
            match paid.and_then(|()| crate::node::shallow(value)) {
                Ok(value) => {
                    let port = machine.cnode(flow, at).out_port;
                    return machine.succeed_node(flow, at, Emit { port, value, passed: false });
                }
                Err(error) => error,
            }
        }
        Outcome::Failed { error } => error,
        Outcome::Cancelled { reason } => {
            NodeError::new("child_cancelled", format!("the run that was called was cancelled: {reason}"))
        }
        // Refused before: that run is not over.
        Outcome::Continued { .. } => NodeError::new("internal", "the run that was called goes on in another one"),
    };
    // A chain of calls that is too deep does not get shorter by trying again.
    if error.code == "call_too_deep" {
        return machine.fail_node(flow, at, error);
    }
    retry::scope_failed(machine, flow, at, error);
}
