//! The worker's one function, natively: every question, and messages that are none.

use holon_model::{Value, json};
use holon_preview::handle;
use holon_studio::{
    GraphPath,
    worker::{Answer, Ask, CheckReply, CompleteReply, EvalReply, ImportReply, KindsReply, Message, PreviewReply},
};
use serde::de::DeserializeOwned;
use std::path::Path;

fn parse(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

fn ask<T: DeserializeOwned>(ask: Ask) -> Result<T, String> {
    let text = handle(&serde_json::to_string(&Message { id: 7, ask }).unwrap());
    assert!(text.starts_with("{\"id\":7,"), "{text}");
    let answer: Answer<T> = serde_json::from_str(&text).unwrap();
    answer.ok.ok_or_else(|| answer.error.unwrap_or_default())
}

fn flow() -> Value {
    parse(
        r#"{"holon":1,"name":"sums","nodes":{
            "start":{"kind":"trigger.manual@1","config":{}},
            "sum":{"kind":"data.set@1","config":{"fields":{"total":{"$cel":"input.lines.map(l, l.qty * l.price).sum()"}}}}},
            "edges":[{"from":"start.out","to":"sum.in"}],
            "samples":{"start":{"lines":[{"qty":3,"price":19.90}]}}}"#,
    )
}

#[test]
fn a_preview_gives_the_data_of_every_node_and_expressions_are_tried_on_it() {
    let reply: PreviewReply = ask(Ask::Preview { definition: flow(), trigger: None }).unwrap();
    assert_eq!((reply.status.as_str(), reply.diagnostics.len()), ("completed", 0), "{reply:?}");
    assert_eq!(reply.output.unwrap().get("total").unwrap().to_json(), "59.70");
    assert_eq!(reply.edges[0].state, "taken");

    let at = GraphPath::root();
    let eval = |source: &str| {
        let ask_eval = Ask::Eval {
            at: at.clone(),
            iterations: vec![],
            key: "sum".into(),
            each: false,
            source: source.into(),
            text: false,
        };
        ask::<EvalReply>(ask_eval).unwrap()
    };
    assert_eq!(eval("input.lines[0].qty + 1").value, Some(Value::Int(4)));
    assert_eq!(eval("1 +").error.unwrap().span.unwrap().0, 3);
    let complete = Ask::Complete {
        at,
        iterations: vec![],
        key: "sum".into(),
        each: false,
        source: "input.li".into(),
        cursor: 8,
        text: false,
    };
    let found: CompleteReply = ask(complete).unwrap();
    assert_eq!((found.from, found.items[0].insert.as_str()), (6, "lines"));
}

