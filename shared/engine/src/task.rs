//! `approval`: asks people, and goes the way that one of them chose. And tasks as such, which a parked saga uses too, and an effect of
//! which nobody knows whether it was done (`doubt`).
//!
//! Running → waiting → succeeded with the first answer, on the port of its choice. When it is due the task is escalated once;
//! giving up is the `timeout` policy's, whose fallback names a choice.

use crate::{
    Choice, Command, EventKind, Refusal, Task, TaskKind,
    arena::{CNode, Compiled},
    ask::{Ask, TaskAsk},
    doubt,
    input::EffectId,
    keep,
    machine::{At, Machine},
    node::Emit,
    saga,
    state::{NodeStatus, Timer, TimerKind},
    wait,
};
use holon_flow::{
    capability::NodeError,
    expr::Meter,
    redact,
    schema::{self, Options},
};
use holon_model::{Payload, Timestamp, Value};

/// Steps that checking a form may take; not the run's, since a refused answer is none of its inputs.
const FORM_FUEL: u64 = 1_000_000;
/// People asked at once.
const MAX_PEOPLE: usize = 1_000;

/// Config: `{title, context?, choices: [{port, label?}], form?: JSON Schema, assignees?: [text], due?: duration | time,
/// escalate_to?: [text]}`. Without a context the input is shown.
pub(crate) fn start(
    machine: &mut Machine,
    flow: &Compiled,
    at: At,
    node: &CNode,
    config: Value,
) -> Result<(), NodeError> {
    let given = |name: &str| config.get(name).filter(|value| !value.is_null());
    let input = &machine.core.arena.node(at.frame, at.node).input;
    let title = given("title").and_then(Value::as_str).unwrap_or(&node.key).to_owned();
    machine.keepable(&title, "title", keep::MAX_TITLE)?;
    let context = given("context").unwrap_or(input).clone();
    machine.readable(&context)?;
    let choices: Vec<Choice> =
        given("choices").and_then(Value::as_list).unwrap_or_default().iter().filter_map(choice).collect();
    if choices.is_empty() {
        return Err(NodeError::new("invalid_value", "`choices` must name at least one choice"));
    }
    let task = Task {
        id: machine.ask_id(flow, at, "task", 1)?,
        path: machine.paths[at.frame as usize].node(&node.key),
        kind: TaskKind::Approval,
        title,
        context,
        choices,
        form: given("form").cloned().unwrap_or_default(),
        assignees: people(machine, given("assignees"), "assignees")?,
        due: given("due").map(|due| wait::moment(due, machine.core.at)).transpose()?,
    };
    let escalate_to = people(machine, given("escalate_to"), "escalate_to")?;
    machine.started(flow, at, node);
    if let (Some(due), false) = (task.due, escalate_to.is_empty()) {
        let id = machine.set_timer(Timer { due, frame: at.frame, node: at.node, kind: TimerKind::Due });
        machine.core.arena.node_mut(at.frame, at.node).extra().timer = Some(id);
    }
    machine.core.arena.node_mut(at.frame, at.node).become_(NodeStatus::Waiting);
    let ask = Ask::Task(TaskAsk { task, escalate_to, escalated: false });
    machine.node_event(flow, at, EventKind::NodeAwaits { what: ask.awaited() }, false);
    machine.open_ask(flow, at, ask);
    Ok(())
}

fn choice(value: &Value) -> Option<Choice> {
    let key = value.get("port").and_then(Value::as_str)?;
    let label = value.get("label").and_then(Value::as_str).filter(|label| !label.is_empty()).unwrap_or(key);
    Some(Choice { key: key.to_owned(), label: label.to_owned() })
}

