//! Golden histories: each case of `corpus/` gives its output and its log hash, live, replayed and from snapshots.

use holon_engine::{
    Machine, Outcome,
    testing::corpus::{CASES, HASHES, lines, run},
};
use holon_model::Value;

#[test]
fn every_case_ends_as_it_says() {
    for (name, text) in CASES {
        let ran = run(text);
        let expected = |field: &str| ran.expected.get(field);
        let status = expected("status").and_then(Value::as_str).unwrap_or_default();
        assert_eq!(ran.machine.status().name(), status, "{name}: {:?}", ran.machine.outcome());
        match ran.machine.outcome() {
            Some(Outcome::Ok(output)) => assert_eq!(Some(&output.to_value()), expected("output"), "{name}"),
            Some(Outcome::Failed { error }) => {
                assert_eq!(Some(error.code.as_str()), expected("error").and_then(Value::as_str), "{name}: {error:?}");
            }
            _ => {}
        }
        assert!(ran.machine.pending().len() <= 2, "{name}: nothing but the answer and the end is outstanding");
    }
}

#[test]
fn every_case_has_the_log_hash_that_was_written_down() {
    // A changed hash is a changed meaning: raise `SEMANTICS`, or say in an ADR why old journals may not be replayed. Then
    // `cargo run -p holon-parity --bin parity -- corpus > shared/engine/corpus/hashes.txt`.
    for (now, then) in lines().lines().zip(HASHES.lines()) {
        assert_eq!(now, then);
    }
    assert_eq!(HASHES.lines().count(), CASES.len());
}

#[test]
fn every_case_replays_and_restores_at_every_input() {
    for (name, text) in CASES {
        let ran = run(text);
        let flow = ran.machine.flow().clone();
        let mut machine = Machine::new(flow.clone());
        for (input, hash) in ran.journal.iter().zip(&ran.hashes) {
            let decision = machine.handle(input.clone());
            assert!(decision.accepted);
            assert_eq!(machine.log_hash(), *hash, "{name} at {}", decision.seq);
            machine = Machine::restore(flow.clone(), &machine.snapshot()).unwrap();
        }
        assert_eq!(machine.view(), ran.machine.view(), "{name}");
    }
}
