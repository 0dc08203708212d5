//! `saga`: steps in order; when one fails, or the scope is stopped, what the completed ones did is undone in reverse order.
//!
//! Forwards, one step after another → succeeded with the steps' values; or backwards, one compensation after another → failed or
//! cancelled as the forward path ended. A compensation that fails is tried again by its own policy; one that keeps failing parks
//! the saga: a person says whether it is tried again, skipped, or was done by hand. Compensations are never cancelled: what
//! stops the scope waits for them.

use crate::{
    Choice, EventKind, StepState, Task, TaskKind,
    arena::{BehaviourKind, CNode, Compiled},
    ask::{Ask, TaskAsk},
    input::EffectId,
    machine::{At, Machine},
    retry,
    state::{Ending, NodeStatus, ScopeState, Timer, TimerKind, check},
};
use holon_flow::{
    capability::{EffectClass, NodeError, Primitive},
    definition::{Policies, Retry},
};
use holon_model::{
    Map, RunId, Value,
    canon::Canon,
    wire::runs::{SagaRun, SagaStepRun},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Every transition of a step.
pub(crate) const LEGAL: &[(StepState, StepState)] = &[
    (StepState::Pending, StepState::Running),
    (StepState::Running, StepState::Completed),
    (StepState::Running, StepState::Failed),
    (StepState::Running, StepState::Cancelled),
    (StepState::Completed, StepState::Compensating),
    (StepState::Compensating, StepState::Compensated),
    (StepState::Compensating, StepState::Parked),
    (StepState::Parked, StepState::Compensating),
    (StepState::Parked, StepState::Skipped),
    (StepState::Parked, StepState::ByHand),
];

/// What a `saga` remembers, also when it is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub steps: Vec<Step>,
    /// The step that runs or is being undone.
    pub current: u32,
    /// How the forward path ended, once it did not end well.
    pub undoing: Option<Ending>,
}

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Step {
    pub name: Arc<str>,
    pub body: u32,
    pub compensate: Option<u32>,
    pub state: StepState,
    /// What its body gave.
    pub output: Value,
    /// Why its body, or the last try at its compensation, failed.
    pub error: Option<NodeError>,
    /// What the person said who skipped it or undid it by hand, and who that was.
    pub reason: Option<String>,
    pub by: Option<String>,
    /// Tries at its compensation in all.
    pub rounds: u32,
    /// Tries since it began or a person asked for another one: what its policy counts.
    pub tries: u32,
}

/// Config: `{steps: [{step: body, compensate?: body, retry?: policy}]}`.
pub(crate) fn start(machine: &mut Machine, flow: &Compiled, at: At, config: &Value) -> Result<(), NodeError> {
    let node = machine.cnode(flow, at);
    let body = |name: &str| {
        let missing = || NodeError::new("missing_body", format!("the saga has no body `{name}`"));
        node.body(name).ok_or_else(missing)
    };
    let mut steps = Vec::new();
    for step in config.get("steps").and_then(Value::as_list).unwrap_or_default() {
        let text = |field: &str| step.get(field).and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = text("step").unwrap_or_default();
        steps.push(Step {
            name: name.into(),
            body: body(name)?,
            compensate: text("compensate").map(body).transpose()?,
            state: StepState::Pending,
            output: Value::Null,
            error: None,
            reason: None,
            by: None,
            rounds: 0,
            tries: 0,
        });
    }
    if steps.is_empty() {
        return Err(NodeError::new("invalid_value", "`steps` must name at least one step"));
    }
    machine.put_scope(at, ScopeState::Saga);
    put(machine, at, State { steps, current: 0, undoing: None });
    forwards(machine, flow, at, 0);
    Ok(())
}

/// Begins the step with this number, or ends: all of them are completed.
fn forwards(machine: &mut Machine, flow: &Compiled, at: At, number: usize) {
    let state = state(machine, at);
    let Some(step) = state.steps.get(number) else {
        let outputs = Value::from(state.outputs());
        return machine.end_scope(flow, at, Ending::Ok(outputs));
    };
    let (body, outputs) = (step.body, Value::from(state.outputs()));
    state.current = crate::arena::index(number);
    let input = machine.core.arena.node(at.frame, at.node).input.clone();
    advance(machine, flow, at, number, StepState::Running);
    let input = Value::map([("input", input), ("steps", outputs)]);
    if let Err(error) = machine.open_child(flow, at, body, None, input) {
        step_failed(machine, flow, at, Ending::Err(error));
    }
}