/// One text, or a list of texts.
fn people(machine: &Machine, value: Option<&Value>, field: &str) -> Result<Vec<String>, NodeError> {
    let texts = match value {
        None => Some(Vec::new()),
        Some(Value::Str(one)) => Some(vec![one.to_string()]),
        Some(Value::List(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    let texts = texts.filter(|texts| texts.len() <= MAX_PEOPLE).ok_or_else(|| {
        NodeError::new("invalid_value", format!("`{field}` must be a list of at most {MAX_PEOPLE} texts"))
    })?;
    texts.iter().try_for_each(|text| machine.keepable(text, field, keep::MAX_PERSON))?;
    Ok(texts)
}

/// Whether an answer is taken.
pub(crate) fn check(node: &CNode, task: &Task, choice: &str, form: &Payload) -> Result<(), Refusal> {
    if !task.choices.iter().any(|known| known.key == choice) {
        let known: Vec<&str> = task.choices.iter().map(|choice| choice.key.as_str()).collect();
        let message = format!("this cannot be answered; the choices are: {}", known.join(", "));
        return Err(Refusal::new("unknown_choice", message));
    }
    let form = form.to_value();
    crate::node::shallow(form.clone()).map_err(|error| Refusal::new("invalid_form", error.message))?;
    let schema = if task.kind == TaskKind::Compensation { saga::form(choice) } else { task.form.clone() };
    if schema.is_null() {
        return Ok(());
    }
    // What the form or the node marks is not to be kept, and may be replaced already; whoever took the answer in has checked it.
    let redacts = !node.redaction.is_empty();
    let replaced = |at: &str| redacts && form.pointer(at).and_then(Value::as_str) == Some(redact::REDACTED);
    // The first is told; of those that were replaced there may be many before it.
    let most = if redacts { Options::default().most } else { 1 };
    let options = Options { most, ..Options::default() };
    match schema::check(&redact::lenient(&schema), &form, options, &mut Meter::new(FORM_FUEL, 0)) {
        Ok(found) => match found.iter().find(|miss| !replaced(&miss.pointer)) {
            None => Ok(()),
            Some(miss) if miss.pointer.is_empty() => Err(Refusal::new("invalid_form", miss.message.clone())),
            Some(miss) => Err(Refusal::new("invalid_form", format!("{}: {}", miss.pointer, miss.message))),
        },
        Err(error) => Err(Refusal::new("invalid_form", error.to_string())),
    }
}

/// A person answered.
pub(crate) fn answered(machine: &mut Machine, flow: &Compiled, id: EffectId, choice: &str, form: &Payload, by: &str) {
    let Some((frame, node)) = machine.core.asks.get(&id).copied() else { return };
    let at = At { frame, node };
    let Some(Ask::Task(ask)) = machine.take_ask(at) else { return };
    let form = form.to_value();
    if ask.task.kind == TaskKind::Compensation {
        // Costs nothing: what was done must be undone also when the budget is used up.
        return saga::resolved(machine, flow, at, choice, &form, by);
    }
    if let Err(error) = machine.meter.alloc(form.weight()) {
        return machine.fail_node(flow, at, error.into());
    }
    let node = machine.cnode(flow, at);
    if node.asks {
        return doubt::resolved(machine, flow, at, choice, &form);
    }
    match node.port(choice) {
        Some(port) => {
            let value = answer(choice, form, by, machine.core.at);
            machine.succeed_node(flow, at, Emit { port, value, passed: false });
        }
        None => {
            let error = NodeError::new("unknown_port", format!("the node has no port `{choice}`"));
            machine.fail_node(flow, at, error);
        }
    }
}

fn answer(choice: &str, form: Value, by: &str, at: Timestamp) -> Value {
    Value::map([("choice", Value::from(choice)), ("form", form), ("by", Value::from(by)), ("at", Value::Int(at.0))])
}

/// The task is due: others are asked too.
pub(crate) fn due(machine: &mut Machine, flow: &Compiled, at: At) {
    let extra = machine.core.arena.node_mut(at.frame, at.node).extra();
    let Some(Ask::Task(ask)) = extra.ask.as_deref_mut() else { return };
    ask.escalated = true;
    let (id, to) = (ask.task.id, ask.escalate_to.clone());
    let key = &machine.cnode(flow, at).key;
    machine.log.ask(at.frame, key, Command::EscalateTask { id, to });
}

/// The answer that a fallback stands for: the name of a choice, or a map that names it.
pub(crate) fn fallback(machine: &Machine, node: &CNode, value: &Value) -> Result<(u32, Value), NodeError> {
    let choice = value.as_str().or_else(|| value.get("choice").and_then(Value::as_str)).unwrap_or_default();
    let port = node
        .port(choice)
        .filter(|port| Some(*port) != node.error_port)
        .ok_or_else(|| NodeError::new("invalid_value", "the fallback of an approval must be one of its choices"))?;
    let form = value.get("form").cloned().unwrap_or_default();
    Ok((port, answer(choice, form, "", machine.core.at)))
}
