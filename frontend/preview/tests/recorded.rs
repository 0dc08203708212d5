//! Recorded runs in the worker: held against their hashes, walked to and fro, and tried on drafts.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use holon_engine::{Compiled, Input, Machine, RunInfo, Stamped, compile, encode_input};
use holon_flow::Definition;
use holon_model::{Payload, RunId, Timestamp, Value, canon::hex, json, wire::runs::JournalRow, wire::runs::NodeRun};
use holon_preview::handle;
use holon_studio::worker::{Answer, Ask, Begun, Compared, Fed, Message, Moment, Parting, RecordedRun, Told};
use serde::de::DeserializeOwned;
use std::sync::Arc;

fn ask<T: DeserializeOwned>(ask: Ask) -> Result<T, String> {
    let text = handle(&serde_json::to_string(&Message { id: 7, ask }).unwrap());
    let answer: Answer<T> = serde_json::from_str(&text).unwrap();
    answer.ok.ok_or_else(|| answer.error.unwrap_or_default())
}

/// A map over so many items, each of which waits a second, one after the other; then a sum.
fn waits(items: usize, add: i64) -> (Value, Value) {
    let definition = format!(
        r#"{{"holon":1,"name":"waits","nodes":{{
            "go":{{"kind":"trigger.manual@1","config":{{}}}},
            "each":{{"kind":"map@1","config":{{"items":{{"$cel":"input"}},"concurrency":1}},"bodies":{{"body":{{"nodes":{{
                "pause":{{"kind":"flow.wait@1","config":{{"for":"1s"}}}},
                "next":{{"kind":"data.set@1","config":{{"keep":false,"fields":{{"n":{{"$cel":"item + {add}"}}}}}}}}}},
                "edges":[{{"from":"pause.out","to":"next.in"}}]}}}}}}}},
            "edges":[{{"from":"go.out","to":"each.in"}}]}}"#
    );
    let input = Value::list((0..items).map(|number| Value::Int(i64::try_from(number).unwrap())));
    (json::parse(definition.as_bytes()).unwrap(), input)
}

fn compiled(definition: &Value) -> Arc<Compiled> {
    compile(&Definition::from_value(definition).unwrap(), &holon_catalogue::catalogue()).unwrap()
}

/// Runs it by its timers; its journal, and its nodes after each input.
fn record(definition: &Value, input: &Value) -> (Vec<JournalRow>, Vec<Vec<NodeRun>>) {
    let mut machine = Machine::new(compiled(definition));
    let run = RunInfo::new(RunId(Default::default()), 1, Timestamp(5));
    let start = Input::Start { input: Payload::Inline(input.clone()), run: Box::new(run) };
    let mut next = Some(Stamped::new(Timestamp(5), start));
    let (mut rows, mut nodes) = (Vec::new(), Vec::new());
    while let Some(input) = next {
        let encoded = STANDARD.encode(encode_input(&input.value));
        let (kind, at) = (input.value.kind().to_owned(), input.at);
        let decision = machine.handle(input);
        rows.push(JournalRow {
            seq: i64::try_from(rows.len()).unwrap(),
            at,
            kind,
            input: encoded,
            shown: Value::Null,
            log_hash: hex(&decision.log_hash),
        });
        nodes.push(machine.view().nodes);
        let timer = machine.due_timers().next();
        next = timer.map(|timer| Stamped::new(timer.due, Input::TimerFired { id: timer.id }));
    }
    assert!(machine.status().is_terminal());
    (rows, nodes)
}

fn replayed(definition: &Value, rows: &[JournalRow]) -> (u32, Fed) {
    let Begun { number } = ask(Ask::Replay { definition: definition.clone() }).unwrap();
    let mut all = Fed::default();
    for rows in rows.chunks(200) {
        let fed: Fed = ask(Ask::Feed { replay: number, rows: rows.to_vec() }).unwrap();
        all.steps.extend(fed.steps);
        (all.difference, all.over) = (fed.difference, fed.over);
    }
    (number, all)
}

#[test]
fn a_journal_is_confirmed_piece_by_piece_and_each_input_says_whose_it_is() {
    let (definition, input) = waits(300, 1);
    let (rows, _) = record(&definition, &input);
    let (number, fed) = replayed(&definition, &rows);
    assert_eq!((fed.steps.len(), &fed.difference, fed.over), (301, &None, false));
    assert_eq!((fed.steps[0].kind.as_str(), fed.steps[0].status.as_str()), ("start", "waiting"));
    assert_eq!(fed.steps[7].path.as_deref(), Some("each[6]/pause"));
    assert_eq!(fed.steps[300].status, "completed");
    let last: Moment = ask(Ask::Seek { replay: number, at: 300, shown: None }).unwrap();
    assert_eq!(last.log_hash, rows[300].log_hash);
    assert!(ask::<Moment>(Ask::Seek { replay: number, at: 301, shown: None }).is_err());
}

