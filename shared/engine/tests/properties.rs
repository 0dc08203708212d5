//! The invariants of `reference/engine.md` §6, restated over `handle`, on flows and worlds from seeds.

use holon_engine::{
    Awaited, Command, Compiled, Decision, EffectId, EventKind, Input, Machine, Outcome, RunStatus, SnapshotError,
    Stamped, TimerId, compile, decode_input, drive,
    testing::{catalogue, flow, generate, rng::Rng, start, world::World},
    without_indices,
};
use holon_flow::Graph;
use holon_model::{Payload, Timestamp, Value};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, LazyLock},
};

/// Seeds each property is tried on; the parity gate runs ten thousand more through both platforms.
const SEEDS: u64 = 250;

static CATALOGUE: LazyLock<holon_flow::Catalogue> = LazyLock::new(catalogue);

struct Ran {
    flow: Arc<Compiled>,
    machine: Machine,
    steps: Vec<(Stamped<Input>, Decision)>,
}

fn compiled(seed: u64) -> Arc<Compiled> {
    compile(&generate::definition(seed), &CATALOGUE).unwrap_or_else(|problems| panic!("seed {seed}: {problems:?}"))
}

fn go_on(machine: &mut Machine, world: &mut World, seed: u64) -> Vec<(Stamped<Input>, Decision)> {
    let mut steps = Vec::new();
    drive(machine, world, &mut |input, decision| steps.push((input.clone(), decision.clone())));
    assert!(steps.len() < 100_000, "seed {seed} does not end");
    steps
}

fn run(seed: u64) -> Ran {
    let flow = compiled(seed);
    let mut machine = Machine::new(flow.clone());
    let mut world = World::new(seed, [start(generate::input(seed), seed)]);
    let steps = go_on(&mut machine, &mut world, seed);
    Ran { flow, machine, steps }
}

#[test]
fn every_run_ends_and_most_seeds_do_something() {
    let mut statuses = BTreeMap::new();
    let mut inputs = 0;
    for seed in 0..SEEDS {
        let ran = run(seed);
        assert!(ran.machine.status().is_terminal(), "seed {seed}: {:?}", ran.machine.pending());
        *statuses.entry(ran.machine.status().name()).or_insert(0u32) += 1;
        inputs += ran.steps.len();
    }
    assert!(statuses["completed"] > 50 && statuses["failed"] > 30, "{statuses:?}");
    assert!(inputs as u64 > 3 * SEEDS, "{inputs} inputs");
}

#[test]
fn r1_replay_equals_live_at_every_prefix() {
    for seed in 0..SEEDS {
        let ran = run(seed);
        let mut replayed = Machine::new(ran.flow.clone());
        for (input, decision) in &ran.steps {
            assert_eq!(replayed.handle(input.clone()), *decision, "seed {seed}");
            assert_eq!(replayed.log_hash(), decision.log_hash, "seed {seed}");
        }
        assert_eq!(replayed.view(), ran.machine.view(), "seed {seed}");
    }
}

#[test]
fn r2_after_a_crash_anywhere_pending_and_the_same_world_give_the_same_outcome() {
    for seed in 0..SEEDS {
        let ran = run(seed);
        for crash in 1..=ran.steps.len() {
            let journal = ran.steps[..crash].iter().map(|(input, ..)| input.clone());
            let mut machine = Machine::replay(ran.flow.clone(), journal);
            let mut world = World::new(seed, []).at(machine.at().unwrap());
            for command in machine.pending() {
                drive_command(&mut world, &machine, command);
            }
            drive(&mut machine, &mut world, &mut |_, _| {});
            assert_eq!(machine.log_hash(), ran.machine.log_hash(), "seed {seed}, crash after {crash}");
            assert_eq!(machine.outcome(), ran.machine.outcome(), "seed {seed}, crash after {crash}");
        }
    }
}