/// A body is over: the present step's, or its compensation's.
pub(crate) fn body_closed(machine: &mut Machine, flow: &Compiled, at: At, ending: Ending) {
    machine.put_scope(at, ScopeState::Saga);
    let state = state(machine, at);
    let number = state.current as usize;
    if state.undoing.is_some() {
        return match ending {
            Ending::Ok(_) => {
                advance(machine, flow, at, number, StepState::Compensated);
                backwards(machine, flow, at);
            }
            Ending::Err(error) | Ending::Timeout(error) => compensation_failed(machine, flow, at, error),
            Ending::Cancelled => {
                compensation_failed(machine, flow, at, NodeError::new("cancelled", "the compensation was cancelled"));
            }
        };
    }
    let Ending::Ok(output) = ending else { return step_failed(machine, flow, at, ending) };
    if let Some(step) = state.steps.get_mut(number) {
        step.output = output;
    }
    advance(machine, flow, at, number, StepState::Completed);
    // A step that was over before it could be stopped is undone like the others.
    match machine.core.arena.node_mut(at.frame, at.node).extra().closing.take() {
        None => forwards(machine, flow, at, number + 1),
        Some(ending) => undo(machine, flow, at, ending),
    }
}

/// The present step did not come to its end: it failed, or it was stopped.
fn step_failed(machine: &mut Machine, flow: &Compiled, at: At, ending: Ending) {
    let ending = machine.core.arena.node_mut(at.frame, at.node).extra().closing.take().unwrap_or(ending);
    let state = state(machine, at);
    let number = state.current as usize;
    let reached = match &ending {
        Ending::Err(error) => {
            if let Some(step) = state.steps.get_mut(number) {
                step.error = Some(error.clone());
            }
            StepState::Failed
        }
        _ => StepState::Cancelled,
    };
    advance(machine, flow, at, number, reached);
    undo(machine, flow, at, ending);
}

/// Turns back.
fn undo(machine: &mut Machine, flow: &Compiled, at: At, ending: Ending) {
    state(machine, at).undoing = Some(ending);
    backwards(machine, flow, at);
}

/// Begins the compensation of the last step that has one and is not undone, or ends as the forward path did.
fn backwards(machine: &mut Machine, flow: &Compiled, at: At) {
    let state = state(machine, at);
    let undone = |step: &Step| step.state != StepState::Completed || step.compensate.is_none();
    match state.steps.iter().rposition(|step| !undone(step)) {
        Some(number) => {
            state.current = crate::arena::index(number);
            advance(machine, flow, at, number, StepState::Compensating);
            compensate(machine, flow, at, number);
        }
        None => {
            let ended = state.undoing.clone().unwrap_or(Ending::Cancelled);
            let closing = machine.core.arena.node_mut(at.frame, at.node).extra().closing.take();
            let cancelled = closing == Some(Ending::Cancelled);
            machine.end_scope(flow, at, if cancelled { Ending::Cancelled } else { ended });
        }
    }
}

/// Opens the compensation of a step for another try.
fn compensate(machine: &mut Machine, flow: &Compiled, at: At, number: usize) {
    let state = state(machine, at);
    let (outputs, error) = (state.outputs(), state.why());
    let Some(step) = state.steps.get_mut(number) else { return };
    let Some(body) = step.compensate else { return };
    step.rounds += 1;
    step.tries += 1;
    let (round, output) = (step.rounds, step.output.clone());
    let input = machine.core.arena.node(at.frame, at.node).input.clone();
    let input = Value::map([("input", input), ("steps", Value::from(outputs)), ("output", output), ("error", error)]);
    if let Err(error) = machine.open_round(flow, at, body, None, round, input) {
        compensation_failed(machine, flow, at, error);
    }
}

/// What is known of an effect of a compensation, over all of its rounds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Undone {
    /// The last attempt.
    pub attempt: u32,
    /// Hash of what is asked for.
    asks: [u8; 32],
}

