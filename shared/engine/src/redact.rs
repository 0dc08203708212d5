//! What nodes are given from outside, without what the flow says is not to be kept. Hosts give a machine nothing else, and write nothing
//! else down: for what a run is started with [`Compiled::redacted`] does it, for all that comes later [`Machine::redacted`].
//!
//! It is no part of what a run means: a journal holds what was replaced already, and replays as it is.

use crate::{
    EffectId, Input, Machine, Outcome,
    arena::{BehaviourKind, CNode, Compiled},
    ask::Ask,
    doubt,
    machine::At,
    without_indices,
};
use holon_flow::{
    capability::{NodeError, Primitive},
    redact::Redaction,
};
use holon_model::{Payload, SchemaRef, Value};

impl Compiled {
    /// Whether anything of what comes after the start may be replaced.
    #[must_use]
    pub fn redacts_given(&self) -> bool {
        self.redacts_given
    }

    /// A signal's payload without what the nodes that wait for signals of this name say: which of them takes it is not known before.
    fn redacted_signal(&self, name: &str, payload: Payload) -> Payload {
        let nodes = self.graphs.iter().flat_map(|graph| &graph.nodes);
        nodes.filter(|node| waits_for(node, name)).fold(payload, |payload, node| replaced(&node.redaction, payload))
    }

    /// The node at a path, whatever the indices in it.
    pub(crate) fn node_at(&self, path: &str) -> Option<&CNode> {
        let path = without_indices(path);
        let at = |graph: &crate::arena::CGraph| graph.find(path.strip_prefix(&*graph.prefix)?);
        self.graphs.iter().find_map(|graph| Some(&graph.nodes[at(graph)? as usize]))
    }
}

impl Machine {
    /// The input without what the flow says is not to be kept. Done again it changes nothing more.
    #[must_use]
    pub fn redacted(&self, input: Input) -> Input {
        if !self.flow.redacts_given {
            return input;
        }
        match input {
            Input::EffectCompleted { id, attempt, outcome } => {
                let outcome = self.redaction_of(id).map_or(outcome.clone(), |redaction| outcome.redacted(redaction));
                Input::EffectCompleted { id, attempt, outcome }
            }
            Input::Signal { name, correlation, sender, payload } => {
                let payload = self.flow.redacted_signal(&name, payload);
                Input::Signal { name, correlation, sender, payload }
            }
            Input::TaskAnswered { id, choice, form, by } => {
                let form = match self.asking(id) {
                    Some((node, Ask::Task(ask))) => redacted_form(node, &ask.task.form, form),
                    _ => form,
                };
                Input::TaskAnswered { id, choice, form, by }
            }
            Input::ChildEnded { id, outcome } => {
                let outcome = match self.asking(id) {
                    Some((node, _)) => outcome.redacted(&node.redaction),
                    None => outcome,
                };
                Input::ChildEnded { id, outcome }
            }
            other => other,
        }
    }

    /// What of an effect's answer is replaced, where that is anything: of the node at a path, whether it still runs or not.
    #[must_use]
    pub fn redaction_at(&self, path: &str) -> Option<&Redaction> {
        // Asked for every effect: most flows replace nothing.
        let node = self.flow.redacts_given.then(|| self.flow.node_at(path)).flatten()?;
        Some(&node.redaction).filter(|redaction| !redaction.is_empty())
    }

    fn redaction_of(&self, id: EffectId) -> Option<&Redaction> {
        let (frame, node) = *self.core.effects.get(&id)?;
        Some(&self.cnode(&self.flow, At { frame, node }).redaction).filter(|redaction| !redaction.is_empty())
    }

    /// What of a node is asked for under an id, and which node's it is.
    pub(crate) fn asking(&self, id: EffectId) -> Option<(&CNode, &Ask)> {
        let (frame, node) = *self.core.asks.get(&id)?;
        let ask = self.core.arena.node(frame, node).extra.as_ref()?.ask.as_deref()?;
        Some((self.cnode(&self.flow, At { frame, node }), ask))
    }
}

impl Outcome {
    /// What came of it, without what is replaced: a failure says in its detail what was answered.
    #[must_use]
    pub fn redacted(self, redaction: &Redaction) -> Self {
        match self {
            Self::Ok(payload) => Self::Ok(replaced(redaction, payload)),
            Self::Kept { value, since } => Self::Kept { value: replaced(redaction, value), since },
            Self::Failed { error } => {
                let detail = redaction.apply(error.detail);
                Self::Failed { error: NodeError { detail, ..error } }
            }
            other => other,
        }
    }
}

/// A form without what its schema marks, and without what the node says of the answer that it gives: `{choice, form, by, at}`.
pub(crate) fn redacted_form(node: &CNode, schema: &Value, form: Payload) -> Payload {
    if node.asks {
        return doubt::redacted(&node.redaction, form);
    }
    let by_schema = Redaction::of(Some(&SchemaRef(schema.clone())));
    let form = replaced(&by_schema, form);
    if node.redaction.is_empty() {
        return form;
    }
    let answer = node.redaction.apply(Value::map([("form", form.to_value())]));
    // The whole answer is replaced: nothing of the form is left.
    let form = answer.get("form").cloned().unwrap_or_else(|| Value::from(holon_flow::redact::REDACTED));
    Payload::Inline(form)
}

fn replaced(redaction: &Redaction, payload: Payload) -> Payload {
    if redaction.is_empty() { payload } else { Payload::Inline(redaction.apply(payload.to_value())) }
}

fn waits_for(node: &CNode, name: &str) -> bool {
    let signal = matches!(node.behaviour, BehaviourKind::Primitive(Primitive::Signal));
    signal && node.signal.as_deref().is_none_or(|waits| waits == name)
}