fn drive_command(world: &mut World, machine: &Machine, command: Command) {
    use holon_engine::Oracle;
    world.command(machine.at().unwrap(), command);
}

#[test]
fn r3_a_snapshot_and_the_tail_equal_the_whole() {
    for seed in 0..SEEDS {
        let ran = run(seed);
        let mut machine = Machine::new(ran.flow.clone());
        for (at, (input, ..)) in ran.steps.iter().enumerate() {
            machine.handle(input.clone());
            let bytes = machine.snapshot();
            let mut restored = Machine::restore(ran.flow.clone(), &bytes).unwrap();
            assert_eq!(restored.snapshot(), bytes, "seed {seed}");
            assert_eq!(restored.pending(), machine.pending(), "seed {seed}");
            // Each goes one input further, where its snapshot is compared with the next; now and then one goes to the end.
            let tail = &ran.steps[at + 1..];
            let far = if at % 8 == 0 { tail.len() } else { tail.len().min(1) };
            for (input, decision) in &tail[..far] {
                assert_eq!(restored.handle(input.clone()), *decision, "seed {seed}, snapshot after {at}");
            }
            if far == tail.len() {
                assert_eq!(restored.view(), ran.machine.view(), "seed {seed}, snapshot after {at}");
            } else {
                let mut next = machine.clone();
                next.handle(tail[0].0.clone());
                assert_eq!(restored.snapshot(), next.snapshot(), "seed {seed}, snapshot after {at}");
            }
        }
    }
}