/// The id of an effect of a compensation, and its attempts in earlier rounds. It is one in all rounds: nobody knows what a round that
/// failed has done, and only a receiver that is told the same key can. Attempts are numbered on, so that the answer of an
/// earlier one that comes late is none to a later one. Nothing where the id is made as for all effects:
///
/// - in runs of an older meaning, and outside of compensations;
/// - of what may be done once only, which a round does anew and deliberately, and of what changes Holon's own tables, of which is
///   known what it did;
/// - in a saga inside the compensation: what that does and undoes it does anew in each round;
/// - when something else is asked for than in the round before: one id always carries the same bytes.
pub(crate) fn undoing(
    machine: &mut Machine,
    flow: &Compiled,
    at: At,
    (run, config): (RunId, &Value),
) -> Option<(EffectId, u32)> {
    let node = machine.cnode(flow, at);
    if !machine.means(4) || !matches!(node.class, EffectClass::Idempotent | EffectClass::Pure) {
        return None;
    }
    let outwards = compensation(machine, flow, at)?;
    let id = machine.paths[at.frame as usize].effect_of_all_rounds(run, &node.key, outwards);
    let asks = Canon::new().value(config).value(&machine.core.arena.node(at.frame, at.node).input).hash();
    let undone = machine.core.undone.entry(id).or_insert(Undone { attempt: 0, asks });
    (undone.asks == asks).then_some((id, undone.attempt))
}

/// How many bodies outwards the compensation is whose part the node is; nothing when it is part of none, or of a saga in it.
fn compensation(machine: &Machine, flow: &Compiled, at: At) -> Option<u32> {
    let (mut frame, mut outwards) = (machine.core.arena.frame(at.frame), 0);
    while let Some((parent, node)) = frame.parent {
        let scope = &machine.cnode(flow, At { frame: parent, node }).behaviour;
        if matches!(scope, BehaviourKind::Primitive(Primitive::Saga)) {
            return (frame.round > 0).then_some(outwards);
        }
        (frame, outwards) = (machine.core.arena.frame(parent), outwards + 1);
    }
    None
}

/// A try at the present compensation failed: another one after a pause, or the saga is parked.
fn compensation_failed(machine: &mut Machine, flow: &Compiled, at: At, error: NodeError) {
    let state = state(machine, at);
    let number = state.current;
    let Some(step) = state.steps.get_mut(number as usize) else { return };
    step.error = Some(error.clone());
    let (tries, rounds, name) = (step.tries, step.rounds, step.name.clone());
    let policy = policy(machine, at, number);
    // With a budget that is used up every other try fails too.
    if tries >= policy.attempts || error.code == Machine::out_of_fuel().code {
        return park(machine, flow, at, &name, rounds, &error);
    }
    let path = machine.path(at) + "." + &name;
    let seed = machine.core.info.as_ref().map_or(0, |info| info.seed);
    let due = machine.core.at.plus(retry::delay(&policy, seed, &path, tries));
    machine.set_timer(Timer { due, frame: at.frame, node: at.node, kind: TimerKind::Compensate });
}

/// The pause is over.
pub(crate) fn try_again(machine: &mut Machine, flow: &Compiled, at: At) {
    let number = state(machine, at).current as usize;
    compensate(machine, flow, at, number);
}

/// The policy of a step's compensation: what the step says, else three attempts.
fn policy(machine: &mut Machine, at: At, number: u32) -> Retry {
    let config = &machine.core.arena.node_mut(at.frame, at.node).extra().config;
    let steps = config.get("steps").and_then(Value::as_list).unwrap_or_default();
    let written = steps.get(number as usize).and_then(|step| step.get("retry")).filter(|retry| !retry.is_null());
    let read = written.and_then(|retry| Policies::from_value(&Value::map([("retry", retry.clone())])).ok()?.retry);
    read.unwrap_or_default()
}

/// Asks a person what to do.
fn park(machine: &mut Machine, flow: &Compiled, at: At, step: &Arc<str>, rounds: u32, error: &NodeError) {
    let number = state(machine, at).current as usize;
    advance(machine, flow, at, number, StepState::Parked);
    machine.core.arena.node_mut(at.frame, at.node).become_(NodeStatus::Waiting);
    // The run has started, or nothing of it could be undone.
    let attempt = machine.core.arena.node_mut(at.frame, at.node).extra().attempt;
    // A saga that is tried again asks anew: what was answered in the attempt before is answered.
    let what = if attempt > 1 && machine.means(3) { format!("{step}@{attempt}") } else { step.to_string() };
    let Ok(id) = machine.ask_id(flow, at, &what, rounds) else { return };
    let choice = |key: &str, label: &str| Choice { key: key.into(), label: label.into() };
    let task = Task {
        id,
        path: machine.path(at),
        kind: TaskKind::Compensation,
        title: format!("Undoing the step `{step}` failed"),
        context: Value::map([
            ("step", Value::Str(step.clone())),
            ("error", error.to_value()),
            ("tries", Value::from(rounds)),
        ]),
        choices: vec![
            choice(RETRY, "Try again"),
            choice(SKIP, "Leave it as it is"),
            choice(FINISH, "It was undone by hand"),
        ],
        form: form(SKIP),
        assignees: Vec::new(),
        due: None,
    };
    let ask = Ask::Task(TaskAsk { task, escalate_to: Vec::new(), escalated: false });
    machine.node_event(flow, at, EventKind::NodeAwaits { what: ask.awaited() }, false);
    machine.open_ask(flow, at, ask);
}

