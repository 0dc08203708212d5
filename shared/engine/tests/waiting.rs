//! What waits for the world, and what undoes: races, sagas, signals, tasks and calls, on flows and worlds from seeds and by hand.

use holon_engine::{
    Command, EffectId, Event, EventKind, Input, Machine, Needs, Outcome, PreviewRequest, RunStatus, Stamped, StepState,
    compile, compile_draft, drive, preview,
    testing::{catalogue, corpus::CASES, corpus::run, definition, flow, generate, start, world::World},
};
use holon_flow::capability::NodeError;
use holon_model::{Payload, Timestamp, Value, json};
use std::collections::{BTreeMap, VecDeque};

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

fn events(seed: u64) -> Vec<Event> {
    let flow = compile(&generate::definition(seed), &catalogue()).unwrap();
    let mut machine = Machine::new(flow);
    let mut world = World::new(seed, [start(generate::input(seed), seed)]).with_failures(30);
    let mut events = Vec::new();
    drive(&mut machine, &mut world, &mut |_, decision| events.extend(decision.events.clone()));
    events
}

#[test]
fn r7_what_is_undone_is_what_was_done_in_exact_reverse_each_once() {
    let mut undone = 0;
    for seed in 0..400 {
        // By path of the saga and attempt: what was done and not undone, last on top.
        let mut done: BTreeMap<(String, u32), Vec<String>> = BTreeMap::new();
        for event in events(seed) {
            let (EventKind::SagaStep { step, state }, Some(node)) = (&event.kind, &event.node) else { continue };
            let steps = done.entry((node.path(), node.attempts)).or_default();
            match state {
                // The step `three` has no compensation.
                StepState::Completed if &**step != "three" => steps.push(step.to_string()),
                StepState::Compensating => assert_eq!(steps.last().map(String::as_str), Some(&**step), "seed {seed}"),
                StepState::Compensated | StepState::Skipped | StepState::ByHand => {
                    assert_eq!(steps.pop().as_deref(), Some(&**step), "seed {seed}");
                    undone += 1;
                }
                _ => {}
            }
        }
    }
    assert!(undone > 20, "{undone} steps were undone");
}