#[test]
fn r4_one_id_always_carries_the_same_bytes() {
    for seed in 0..SEEDS {
        let ran = run(seed);
        let mut effects: BTreeMap<EffectId, Vec<u8>> = BTreeMap::new();
        let mut timers: BTreeMap<TimerId, Vec<u8>> = BTreeMap::new();
        let mut asks: BTreeMap<EffectId, Vec<u8>> = BTreeMap::new();
        let mut machine = Machine::new(ran.flow.clone());
        for (input, decision) in &ran.steps {
            machine.handle(input.clone());
            for command in decision.commands.iter().cloned().chain(machine.pending()) {
                let bytes = command.canonical();
                match &command {
                    Command::RunEffect(effect) => assert_eq!(*effects.entry(effect.id).or_insert(bytes.clone()), bytes),
                    Command::SetTimer { id, .. } => assert_eq!(*timers.entry(*id).or_insert(bytes.clone()), bytes),
                    Command::AwaitSignal { id, .. } => assert_eq!(*asks.entry(*id).or_insert(bytes.clone()), bytes),
                    Command::OpenTask(task) => assert_eq!(*asks.entry(task.id).or_insert(bytes.clone()), bytes),
                    Command::StartChild(child) => assert_eq!(*asks.entry(child.id).or_insert(bytes.clone()), bytes),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn r5_a_run_ends_once_and_nothing_happens_after() {
    for seed in 0..SEEDS {
        let mut ran = run(seed);
        let events: Vec<_> = ran.steps.iter().flat_map(|(_, decision)| &decision.events).collect();
        assert_eq!(events.iter().filter(|event| event.kind.is_terminal()).count(), 1, "seed {seed}");
        assert!(events.last().unwrap().kind.is_terminal(), "seed {seed}");
        assert!(events.windows(2).all(|pair| pair[0].id < pair[1].id), "seed {seed}");
        let hash = ran.machine.log_hash();
        for (input, ..) in ran.steps.clone() {
            let decision = ran.machine.handle(input);
            assert!(!decision.accepted && decision.events.is_empty() && decision.commands.is_empty());
        }
        let cancel = Input::Cancel { reason: String::new() };
        assert!(!ran.machine.handle(Stamped::new(Timestamp(i64::MAX), cancel)).accepted);
        assert_eq!(ran.machine.log_hash(), hash, "seed {seed}");
        assert_eq!(ran.machine.next_due(), None, "seed {seed}");
    }
}

#[test]
fn a_run_that_is_asked_to_go_on_ends_and_replays_wherever_it_was() {
    for seed in 0..SEEDS / 16 {
        let ran = run(seed);
        for kept in 1..ran.steps.len() {
            let mut journal: Vec<_> = ran.steps[..kept].iter().map(|(input, ..)| input.clone()).collect();
            let mut machine = Machine::replay(ran.flow.clone(), journal.clone());
            let again = Stamped::new(machine.at().unwrap(), Input::TriedAgain { by: "ada".into() });
            assert!(machine.handle(again.clone()).accepted, "seed {seed} after {kept}");
            journal.push(again);
            let restored = Machine::restore(ran.flow.clone(), &machine.snapshot()).unwrap();
            assert_eq!(restored.pending(), machine.pending(), "seed {seed} after {kept}");
            // Another world, in which nothing fails.
            let mut world = World::new(seed + 1_000, []).with_failures(0).at(machine.at().unwrap());
            for command in machine.pending() {
                drive_command(&mut world, &machine, command);
            }
            drive(&mut machine, &mut world, &mut |input, _| journal.push(input.clone()));
            assert!(machine.status().is_terminal(), "seed {seed} after {kept}: {:?}", machine.pending());
            assert_eq!(
                Machine::replay(ran.flow.clone(), journal).log_hash(),
                machine.log_hash(),
                "seed {seed} after {kept}"
            );
        }
    }
}

#[test]
fn r8_attempts_stay_within_the_policy_and_time_never_goes_back() {
    let text = |attempts: u32| {
        format!(
            r#"{{"holon":1,"name":"t","nodes":{{"start":{{"kind":"trigger.manual@1"}},"a":{{"kind":"test.call@1",
            "policies":{{"retry":{{"attempts":{attempts},"initial":"10ms","max":"1s"}}}}}}}},"edges":[{{"from":"start.out","to":"a.in"}}]}}"#
        )
    };
    for attempts in 1..=6 {
        let mut machine = Machine::new(flow(&text(attempts)));
        let mut world = World::new(1, [start(Value::Null, 9)]).with_failures(100);
        let mut seen = Vec::new();
        let mut last = Timestamp(0);
        drive(&mut machine, &mut world, &mut |input, decision| {
            assert!(input.at >= last && decision.next_due.is_none_or(|due| due >= decision.at));
            last = input.at;
            seen.extend(decision.commands.iter().filter_map(|command| match command {
                Command::RunEffect(effect) => Some(effect.attempt),
                _ => None,
            }));
        });
        assert!(seen.len() as u32 <= attempts && seen == (1..=seen.len() as u32).collect::<Vec<_>>(), "{seen:?}");
        assert_eq!(machine.status(), RunStatus::Failed);
    }
    for seed in 0..SEEDS {
        let ran = run(seed);
        assert!(ran.steps.windows(2).all(|pair| pair[0].0.at <= pair[1].0.at), "seed {seed}");
        // Not the numbers of attempts: those of an undo go on over all of its rounds.
        let mut begun: BTreeMap<String, u32> = BTreeMap::new();
        for event in ran.steps.iter().flat_map(|(_, decision)| &decision.events) {
            if let (EventKind::NodeStarted, Some(node)) = (&event.kind, &event.node) {
                *begun.entry(format!("{:?} {}", node.frame, node.key)).or_default() += 1;
            }
        }
        assert!(begun.values().all(|begun| *begun <= 3), "seed {seed}: {begun:?}");
    }
}

