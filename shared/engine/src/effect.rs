//! Effects: what the host does. The machine asks, and goes on when the answer is an input.
//!
//! Pending → running → succeeded | failed; after a failure that may be tried again → waiting → running (see `retry`).

use crate::{
    Outcome,
    arena::{CNode, Compiled},
    command::{Cached, RunEffect},
    doubt,
    machine::{At, Machine},
    node::Emit,
    retry, saga,
    state::NodeStatus,
    without_indices,
};
use holon_flow::capability::{EffectClass, NodeError};
use holon_model::Value;

/// Evaluates config once, freezes it and asks for the first attempt.
pub(crate) fn start(machine: &mut Machine, flow: &Compiled, at: At, node: &CNode) -> Result<(), NodeError> {
    let config = machine.eval_config(flow, at, node)?;
    let run = machine.core.info.as_ref().map(|info| info.key_run.unwrap_or(info.run_id));
    let run = run.ok_or_else(|| NodeError::new("internal", "the run has not started"))?;
    let (id, spent) = saga::undoing(machine, flow, at, (run, &config)).unwrap_or_else(|| {
        let id = machine.paths[at.frame as usize].effect(run, &node.key);
        (id, 0)
    });
    let path = machine.paths[at.frame as usize].node(&node.key);
    // What is wrong with a key of the flow's own is said before anything is asked for; nothing else can be.
    if node.policies.cache.as_ref().is_some_and(|cache| cache.key.is_some()) {
        cached(flow, node, &path, (&config, &machine.core.arena.node(at.frame, at.node).input))?;
    }
    let extra = machine.core.arena.node_mut(at.frame, at.node).extra();
    (extra.attempt, extra.spent) = (spent + 1, spent);
    extra.config = config;
    extra.effect = Some(id);
    machine.core.effects.insert(id, (at.frame, at.node));
    machine.started(flow, at, node);
    issue(machine, flow, at);
    Ok(())
}

/// Asks for the present attempt.
pub(crate) fn issue(machine: &mut Machine, flow: &Compiled, at: At) {
    if let Some(effect) = request(machine, flow, at) {
        machine.core.in_flight += 1;
        if let Some(undone) = machine.core.undone.get_mut(&effect.id) {
            undone.attempt = effect.attempt;
        }
        let key = &machine.cnode(flow, at).key;
        machine.log.run_effect(at.frame, key, effect);
    }
}

/// The command for the present attempt: the same bytes whenever it is asked for.
pub(crate) fn request(machine: &Machine, flow: &Compiled, at: At) -> Option<RunEffect> {
    let node = machine.cnode(flow, at);
    let state = machine.core.arena.node(at.frame, at.node);
    let extra = state.extra.as_ref()?;
    let id = extra.effect?;
    let path = machine.paths[at.frame as usize].node(&node.key);
    // It could be computed before the first attempt, of the same values.
    let cache = cached(flow, node, &path, (&extra.config, &state.input)).ok().flatten();
    Some(RunEffect {
        id,
        path,
        kind: node.kind_ref.clone(),
        config: extra.config.clone(),
        input: state.input.clone(),
        key: id.key(),
        class: node.class,
        attempt: extra.attempt,
        handed_out: node.kind.handed_out(),
        timeout: node.policies.timeout,
        cache,
    })
}

/// Which effects have one answer with this one, where the node says for how long it is good and its kind allows it.
fn cached(flow: &Compiled, node: &CNode, path: &str, asked: (&Value, &Value)) -> Result<Option<Cached>, NodeError> {
    let Some(cache) = node.policies.cache.as_ref().filter(|_| node.kind.cacheable) else { return Ok(None) };
    let answer = cache.answer_of((flow.hash, &without_indices(path)), &node.kind_ref, asked);
    let answer = answer.map_err(|error| {
        NodeError::new("bad_cache_key", format!("the key of what is kept cannot be computed: {error}"))
    })?;
    Ok(Some(Cached { ttl: cache.ttl, answer }))
}

impl Machine {
    /// The present attempt is over.
    pub(crate) fn effect_completed(&mut self, flow: &Compiled, at: At, outcome: Outcome) {
        self.core.in_flight -= 1;
        let kept = match &outcome {
            Outcome::Kept { since, .. } => Some(*since),
            _ => None,
        };
        let error = match outcome {
            Outcome::Ok(payload) | Outcome::Kept { value: payload, .. } => {
                let value = payload.to_value();
                match self
                    .meter
                    .alloc(value.weight())
                    .map_err(NodeError::from)
                    .and_then(|()| crate::node::shallow(value))
                {
                    Ok(value) => {
                        if let Some(since) = kept {
                            self.core.kept.insert((at.frame, at.node), since);
                        }
                        self.forget_effect(at);
                        return self.succeed_node(
                            flow,
                            at,
                            Emit { port: self.cnode(flow, at).out_port, value, passed: false },
                        );
                    }
                    Err(error) => error,
                }
            }
            Outcome::Failed { error } => error,
            Outcome::Cancelled { reason } => NodeError::new("cancelled", reason),
            Outcome::Continued { .. } => NodeError::new("internal", "an effect does not go on in another run"),
        };
        if self.cnode(flow, at).asks && doubt::leaves_open(&error) {
            return doubt::ask(self, flow, at, error);
        }
        // What may be done once only is not done again, whatever its failure says.
        let again = error.retryable && self.cnode(flow, at).class != EffectClass::AtMostOnce;
        if again && retry::pause(self, flow, at, &error) {
            return;
        }
        self.forget_effect(at);
        self.fail_node(flow, at, error);
    }

    pub(crate) fn forget_effect(&mut self, at: At) {
        if let Some(id) = self.core.arena.node_mut(at.frame, at.node).extra().effect {
            self.core.effects.remove(&id);
        }
    }
}

/// The node ends without an answer: whoever works on it is told, if somebody does.
pub(crate) fn drop_call(machine: &mut Machine, flow: &Compiled, at: At) {
    let state = machine.core.arena.node_mut(at.frame, at.node);
    let running = state.status == NodeStatus::Running;
    let Some(id) = state.extra.as_ref().and_then(|extra| extra.effect) else { return };
    machine.core.effects.remove(&id);
    if running {
        machine.core.in_flight -= 1;
        let key = &machine.cnode(flow, at).key;
        machine.log.cancel_effect(at.frame, key, id);
    }
}
