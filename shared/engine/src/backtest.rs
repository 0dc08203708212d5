//! Back-test: a recorded run on another definition, answered by what was recorded. Would it end differently?
//!
//! Ids of effects, tasks and calls are made of the run's id and structural paths (see `path`), so a recorded answer fits wherever
//! the same node asks again. Recorded inputs are given in their order, each as soon as it is taken. Timers that the record knows by
//! node, purpose and due time fire when they did, if they did; all others when they are due. What asks for something that was never
//! recorded stops there: nothing is made up.

use crate::{
    Command, Compiled, DueTimer, EffectId, Event, EventKind, Input, Machine, Outcome, RunStatus, Stamped, TimerId,
};
use holon_flow::capability::NodeError;
use holon_model::{Timestamp, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// So many more inputs than were recorded may it take before it is said to go on for ever.
const MORE: usize = 10_000;

/// What a back-test of one run found.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// In one word.
    pub verdict: Verdict,
    /// How the run ended.
    pub was: Ended,
    /// How it would end.
    pub now: Ended,
    /// The first step that ends otherwise, in the order in which steps ended.
    pub first: Option<StepDifference>,
    /// Nodes that ask for something that was never recorded: paths in the order of their starts.
    pub missing: Vec<String>,
    /// Effects that are asked for with other bytes than were recorded: their recorded answers may not fit them.
    pub asked_otherwise: Vec<String>,
    /// Effects that were done and would not be asked for any more.
    pub not_asked: Vec<String>,
}

/// What came of it, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every step and the end are the same.
    Same,
    /// It ends the same, but some steps do not.
    Steps,
    /// It ends differently.
    Different,
    /// It asks for something that was never recorded: how it would end is not known.
    Open,
}

impl Verdict {
    /// The name that wires carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Steps => "steps",
            Self::Different => "different",
            Self::Open => "open",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Where it was in the end.
    pub status: RunStatus,
    /// What came out.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<NodeError>,
}

/// A step that ends otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct StepDifference {
    /// Its structural path.
    pub path: String,
    /// How it ended; nothing: there was no such step, or it did not end.
    pub was: Option<StepEnd>,
    /// How it would end.
    pub now: Option<StepEnd>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq)]
pub struct StepEnd {
    /// `succeeded | failed | skipped | cancelled`
    pub status: &'static str,
    /// The port it emitted on.
    pub port: Option<Arc<str>>,
    /// What it emitted.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<NodeError>,
}

impl StepEnd {
    fn of(kind: &EventKind) -> Option<Self> {
        let end = Self { status: "succeeded", port: None, output: None, error: None };
        Some(match kind {
            EventKind::NodeSucceeded { port, output } => {
                Self { port: Some(port.clone()), output: Some(output.clone()), ..end }
            }
            EventKind::NodeFailed { error } => Self { status: "failed", error: Some(error.clone()), ..end },
            EventKind::NodeSkipped => Self { status: "skipped", ..end },
            EventKind::NodeCancelled => Self { status: "cancelled", ..end },
            _ => return None,
        })
    }

    /// Messages are words: two failures of one code are the same.
    fn is(&self, other: &Self) -> bool {
        let code = |end: &Self| end.error.as_ref().map(|error| error.code.clone());
        self.status == other.status
            && self.port == other.port
            && self.output == other.output
            && code(self) == code(other)
    }
}

/// What a machine did, gathered.
#[derive(Default)]
struct Course {
    /// How steps ended, in order, by path and how often that path had ended before.
    ends: Vec<((String, u32), StepEnd)>,
    times: BTreeMap<String, u32>,
    /// Bytes of effects by id.
    asked: BTreeMap<EffectId, (String, Vec<u8>)>,
}

impl Course {
    fn took(&mut self, events: Vec<Event>, commands: Vec<Command>) {
        for event in events {
            let Some((node, end)) = event.node.as_ref().zip(StepEnd::of(&event.kind)) else { continue };
            let path = node.path();
            let times = self.times.entry(path.clone()).or_default();
            *times += 1;
            self.ends.push(((path, *times), end));
        }
        for command in commands {
            let bytes = command.canonical();
            match command {
                Command::RunEffect(effect) => _ = self.asked.insert(effect.id, (effect.path, bytes)),
                Command::StartChild(child) => _ = self.asked.insert(child.id, (child.path, bytes)),
                _ => {}
            }
        }
    }
}

