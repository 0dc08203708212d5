//! What all scopes share: closing, the end of a body, and the end of the scope itself.
//!
//! A scope ends only when all of its bodies are over, `finally` included: nothing of it runs on behind its back.

use crate::{
    arena::Compiled,
    machine::{At, Machine},
    map,
    node::Emit,
    parallel, retry,
    state::{Ending, FrameId, ScopeState},
    try_,
};

impl Machine {
    /// A body of the scope at `at` is over.
    pub(crate) fn child_closed(&mut self, flow: &Compiled, at: At, child: FrameId, ending: Ending) {
        self.core.arena.node_mut(at.frame, at.node).extra().children.retain(|open| *open != child);
        match self.scope_state(at) {
            Some(ScopeState::Map(state)) => map::body_closed(self, flow, at, state, child, ending),
            Some(ScopeState::Try(state)) => try_::body_closed(self, flow, at, state, ending),
            Some(ScopeState::Parallel(state)) => parallel::body_closed(self, flow, at, state, child, ending),
            None => {}
        }
    }

    /// The scope is to end like this; bodies that still run are cancelled first. The first call decides, but nothing
    /// outweighs being cancelled.
    pub(crate) fn close_scope(&mut self, flow: &Compiled, at: At, ending: Ending) {
        let extra = self.core.arena.node_mut(at.frame, at.node).extra();
        if extra.closing.is_none() || ending == Ending::Cancelled {
            extra.closing = Some(ending);
        }
        let children = extra.children.clone();
        if children.is_empty() {
            return self.end_closing(flow, at);
        }
        // A `finally` body is not cancelled: it is what cancelling waits for.
        if !try_::is_cleaning_up(extra.scope.as_ref()) {
            for child in children {
                self.cancel_frame(flow, child);
            }
        }
    }

    /// Ends a scope whose bodies are over in the way that was decided.
    pub(crate) fn end_closing(&mut self, flow: &Compiled, at: At) {
        let extra = self.core.arena.node_mut(at.frame, at.node).extra();
        if let Some(ending) = extra.closing.take() {
            self.end_scope(flow, at, ending);
        }
    }

    /// Ends a scope that has no body running.
    pub(crate) fn end_scope(&mut self, flow: &Compiled, at: At, ending: Ending) {
        self.core.arena.node_mut(at.frame, at.node).extra().scope = None;
        match ending {
            Ending::Ok(value) => match crate::node::shallow(value) {
                Ok(value) => {
                    self.succeed_node(flow, at, Emit { port: self.cnode(flow, at).out_port, value, passed: false })
                }
                Err(error) => self.fail_node(flow, at, error),
            },
            Ending::Err(error) => retry::scope_failed(self, flow, at, error),
            Ending::Timeout(error) => self.fail_node(flow, at, error),
            Ending::Cancelled => self.cancelled_node(flow, at),
        }
    }
}