#[test]
fn a_saga_that_cannot_be_undone_waits_for_a_person_and_says_so_after_a_snapshot_too() {
    let text = r#"{"holon":1,"name":"t","nodes":{"start":{"kind":"trigger.manual@1"},"trip":{"kind":"saga@1","config":{"steps":[
        {"step":"book","compensate":"undo","retry":{"attempts":1}},{"step":"fail"}]},"bodies":{
        "book":{"nodes":{"a":{"kind":"test.set@1"}},"edges":[]},
        "undo":{"nodes":{"no":{"kind":"flow.fail@1","config":{"code":"down","message":"no"}}},"edges":[]},
        "fail":{"nodes":{"no":{"kind":"flow.fail@1","config":{"code":"full","message":"no"}}},"edges":[]}}}},
        "edges":[{"from":"start.out","to":"trip.in"}]}"#;
    let flow = flow(text);
    let mut machine = Machine::new(flow.clone());
    let opened = machine.handle(start(Value::Null, 0)).commands;
    let task = opened.iter().find_map(|command| if let Command::OpenTask(task) = command { Some(task) } else { None });
    let id = task.unwrap().id;
    machine = Machine::restore(flow, &machine.snapshot()).unwrap();
    assert_eq!(machine.status(), RunStatus::Waiting);
    assert_eq!(machine.attention().as_deref(), Some("trip: Undoing the step `book` failed"));
    let view = machine.view();
    let trip = view.nodes.iter().find(|node| node.path == "trip").unwrap();
    let waiting = trip.waiting_for.as_ref().unwrap();
    assert_eq!((trip.status.as_str(), waiting.kind.as_str(), waiting.id.as_str()), ("waiting", "person", &*id.key()));
    let saga = trip.saga.as_ref().unwrap();
    assert_eq!((saga.phase.as_str(), saga.steps[0].state.as_str()), ("backward", "parked"));
    assert_eq!(saga.steps[0].error.as_ref().unwrap().code, "down");
    let form = Payload::Inline(value(r#"{"reason":"it is kept"}"#));
    let skip = Input::TaskAnswered { id, choice: "skip".into(), form, by: "ada".into() };
    machine.handle(Stamped::new(Timestamp(2_000), skip));
    assert!(matches!(machine.outcome(), Some(Outcome::Failed { error }) if error.code == "full"));
    let view = machine.view();
    let step = &view.nodes.iter().find_map(|node| node.saga.as_ref()).unwrap().steps[0];
    assert_eq!(
        (step.state.as_str(), step.reason.as_deref(), step.by.as_deref()),
        ("skipped", Some("it is kept"), Some("ada"))
    );
    assert_eq!(machine.attention(), None);
}

#[test]
fn a_saga_that_is_tried_again_asks_people_anew_under_another_id() {
    let text = r#"{"holon":1,"name":"t","nodes":{"start":{"kind":"trigger.manual@1"},"trip":{"kind":"saga@1","config":{"steps":[
        {"step":"book","compensate":"undo","retry":{"attempts":1}},{"step":"fail"}]},"policies":{"retry":{"attempts":2,"initial":0}},"bodies":{
        "book":{"nodes":{"a":{"kind":"test.set@1"}},"edges":[]},
        "undo":{"nodes":{"no":{"kind":"flow.fail@1","config":{"code":"down","message":"no"}}},"edges":[]},
        "fail":{"nodes":{"call":{"kind":"test.call@1"}},"edges":[]}}}},
        "edges":[{"from":"start.out","to":"trip.in"}]}"#;
    let mut machine = Machine::new(flow(text));
    let mut asked = Vec::new();
    let mut inputs = VecDeque::from([start(Value::Null, 0)]);
    while let Some(input) = inputs.pop_front() {
        for command in machine.handle(input).commands {
            inputs.extend(match command {
                Command::RunEffect(effect) => {
                    let mut error = NodeError::new("full", "no");
                    error.retryable = true;
                    let outcome = Outcome::Failed { error };
                    let input = Input::EffectCompleted { id: effect.id, attempt: effect.attempt, outcome };
                    Some(Stamped::new(Timestamp(2_000), input))
                }
                Command::SetTimer { id, due } => Some(Stamped::new(due, Input::TimerFired { id })),
                Command::OpenTask(task) => {
                    asked.push(task.id);
                    let form = Payload::Inline(value(r#"{"reason":"it is kept"}"#));
                    let skip = Input::TaskAnswered { id: task.id, choice: "skip".into(), form, by: "ada".into() };
                    Some(Stamped::new(Timestamp(2_000), skip))
                }
                _ => None,
            });
        }
    }
    assert!(machine.status().is_terminal());
    assert!(matches!(asked[..], [first, second] if first != second), "{asked:?}");
}

#[test]
fn a_saga_that_failed_leaves_nothing_done() {
    for (name, text) in CASES.iter().filter(|(name, _)| name.starts_with("saga")) {
        let view = run(text).machine.view();
        for saga in view.nodes.iter().filter_map(|node| node.saga.as_ref()).filter(|saga| saga.phase == "backward") {
            let left = saga.steps.iter().filter(|step| step.compensable && step.state == "completed").count();
            assert_eq!(left, 0, "{name}: {saga:?}");
        }
    }
}

#[test]
fn r6_a_race_has_one_winner_and_no_loser_runs_on() {
    let text = r#"{"holon":1,"name":"t","nodes":{"start":{"kind":"trigger.manual@1"},"r":{"kind":"race@1","bodies":{
        "a":{"nodes":{"x":{"kind":"test.call@1"}},"edges":[]},"b":{"nodes":{"x":{"kind":"test.call@1"}},"edges":[]},
        "c":{"nodes":{"x":{"kind":"test.call@1"}},"edges":[]}}}},"edges":[{"from":"start.out","to":"r.in"}]}"#;
    let flow = flow(text);
    for (winner, branch) in ["a", "b", "c"].into_iter().enumerate() {
        let mut machine = Machine::new(flow.clone());
        let calls: Vec<EffectId> =
            machine.handle(start(Value::Null, 0)).commands.iter().filter_map(effect_id).collect();
        let outcome = Outcome::Ok(Payload::Inline(Value::Int(1)));
        let answer = Input::EffectCompleted { id: calls[winner], attempt: 1, outcome };
        let decision = machine.handle(Stamped::new(Timestamp(2_000), answer));
        let cancelled: Vec<EffectId> = decision
            .commands
            .iter()
            .filter_map(|command| if let Command::CancelEffect { id } = command { Some(*id) } else { None })
            .collect();
        let losers: Vec<EffectId> = calls.iter().copied().filter(|call| *call != calls[winner]).collect();
        assert_eq!(cancelled, losers);
        let won = Value::map([("branch", Value::from(branch)), ("value", Value::Int(1))]);
        assert_eq!(machine.outcome(), Some(&Outcome::Ok(Payload::Inline(won))));
    }
}

