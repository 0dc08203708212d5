//! Compensations that are tried again ask with one key, so that a receiver that honours keys undoes once.

use holon_engine::{
    Command, EffectId, Input, Machine, Outcome, RunInfo, SEMANTICS, Stamped,
    testing::{flow, run_id},
};
use holon_flow::capability::NodeError;
use holon_model::{Payload, Timestamp, Value, json};
use std::collections::{BTreeMap, VecDeque};

/// Books and fails; what undoes it is to be filled in.
fn saga(undo: &str, retry: &str) -> String {
    format!(
        r#"{{"holon":1,"name":"t","nodes":{{"start":{{"kind":"trigger.manual@1"}},"trip":{{"kind":"saga@1","config":{{"steps":[
        {{"step":"book","compensate":"undo","retry":{retry}}},{{"step":"fail"}}]}},"bodies":{{
        "book":{{"nodes":{{"a":{{"kind":"test.call@1"}}}},"edges":[]}},"undo":{undo},
        "fail":{{"nodes":{{"no":{{"kind":"flow.fail@1","config":{{"code":"full","message":"no"}}}}}},"edges":[]}}}}}}}},
        "edges":[{{"from":"start.out","to":"trip.in"}}]}}"#
    )
}

/// What came to the outside: path, key and attempt.
type Calls = Vec<(String, String, u32)>;

/// Runs it; each undo is applied and answered with an error as long as `answers` says so, and a person says `retry` each time that
/// somebody is asked.
fn run(text: &str, semantics: u32, mut answers: impl FnMut(&str, usize) -> Outcome) -> (Machine, Calls) {
    let flow = flow(text);
    let mut machine = Machine::new(flow.clone());
    let mut info = RunInfo::new(run_id(1), 0, Timestamp(1_000));
    info.semantics = semantics;
    let begin = Input::Start { input: Payload::Inline(Value::Null), run: Box::new(info) };
    let mut calls = Calls::new();
    let mut bytes: BTreeMap<EffectId, Vec<u8>> = BTreeMap::new();
    let mut inputs = VecDeque::from([Stamped::new(Timestamp(1_000), begin)]);
    while let Some(input) = inputs.pop_front() {
        let at = input.at;
        for command in machine.handle(input).commands {
            let canonical = command.canonical();
            inputs.extend(match command {
                Command::RunEffect(effect) => {
                    assert_eq!(*bytes.entry(effect.id).or_insert(canonical.clone()), canonical, "{}", effect.path);
                    let before = calls.iter().filter(|(path, ..)| *path == effect.path).count();
                    calls.push((effect.path.clone(), effect.key, effect.attempt));
                    let outcome = answers(&effect.path, before);
                    Some(Stamped::new(at, Input::EffectCompleted { id: effect.id, attempt: effect.attempt, outcome }))
                }
                Command::SetTimer { id, due } => Some(Stamped::new(due, Input::TimerFired { id })),
                Command::OpenTask(task) => {
                    let form = Payload::Inline(Value::Null);
                    let again = Input::TaskAnswered { id: task.id, choice: "retry".into(), form, by: "ada".into() };
                    Some(Stamped::new(at, again))
                }
                _ => None,
            });
        }
        machine = Machine::restore(flow.clone(), &machine.snapshot()).unwrap();
        assert!(calls.len() < 100, "{calls:?}");
    }
    assert!(machine.status().is_terminal(), "{:?}", machine.pending());
    (machine, calls)
}

fn failed() -> Outcome {
    let mut error = NodeError::new("timeout", "no answer came in time");
    error.retryable = true;
    Outcome::Failed { error }
}

fn given(value: i64) -> Outcome {
    Outcome::Ok(Payload::Inline(Value::Int(value)))
}

/// The keys with which this node's effect came to the outside, in order.
fn keys<'a>(calls: &'a Calls, path: &str) -> Vec<&'a str> {
    calls.iter().filter(|(at, ..)| at == path).map(|(_, key, _)| key.as_str()).collect()
}