/// A timer by what it is for: numbers differ between definitions. One that is due at another time is another one.
type Purpose = (String, &'static str, Timestamp);

/// A recorded input that was not given yet.
struct Recorded {
    input: Stamped<Input>,
    timer: Option<Purpose>,
}

/// Replays a recorded run on its own definition, then on the draft, and compares.
///
/// `inputs` is the whole journal of a run that is over.
pub fn backtest(flow: &Arc<Compiled>, inputs: &[Stamped<Input>], draft: &Arc<Compiled>) -> Comparison {
    let (mut was, mut was_course) = (Machine::new(flow.clone()), Course::default());
    let mut left = Vec::with_capacity(inputs.len());
    let mut known = BTreeSet::new();
    for input in inputs {
        left.push(Recorded { input: input.clone(), timer: purpose(&was, &input.value) });
        let decision = was.handle(input.clone());
        if decision.commands.iter().any(|command| matches!(command, Command::SetTimer { .. })) {
            known.extend(was.due_timers().map(purpose_of));
        }
        was_course.took(decision.events, decision.commands);
    }
    let (now, now_course) = on_draft(draft, left, &known);
    compare(&was, &was_course, &now, &now_course)
}

fn purpose(machine: &Machine, input: &Input) -> Option<Purpose> {
    let Input::TimerFired { id } = input else { return None };
    machine.due_timers().find(|timer| timer.id == *id).map(purpose_of)
}

fn purpose_of(timer: DueTimer) -> Purpose {
    (timer.path, timer.what, timer.due)
}

/// The draft, answered by the record, in which these timers were set. One of them that did not fire although it was due did not
/// because something else came first.
fn on_draft(draft: &Arc<Compiled>, mut left: Vec<Recorded>, known: &BTreeSet<Purpose>) -> (Machine, Course) {
    let (mut machine, mut course) = (Machine::new(draft.clone()), Course::default());
    for _ in 0..left.len().saturating_add(MORE) {
        if machine.status().is_terminal() {
            break;
        }
        let timers: Vec<_> = machine.due_timers().collect();
        let fitting = |recorded: &Recorded| match &recorded.timer {
            Some((path, what, due)) => {
                let mut timers = timers.iter();
                let timer = timers.find(|timer| timer.due == *due && timer.what == *what && timer.path == *path)?;
                Some(Input::TimerFired { id: timer.id })
            }
            None => machine.accepts(&recorded.input.value).then(|| recorded.input.value.clone()),
        };
        let next = left.iter().enumerate().find_map(|(at, recorded)| Some((at, fitting(recorded)?)));
        let early = timers.iter().find(|timer| !known.contains(&purpose_of((*timer).clone())));
        let fire = |id: TimerId, due: Timestamp| Stamped::new(due, Input::TimerFired { id });
        let input = match (next, early) {
            (Some((at, _)), Some(timer)) if timer.due <= left[at].input.at => fire(timer.id, timer.due),
            (Some((at, input)), _) => Stamped::new(left.remove(at).input.at, input),
            (None, _) => match timers.first() {
                Some(timer) => fire(timer.id, timer.due),
                None => break,
            },
        };
        let decision = machine.handle(input);
        course.took(decision.events, decision.commands);
    }
    (machine, course)
}

fn ended(machine: &Machine) -> Ended {
    let (output, error) = match machine.outcome() {
        Some(Outcome::Ok(payload) | Outcome::Continued { input: payload }) => (Some(payload.to_value()), None),
        Some(Outcome::Failed { error }) => (None, Some(error.clone())),
        _ => (None, None),
    };
    Ended { status: machine.status(), output, error }
}

fn compare(was: &Machine, was_course: &Course, now: &Machine, now_course: &Course) -> Comparison {
    let (was_end, now_end) = (ended(was), ended(now));
    let missing: Vec<String> = match now_end.status.is_terminal() {
        true => Vec::new(),
        false => now.pending().into_iter().filter_map(asks).collect(),
    };
    let first = first_difference(was_course, now_course);
    let code = |end: &Ended| end.error.as_ref().map(|error| error.code.clone());
    let same_end =
        was_end.status == now_end.status && was_end.output == now_end.output && code(&was_end) == code(&now_end);
    let mut asked_otherwise = BTreeSet::new();
    let mut not_asked = BTreeSet::new();
    for (id, (path, bytes)) in &was_course.asked {
        match now_course.asked.get(id) {
            Some((_, other)) if other == bytes => {}
            Some(_) => _ = asked_otherwise.insert(path.clone()),
            None => _ = not_asked.insert(path.clone()),
        }
    }
    let verdict = match (same_end, now_end.status.is_terminal()) {
        (_, false) if was_end.status.is_terminal() => Verdict::Open,
        (false, _) => Verdict::Different,
        (true, _) if first.is_some() || !asked_otherwise.is_empty() || !not_asked.is_empty() => Verdict::Steps,
        (true, _) => Verdict::Same,
    };
    Comparison {
        verdict,
        was: was_end,
        now: now_end,
        first,
        missing,
        asked_otherwise: asked_otherwise.into_iter().collect(),
        not_asked: not_asked.into_iter().collect(),
    }
}

/// The path of a node that waits for the outside.
fn asks(command: Command) -> Option<String> {
    match command {
        Command::RunEffect(effect) => Some(effect.path),
        Command::OpenTask(task) => Some(task.path),
        Command::StartChild(child) => Some(child.path),
        Command::AwaitSignal { path, .. } => Some(path),
        _ => None,
    }
}

fn first_difference(was: &Course, now: &Course) -> Option<StepDifference> {
    let of = |course: &Course| course.ends.iter().cloned().collect::<BTreeMap<_, _>>();
    let (was_ends, now_ends) = (of(was), of(now));
    let differs = |key: &(String, u32)| match (was_ends.get(key), now_ends.get(key)) {
        (Some(was), Some(now)) => !was.is(now),
        (was, now) => was.is_some() || now.is_some(),
    };
    let key = was.ends.iter().chain(&now.ends).map(|(key, _)| key).find(|key| differs(key))?;
    Some(StepDifference { path: key.0.clone(), was: was_ends.get(key).cloned(), now: now_ends.get(key).cloned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compile, drive,
        testing::{catalogue, corpus, flow, generate, start, world::World},
    };
    use holon_model::Value;

    fn call(key: &str, more: &str) -> String {
        format!(r#""{key}":{{"kind":"test.call@1","config":{{"n":{{"$cel":"input"}}}}{more}}}"#)
    }

    fn one(nodes: &str, edges: &str) -> Arc<Compiled> {
        flow(&format!(
            r#"{{"holon":1,"name":"case","nodes":{{"go":{{"kind":"trigger.manual@1","config":{{}}}},{nodes}}},"edges":[{edges}]}}"#
        ))
    }

    fn edge(from: &str, to: &str) -> String {
        format!(r#"{{"from":"{from}.out","to":"{to}.in"}}"#)
    }

    /// A run of the flow in which effects are answered with these, in order.
    fn record(flow: &Arc<Compiled>, answers: Vec<Outcome>) -> Vec<Stamped<Input>> {
        let mut machine = Machine::new(flow.clone());
        let first = start(Value::Int(3), 1);
        let mut journal = vec![first.clone()];
        let mut commands = machine.handle(first).commands;
        let mut answers = answers.into_iter();
        while let Some(command) = commands.pop() {
            let Command::RunEffect(effect) = command else { continue };
            let Some(outcome) = answers.next() else { break };
            let at = machine.at().unwrap_or(Timestamp(0)).plus(holon_model::Millis(10));
            let input = Stamped::new(at, Input::EffectCompleted { id: effect.id, attempt: effect.attempt, outcome });
            journal.push(input.clone());
            commands.extend(machine.handle(input).commands);
        }
        assert!(machine.status().is_terminal());
        journal
    }

    fn ok(number: i64) -> Outcome {
        Outcome::Ok(Value::Int(number).into())
    }

    #[test]
    fn on_its_own_definition_every_recorded_run_ends_the_same_step_by_step() {
        for (name, case) in corpus::CASES {
            let ran = corpus::run(case);
            let flow = ran.machine.flow().clone();
            let found = backtest(&flow, &ran.journal, &flow);
            let same = found.verdict == Verdict::Same || !ran.machine.status().is_terminal();
            assert!(same, "{name}: {found:?}");
        }
        let catalogue = catalogue();
        for seed in 0..200 {
            let flow = compile(&generate::definition(seed), &catalogue).unwrap();
            let mut world = World::new(seed, [start(generate::input(seed), seed)]);
            let mut journal = Vec::new();
            drive(&mut Machine::new(flow.clone()), &mut world, &mut |input, _| journal.push(input.clone()));
            let found = backtest(&flow, &journal, &flow);
            assert_eq!(found.verdict, Verdict::Same, "seed {seed}: {found:?}");
        }
    }

    #[test]
    fn a_draft_that_gives_another_value_ends_differently_and_the_first_such_step_is_named() {
        let set = |value: &str| format!(r#""out":{{"kind":"test.set@1","config":{{"value":{{"$cel":"{value}"}}}}}}"#);
        let edges = format!("{},{}", edge("go", "ask"), edge("ask", "out"));
        let recorded = one(&format!("{},{}", call("ask", ""), set("input + 1")), &edges);
        let draft = one(&format!("{},{}", call("ask", ""), set("input * 10")), &edges);
        let found = backtest(&recorded, &record(&recorded, vec![ok(7)]), &draft);
        assert_eq!(found.verdict, Verdict::Different);
        assert_eq!((found.was.output, found.now.output), (Some(Value::Int(8)), Some(Value::Int(70))));
        let first = found.first.unwrap();
        assert_eq!((first.path.as_str(), first.now.unwrap().output), ("out", Some(Value::Int(70))));
        assert!(found.asked_otherwise.is_empty() && found.missing.is_empty());
    }

    #[test]
    fn an_effect_that_was_never_recorded_leaves_the_end_open() {
        let recorded = one(&call("ask", ""), &edge("go", "ask"));
        let draft = one(
            &format!("{},{}", call("ask", ""), call("tell", "")),
            &format!("{},{}", edge("go", "ask"), edge("ask", "tell")),
        );
        let found = backtest(&recorded, &record(&recorded, vec![ok(7)]), &draft);
        assert_eq!((found.verdict, found.missing), (Verdict::Open, vec!["tell".to_owned()]));
    }

    #[test]
    fn an_effect_that_is_asked_otherwise_or_not_at_all_is_told_though_the_end_is_the_same() {
        let result = r#""out":{"kind":"test.set@1","config":{"value":1}}"#;
        let recorded =
            one(&format!("{},{result}", call("ask", "")), &format!("{},{}", edge("go", "ask"), edge("ask", "out")));
        let journal = record(&recorded, vec![ok(7)]);
        let other = call("ask", "").replace(r#""input""#, r#""input + 1""#);
        let draft = one(&format!("{other},{result}"), &format!("{},{}", edge("go", "ask"), edge("ask", "out")));
        let found = backtest(&recorded, &journal, &draft);
        assert_eq!((found.verdict, found.asked_otherwise), (Verdict::Steps, vec!["ask".to_owned()]));
        let without = one(result, &edge("go", "out"));
        let found = backtest(&recorded, &journal, &without);
        assert_eq!((found.verdict, found.not_asked), (Verdict::Steps, vec!["ask".to_owned()]));
    }

    #[test]
    fn a_draft_that_gives_up_earlier_fails_where_the_run_succeeded() {
        let tried = call("ask", r#","policies":{"retry":{"attempts":3,"jitter":false}}"#);
        let recorded = one(&tried, &edge("go", "ask"));
        let mut refused = NodeError::new("unavailable", "no");
        refused.retryable = true;
        let mut machine = Machine::new(recorded.clone());
        let mut journal = vec![start(Value::Int(3), 1)];
        let first = machine.handle(journal[0].clone());
        let Some(Command::RunEffect(effect)) = first.commands.into_iter().next() else { panic!("it asks") };
        let answer = |attempt: u32, at: i64, outcome: Outcome| {
            Stamped::new(Timestamp(at), Input::EffectCompleted { id: effect.id, attempt, outcome })
        };
        journal.push(answer(1, 1_010, Outcome::Failed { error: refused }));
        machine.handle(journal[1].clone());
        let timer = machine.due_timers().next().unwrap();
        journal.push(Stamped::new(timer.due, Input::TimerFired { id: timer.id }));
        journal.push(answer(2, timer.due.0 + 10, ok(5)));
        let found = backtest(&recorded, &journal, &recorded);
        assert_eq!(found.verdict, Verdict::Same, "{found:?}");
        let draft = one(&call("ask", ""), &edge("go", "ask"));
        let found = backtest(&recorded, &journal, &draft);
        assert_eq!((found.verdict, found.now.status), (Verdict::Different, RunStatus::Failed));
        assert_eq!(found.first.unwrap().path, "ask");
    }

    #[test]
    fn a_draft_that_waits_shorter_than_an_answer_took_fires_its_own_timer() {
        let recorded = one(&call("ask", ""), &edge("go", "ask"));
        let journal = record(&recorded, vec![ok(5)]);
        let draft = one(&call("ask", r#","policies":{"timeout":"5ms"}"#), &edge("go", "ask"));
        let found = backtest(&recorded, &journal, &draft);
        assert_eq!((found.verdict, found.now.status), (Verdict::Different, RunStatus::Failed));
    }
}