fn effect_id(command: &Command) -> Option<EffectId> {
    if let Command::RunEffect(effect) = command { Some(effect.id) } else { None }
}

const SIGNALS: &str = r#"{"holon":1,"name":"t","nodes":{"start":{"kind":"trigger.manual@1"},
    "all":{"kind":"map@1","config":{"items":[0,1,2],"concurrency":1},"bodies":{"body":{"nodes":{
        "paid":{"kind":"flow.signal@1","config":{"name":"paid","correlation":{"$cel":"trigger"}}}},"edges":[]}}}},
    "edges":[{"from":"start.out","to":"all.in"}]}"#;

fn signal(number: i64, sender: &str) -> Input {
    let payload = Payload::Inline(Value::Int(number));
    Input::Signal { name: "paid".into(), correlation: "7".into(), sender: sender.into(), payload }
}

#[test]
fn signals_count_once_and_in_order_however_often_and_early_they_come() {
    // Each is sent twice; between which of them the machine is taken from a snapshot makes no difference.
    for split in 0..6 {
        let flow = flow(SIGNALS);
        let mut machine = Machine::new(flow.clone());
        machine.handle(start(Value::Int(7), 0));
        for (at, number) in [1, 1, 2, 2, 3, 3].into_iter().enumerate() {
            if at == split {
                machine = Machine::restore(flow.clone(), &machine.snapshot()).unwrap();
            }
            let again = at % 2 == 1;
            let refused = machine.check(&signal(number, &number.to_string())).err().map(|refusal| refusal.code);
            let expected = if machine.status().is_terminal() { "run_over" } else { "duplicate_signal" };
            assert_eq!(refused, again.then_some(expected));
            machine.handle(Stamped::new(Timestamp(2_000), signal(number, &number.to_string())));
        }
        assert_eq!(machine.outcome(), Some(&Outcome::Ok(Payload::Inline(value("[1,2,3]")))));
    }
}

#[test]
fn what_a_run_refuses_leaves_it_as_it_was() {
    let mut machine = Machine::new(flow(SIGNALS));
    assert_eq!(machine.check(&signal(1, "a")).unwrap_err().code, "not_started");
    machine.handle(start(Value::Int(7), 0));
    let before = machine.snapshot();
    let id = EffectId([3; 16]);
    let outcome = Outcome::Ok(Payload::Inline(Value::Null));
    let form = Payload::Inline(Value::Null);
    let long = Input::Signal {
        name: "paid".into(),
        correlation: "x".repeat(600),
        sender: String::new(),
        payload: form.clone(),
    };
    let other =
        Input::Signal { name: "sent".into(), correlation: String::new(), sender: String::new(), payload: form.clone() };
    for (input, code) in [
        (long, "invalid_signal"),
        (other, "unknown_signal"),
        (Input::TaskAnswered { id, choice: "yes".into(), form, by: "ada".into() }, "unknown_task"),
        (Input::ChildEnded { id, outcome: outcome.clone() }, "unknown_child"),
        (Input::EffectCompleted { id, attempt: 1, outcome }, "unknown_effect"),
        (start(Value::Null, 0).value, "already_started"),
    ] {
        let refusal = machine.check(&input).unwrap_err();
        assert_eq!(refusal.code, code);
        assert!(!refusal.message.is_empty());
        assert!(!machine.handle(Stamped::new(Timestamp(9_000), input)).accepted);
    }
    assert_eq!(machine.snapshot(), before);
}

#[test]
fn a_mailbox_that_is_full_refuses_and_the_run_goes_on() {
    let mut machine = Machine::new(flow(SIGNALS));
    machine.handle(start(Value::Int(9), 0));
    for number in 0..1_000 {
        assert!(machine.handle(Stamped::new(Timestamp(2_000), signal(number, &number.to_string()))).accepted);
    }
    assert_eq!(machine.check(&signal(0, "one more")).unwrap_err().code, "mailbox_full");
    assert_eq!(machine.status(), RunStatus::Waiting);
}

