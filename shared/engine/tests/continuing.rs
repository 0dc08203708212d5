//! What goes on with a run that goes on in another one: the signals that nobody took, and the senders that are known.

use holon_engine::{
    Command, EffectId, Input, Lineage, Machine, Mail, Outcome, RunInfo, RunStatus, SEMANTICS, Stamped, compile,
    decode_input, drive, encode_input,
    testing::{catalogue, flow, generate, rng::Rng, run_id, world::World},
};
use holon_model::{Payload, Timestamp, Value};
use std::collections::BTreeMap;

/// Takes one signal, does something with it, and goes on in another run.
const ACTOR: &str = r#"{"holon":1,"name":"t","nodes":{"start":{"kind":"trigger.manual@1"},
    "order":{"kind":"flow.signal@1","config":{"name":"order","correlation":"x"}},"handle":{"kind":"test.call@1"},
    "again":{"kind":"flow.continue@1","config":{"input":{"$cel":"trigger + 1"}}}},
    "edges":[{"from":"start.out","to":"order.in"},{"from":"order.out","to":"handle.in"},{"from":"handle.out","to":"again.in"}]}"#;

fn signal(sender: i64) -> Input {
    let payload = Payload::Inline(Value::Int(sender));
    Input::Signal { name: "order".into(), correlation: "x".into(), sender: sender.to_string(), payload }
}

/// The start of the run number `generation` of a chain, as a host makes it.
fn begin(generation: u32, mail: Option<Mail>, semantics: u32) -> Stamped<Input> {
    let at = Timestamp(1_000);
    let mut run = RunInfo::new(run_id(generation + 1), 0, at);
    run.semantics = semantics;
    run.mail = mail.map(Box::new);
    run.lineage = (generation > 0).then(|| {
        let continued_from = Some(run_id(generation));
        Box::new(Lineage { continued_from, generation: generation.into(), ..Lineage::default() })
    });
    let input = Input::Start { input: Payload::Inline(Value::Int(generation.into())), run: Box::new(run) };
    let read = decode_input(&encode_input(&input)).unwrap();
    assert_eq!(read, input, "what a run begins with reads back from its journal");
    Stamped::new(at, read)
}

fn call(commands: &[Command]) -> Option<EffectId> {
    commands.iter().find_map(|command| if let Command::RunEffect(effect) = command { Some(effect.id) } else { None })
}

fn answer(id: EffectId) -> Stamped<Input> {
    let outcome = Outcome::Ok(Payload::Inline(Value::Null));
    Stamped::new(Timestamp(2_000), Input::EffectCompleted { id, attempt: 1, outcome })
}

/// What a node of this name received or gave, in a run that is over.
fn given(machine: &Machine, path: &str) -> Value {
    let view = machine.view();
    view.nodes
        .iter()
        .find(|node| node.path == path)
        .and_then(|node| node.output.as_ref()?.get("out").cloned())
        .unwrap_or_default()
}