#[test]
fn a_half_drawn_flow_shows_what_is_wrong_and_still_runs_the_rest() {
    let draft = parse(
        r#"{"holon":1,"name":"draft","nodes":{"start":{"kind":"trigger.manual@1","config":{}},"odd":{"kind":"no.such@1","config":{}}},
            "edges":[{"from":"start.out","to":"odd.in"}]}"#,
    );
    let reply: PreviewReply = ask(Ask::Preview { definition: draft.clone(), trigger: None }).unwrap();
    assert!(reply.diagnostics.iter().any(|found| found.pointer.starts_with("/nodes/odd")), "{reply:?}");
    assert!(reply.nodes.iter().any(|node| node.path == "start" && node.status == "succeeded"));
    let check: CheckReply = ask(Ask::Check { definition: draft }).unwrap();
    assert_eq!(check.hash, reply.hash);
    let unreadable: PreviewReply =
        ask(Ask::Preview { definition: parse(r#"{"holon":1,"surprise":1}"#), trigger: None }).unwrap();
    assert!(unreadable.status.is_empty() && !unreadable.diagnostics.is_empty());
}

#[test]
fn kinds_describe_themselves_and_read_what_is_pasted() {
    let reply: KindsReply = ask(Ask::Kinds).unwrap();
    let http = reply.kinds.iter().find(|kind| kind.id == "http.request@1").unwrap();
    assert!(http.import.is_some() && http.sampled && http.error);
    let text = "curl -X PUT https://example.com/x".to_owned();
    let config = ask::<ImportReply>(Ask::Import { kind: http.id.clone(), text }).unwrap().config;
    assert_eq!(config.get("method"), Some(&Value::str("PUT")));
    assert!(ask::<ImportReply>(Ask::Import { kind: http.id.clone(), text: "hello".into() }).is_err());
    assert!(ask::<ImportReply>(Ask::Import { kind: "no.such@1".into(), text: String::new() }).is_err());
}

#[test]
fn what_is_no_message_is_answered_too() {
    for text in ["", "[]", "{\"id\":1}", "{\"id\":1,\"ask\":{\"nothing\":{}}}"] {
        assert!(handle(text).contains("\"error\""), "{text}");
    }
}

/// A worker that was asked nothing before.
fn asked_first(definition: &Value) -> PreviewReply {
    let definition = definition.clone();
    std::thread::spawn(move || ask(Ask::Preview { definition, trigger: None }).unwrap()).join().unwrap()
}

/// The text of an answer, but for what it computed and how long that took.
fn told(reply: PreviewReply) -> String {
    serde_json::to_string(&PreviewReply { computed: Vec::new(), micros: 0, ..reply }).unwrap()
}

/// The definition with what stands at a pointer replaced, or taken away.
fn with(value: &Value, pointer: &str, new: Option<Value>) -> Value {
    let (token, rest) = pointer[1..].split_once('/').map_or((&pointer[1..], None), |(token, rest)| (token, Some(rest)));
    let mut map = value.as_map().cloned().unwrap_or_default();
    let new = rest.map_or(new.clone(), |rest| map.get(token).map(|inner| with(inner, &format!("/{rest}"), new)));
    match new {
        Some(new) => _ = map.insert(token.into(), new),
        None => _ = map.remove(token),
    }
    Value::from(map)
}

/// What a person does to a flow one after the other: each node is switched off, half typed and taken away, each sample changes, and all
/// of it is taken back.
fn edits(flow: &Value) -> Vec<Value> {
    let mut edits = vec![flow.clone()];
    for key in flow.get("nodes").and_then(Value::as_map).unwrap().keys() {
        let at = format!("/nodes/{key}");
        let half = Value::map([("$cel", Value::str("input +"))]);
        edits.push(with(flow, &format!("{at}/disabled"), Some(Value::Bool(true))));
        edits.push(flow.clone());
        edits.push(with(flow, &format!("{at}/config"), Some(Value::map([("fields", half)]))));
        edits.push(with(flow, &format!("{at}/note"), Some(Value::str("a remark"))));
        edits.push(with(flow, &at, None));
    }
    for key in flow.get("samples").and_then(Value::as_map).into_iter().flat_map(|samples| samples.keys()) {
        for sample in [r#"{"n":1}"#, r#"{"n":1.0}"#, "[]"].map(parse) {
            edits.push(with_sample(flow, key, sample));
        }
        edits.push(flow.clone());
    }
    edits
}

fn with_sample(flow: &Value, path: &str, sample: Value) -> Value {
    let mut samples = flow.get("samples").and_then(Value::as_map).cloned().unwrap_or_default();
    samples.insert(path.into(), sample);
    with(flow, "/samples", Some(Value::from(samples)))
}

#[test]
fn whatever_was_asked_before_every_edit_of_every_example_is_answered_as_if_nothing_had_been() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
    let mut answers = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path().join("flow.json");
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        for definition in edits(&parse(&text)) {
            let reply: PreviewReply = ask(Ask::Preview { definition: definition.clone(), trigger: None }).unwrap();
            assert_eq!(told(reply), told(asked_first(&definition)), "{}: {}", file.display(), definition.to_json());
            answers += 1;
        }
    }
    assert!(answers > 200, "{answers} answers");
}

#[test]
fn an_answer_says_what_was_computed_for_it() {
    let computed = |definition: Value| {
        let reply: PreviewReply = ask(Ask::Preview { definition, trigger: None }).unwrap();
        reply.computed.into_iter().map(|computed| computed.path).collect::<Vec<_>>()
    };
    assert_eq!(computed(flow()), ["sum"]);
    assert_eq!(computed(with(&flow(), "/nodes/sum/note", Some(Value::str("a remark")))), [""; 0]);
    assert_eq!(computed(with_sample(&flow(), "start", parse(r#"{"lines":[]}"#))), ["sum"]);
}
