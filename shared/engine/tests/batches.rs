//! Batches as runs of their own: what generated ones come to, whatever is cut off in between, and how a preview runs them.

use holon_engine::{
    Command, Compiled, EffectId, Input, Machine, Oracle, Parent, PreviewRequest, RunInfo, RunStatus, Stamped, compile,
    compile_draft, drive, preview, share,
    testing::{catalogue, definition, generate, run_id, world::World},
};
use holon_flow::Graph;
use holon_model::{Millis, Payload, Timestamp, Value, json};
use std::sync::Arc;

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

/// The paths of the bodies that batches run.
fn batches(graph: &Graph, prefix: &str, into: &mut Vec<String>) {
    for (key, node) in &graph.nodes {
        for (name, body) in &node.bodies {
            let name = if &**name == "body" { String::new() } else { format!(".{name}") };
            let path = format!("{prefix}{key}{name}/");
            if &*node.kind.name == "batch" {
                into.push(path.clone());
            }
            batches(body, &path, into);
        }
    }
}

/// What happens to a batch of this path: it begins, and so many bring something.
fn begins(path: &str, seed: u64, members: u32) -> Vec<Stamped<Input>> {
    let at = Timestamp(1_000);
    let run = RunInfo { trigger: Some(path.into()), ..RunInfo::new(run_id(1), seed, at) };
    let bounds = Value::map([("size", Value::Int(3)), ("within", Value::Int(20)), ("key", Value::from(""))]);
    let mut inputs = vec![Stamped::new(at, Input::Start { input: bounds.into(), run: Box::new(run) })];
    for number in 0..members {
        let member = Parent { run: run_id(100 + number), id: EffectId([number.to_le_bytes()[0]; 16]) };
        let item = Payload::Inline(Value::Int(i64::from(number)));
        inputs.push(Stamped::new(at.plus(Millis(u64::from(number))), Input::Joined { member, item }));
    }
    inputs
}

#[test]
fn a_batch_ends_replays_restores_and_goes_on_after_a_crash_anywhere() {
    let catalogue = catalogue();
    let (mut ran, mut completed) = (0, 0);
    for seed in 0..2_000 {
        let definition = generate::definition(seed);
        let mut paths = Vec::new();
        batches(&definition.graph, "", &mut paths);
        let Some(path) = paths.first() else { continue };
        let flow: Arc<Compiled> = compile(&definition, &catalogue).unwrap();
        for members in [0, 1, 3] {
            let mut machine = Machine::new(flow.clone());
            let mut world = World::new(seed, begins(path, seed, members));
            let mut steps = Vec::new();
            drive(&mut machine, &mut world, &mut |input, decision| steps.push((input.clone(), decision.clone())));
            assert!(machine.status().is_terminal(), "seed {seed}: {:?}", machine.pending());
            ran += 1;
            completed += u32::from(machine.status() == RunStatus::Completed);
            assert!(machine.view().nodes.iter().all(|node| node.path.starts_with(path)), "seed {seed}");
            let mut replayed = Machine::new(flow.clone());
            for (at, (input, decision)) in steps.iter().enumerate() {
                assert_eq!(replayed.handle(input.clone()), *decision, "seed {seed}");
                let restored = Machine::restore(flow.clone(), &replayed.snapshot()).unwrap();
                assert_eq!(restored.pending(), replayed.pending(), "seed {seed} after {at}");
                assert_eq!(restored.view(), replayed.view(), "seed {seed} after {at}");
                // Whoever takes it up goes on to the same end, once all items have come.
                if at >= members as usize {
                    let mut again = restored;
                    let mut world = World::new(seed, []).at(again.at().unwrap());
                    for command in again.pending() {
                        world.command(again.at().unwrap(), command);
                    }
                    drive(&mut again, &mut world, &mut |_, _| {});
                    assert_eq!(again.log_hash(), machine.log_hash(), "seed {seed} after {at}");
                }
            }
        }
    }
    assert!(ran > 100 && completed > 50, "{ran} ran, {completed} completed");
}