#[test]
fn r9_what_a_map_gathers_does_not_depend_on_the_order_of_completion() {
    let text = |gather: &str, items: usize| {
        format!(
            r#"{{"holon":1,"name":"t","nodes":{{"start":{{"kind":"trigger.manual@1"}},"each":{{"kind":"map@1",
            "config":{{"items":{{"$cel":"input"}},"gather":{gather},"concurrency":{items}}},
            "bodies":{{"body":{{"nodes":{{"call":{{"kind":"test.call@1","config":{{"value":{{"$cel":"item"}}}}}}}},"edges":[]}}}}}}}},
            "edges":[{{"from":"start.out","to":"each.in"}}]}}"#
        )
    };
    for items in 1..=6 {
        for (gather, failing) in [("\"all\"", None), ("\"all_settled\"", None), ("\"all_settled\"", Some(0))] {
            let flow = flow(&text(gather, items));
            let mut outcomes = permutations(items).into_iter().map(|order| {
                let mut machine = Machine::new(flow.clone());
                let list = Value::list((0..items).map(|item| Value::Int(item as i64)));
                let decision = machine.handle(start(list, 0));
                let calls: Vec<EffectId> = decision.commands.iter().filter_map(effect_id).collect();
                for item in order {
                    let outcome = if Some(item) == failing {
                        Outcome::Failed { error: holon_flow::capability::NodeError::new("broken", "no") }
                    } else {
                        Outcome::Ok(Payload::Inline(Value::Int(item as i64 * 7)))
                    };
                    let input = Input::EffectCompleted { id: calls[item], attempt: 1, outcome };
                    machine.handle(Stamped::new(Timestamp(2_000), input));
                }
                machine.outcome().cloned().unwrap()
            });
            let first = outcomes.next().unwrap();
            assert!(matches!(first, Outcome::Ok(_)));
            assert!(outcomes.all(|outcome| outcome == first), "{gather} of {items}");
        }
    }
}

#[test]
fn r6_so_many_items_win_as_were_asked_for_and_the_losers_are_cancelled() {
    let text = r#"{"holon":1,"name":"t","nodes":{"start":{"kind":"trigger.manual@1"},"each":{"kind":"map@1",
        "config":{"items":[0,1,2,3],"gather":{"first":2}},
        "bodies":{"body":{"nodes":{"call":{"kind":"test.call@1","config":{"value":{"$cel":"item"}}}},"edges":[]}}}},
        "edges":[{"from":"start.out","to":"each.in"}]}"#;
    let flow = flow(text);
    for order in permutations(4) {
        let mut machine = Machine::new(flow.clone());
        let calls: Vec<EffectId> =
            machine.handle(start(Value::Null, 0)).commands.iter().filter_map(effect_id).collect();
        let mut cancelled = Vec::new();
        for item in &order {
            let outcome = Outcome::Ok(Payload::Inline(Value::Int(*item as i64)));
            let input = Input::EffectCompleted { id: calls[*item], attempt: 1, outcome };
            let decision = machine.handle(Stamped::new(Timestamp(2_000), input));
            cancelled.extend(decision.commands.iter().filter_map(|command| match command {
                Command::CancelEffect { id } => Some(*id),
                _ => None,
            }));
        }
        let mut winners = [order[0] as i64, order[1] as i64];
        winners.sort_unstable();
        assert_eq!(machine.outcome(), Some(&Outcome::Ok(Payload::Inline(Value::list(winners.map(Value::Int))))));
        let mut losers = [calls[order[2]], calls[order[3]]];
        losers.sort_unstable();
        cancelled.sort_unstable();
        assert_eq!(cancelled, losers, "{order:?}");
    }
}

fn effect_id(command: &Command) -> Option<EffectId> {
    if let Command::RunEffect(effect) = command { Some(effect.id) } else { None }
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let smaller = permutations(count - 1);
    smaller
        .iter()
        .flat_map(|order| {
            (0..count).map(|at| {
                let mut order = order.clone();
                order.insert(at, count - 1);
                order
            })
        })
        .collect()
}

