//! What all scopes share: opening bodies up to a limit, closing, the end of a body, and the end of the scope itself.
//!
//! A scope ends only when all of its bodies are over, `finally` and compensations included: nothing of it runs on behind its
//! back.

use crate::{
    arena::{Compiled, index},
    loop_,
    machine::{At, Machine},
    map,
    node::Emit,
    parallel, race, retry, saga,
    state::{Ending, Extra, FrameId, ScopeState},
    timeout, try_,
};
use holon_flow::capability::NodeError;
use holon_model::Value;

/// A body to open: its number, which item or round it is, and what its first nodes receive.
pub(crate) struct Opening {
    pub body: u32,
    pub index: Option<u32>,
    pub input: Value,
}

impl Machine {
    /// Opens the bodies that `next` names while fewer than `limit` run.
    pub(crate) fn open_up_to(
        &mut self,
        flow: &Compiled,
        at: At,
        limit: u32,
        mut next: impl FnMut() -> Option<Opening>,
    ) -> Result<(), NodeError> {
        let mut running = index(self.core.arena.node_mut(at.frame, at.node).extra().children.len());
        while running < limit
            && let Some(Opening { body, index, input }) = next()
        {
            self.open_child(flow, at, body, index, input)?;
            running += 1;
        }
        Ok(())
    }

    /// Keeps what the scope remembers; when a body could not be opened, the scope ends with that.
    pub(crate) fn opened(&mut self, flow: &Compiled, at: At, state: ScopeState, opened: Result<(), NodeError>) {
        self.put_scope(at, state);
        if let Err(error) = opened {
            self.close_scope(flow, at, Ending::Err(error));
        }
    }

    /// A body of the scope at `at` is over.
    pub(crate) fn child_closed(&mut self, flow: &Compiled, at: At, child: FrameId, ending: Ending) {
        let extra = self.core.arena.node_mut(at.frame, at.node).extra();
        extra.children.retain(|open| *open != child);
        let (closing, over) = (extra.closing.is_some(), extra.children.is_empty());
        match self.scope_state(at) {
            Some(ScopeState::Try(state)) => try_::body_closed(self, flow, at, state, ending),
            Some(ScopeState::Saga) => saga::body_closed(self, flow, at, ending),
            // How these end is decided already: they wait for the last body.
            Some(state) if closing => {
                self.put_scope(at, state);
                if over {
                    self.end_closing(flow, at);
                }
            }
            Some(ScopeState::Map(state)) => map::body_closed(self, flow, at, state, child, ending),
            Some(ScopeState::Parallel(state)) => parallel::body_closed(self, flow, at, state, child, ending),
            Some(ScopeState::Race(state)) => race::body_closed(self, flow, at, state, child, ending),
            Some(ScopeState::Loop(state)) => loop_::body_closed(self, flow, at, state, ending),
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
        if matches!(extra.scope, Some(ScopeState::Saga)) {
            return saga::closing(self, flow, at);
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
            Ending::Timeout(error) => timeout::time_up(self, flow, at, error),
            Ending::Cancelled => self.cancelled_node(flow, at),
        }
    }
}

/// Whether the node is a scope in which something goes on that must end first.
pub(crate) fn is_busy(extra: &Extra) -> bool {
    match &extra.scope {
        Some(ScopeState::Saga) => true,
        Some(_) => !extra.children.is_empty(),
        None => false,
    }
}
