//! `parallel`: runs all of its bodies, so many at once, and gives a map of what came out by name.
//!
//! Running → closing at the first failure, or from outside; the bodies that still run are cancelled then.

use crate::{
    arena::{Compiled, index},
    machine::{At, Machine},
    scope::Opening,
    state::{Ending, FrameId, ScopeState},
};
use holon_flow::capability::NodeError;
use holon_model::{Map, Value};
use serde::{Deserialize, Serialize};

/// What a `parallel` remembers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub limit: u32,
    /// The next body to begin.
    pub next: u32,
    /// Values of the bodies that are over, by number.
    pub values: Vec<Option<Value>>,
}

/// Config: `{limit?: from 1}`; without a limit all bodies run at once.
pub(crate) fn start(machine: &mut Machine, flow: &Compiled, at: At, config: &Value) -> Result<(), NodeError> {
    let bodies = machine.cnode(flow, at).bodies.len();
    let limit = match config.get("limit") {
        None | Some(Value::Null) => index(bodies),
        Some(value) => {
            let number = value.as_int().and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
            number.ok_or_else(|| NodeError::new("invalid_value", "`limit` must be a whole number from 1"))?
        }
    };
    proceed(machine, flow, at, State { limit, next: 0, values: vec![None; bodies] });
    Ok(())
}

/// Begins bodies while there is room, or ends.
fn proceed(machine: &mut Machine, flow: &Compiled, at: At, mut state: State) {
    if state.values.iter().all(Option::is_some) {
        let bodies = &machine.cnode(flow, at).bodies;
        let named = bodies
            .iter()
            .zip(&state.values)
            .map(|((name, _), value)| (name.clone(), value.clone().unwrap_or_default()));
        let output = Value::from(named.collect::<Map>());
        return machine.end_scope(flow, at, Ending::Ok(output));
    }
    let input = machine.core.arena.node(at.frame, at.node).input.clone();
    let opened = machine.open_up_to(flow, at, state.limit, || {
        let body = state.next;
        if body as usize >= state.values.len() {
            return None;
        }
        state.next += 1;
        Some(Opening { body, index: None, input: input.clone() })
    });
    machine.opened(flow, at, ScopeState::Parallel(state), opened);
}

pub(crate) fn body_closed(
    machine: &mut Machine,
    flow: &Compiled,
    at: At,
    mut state: State,
    child: FrameId,
    ending: Ending,
) {
    match ending {
        Ending::Ok(value) => {
            let body = machine.core.arena.frame(child).body;
            if let Some(slot) = state.values.get_mut(body as usize) {
                *slot = Some(value);
            }
            proceed(machine, flow, at, state);
        }
        other => {
            machine.put_scope(at, ScopeState::Parallel(state));
            machine.close_scope(flow, at, other);
        }
    }
}