#[test]
fn r10_any_budget_ends_every_run() {
    for seed in 0..SEEDS {
        let flow = compiled(seed);
        for fuel in [0, 1, 5, 20, 60, 200] {
            let mut first = start(generate::input(seed), seed);
            if let Input::Start { run, .. } = &mut first.value {
                run.fuel = fuel;
            }
            let mut machine = Machine::new(flow.clone());
            drive(&mut machine, &mut World::new(seed, [first]), &mut |_, _| {});
            assert!(machine.status().is_terminal(), "seed {seed}, fuel {fuel}");
            assert!(machine.budget_left().0 <= fuel);
        }
        let mut first = start(generate::input(seed), seed);
        if let Input::Start { run, .. } = &mut first.value {
            run.bytes = 600;
        }
        let mut machine = Machine::new(flow);
        drive(&mut machine, &mut World::new(seed, [first]), &mut |_, _| {});
        assert!(machine.status().is_terminal(), "seed {seed}, few bytes");
    }
}

#[test]
fn cancelling_anywhere_ends_the_run_once_what_must_be_cleaned_up_is() {
    for seed in 0..SEEDS {
        let ran = run(seed);
        for at in 1..ran.steps.len() {
            let journal = ran.steps[..at].iter().map(|(input, ..)| input.clone());
            let mut machine = Machine::replay(ran.flow.clone(), journal);
            let cancel = Stamped::new(machine.at().unwrap(), Input::Cancel { reason: "enough".into() });
            let mut world = World::new(seed, [cancel]).at(machine.at().unwrap());
            for command in machine.pending() {
                drive_command(&mut world, &machine, command);
            }
            drive(&mut machine, &mut world, &mut |_, _| {});
            assert!(machine.status().is_terminal(), "seed {seed}, cancelled after {at}");
            assert_ne!(machine.status(), RunStatus::Completed, "seed {seed}, cancelled after {at}");
            assert!(
                machine.view().nodes.iter().all(|node| !matches!(&*node.status, "pending" | "running" | "waiting"))
            );
        }
    }
}

#[test]
fn r11_arbitrary_inputs_and_bytes_never_panic() {
    let mut rng = Rng::new(11);
    for seed in 0..SEEDS {
        let ran = run(seed);
        let snapshot = ran.machine.snapshot();
        // Inputs of other runs, in any order, to machines in any state.
        let other = run(seed + 1);
        let mut machine = Machine::new(ran.flow.clone());
        for _ in 0..30 {
            let from = if rng.percent(60) { &ran.steps } else { &other.steps };
            let mut input = from[rng.below(from.len() as u32) as usize].0.clone();
            if let (Input::EffectCompleted { attempt, .. }, true) = (&mut input.value, rng.percent(20)) {
                *attempt = rng.below(5);
            }
            if rng.percent(5) {
                input.value = Input::TimerFired { id: TimerId(u64::from(rng.below(9))) };
            }
            input.at = Timestamp(rng.next_u64().cast_signed());
            machine.handle(input);
        }
        // Bytes that are nearly an input, or nearly a snapshot.
        for (input, ..) in &ran.steps {
            let mut bytes = holon_engine::encode_input(&input.value);
            assert_eq!(decode_input(&bytes).as_ref(), Ok(&input.value));
            let at = rng.below(bytes.len() as u32) as usize;
            bytes[at] = rng.below(256) as u8;
            let _ = decode_input(&bytes);
            let _ = decode_input(&bytes[..at]);
        }
        let mut damaged = snapshot.clone();
        let at = rng.below(damaged.len() as u32) as usize;
        damaged[at] ^= 1 << rng.below(8);
        assert!(Machine::restore(ran.flow.clone(), &damaged).is_err());
        assert!(Machine::restore(ran.flow.clone(), &snapshot[..at]).is_err());
        let noise: Vec<u8> = (0..rng.below(300)).map(|_| rng.below(256) as u8).collect();
        assert!(Machine::restore(ran.flow.clone(), &noise).is_err());
        let _ = decode_input(&[&[1], noise.as_slice()].concat());
    }
    // Lists in lists in lists: two bytes a level.
    let deep: Vec<u8> = [1, 0, 0].into_iter().chain([5u8, 1].into_iter().cycle().take(200_000)).collect();
    assert!(decode_input(&deep).is_err());
}