const RETRY: &str = "retry";
const SKIP: &str = "skip";
const FINISH: &str = "finish";

/// What must be said with a choice: whoever leaves something as it is says why.
pub(crate) fn form(choice: &str) -> Value {
    if choice != SKIP {
        return Value::Null;
    }
    let reason =
        Value::map([("type", Value::from("string")), ("minLength", Value::Int(1)), ("title", "Reason".into())]);
    Value::map([
        ("type", Value::from("object")),
        ("required", Value::list([Value::from("reason")])),
        ("properties", Value::map([("reason", reason)])),
    ])
}

/// A person said what to do about the compensation that keeps failing.
pub(crate) fn resolved(machine: &mut Machine, flow: &Compiled, at: At, choice: &str, form: &Value, by: &str) {
    machine.core.arena.node_mut(at.frame, at.node).become_(NodeStatus::Running);
    let state = state(machine, at);
    let number = state.current as usize;
    let Some(step) = state.steps.get_mut(number) else { return };
    step.reason = form.get("reason").and_then(Value::as_str).map(str::to_owned);
    step.by = Some(by.to_owned());
    if choice == RETRY {
        step.tries = 0;
        advance(machine, flow, at, number, StepState::Compensating);
        return compensate(machine, flow, at, number);
    }
    let reached = if choice == SKIP { StepState::Skipped } else { StepState::ByHand };
    advance(machine, flow, at, number, reached);
    backwards(machine, flow, at);
}

/// The scope is to end. On the way back it ends by itself; a step that is over already is left to be noted.
pub(crate) fn closing(machine: &mut Machine, flow: &Compiled, at: At) {
    if state(machine, at).undoing.is_some() {
        return;
    }
    for child in machine.core.arena.node_mut(at.frame, at.node).extra().children.clone() {
        if machine.core.arena.frame(child).open > 0 {
            machine.cancel_frame(flow, child);
        }
    }
}

fn advance(machine: &mut Machine, flow: &Compiled, at: At, number: usize, next: StepState) {
    let Some(step) = state(machine, at).steps.get_mut(number) else { return };
    check("saga step", LEGAL, step.state, next);
    step.state = next;
    let step = step.name.clone();
    machine.node_event(flow, at, EventKind::SagaStep { step, state: next }, false);
}

fn put(machine: &mut Machine, at: At, state: State) {
    machine.core.arena.node_mut(at.frame, at.node).extra().saga = Some(Box::new(state));
}

/// The node's saga; an empty one where there is none, which nothing is done with.
fn state(machine: &mut Machine, at: At) -> &mut State {
    let empty = || Box::new(State { steps: Vec::new(), current: 0, undoing: None });
    machine.core.arena.node_mut(at.frame, at.node).extra().saga.get_or_insert_with(empty)
}

impl State {
    /// What the completed steps gave, by name.
    fn outputs(&self) -> Map {
        let gave = |step: &&Step| {
            !matches!(step.state, StepState::Pending | StepState::Running | StepState::Failed | StepState::Cancelled)
        };
        self.steps.iter().filter(gave).map(|step| (step.name.clone(), step.output.clone())).collect()
    }

    /// For people; `node` is the saga's own.
    pub(crate) fn shown(&self, node: &CNode) -> SagaRun {
        let body = |number: u32| node.bodies.get(number as usize).map(|(name, _)| name.to_string());
        let steps = self.steps.iter().map(|step| SagaStepRun {
            step: step.name.to_string(),
            state: step.state.name().to_owned(),
            compensable: step.compensate.is_some(),
            undo: step.compensate.and_then(body),
            error: step.error.as_ref().map(crate::wire::failure),
            tries: step.rounds,
            reason: step.reason.clone(),
            by: step.by.clone(),
        });
        let phase = if self.undoing.is_some() { "backward" } else { "forward" };
        SagaRun { phase: phase.to_owned(), steps: steps.collect() }
    }

    /// Why it is undone, as compensations see it.
    fn why(&self) -> Value {
        match &self.undoing {
            Some(Ending::Err(error) | Ending::Timeout(error)) => error.to_value(),
            _ => NodeError::new("cancelled", "the saga was cancelled").to_value(),
        }
    }
}
