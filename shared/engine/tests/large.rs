//! Sizes at the limits: what a hostile or merely large flow costs stays in proportion.

use holon_engine::{
    Input, Machine, Outcome, RunStatus,
    testing::{flow, start},
};
use holon_model::Value;
use std::fmt::Write as _;

fn chain(count: u32, last: &str) -> String {
    let mut nodes = String::from(r#""start":{"kind":"trigger.manual@1"}"#);
    let mut edges = String::new();
    let mut before = "start".to_owned();
    for number in 1..count {
        let kind =
            if number + 1 == count { last } else { r#""kind":"test.set@1","config":{"value":[{"$cel":"input"}]}"# };
        write!(nodes, r#","n{number}":{{{kind}}}"#).unwrap();
        let comma = if number == 1 { "" } else { "," };
        write!(edges, r#"{comma}{{"from":"{before}.out","to":"n{number}.in"}}"#).unwrap();
        before = format!("n{number}");
    }
    format!(r#"{{"holon":1,"name":"t","nodes":{{{nodes}}},"edges":[{edges}]}}"#)
}

#[test]
fn a_value_that_every_node_wraps_once_more_fails_before_it_is_too_deep_for_anything() {
    let mut machine = Machine::new(flow(&chain(10_000, r#""kind":"test.set@1""#)));
    machine.handle(start(Value::Null, 0));
    let Some(Outcome::Failed { error }) = machine.outcome() else { panic!("{:?}", machine.outcome()) };
    assert_eq!(error.code, "too_deep");
    let skipped = machine.view().nodes.iter().filter(|node| node.status == "skipped").count();
    assert!(skipped > 9_000, "{skipped}");
}

#[test]
fn a_start_input_that_is_too_deep_is_refused() {
    let deep = (0..200).fold(Value::Null, |value, _| Value::list([value]));
    let mut machine = Machine::new(flow(&chain(3, r#""kind":"test.set@1""#)));
    machine.handle(start(deep, 0));
    assert!(matches!(machine.outcome(), Some(Outcome::Failed { error }) if error.code == "too_deep"));
}

#[test]
fn twenty_thousand_items_run_and_their_snapshot_restores() {
    let text = r#"{"holon":1,"name":"t","nodes":{"start":{"kind":"trigger.manual@1"},"each":{"kind":"map@1",
        "config":{"items":{"$cel":"input"},"concurrency":1000},
        "bodies":{"body":{"nodes":{"a":{"kind":"test.set@1","config":{"value":{"$cel":"item + 1"}}}},"edges":[]}}}},
        "edges":[{"from":"start.out","to":"each.in"}]}"#;
    let flow = flow(text);
    let mut machine = Machine::new(flow.clone());
    machine.handle(start(Value::list((0..20_000).map(Value::Int)), 0));
    assert_eq!(machine.status(), RunStatus::Completed);
    let restored = Machine::restore(flow, &machine.snapshot()).unwrap();
    assert_eq!(restored.log_hash(), machine.log_hash());
    assert_eq!(restored.view_of_first(3).nodes.len(), 2 + 3);
}

#[test]
fn a_run_that_would_take_too_much_memory_fails_with_out_of_fuel() {
    let text = r#"{"holon":1,"name":"t","nodes":{"start":{"kind":"trigger.manual@1"},"each":{"kind":"map@1",
        "config":{"items":{"$cel":"input"}},"bodies":{"body":{"nodes":{"a":{"kind":"test.set@1"}},"edges":[]}}}},
        "edges":[{"from":"start.out","to":"each.in"}]}"#;
    let mut first = start(Value::list((0..20_000).map(Value::Int)), 0);
    if let Input::Start { run, .. } = &mut first.value {
        run.bytes = 1_000_000;
    }
    let mut machine = Machine::new(flow(text));
    machine.handle(first);
    assert!(matches!(machine.outcome(), Some(Outcome::Failed { error }) if error.code == "out_of_fuel"));
    assert!(machine.view().nodes.len() < 2_000);
}
