//! An effect that may be done once only, and of which nobody knows whether it was: a person who found out says it.
//!
//! Running → waiting for a person → succeeded with what they say it gave | running again, with the next attempt | failed as it had.
//! Nothing else begins it again, and no time limit ends the question: its timeout counts from anew when it is begun again.

use crate::{
    Choice, EventKind, Task, TaskKind,
    arena::Compiled,
    ask::{Ask, TaskAsk},
    effect,
    machine::{At, Machine},
    node::Emit,
    state::NodeStatus,
};
use holon_flow::{capability::NodeError, redact::Redaction};
use holon_model::{Payload, Value};

/// The code of an effect that may be done once only, and of which nobody knows whether it was.
pub const OUTCOME_UNKNOWN: &str = "outcome_unknown";

const DONE: &str = "done";
const AGAIN: &str = "again";
const FAIL: &str = "fail";
/// The field of the form with what the node gives.
const RESULT: &str = "result";

/// Whether such a failure leaves open what was done: nobody knows, its time was up, or the code that did it ended unexpectedly.
#[must_use]
pub fn leaves_open(error: &NodeError) -> bool {
    [OUTCOME_UNKNOWN, "timeout", "executor_panicked"].contains(&error.code.as_str())
}

/// Asks. The present attempt is over, and its answer, should one come yet, is none.
pub(crate) fn ask(machine: &mut Machine, flow: &Compiled, at: At, error: NodeError) {
    let (key, path) = (machine.cnode(flow, at).key.clone(), machine.path(at));
    let extra = machine.core.arena.node_mut(at.frame, at.node).extra();
    let (attempt, asked_for) = (extra.attempt, extra.config.clone());
    // A node that was begun has the run's id.
    let Ok(id) = machine.ask_id(flow, at, "doubt", attempt) else { return machine.fail_node(flow, at, error) };
    let told = |asked_for| {
        Value::map([("error", error.to_value()), ("attempt", Value::from(attempt)), ("asked_for", asked_for)])
    };
    let context = told(asked_for);
    // What is too much to be shown stands at the node.
    let context = if machine.readable(&context).is_ok() { context } else { told(Value::Null) };
    let choice = |key: &str, label: &str| Choice { key: key.into(), label: label.into() };
    let task = Task {
        id,
        path,
        kind: TaskKind::Approval,
        title: format!("Was `{key}` done? Nobody knows"),
        context,
        choices: vec![
            choice(DONE, "It was done: go on"),
            choice(AGAIN, "It was not: do it now"),
            choice(FAIL, "Let it fail"),
        ],
        form: form(),
        assignees: Vec::new(),
        due: None,
    };
    machine.drop_timers(at);
    let state = machine.core.arena.node_mut(at.frame, at.node);
    state.become_(NodeStatus::Waiting);
    state.extra().error = Some(error);
    let ask = Ask::Task(TaskAsk { task, escalate_to: Vec::new(), escalated: false });
    machine.node_event(flow, at, EventKind::NodeAwaits { what: ask.awaited() }, false);
    machine.open_ask(flow, at, ask);
}

/// What is filled in with an answer; nothing of it is needed.
fn form() -> Value {
    let field = |title: &str, description: &str, kind: Option<&str>| {
        let mut members = vec![("title", Value::from(title)), ("description", Value::from(description))];
        members.extend(kind.map(|kind| ("type", Value::from(kind))));
        Value::map(members)
    };
    let result = field("What it gave", "If it was done: what the node gives, as JSON. Null if left out.", None);
    let reason = field("How you know", "For those who read this later.", Some("string"));
    Value::map([
        ("type", Value::from("object")),
        ("properties", Value::map([("reason", reason), (RESULT, result)])),
        ("additionalProperties", Value::Bool(false)),
    ])
}

/// What a person fills in, without what the node says is not to be kept of what it gives.
pub(crate) fn redacted(redaction: &Redaction, form: Payload) -> Payload {
    let value = form.to_value();
    let Some(members) = value.as_map().filter(|_| !redaction.is_empty()) else { return form };
    let kept = members.iter().map(|(name, member)| {
        let member = if &**name == RESULT { redaction.apply(member.clone()) } else { member.clone() };
        (name.clone(), member)
    });
    Payload::Inline(Value::map(kept))
}

/// A person said what happened.
pub(crate) fn resolved(machine: &mut Machine, flow: &Compiled, at: At, choice: &str, form: &Value) {
    let node = machine.cnode(flow, at);
    match choice {
        AGAIN => {
            let state = machine.core.arena.node_mut(at.frame, at.node);
            state.become_(NodeStatus::Running);
            let extra = state.extra();
            extra.attempt += 1;
            extra.error = None;
            machine.started(flow, at, node);
            effect::issue(machine, flow, at);
        }
        DONE => {
            machine.forget_effect(at);
            let value = form.get(RESULT).cloned().unwrap_or_default();
            machine.succeed_node(flow, at, Emit { port: node.out_port, value, passed: false });
        }
        _ => {
            let extra = machine.core.arena.node_mut(at.frame, at.node).extra();
            let unknown = || NodeError::new(OUTCOME_UNKNOWN, "nobody knows whether it was done");
            let error = extra.error.take().unwrap_or_else(unknown);
            machine.forget_effect(at);
            machine.fail_node(flow, at, error);
        }
    }
}
