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

/// A batch that collects, and how to bring or take back what a run of this number has.
fn collecting(budget: u64) -> (Machine, impl Fn(u32) -> Input, impl Fn(u32) -> Input) {
    let flow = compile(&definition(COLLECTS), &catalogue()).unwrap();
    let mut machine = Machine::new(flow);
    let mut start = begins("each/collect/", 1, 0).remove(0);
    if let Input::Start { input, run } = &mut start.value {
        let bounds = [("size", Value::Int(1_000)), ("within", Value::Int(20)), ("key", Value::from(""))];
        (*input, run.bytes) = (Value::map(bounds).into(), budget);
    }
    assert!(machine.handle(start).accepted);
    let member = |number| Parent { run: run_id(100 + number), id: EffectId([7; 16]) };
    let joins =
        move |number| Input::Joined { member: member(number), item: Payload::Inline(Value::from("x".repeat(64))) };
    (machine, joins, move |number| Input::Left { member: member(number) })
}

#[test]
fn what_is_taken_back_before_it_came_is_not_taken_when_it_comes_also_after_a_restart() {
    let (mut machine, joins, leaves) = collecting(u64::MAX);
    let handle = |machine: &mut Machine, input: Input| machine.handle(Stamped::new(Timestamp(1_001), input)).accepted;
    assert!(handle(&mut machine, leaves(1)));
    let before = machine.next_due();
    let mut machine = Machine::restore(machine.flow().clone(), &machine.snapshot()).unwrap();
    assert_eq!(machine.check(&joins(1)).unwrap_err().code, "batch_closed");
    assert_eq!(machine.check(&leaves(1)).unwrap_err().code, "batch_closed");
    assert!(handle(&mut machine, joins(2)));
    assert_ne!(machine.next_due(), before, "it is the first item, and the time counts from it");
}

#[test]
fn who_was_sent_on_always_is_also_when_others_take_back_what_they_brought() {
    let (mut machine, joins, leaves) = collecting(1_200);
    let mut handle = |input: Input| machine.handle(Stamped::new(Timestamp(1_001), input)).accepted;
    let taken = (0..100).take_while(|number| handle(joins(*number))).count();
    assert!((2..10).contains(&taken), "{taken}");
    assert!((0..taken).all(|number| handle(leaves(number.try_into().unwrap()))));
    // It may be in another batch by now: this is what was sent twice.
    assert!(!handle(joins(taken.try_into().unwrap())));
}

#[test]
fn a_batch_has_to_do_with_ten_thousand_members_at_most_and_sends_on_who_comes_then() {
    let (mut machine, joins, leaves) = collecting(u64::MAX);
    let mut handle = |input: Input| machine.handle(Stamped::new(Timestamp(1_001), input)).accepted;
    let gone = (0..20_000).take_while(|number| handle(joins(*number)) && handle(leaves(*number))).count();
    assert_eq!(gone, 10_000);
    assert!(!handle(joins(30_000)) && !handle(leaves(30_000)), "neither is remembered, and neither is taken");
    assert!(!handle(joins(1)), "who took something back still did");
    assert!(machine.snapshot().len() < 1 << 20, "a larger one is not kept");
}

#[test]
fn the_batches_of_a_preview_share_its_budget_and_many_of_them_end_soon() {
    let catalogue = catalogue();
    let many = COLLECTS.replace("[1,2,3,4,5]", &format!("[{}]", vec!["1"; 2_000].join(",")));
    let all = many.replace(r#""size":2"#, r#""size":1"#).replace(
        "trigger.map(x, [x, size(trigger)])",
        "[1, 2, 3, 4, 5, 6, 7, 8].map(a, [1, 2, 3, 4, 5, 6, 7, 8].map(b, a * b))",
    );
    let (flow, problems) = compile_draft(&definition(&all), &catalogue);
    assert!(problems.is_empty(), "{problems:?}");
    let budget = holon_model::context::Budget { fuel: 400_000, bytes: 64 << 20 };
    let request = PreviewRequest { budget, items: 10, ..PreviewRequest::default() };
    let done = preview(&flow, &catalogue, &request);
    assert_eq!(done.view.error.map(|error| error.code).as_deref(), Some("out_of_fuel"));
    let marks = done.view.nodes.iter().filter(|node| node.path == "each/collect/mark").count();
    assert_eq!(marks, 10, "those of the last ones are shown");
    let plenty = holon_model::context::Budget { fuel: 400_000_000, bytes: 512 << 20 };
    let done = preview(&flow, &catalogue, &PreviewRequest { budget: plenty, ..request });
    assert_eq!(done.status(), RunStatus::Completed);
    let edge = done.edges.iter().find(|edge| edge.from == "each/collect/send.out").unwrap();
    assert_eq!((edge.state, edge.count), ("taken", 2_000), "all of them are counted");
}

#[test]
fn what_does_not_fit_into_a_batch_of_a_preview_goes_into_the_next_one() {
    let catalogue = catalogue();
    let item = "x".repeat(4_000);
    let text = COLLECTS
        .replace("[1,2,3,4,5]", "[1,2,3]")
        .replace(r#""size":2,"#, &format!(r#""size":3,"item":["{item}",{{"$cel":"input"}}],"#))
        .replace("trigger.map(x, [x, size(trigger)])", "trigger.map(x, [x[1], size(trigger)])");
    let (flow, problems) = compile_draft(&definition(&text), &catalogue);
    assert!(problems.is_empty(), "{problems:?}");
    let budget = holon_model::context::Budget { fuel: 5_000_000, bytes: 24_000 };
    let done = preview(&flow, &catalogue, &PreviewRequest { budget, ..PreviewRequest::default() });
    assert_eq!(done.view.output, Some(value("[[1,2],[2,2],[3,1]]")));
}