#[test]
fn every_signal_is_used_once_and_in_order_over_as_many_runs_as_there_are() {
    // Between which of the inputs the machine is taken from a snapshot makes no difference.
    for restored in [false, true] {
        let flow = flow(ACTOR);
        let mut mail = None;
        let mut handled = Vec::new();
        for generation in 0..7 {
            let mut machine = Machine::new(flow.clone());
            let again = |machine: Machine| match restored {
                true => Machine::restore(flow.clone(), &machine.snapshot()).unwrap(),
                false => machine,
            };
            let mut commands = machine.handle(begin(generation, mail.take(), SEMANTICS)).commands;
            machine = again(machine);
            // All of them come in the first run, and are told to each one after it again.
            for sender in 0..7 {
                let decision = machine.handle(Stamped::new(Timestamp(2_000), signal(sender)));
                assert_eq!(decision.accepted, generation == 0, "{sender} in {generation}");
                commands.extend(decision.commands);
                machine = again(machine);
            }
            machine.handle(answer(call(&commands).expect("a signal is there")));
            machine = again(machine);
            assert_eq!(machine.status(), RunStatus::Continued);
            handled.push(given(&machine, "order"));
            mail = machine.mail();
            assert_eq!(mail.as_ref().unwrap().waiting(), 6 - generation as usize);
        }
        assert_eq!(handled, (0..7).map(Value::Int).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_handed_on_is_in_the_log_hash_of_both_runs() {
    let ended = |signals: &[i64]| {
        let mut machine = Machine::new(flow(ACTOR));
        let mut commands = machine.handle(begin(0, None, SEMANTICS)).commands;
        for sender in signals {
            commands.extend(machine.handle(Stamped::new(Timestamp(2_000), signal(*sender))).commands);
        }
        machine.handle(answer(call(&commands).unwrap()));
        machine
    };
    let began = |mail: Option<Mail>| {
        let mut machine = Machine::new(flow(ACTOR));
        machine.handle(begin(1, mail, SEMANTICS)).log_hash
    };
    let hashes = [None, ended(&[1]).mail(), ended(&[1, 2]).mail(), ended(&[1, 3]).mail()].map(began);
    for (at, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..at].contains(hash), "{at}");
    }
}

#[test]
fn a_run_of_an_older_meaning_hands_on_too() {
    for semantics in [3, SEMANTICS] {
        let mut machine = Machine::new(flow(ACTOR));
        let mut commands = machine.handle(begin(0, None, semantics)).commands;
        for sender in [1, 2] {
            commands.extend(machine.handle(Stamped::new(Timestamp(2_000), signal(sender))).commands);
        }
        assert_eq!(machine.mail(), None, "nothing is handed on before the end");
        machine.handle(answer(call(&commands).unwrap()));
        assert_eq!(machine.mail().unwrap().waiting(), 1);
        let mut next = Machine::new(flow(ACTOR));
        next.handle(begin(1, machine.mail(), SEMANTICS));
        assert!(next.has_counted(&signal(1)) && next.has_counted(&signal(2)) && !next.has_counted(&signal(3)));
        assert_eq!(given(&next, "order"), Value::Int(2));
    }
}

#[test]
fn of_a_chain_of_runs_a_thousand_senders_are_known_and_of_one_run_all() {
    let flow = flow(ACTOR);
    let mut machine = Machine::new(flow.clone());
    let mut commands = machine.handle(begin(0, None, SEMANTICS)).commands;
    commands.extend(machine.handle(Stamped::new(Timestamp(2_000), signal(0))).commands);
    // One waits as the oldest, and is waited for by nobody.
    for sender in 1..1_001 {
        assert!(machine.handle(Stamped::new(Timestamp(2_000), signal(sender))).accepted, "{sender}");
    }
    assert_eq!(machine.check(&signal(2_000)).unwrap_err().code, "mailbox_full");
    assert!((0..1_001).all(|sender| machine.has_counted(&signal(sender))));
    machine.handle(answer(call(&commands).unwrap()));
    let mut next = Machine::new(flow);
    let commands = next.handle(begin(1, machine.mail(), SEMANTICS)).commands;
    assert!(!next.has_counted(&signal(0)), "a thousand came after it");
    assert!((1..1_001).all(|sender| next.has_counted(&signal(sender))));
    // The first of them is being handled: there is room for one.
    assert!(next.handle(Stamped::new(Timestamp(2_000), signal(2_000))).accepted);
    assert_eq!(next.check(&signal(2_001)).unwrap_err().code, "mailbox_full");
    next.handle(answer(call(&commands).unwrap()));
    assert_eq!(next.mail().unwrap().waiting(), 1_000);
}

#[test]
fn what_may_go_on_in_another_run_weighs_no_more_than_its_start_can_carry() {
    let heavy = |sender: i64, name: &str| Input::Signal {
        name: name.into(),
        correlation: "x".into(),
        sender: sender.to_string(),
        payload: Payload::Inline(Value::from("x".repeat(3 << 20))),
    };
    let mut machine = Machine::new(flow(ACTOR));
    let commands = machine.handle(begin(0, None, SEMANTICS)).commands;
    assert!(call(&commands).is_none());
    // The first is waited for, and weighs nothing here.
    for sender in 0..6 {
        assert!(machine.handle(Stamped::new(Timestamp(2_000), heavy(sender, "order"))).accepted, "{sender}");
    }
    assert_eq!(machine.check(&heavy(6, "order")).unwrap_err().code, "mailbox_full");
    machine = Machine::restore(flow(ACTOR), &machine.snapshot()).unwrap();
    assert_eq!(machine.check(&heavy(6, "order")).unwrap_err().code, "mailbox_full");
    assert!(machine.accepts(&signal(7)), "a light one has room");
    // A flow that ends with its run has its budget as the only bound.
    let ends =
        ACTOR.replace(r#""again":{"kind":"flow.continue@1","config""#, r#""again":{"kind":"test.set@1","config""#);
    let mut machine = Machine::new(flow(&ends));
    machine.handle(begin(0, None, SEMANTICS));
    for sender in 0..10 {
        assert!(machine.handle(Stamped::new(Timestamp(2_000), heavy(sender, "order"))).accepted, "{sender}");
    }
}

/// The flow of a seed, as often as it goes on: what came early and what was taken, by name and correlation.
fn chain(seed: u64) -> Option<(u32, usize)> {
    let flow = compile(&generate::definition(seed), &catalogue()).unwrap();
    if !flow.needs().continuing || !flow.needs().signals {
        return None;
    }
    let mut rng = Rng::new(seed);
    let (mut mail, mut carried, mut came) = (None, 0, 0_i64);
    let mut waiting: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for generation in 0..4 {
        let mut first = begin(generation, mail.take(), SEMANTICS);
        if let Input::Start { input, run } = &mut first.value {
            *input = Payload::Inline(generate::input(seed));
            run.seed = seed;
        }
        let mut machine = Machine::new(flow.clone());
        let mut inputs = vec![first];
        for name in ["paid", "sent"] {
            for _ in 0..rng.below(3) {
                came += 1;
                let (sender, payload) = (format!("early {came}"), Payload::Inline(Value::Int(came)));
                let input = Input::Signal { name: name.into(), correlation: "nobody".into(), sender, payload };
                inputs.push(Stamped::new(Timestamp(1_000), input));
            }
        }
        for input in &inputs {
            if let Input::Signal { name, payload, .. } = &input.value {
                let mut copy = machine.clone();
                if copy.handle(input.clone()).accepted {
                    waiting.entry(name.clone()).or_default().extend(payload.to_value().as_int());
                }
            }
            machine.handle(input.clone());
        }
        let mut world = World::new(seed, []).at(machine.at().unwrap());
        for command in machine.pending() {
            holon_engine::Oracle::command(&mut world, Timestamp(1_000), command);
        }
        drive(&mut machine, &mut world, &mut |_, _| {});
        let last = Machine::restore(flow.clone(), &machine.snapshot()).unwrap();
        assert_eq!(last.mail(), machine.mail(), "seed {seed}");
        if machine.status() != RunStatus::Continued {
            return Some((generation, carried));
        }
        mail = machine.mail();
        let waits: usize = waiting.values().map(Vec::len).sum();
        assert_eq!(mail.as_ref().map_or(0, Mail::waiting), waits, "seed {seed}: nothing of {waiting:?} is lost");
        carried += waits;
    }
    Some((4, carried))
}

#[test]
fn no_signal_is_lost_where_generated_flows_go_on() {
    let chains: Vec<_> = (0..1_500).filter_map(chain).collect();
    let goes_on = chains.iter().filter(|(generations, _)| *generations > 0).count();
    let carried: usize = chains.iter().map(|(_, carried)| carried).sum();
    assert!(goes_on > 10 && carried > 20, "{goes_on} of {} go on, with {carried} signals", chains.len());
}