#[test]
fn each_member_gets_its_own_element_where_there_is_one_for_each() {
    let outcome = |value: &str| holon_engine::Outcome::Ok(self::value(value).into());
    assert_eq!(share(&outcome("[1, 2]"), 1, 2), outcome("2"));
    assert_eq!(share(&outcome("[1, 2]"), 1, 3), outcome("[1, 2]"));
    assert_eq!(share(&outcome(r#"{"sent": 2}"#), 0, 2), outcome(r#"{"sent": 2}"#));
}

const COLLECTS: &str = r#"{"holon":1,"name":"t","nodes":{
    "start":{"kind":"trigger.manual@1"},
    "each":{"kind":"map@1","config":{"items":{"$cel":"input"}},"bodies":{"body":{"nodes":{
        "collect":{"kind":"batch@1","config":{"size":2,"within":"1h"},"bodies":{"body":{"nodes":{
            "send":{"kind":"test.call@1","config":{"value":{"$cel":"input"}}},
            "mark":{"kind":"test.set@1","config":{"value":{"$cel":"trigger.map(x, [x, size(trigger)])"}}}},
            "edges":[{"from":"send.out","to":"mark.in"}]}}}},"edges":[]}}}},
    "edges":[{"from":"start.out","to":"each.in"}],
    "samples":{"start":[1,2,3,4,5],"each/collect/send":{"sent":true}}}"#;

#[test]
fn a_preview_runs_batches_of_the_items_that_its_one_run_brings() {
    let catalogue = catalogue();
    let (flow, problems) = compile_draft(&definition(COLLECTS), &catalogue);
    assert!(problems.is_empty());
    let preview = preview(&flow, &catalogue, &PreviewRequest::default());
    assert_eq!(preview.status(), RunStatus::Completed);
    assert_eq!(preview.view.output, Some(value("[[1,2],[2,2],[3,2],[4,2],[5,1]]")));
    assert_eq!(preview.sampled, ["each/collect/send"]);
    let sends: Vec<_> = preview.view.nodes.iter().filter(|node| node.path == "each/collect/send").collect();
    let inputs: Vec<_> = sends.iter().map(|node| node.input.clone().unwrap().to_json()).collect();
    assert_eq!(inputs, ["[1,2]", "[3,4]", "[5]"], "once for each batch");
    let edge = preview.edges.iter().find(|edge| edge.from == "each/collect/send.out").unwrap();
    assert_eq!((edge.state, edge.count), ("taken", 3));
}

#[test]
fn what_fails_in_a_batch_fails_all_who_brought_something() {
    let catalogue = catalogue();
    let failing = COLLECTS.replace(
        r#""kind":"test.set@1","config":{"value":{"$cel":"trigger.map(x, [x, size(trigger)])"}}"#,
        r#""kind":"flow.fail@1","config":{"code":"on_purpose"}"#,
    );
    let failing = failing.replace(
        r#""config":{"items":{"$cel":"input"}}"#,
        r#""config":{"items":{"$cel":"input"},"gather":"all_settled"}"#,
    );
    let (flow, problems) = compile_draft(&definition(&failing), &catalogue);
    assert!(problems.is_empty(), "{problems:?}");
    let preview = preview(&flow, &catalogue, &PreviewRequest::default());
    let output = preview.view.output.unwrap();
    let statuses: Vec<_> = output.as_list().unwrap().iter().filter_map(|item| item.get("status")?.as_str()).collect();
    assert_eq!(statuses, ["failed"; 5]);
}

#[test]
fn a_command_that_starts_a_batch_carries_where_its_item_goes_outside_of_what_is_compared() {
    let text = COLLECTS.replace(r#""start":[1,2,3,4,5],"#, "");
    let flow = compile(&definition(&text), &catalogue()).unwrap();
    let mut machine = Machine::new(flow);
    let decision = machine.handle(holon_engine::testing::start(value("[1]"), 1));
    let child = decision.commands.iter().find_map(|command| match command {
        Command::StartChild(child) => Some(child.clone()),
        _ => None,
    });
    let child = child.unwrap();
    let joins = child.joins().unwrap();
    assert_eq!((joins.path.as_str(), joins.key.as_str(), &joins.item), ("each/collect/", "", &Value::Int(1)));
    assert!(machine.is_item(child.id));
    let chosen = Stamped::new(Timestamp(2_000), Input::BatchChosen { id: child.id, batch: run_id(9) });
    let decision = machine.handle(chosen.clone());
    let [Command::StartChild(again)] = decision.commands.as_slice() else { panic!("{:?}", decision.commands) };
    assert_eq!(again.batch, Some(run_id(9)));
    let bytes = |child: &holon_engine::StartChild| Command::StartChild(Box::new(child.clone())).canonical();
    assert_eq!(bytes(again), bytes(&child));
    assert_eq!(machine.pending(), decision.commands);
    assert!(!machine.handle(chosen).accepted, "it is known");
}
