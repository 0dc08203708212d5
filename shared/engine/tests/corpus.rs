//! Golden histories: each case of `corpus/` gives its output and its log hash, live, replayed and from snapshots.

use holon_engine::{
    Machine, Outcome, Stamped, decode_input, encode_input,
    testing::corpus::{CASES, HASHES, lines, run},
};
use holon_model::{Timestamp, Value, canon};

/// Journals as they were written: the case's name, then a line for each input with its time, its bytes and the log hash after it.
/// It only grows: what an older build wrote, this one reads.
const HISTORIES: &str = include_str!("../corpus/histories.txt");

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

/// The bytes of hexadecimal digits.
fn bytes(digits: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[test]
fn every_journal_that_was_written_down_reads_and_replays_to_the_hashes_it_had() {
    let mut machine: Option<Machine> = None;
    let mut names = Vec::new();
    for line in HISTORIES.lines() {
        let Some(input) = line.strip_prefix(' ') else {
            let text = CASES.iter().find(|(name, _)| *name == line).unwrap_or_else(|| panic!("no case `{line}`")).1;
            machine = Some(Machine::new(run(text).machine.flow().clone()));
            names.push(line);
            continue;
        };
        let [at, digits, hash] = input.split(' ').collect::<Vec<_>>()[..] else { panic!("`{line}` is no input") };
        let machine = machine.as_mut().expect("a history begins with its name");
        let input = decode_input(&bytes(digits)).unwrap_or_else(|error| panic!("{names:?}: {error}"));
        let decision = machine.handle(Stamped::new(Timestamp(at.parse().unwrap()), input));
        assert!(decision.accepted, "{:?} at {}", names.last(), decision.seq);
        assert_eq!(canon::hex(&machine.log_hash()), hash, "{:?} at {}", names.last(), decision.seq);
    }
    let missing: Vec<&str> = CASES.iter().map(|(name, _)| *name).filter(|name| !names.contains(name)).collect();
    let path = "corpus/histories.txt";
    if std::env::var_os("HOLON_WRITE_HISTORIES").is_some() {
        std::fs::write(path, HISTORIES.to_owned() + &missing.iter().map(|name| history(name)).collect::<String>())
            .unwrap();
    } else {
        assert!(missing.is_empty(), "run this with HOLON_WRITE_HISTORIES=1 to write down {missing:?}");
    }
}

/// The journal of a case as this build writes it.
fn history(name: &str) -> String {
    let text = CASES.iter().find(|(of, _)| *of == name).unwrap().1;
    let ran = run(text);
    let inputs = ran.journal.iter().zip(&ran.hashes).map(|(input, hash)| {
        format!(" {} {} {}\n", input.at.0, canon::hex(&encode_input(&input.value)), canon::hex(hash))
    });
    format!("{name}\n") + &inputs.collect::<String>()
}