#[test]
fn a_snapshot_of_another_definition_is_refused() {
    let (one, two) = (run(1), run(2));
    let refused = Machine::restore(two.flow, &one.machine.snapshot());
    assert_eq!(refused.err(), Some(SnapshotError::OtherDefinition));
}

#[test]
fn no_node_starts_twice_without_another_attempt() {
    for seed in 0..SEEDS {
        let ran = run(seed);
        let mut starts: BTreeMap<(String, u32), u32> = BTreeMap::new();
        for event in ran.steps.iter().flat_map(|(_, decision)| &decision.events) {
            if let (EventKind::NodeStarted, Some(node)) = (&event.kind, &event.node)
                // A compensation runs again until it succeeds.
                && !node.path().contains(".undo_")
            {
                // Scopes that are tried again begin their bodies anew; those are counted by their own attempts.
                *starts.entry((node.path(), node.attempts)).or_default() += 1;
            }
        }
        let retried = ran
            .steps
            .iter()
            .flat_map(|(_, decision)| &decision.events)
            .any(|event| event.node.as_ref().is_some_and(|node| node.attempts > 1));
        assert!(retried || starts.values().all(|count| *count == 1), "seed {seed}: {starts:?}");
    }
}

/// How many of each node may go on at a time, by its path without indices, where the flow bounds that.
fn bounds(graph: &Graph, prefix: &str, into: &mut BTreeMap<String, usize>) {
    for (key, node) in &graph.nodes {
        if let Some(limit) = node.policies.concurrency.filter(|_| !node.disabled) {
            into.insert(format!("{prefix}{key}"), limit as usize);
        }
        for (name, body) in &node.bodies {
            let name = if &**name == "body" { String::new() } else { format!(".{name}") };
            bounds(body, &format!("{prefix}{key}{name}/"), into);
        }
    }
}

#[test]
fn no_more_of_a_node_go_on_than_may_and_those_that_wait_begin_in_the_order_in_which_they_came() {
    let mut waited = 0;
    for seed in 0..4 * SEEDS {
        let ran = run(seed);
        let mut most = BTreeMap::new();
        bounds(&generate::definition(seed).graph, "", &mut most);
        let mut going: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut waiting: BTreeMap<String, VecDeque<String>> = BTreeMap::new();
        for (_, decision) in &ran.steps {
            for event in &decision.events {
                let Some(node) = &event.node else { continue };
                let (path, place) = (node.path(), without_indices(&node.path()));
                let Some(limit) = most.get(&place) else { continue };
                let (going, waiting) = (going.entry(place.clone()).or_default(), waiting.entry(place).or_default());
                match &event.kind {
                    EventKind::NodeAwaits { what: Awaited::Turn } => {
                        waited += 1;
                        waiting.push_back(path);
                    }
                    EventKind::NodeStarted if node.queued.is_some() && !going.contains(&path) => {
                        assert_eq!(waiting.pop_front(), Some(path.clone()), "seed {seed}: another one came earlier");
                        going.insert(path);
                    }
                    EventKind::NodeStarted => _ = going.insert(path),
                    EventKind::NodeSucceeded { .. } | EventKind::NodeFailed { .. } | EventKind::NodeCancelled => {
                        waiting.retain(|other| *other != path);
                        going.remove(&path);
                    }
                    _ => {}
                }
                assert!(going.len() <= *limit, "seed {seed}: {going:?}");
            }
            // Whoever waits when a decision is done waits for somebody.
            for (place, waiting) in &waiting {
                assert!(waiting.is_empty() || going[place].len() == most[place], "seed {seed}: {place} has room");
            }
        }
    }
    assert!(waited > 100, "{waited} had to wait: the flows are too small to tell");
}