#[test]
fn a_called_run_that_is_not_over_is_no_answer_and_each_attempt_is_another_call() {
    let text = r#"{"holon":1,"name":"t","nodes":{"start":{"kind":"trigger.manual@1"},"c":{"kind":"flow@1",
        "config":{"flow":"flow_x","version":"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},
        "policies":{"retry":{"attempts":2,"initial":0}}}},"edges":[{"from":"start.out","to":"c.in"}]}"#;
    let flow = flow(text);
    assert_eq!(flow.needs(), Needs { children: true, ..Needs::default() });
    let mut machine = Machine::new(flow);
    let child = |commands: &[Command]| {
        commands
            .iter()
            .find_map(|command| if let Command::StartChild(child) = command { Some(child.clone()) } else { None })
    };
    let first = child(&machine.handle(start(Value::Int(4), 0)).commands).unwrap();
    assert_eq!((first.flow.as_str(), first.depth, &first.input), ("flow_x", 1, &Value::Int(4)));
    let goes_on = Outcome::Continued { input: Payload::Inline(Value::Null) };
    assert_eq!(machine.check(&Input::ChildEnded { id: first.id, outcome: goes_on }).unwrap_err().code, "child_goes_on");
    let failed = Outcome::Failed { error: NodeError::new("broken", "no") };
    machine.handle(Stamped::new(Timestamp(2_000), Input::ChildEnded { id: first.id, outcome: failed }));
    let timer = machine
        .pending()
        .iter()
        .find_map(|command| if let Command::SetTimer { id, .. } = command { Some(*id) } else { None });
    let decision = machine.handle(Stamped::new(Timestamp(2_000), Input::TimerFired { id: timer.unwrap() }));
    let second = child(&decision.commands).unwrap();
    assert_ne!(first.id, second.id);
}

#[test]
fn the_preview_shows_all_ways_through_on_samples() {
    let text = r#"{"holon":1,"name":"t","nodes":{
        "start":{"kind":"trigger.manual@1"},
        "ask":{"kind":"flow.approval@1","config":{"title":"?","choices":[{"port":"yes"},{"port":"no"}],
            "form":{"type":"object","required":["why","n"],"properties":{"why":{"type":"string","minLength":3},"n":{"type":"integer","minimum":2}}}}},
        "paid":{"kind":"flow.signal@1","config":{"name":"paid"}},
        "other":{"kind":"flow@1","config":{"flow":"flow_x"}},
        "trip":{"kind":"saga@1","config":{"steps":[{"step":"book","compensate":"undo"},{"step":"fail"}]},"bodies":{
            "book":{"nodes":{"call":{"kind":"test.call@1"}},"edges":[]},"undo":{"nodes":{"call":{"kind":"test.call@1"}},"edges":[]},
            "fail":{"nodes":{"no":{"kind":"flow.fail@1","config":{"message":"no"}}},"edges":[]}}},
        "failed":{"kind":"test.set@1","config":{"value":{"$cel":"input.code"}}},
        "again":{"kind":"loop@1","config":{"until":{"$cel":"index == 2"},"max":5},"bodies":{"body":{"nodes":{"a":{"kind":"test.set@1"}},"edges":[]}}}},
        "edges":[{"from":"start.out","to":"ask.in"},{"from":"ask.no","to":"paid.in"},{"from":"paid.out","to":"other.in"},
            {"from":"other.out","to":"trip.in"},{"from":"trip.error","to":"failed.in"},{"from":"failed.out","to":"again.in"}],
        "samples":{"ask":{"choice":"no"},"paid":{"sum":5}}}"#;
    let catalogue = catalogue();
    let (flow, problems) = compile_draft(&definition(text), &catalogue);
    assert!(problems.is_empty());
    let shown = preview(&flow, &catalogue, &PreviewRequest::default());
    assert_eq!(shown.status(), RunStatus::Completed, "{:?}", shown.view.error);
    let node = |path: &str| shown.view.nodes.iter().find(|node| node.path == path).unwrap();
    let form = node("ask").output.as_ref().unwrap().get("no").unwrap().get("form").unwrap();
    assert_eq!(*form, value(r#"{"why":"xxx","n":2}"#));
    assert_eq!(node("other").input, Some(value(r#"{"sum":5}"#)));
    assert_eq!(node("again[2]/a").status, "succeeded");
    let steps: Vec<&str> = node("trip").saga.as_ref().unwrap().steps.iter().map(|step| step.state.as_str()).collect();
    assert_eq!(steps, ["compensated", "failed"]);
    assert_eq!(shown.sampled, ["ask", "other", "paid", "trip.book/call", "trip.undo/call"]);
}