#[test]
fn the_first_difference_is_named_with_both_hashes_and_one_can_walk_on_behind_it() {
    let (definition, input) = waits(5, 1);
    let (mut rows, _) = record(&definition, &input);
    let recorded = rows[3].log_hash.clone();
    rows[3].at = Timestamp(rows[3].at.0 + 1);
    let (number, fed) = replayed(&definition, &rows);
    let difference = fed.difference.unwrap();
    assert_eq!((difference.seq, difference.what), (3, Parting::Hash));
    assert_eq!(difference.recorded, recorded);
    assert!(difference.computed.len() == 64 && difference.computed != recorded);
    assert_eq!((fed.steps.len(), fed.over), (6, false));
    assert!(ask::<Moment>(Ask::Seek { replay: number, at: 5, shown: None }).is_ok());
}

#[test]
fn a_row_that_is_missing_or_unreadable_or_refused_ends_the_replay_and_is_named() {
    let (definition, input) = waits(3, 1);
    let (rows, _) = record(&definition, &input);
    let found = |rows: &[JournalRow]| {
        let (_, fed) = replayed(&definition, rows);
        assert!(fed.over);
        let difference = fed.difference.unwrap();
        (fed.steps.len(), difference.seq, difference.what)
    };
    let missing = [rows[0].clone(), rows[2].clone()];
    assert_eq!(found(&missing), (1, 1, Parting::Missing));
    let mut unreadable = rows.clone();
    unreadable[2].input = "not base64".into();
    assert_eq!(found(&unreadable), (2, 2, Parting::Unreadable));
    let mut refused = rows.clone();
    refused[2].input = rows[1].input.clone();
    assert_eq!(found(&refused), (2, 2, Parting::Refused));
}

#[test]
fn every_moment_is_what_it_was_however_one_comes_to_it() {
    let (definition, input) = waits(400, 1);
    let (rows, nodes) = record(&definition, &input);
    let (replay, _) = replayed(&definition, &rows);
    let mut page: (Option<u32>, Vec<NodeRun>) = (None, Vec::new());
    // There and back, near and far, and the same moment twice.
    let walk = (0..20).chain([400, 399, 12, 12, 200, 3, 399]).chain((0..30).map(|n| (n * 137) % 401));
    for at in walk {
        let moment: Moment = ask(Ask::Seek { replay, at, shown: page.0 }).unwrap();
        if moment.since.is_some() {
            assert_eq!(moment.since, page.0);
            page.1.retain(|node| !moment.gone.contains(&node.path));
            for node in moment.nodes {
                match page.1.iter_mut().find(|known| known.path == node.path) {
                    Some(known) => *known = node,
                    None => page.1.push(node),
                }
            }
        } else {
            page.1 = moment.nodes;
        }
        page.0 = Some(at);
        let mut shown = page.1.clone();
        let mut expected = nodes[at as usize].clone();
        shown.sort_by(|a, b| a.path.cmp(&b.path));
        expected.sort_by(|a, b| a.path.cmp(&b.path));
        assert_eq!(shown, expected, "at {at}");
        assert_eq!(moment.log_hash, rows[at as usize].log_hash);
    }
}

#[test]
fn a_step_tells_what_became_true_and_what_a_node_was_told() {
    let (definition, input) = waits(3, 1);
    let (rows, _) = record(&definition, &input);
    let (replay, _) = replayed(&definition, &rows);
    let moment: Moment = ask(Ask::Seek { replay, at: 1, shown: None }).unwrap();
    let became: Vec<_> = moment.became.iter().map(|fact| (fact.what.as_str(), fact.path.as_deref())).collect();
    assert!(became.contains(&("node_succeeded", Some("each[0]/next"))), "{became:?}");
    let asked = &moment.asked[0];
    assert_eq!((asked.what.as_str(), asked.path.as_deref()), ("set_timer", Some("each[1]/pause")));
    let told = |at: u32, path: &str| {
        ask::<Told>(Ask::Told { replay, at, path: path.into() }).unwrap().config.map(|value| value.to_json())
    };
    assert_eq!(told(1, "each[0]/next").as_deref(), Some(r#"{"fields":{"n":1},"keep":false}"#));
    assert_eq!(told(0, "each[0]/next"), None);
    assert_eq!(told(3, "no/such"), None);
}

#[test]
fn a_question_about_a_replay_that_is_not_there_any_more_is_refused() {
    let (definition, _) = waits(1, 1);
    let Begun { number } = ask(Ask::Replay { definition: definition.clone() }).unwrap();
    let _: Begun = ask(Ask::Replay { definition }).unwrap();
    assert!(ask::<Fed>(Ask::Feed { replay: number, rows: Vec::new() }).is_err());
}

#[test]
fn a_recorded_run_is_tried_on_a_draft() {
    let (definition, input) = waits(4, 1);
    let (journal, _) = record(&definition, &input);
    let compare = |draft: Value| -> Compared {
        let Begun { number: backtest } = ask(Ask::Backtest { draft }).unwrap();
        let run = RecordedRun { version: 3, journal: journal.clone() };
        let unknown = ask::<Compared>(Ask::Compare { backtest, run: run.clone() });
        assert!(unknown.unwrap_err().contains("version 3"));
        let _: Begun = ask(Ask::Version { backtest, version: 3, definition: definition.clone() }).unwrap();
        ask(Ask::Compare { backtest, run }).unwrap()
    };
    assert_eq!(compare(definition.clone()).verdict, "same");
    let found = compare(waits(4, 2).0);
    assert_eq!((found.verdict.as_str(), found.now.status.as_str()), ("different", "completed"));
    assert_eq!(found.first.unwrap().path, "each[0]/next");
}
