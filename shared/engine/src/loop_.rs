//! `loop`: runs `body` again and again, each round on the value of the one before, while or until a condition holds.
//!
//! Testing → running one round → testing …; over when the condition says so, at the bound, at a failure, or from outside.

use crate::{
    arena::Compiled,
    machine::{At, Machine},
    state::{Ending, ScopeState},
};
use holon_flow::capability::NodeError;
use holon_model::Value;
use serde::{Deserialize, Serialize};

/// The most rounds a loop may state. Longer histories go on in a new run (`flow.continue`).
const MAX_ROUNDS: i64 = 100_000;

/// What a `loop` remembers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// What the next round receives; in the end what the last one gave.
    pub value: Value,
    /// Number of the present round, from 0.
    pub index: u32,
    pub max: u32,
    /// Tested after each round whether it is enough, instead of before each whether to go on.
    pub until: bool,
    /// Whether reaching the bound is an end like any other.
    pub may_stop: bool,
}

/// Config: `{while: expression | until: expression, max: 1..100000, from?: value, at_max?: "fail" | "stop"}`. The condition sees the
/// value as `item` and the round's number as `index`.
pub(crate) fn start(machine: &mut Machine, flow: &Compiled, at: At, config: &Value) -> Result<(), NodeError> {
    let given = |name: &str| config.get(name).filter(|value| !value.is_null());
    let until = match (given("while").is_some(), given("until").is_some()) {
        (true, false) => false,
        (false, true) => true,
        _ => return Err(NodeError::new("invalid_value", "say either `while` or `until`")),
    };
    let max = given("max").and_then(Value::as_int).filter(|max| (1..=MAX_ROUNDS).contains(max));
    let max = max.and_then(|max| u32::try_from(max).ok()).ok_or_else(|| {
        NodeError::new("invalid_value", format!("`max` must be a whole number from 1 to {MAX_ROUNDS}"))
    })?;
    let may_stop = match given("at_max").map(|value| value.as_str()) {
        None | Some(Some("fail")) => false,
        Some(Some("stop")) => true,
        _ => return Err(NodeError::new("invalid_value", "`at_max` must be `fail` or `stop`")),
    };
    let value = match config.get("from") {
        Some(value) => value.clone(),
        None => machine.core.arena.node(at.frame, at.node).input.clone(),
    };
    next(machine, flow, at, State { value, index: 0, max, until, may_stop });
    Ok(())
}

/// Begins the round number `state.index`, or ends.
fn next(machine: &mut Machine, flow: &Compiled, at: At, mut state: State) {
    let goes_on = if state.until { Ok(true) } else { holds(machine, flow, at, &state) };
    let ending = match goes_on {
        Ok(true) if state.index < state.max => {
            let body = machine.cnode(flow, at).body("body").unwrap_or(0);
            let (index, value) = (state.index, std::mem::take(&mut state.value));
            let opened = machine.open_child(flow, at, body, Some(index), value).map(|_| ());
            return machine.opened(flow, at, ScopeState::Loop(state), opened);
        }
        Ok(true) if !state.may_stop => {
            let message = format!("the loop was not over after its {} rounds", state.max);
            let mut error = NodeError::new("loop_limit", message);
            error.detail = Value::map([("value", state.value.clone())]);
            Ending::Err(error)
        }
        Ok(_) => Ending::Ok(state.value.clone()),
        Err(error) => Ending::Err(error),
    };
    machine.put_scope(at, ScopeState::Loop(state));
    machine.close_scope(flow, at, ending);
}

/// Whether the condition holds for the present value.
fn holds(machine: &mut Machine, flow: &Compiled, at: At, state: &State) -> Result<bool, NodeError> {
    let field = if state.until { "until" } else { "while" };
    let config = machine.core.arena.node(at.frame, at.node).extra.as_ref().map(|extra| extra.config.clone());
    let written = config.as_ref().and_then(|config| config.get(field)).cloned().unwrap_or_default();
    let value = match written {
        Value::Map(_) | Value::List(_) => {
            machine.eval_item(flow, at, &format!("/{field}"), &state.value, state.index.into())?
        }
        constant => constant,
    };
    value.as_bool().ok_or_else(|| {
        let message = format!("`{field}` must be true or false, it is a value of type {}", value.type_name());
        NodeError::new("type_mismatch", message)
    })
}

pub(crate) fn body_closed(machine: &mut Machine, flow: &Compiled, at: At, mut state: State, ending: Ending) {
    let ending = match ending {
        Ending::Ok(value) => {
            state.value = value;
            match if state.until { holds(machine, flow, at, &state) } else { Ok(false) } {
                Ok(false) => {
                    state.index += 1;
                    return next(machine, flow, at, state);
                }
                Ok(true) => Ending::Ok(state.value.clone()),
                Err(error) => Ending::Err(error),
            }
        }
        other => other,
    };
    machine.put_scope(at, ScopeState::Loop(state));
    machine.close_scope(flow, at, ending);
}