fn distinct(keys: &[&str]) -> usize {
    keys.iter().collect::<std::collections::BTreeSet<_>>().len()
}

const REFUND: &str = r#"{"nodes":{"refund":{"kind":"test.call@1"}},"edges":[]}"#;

#[test]
fn an_undo_that_its_policy_and_a_person_try_again_has_one_key() {
    // Twice by the policy, then a person is asked, twice again, and a person once more.
    let text = saga(REFUND, r#"{"attempts":2,"initial":10,"jitter":false}"#);
    let answers = |path: &str, before: usize| if path.ends_with("refund") && before < 4 { failed() } else { given(1) };
    let (machine, calls) = run(&text, SEMANTICS, answers);
    let refunds = keys(&calls, "trip.undo/refund");
    assert_eq!((refunds.len(), distinct(&refunds)), (5, 1), "{calls:?}");
    let attempts: Vec<u32> = calls.iter().filter(|(path, ..)| path.ends_with("refund")).map(|call| call.2).collect();
    assert_eq!(attempts, [1, 2, 3, 4, 5], "under one key attempts are numbered on");
    assert!(matches!(machine.outcome(), Some(Outcome::Failed { error }) if error.code == "full"));
    let (_, calls) = run(&text, 3, answers);
    let refunds = keys(&calls, "trip.undo/refund");
    assert_eq!((refunds.len(), distinct(&refunds)), (5, 5), "as an older meaning has it");
}

#[test]
fn a_policy_of_the_undo_itself_has_all_its_attempts_in_each_round() {
    let refund =
        r#"{"nodes":{"refund":{"kind":"test.call@1","policies":{"retry":{"attempts":2,"initial":10}}}},"edges":[]}"#;
    let text = saga(refund, r#"{"attempts":2,"initial":10}"#);
    let answers = |path: &str, before: usize| if path.ends_with("refund") && before < 3 { failed() } else { given(1) };
    let (_, calls) = run(&text, SEMANTICS, answers);
    let refunds = keys(&calls, "trip.undo/refund");
    assert_eq!((refunds.len(), distinct(&refunds)), (4, 1), "{calls:?}");
}

#[test]
fn the_answer_of_an_earlier_round_is_none_to_a_later_one() {
    let text = saga(REFUND, r#"{"attempts":3,"initial":10}"#);
    let mut machine = Machine::new(flow(&text));
    let call = |commands: &[Command]| {
        let mut effects = commands.iter().rev().filter_map(|command| match command {
            Command::RunEffect(effect) => Some((effect.id, effect.attempt)),
            _ => None,
        });
        effects.next()
    };
    let info = Box::new(RunInfo::new(run_id(1), 0, Timestamp(1_000)));
    let begin = Input::Start { input: Payload::Inline(Value::Null), run: info };
    let answer =
        |(id, attempt), outcome| Stamped::new(Timestamp(2_000), Input::EffectCompleted { id, attempt, outcome });
    let book = call(&machine.handle(Stamped::new(Timestamp(1_000), begin)).commands).unwrap();
    let first = call(&machine.handle(answer(book, given(1))).commands).unwrap();
    let paused = machine.handle(answer(first, failed())).commands;
    let timer = paused.iter().find_map(|command| match command {
        Command::SetTimer { id, .. } => Some(*id),
        _ => None,
    });
    let again = Stamped::new(Timestamp(9_000), Input::TimerFired { id: timer.unwrap() });
    let second = call(&machine.handle(again).commands).unwrap();
    assert_eq!((first.0, first.1 + 1), (second.0, second.1));
    assert!(!machine.handle(answer(first, given(7))).accepted, "it was given up");
    assert!(machine.handle(answer(second, given(7))).accepted);
    assert!(machine.status().is_terminal());
}

#[test]
fn what_may_be_done_once_only_has_another_key_each_time() {
    let once = r#"{"nodes":{"once":{"kind":"test.once@1"}},"edges":[]}"#;
    let text = saga(once, r#"{"attempts":3,"initial":10}"#);
    let answers = |path: &str, before: usize| if path.ends_with("once") && before < 2 { failed() } else { given(1) };
    let (_, calls) = run(&text, SEMANTICS, answers);
    let done = keys(&calls, "trip.undo/once");
    assert_eq!((done.len(), distinct(&done)), (3, 3), "{calls:?}");
}

#[test]
fn another_question_has_another_key_and_the_same_one_its_own() {
    // What it asks for depends on what was looked up in this round.
    let undo = r#"{"nodes":{"look":{"kind":"test.call@1"},"refund":{"kind":"test.call@1","config":{"value":{"$cel":"nodes.look"}}}},
        "edges":[{"from":"look.out","to":"refund.in"}]}"#;
    let text = saga(undo, r#"{"attempts":5,"initial":10}"#);
    let seen = [1, 1, 2, 1];
    let answers = |path: &str, before: usize| match path {
        "trip.undo/look" => given(seen[before]),
        "trip.undo/refund" if before < 3 => failed(),
        _ => given(0),
    };
    let (_, calls) = run(&text, SEMANTICS, answers);
    let refunds = keys(&calls, "trip.undo/refund");
    assert_eq!(refunds.len(), 4);
    assert_eq!(distinct(&refunds), 2, "{refunds:?}");
    assert!(refunds[0] == refunds[1] && refunds[0] == refunds[3] && refunds[0] != refunds[2], "{refunds:?}");
}

#[test]
fn what_a_saga_inside_a_compensation_undid_it_does_anew() {
    let undo = r#"{"nodes":{"s":{"kind":"saga@1","config":{"steps":[{"step":"one","compensate":"back"},{"step":"two"}]},"bodies":{
        "one":{"nodes":{"a":{"kind":"test.call@1"}},"edges":[]},"back":{"nodes":{"b":{"kind":"test.call@1"}},"edges":[]},
        "two":{"nodes":{"c":{"kind":"test.call@1"}},"edges":[]}}}},"edges":[]}"#;
    let text = saga(undo, r#"{"attempts":2,"initial":10}"#);
    // In the first round the inner saga fails, and undoes at its second try.
    let answers = |path: &str, before: usize| match path {
        "trip.undo/s.two/c" | "trip.undo/s.back/b" if before == 0 => failed(),
        _ => given(1),
    };
    let (_, calls) = run(&text, SEMANTICS, answers);
    let of = |path: &str| keys(&calls, path);
    assert_eq!((of("trip.undo/s.one/a").len(), distinct(&of("trip.undo/s.one/a"))), (2, 2), "it was undone between");
    assert_eq!((of("trip.undo/s.back/b").len(), distinct(&of("trip.undo/s.back/b"))), (2, 1));
}

#[test]
fn a_saga_that_is_tried_again_as_a_whole_undoes_another_booking_with_another_key() {
    let text = saga(REFUND, r#"{"attempts":2,"initial":10}"#);
    let text = text.replace(
        r#""kind":"saga@1","config""#,
        r#""kind":"saga@1","policies":{"retry":{"attempts":2,"initial":10}},"config""#,
    );
    let definition = json::parse(text.as_bytes()).unwrap();
    assert!(
        definition.get("nodes").and_then(|nodes| nodes.get("trip")).and_then(|trip| trip.get("policies")).is_some()
    );
    let (_, calls) =
        run(
            &text,
            SEMANTICS,
            |path, before| {
                if path.ends_with("refund") && before % 2 == 0 { failed() } else { given(1) }
            },
        );
    let refunds = keys(&calls, "trip.undo/refund");
    assert_eq!((refunds.len(), distinct(&refunds)), (4, 2), "{calls:?}");
    assert_eq!(distinct(&keys(&calls, "trip.book/a")), 2);
}
