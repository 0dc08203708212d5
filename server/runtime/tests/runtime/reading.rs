//! What is read of a disk that is not as it was left: rows of journals and texts of definitions, damaged in every way that chance finds. They
//! are read or refused, and nothing panics. `PROPTEST_CASES=1000000` goes on for as long as one likes.

use std::collections::BTreeMap;

use holon_engine::testing::{catalogue, generate};
use holon_engine::{Machine, compile_draft, decode_input};
use holon_flow::Definition;
use holon_model::{Value, json};
use holon_runtime::store::{Entry, Hash, Unpacked, continuous, fill, pack, wanted};
use holon_runtime::{LoadedFlow, ReplayError, replay};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{THREE_STEPS, end, tenant};
use crate::worlds::in_memory;

/// One thing that happens to bytes.
#[derive(Debug, Clone)]
enum Damage {
    Flip { at: usize, to: u8 },
    Cut { at: usize },
    Insert { at: usize, bytes: Vec<u8> },
    Repeat { from: usize, to: usize },
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        // Numbers are written seven bits a byte: a row of high ones is a number that is far too large.
        let bytes =
            prop_oneof![proptest::collection::vec(any::<u8>(), 1..12), Just(vec![0xff; 9]), Just(vec![0x80; 4])];
        prop_oneof![
            4 => (any::<usize>(), any::<u8>()).prop_map(|(at, to)| Self::Flip { at, to }),
            1 => any::<usize>().prop_map(|at| Self::Cut { at }),
            2 => (any::<usize>(), bytes).prop_map(|(at, bytes)| Self::Insert { at, bytes }),
            1 => (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Self::Repeat { from, to }),
        ]
    }

    fn on(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len().max(1);
        match self {
            Self::Flip { at, to } => {
                if let Some(byte) = bytes.get_mut(at % len) {
                    *byte = *to;
                }
            }
            Self::Cut { at } => bytes.truncate(at % len),
            Self::Insert { at, bytes: more } => {
                let at = at % len.min(bytes.len() + 1);
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Repeat { from, to } => {
                let (from, to) = ((from % len).min(bytes.len()), (to % len).min(bytes.len()));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.extend(piece);
            }
        }
    }
}

fn damaged(bytes: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    damages.iter().for_each(|damage| damage.on(&mut bytes));
    bytes
}

/// The journal of a run of three steps, with payloads that lie in its rows and such that lie apart.
async fn journal(bytes: usize) -> (std::sync::Arc<LoadedFlow>, Vec<Entry>) {
    let (world, _) = in_memory();
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    let mut request = world.request(flow);
    request.input = Value::map([("text", Value::from("x".repeat(bytes)))]);
    let run = request.run;
    runtime.start(request).await.unwrap();
    end(&runtime, run).await;
    let entries = world.store.journal(tenant(1), run, 0).await.unwrap();
    runtime.abort();
    assert!(entries.len() >= 4, "{}", entries.len());
    (world.shelf.get(flow), entries)
}

/// Everything that is asked of a row that was read.
fn asked(read: &Unpacked, found: &BTreeMap<Hash, Vec<u8>>, bytes: u64) {
    let mut page = read.clone();
    page.keep_within(&mut bytes.clone(), true);
    assert!(page.len() <= read.len());
    let mut rest = read.clone();
    rest.skip(1);
    rest.truncate(2);
    let wanted = wanted(std::slice::from_ref(read));
    match fill(vec![read.clone()], found) {
        Ok(entries) => {
            assert!(wanted.iter().all(|hash| found.contains_key(hash)), "nothing is made up");
            entries.iter().for_each(|entry| drop(decode_input(&entry.input)));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn runner() -> TestRunner {
    // Nothing is written beside the tests: a failure prints what it was.
    TestRunner::new(Config {
        failure_persistence: None,
        cases: Config::default().cases.max(2_000),
        ..Config::default()
    })
}

#[tokio::test]
async fn a_damaged_row_of_a_journal_is_read_or_refused_and_replays_or_says_where_it_does_not() {
    let journals = [journal(10).await, journal(20_000).await];
    let packed: Vec<_> = journals.iter().map(|(_, entries)| pack(entries).unwrap()).collect();
    assert!(packed[0].blobs.is_empty() && !packed[1].blobs.is_empty());
    let damages = proptest::collection::vec(Damage::any(), 1..4);
    let what = (0..2_usize, damages, any::<u64>(), any::<i64>(), any::<i64>());
    let tried = runner().run(&what, |(which, damages, bytes, seq, from)| {
        let (packed, (flow, _)) = (&packed[which], &journals[which]);
        let found = packed.blobs.iter().map(|blob| (blob.hash, blob.bytes.clone())).collect();
        let body = damaged(&packed.body, &damages);
        // A row of which only its number is wrong is refused as a gap, or read from where it is asked for.
        let _ = continuous([(seq >> 1, &*body), (seq >> 2, &*body)].into_iter(), from >> 1);
        let Ok(read) = Unpacked::read(&body) else { return Ok(()) };
        asked(&read, &found, bytes);
        let Ok(entries) = fill(vec![read], &found) else { return Ok(()) };
        let mut machine = Machine::new(flow.compiled.clone());
        if let Err(ReplayError::Panicked { seq }) = replay(&mut machine, 0, &entries, drop) {
            panic!("the machine panicked on input {seq}");
        }
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn a_damaged_definition_is_refused_with_its_place_or_read_and_comes_back_as_it_was_read() {
    let catalogue = catalogue();
    let what = (0..200_u64, proptest::collection::vec(Damage::any(), 0..4));
    let read = std::cell::Cell::new(0);
    let tried = runner().run(&what, |(seed, damages)| {
        let text = json::to_string(&generate::definition(seed).to_value());
        let Ok(value) = json::parse(&damaged(text.as_bytes(), &damages)) else { return Ok(()) };
        match Definition::from_value(&value) {
            Ok(definition) => {
                read.set(read.get() + 1);
                let again =
                    Definition::from_value(&definition.to_value()).expect("what was read is written and read again");
                prop_assert_eq!(again.hash(), definition.hash());
                let _ = compile_draft(&definition, &catalogue);
            }
            Err(found) => prop_assert!(!found.is_empty() && found.iter().all(|one| !one.message.is_empty())),
        }
        Ok(())
    });
    tried.unwrap();
    assert!(read.get() > 300, "{} were read", read.get());
}
