//! Redaction in the preview: the same as on the server, so that nothing that is shown is of what is marked.

use holon_catalogue::catalogue;
use holon_engine::{PreviewRequest, compile, preview};
use holon_flow::Definition;
use holon_model::{Value, json};

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_preview_knows_no_more_of_what_is_marked_than_a_run_does() {
    let definition = value(
        r#"{"holon": 1, "name": "Pays",
            "input": {"properties": {"pin": {"x-holon-redact": true}}},
            "nodes": {"start": {"kind": "trigger.manual@1"},
                      "all": {"kind": "data.set@1", "config": {"fields": {"got": {"$cel": "input"}}}}},
            "edges": [{"from": "start.out", "to": "all.in"}], "samples": {"start": {"pin": 1234, "n": 1}}}"#,
    );
    let compiled = compile(&Definition::from_value(&definition).unwrap(), &catalogue()).unwrap();
    let run = |input: Option<&str>| {
        let request = PreviewRequest { input: input.map(value), ..PreviewRequest::default() };
        let preview = preview(&compiled, &catalogue(), &request);
        (preview.view.output.unwrap().to_json(), preview.log_hash)
    };
    let sampled = run(None);
    assert!(sampled.0.contains(r#""pin":"[redacted]""#) && !sampled.0.contains("1234"), "{}", sampled.0);
    assert_eq!(run(Some(r#"{"pin": 77, "n": 1}"#)), sampled, "whatever it was");
    assert_eq!(run(Some(r#"{"pin": "[redacted]", "n": 1}"#)), sampled);
    assert_ne!(run(Some(r#"{"pin": 77, "n": 2}"#)).1, sampled.1);
}

#[test]
fn a_preview_knows_no_more_of_what_its_nodes_are_given_than_a_run_does() {
    let definition = value(
        r#"{"holon": 1, "name": "Given", "nodes": {
            "start": {"kind": "trigger.manual@1"},
            "get": {"kind": "http.request@1", "config": {"url": "https://example.com"}, "policies": {"redact": ["/body/*/pin"]}},
            "paid": {"kind": "flow.signal@1", "config": {"name": "paid"}, "policies": {"redact": ["/pin"]}},
            "ask": {"kind": "flow.approval@1", "config": {"title": "Which?", "choices": [{"port": "yes"}], "form": {"type": "object",
                "properties": {"pin": {"type": "integer", "x-holon-redact": true}}}}, "policies": {"redact": ["/form/more"]}}},
            "edges": [{"from": "start.out", "to": "get.in"}, {"from": "get.out", "to": "paid.in"}, {"from": "paid.out", "to": "ask.in"}],
            "result": [{"$cel": "nodes.get.body"}, {"$cel": "nodes.paid"}, {"$cel": "nodes.ask.form"}],
            "samples": {"get": {"status": 200, "headers": {}, "body": [{"pin": 1, "n": 2}]}, "paid": {"pin": 3, "n": 4},
                        "ask": {"choice": "yes", "form": {"pin": 5, "more": 6, "n": 7}}}}"#,
    );
    let compiled = compile(&Definition::from_value(&definition).unwrap(), &catalogue()).unwrap();
    let preview = preview(&compiled, &catalogue(), &PreviewRequest::default());
    let expected =
        r#"[[{"n":2,"pin":"[redacted]"}],{"n":4,"pin":"[redacted]"},{"more":"[redacted]","n":7,"pin":"[redacted]"}]"#;
    assert_eq!(preview.view.output.unwrap().to_json(), expected);
}
