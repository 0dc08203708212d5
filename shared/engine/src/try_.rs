//! `try`: runs `body`; when it fails, `catch` with the error; at the end, in any case, `finally`.
//!
//! `finally` also runs when the scope is cancelled or its time is up, and is itself not cancelled: the scope waits for it.

use crate::{
    arena::Compiled,
    machine::{At, Machine},
    state::{Ending, ScopeState, check},
};
use holon_flow::capability::NodeError;
use holon_model::Value;
use serde::{Deserialize, Serialize};

/// Which body runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    Body,
    Catch,
    Finally,
}

/// Every transition between bodies; after `Finally`, or any of them where the next is absent, the scope ends.
pub(crate) const LEGAL: &[(Phase, Phase)] =
    &[(Phase::Body, Phase::Catch), (Phase::Body, Phase::Finally), (Phase::Catch, Phase::Finally)];

/// What a `try` remembers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub phase: Phase,
    /// How the scope ends once `finally` is over.
    pub ending: Option<Ending>,
}

pub(crate) fn start(machine: &mut Machine, flow: &Compiled, at: At) -> Result<(), NodeError> {
    let input = machine.core.arena.node(at.frame, at.node).input.clone();
    open(machine, flow, at, "body", input)?;
    machine.put_scope(at, ScopeState::Try(State { phase: Phase::Body, ending: None }));
    Ok(())
}

/// Opens a body; false when the node has none of this name.
fn open(machine: &mut Machine, flow: &Compiled, at: At, body: &str, input: Value) -> Result<bool, NodeError> {
    match machine.cnode(flow, at).body(body) {
        Some(body) => machine.open_child(flow, at, body, None, input).map(|_| true),
        None => Ok(false),
    }
}

pub(crate) fn body_closed(machine: &mut Machine, flow: &Compiled, at: At, mut state: State, ending: Ending) {
    let closing = machine.core.arena.node_mut(at.frame, at.node).extra().closing.clone();
    if state.phase == Phase::Finally {
        // A `finally` that fails outweighs how the scope would have ended, unless it is cancelled.
        let mut last = closing.or(state.ending).unwrap_or(Ending::Cancelled);
        if let (Ending::Err(error), true) = (ending, last != Ending::Cancelled) {
            last = Ending::Err(error);
        }
        return end(machine, flow, at, last);
    }
    let mut ending = closing.unwrap_or(ending);
    if let (Phase::Body, Ending::Err(error)) = (state.phase, &ending) {
        match open(machine, flow, at, "catch", error.to_value()) {
            Ok(true) => {
                advance(&mut state, Phase::Catch);
                return machine.put_scope(at, ScopeState::Try(state));
            }
            Ok(false) => {}
            Err(error) => ending = Ending::Err(error),
        }
    }
    let input = machine.core.arena.node(at.frame, at.node).input.clone();
    match open(machine, flow, at, "finally", input) {
        Ok(true) => {
            advance(&mut state, Phase::Finally);
            state.ending = Some(ending);
            machine.put_scope(at, ScopeState::Try(state));
        }
        Ok(false) => end(machine, flow, at, ending),
        Err(error) => end(machine, flow, at, if ending == Ending::Cancelled { ending } else { Ending::Err(error) }),
    }
}

fn advance(state: &mut State, next: Phase) {
    check("try", LEGAL, state.phase, next);
    state.phase = next;
}

fn end(machine: &mut Machine, flow: &Compiled, at: At, ending: Ending) {
    machine.core.arena.node_mut(at.frame, at.node).extra().closing = None;
    machine.end_scope(flow, at, ending);
}

/// Whether this is a `try` whose `finally` runs.
pub(crate) fn is_cleaning_up(state: Option<&ScopeState>) -> bool {
    matches!(state, Some(ScopeState::Try(State { phase: Phase::Finally, .. })))
}
