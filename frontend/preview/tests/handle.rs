//! The worker's one function, natively: every question, and messages that are none.

use holon_model::{Value, json};
use holon_preview::handle;
use holon_studio::{
    GraphPath,
    worker::{Answer, Ask, CheckReply, CompleteReply, EvalReply, ImportReply, KindsReply, Message, PreviewReply},
};
use serde::de::DeserializeOwned;

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
