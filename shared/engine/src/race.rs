//! `race`: runs all of its bodies at once; the first that succeeds wins, the others are cancelled.
//!
//! Running → closing with the winner's value, with all errors when none is left, or from outside.

use crate::{
    arena::{Compiled, index},
    machine::{At, Machine},
    scope::Opening,
    state::{Ending, FrameId, ScopeState},
};
use holon_flow::capability::NodeError;
use holon_model::{Map, Value};
use serde::{Deserialize, Serialize};

/// What a `race` remembers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// Errors of the bodies that failed, by number.
    pub errors: Vec<Option<NodeError>>,
}

/// Config: none. All branches receive the input.
pub(crate) fn start(machine: &mut Machine, flow: &Compiled, at: At) -> Result<(), NodeError> {
    let bodies = index(machine.cnode(flow, at).bodies.len());
    if bodies == 0 {
        return Err(NodeError::new("missing_body", "a race needs at least one branch"));
    }
    let input = machine.core.arena.node(at.frame, at.node).input.clone();
    let mut openings = (0..bodies).map(|body| Opening { body, index: None, input: input.clone() });
    let opened = machine.open_up_to(flow, at, u32::MAX, || openings.next());
    machine.opened(flow, at, ScopeState::Race(State { errors: vec![None; bodies as usize] }), opened);
    Ok(())
}

pub(crate) fn body_closed(
    machine: &mut Machine,
    flow: &Compiled,
    at: At,
    mut state: State,
    child: FrameId,
    ending: Ending,
) {
    let body = machine.core.arena.frame(child).body;
    let branches = &machine.cnode(flow, at).bodies;
    let closing = match ending {
        Ending::Ok(value) => {
            let branch = branches.get(body as usize).map(|(name, _)| Value::Str(name.clone())).unwrap_or_default();
            Some(Ending::Ok(Value::map([("branch", branch), ("value", value)])))
        }
        Ending::Err(error) | Ending::Timeout(error) => {
            if let Some(slot) = state.errors.get_mut(body as usize) {
                *slot = Some(error);
            }
            state.errors.iter().all(Option::is_some).then(|| {
                let named = branches.iter().zip(&state.errors);
                let named = named.filter_map(|((name, _), error)| Some((name.clone(), error.as_ref()?.to_value())));
                let mut error = NodeError::new("all_failed", "every branch of the race failed");
                error.detail = Value::from(named.collect::<Map>());
                Ending::Err(error)
            })
        }
        Ending::Cancelled => None,
    };
    machine.put_scope(at, ScopeState::Race(state));
    if let Some(ending) = closing {
        machine.close_scope(flow, at, ending);
    }
}
