//! Preview: samples, virtual time, what edges carried, and drafts that are not whole.

use holon_engine::{
    EdgeView, Machine, Preview, PreviewRequest, RunStatus, compile_draft, preview,
    testing::{catalogue, definition, generate, rng::Rng},
};
use holon_flow::Definition;
use holon_model::{Value, context::Budget, json};

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

fn run(text: &str, request: &PreviewRequest) -> (Preview, Vec<String>) {
    let catalogue = catalogue();
    let (flow, problems) = compile_draft(&definition(text), &catalogue);
    let codes = problems.into_iter().map(|problem| problem.code).collect();
    (preview(&flow, &catalogue, request), codes)
}

fn edge<'a>(preview: &'a Preview, from: &str) -> &'a EdgeView {
    preview.edges.iter().find(|edge| edge.from == from).unwrap()
}

const CALLS: &str = r#"{"holon":1,"name":"t","nodes":{
    "start":{"kind":"trigger.manual@1"},
    "wait":{"kind":"flow.wait@1","config":{"for":"3h"}},
    "each":{"kind":"map@1","config":{"items":{"$cel":"input"}},"bodies":{"body":{"nodes":{
        "call":{"kind":"test.call@1","config":{"value":{"$cel":"item"}},"policies":{"timeout":"1s"}},
        "mark":{"kind":"test.set@1","config":{"value":{"$cel":"{'of': item, 'got': input.n}"}}}},
        "edges":[{"from":"call.out","to":"mark.in"}]}}},
    "bad":{"kind":"test.set@1","config":{"value":1}}},
    "edges":[{"from":"start.out","to":"wait.in"},{"from":"wait.out","to":"each.in"},{"from":"each.error","to":"bad.in"}],
    "samples":{"start":[1,2,3],"each/call":{"n":9}}}"#;

#[test]
fn effects_answer_from_samples_and_waits_take_no_time() {
    let (preview, problems) = run(CALLS, &PreviewRequest::default());
    assert!(problems.is_empty());
    assert_eq!(preview.status(), RunStatus::Completed);
    assert_eq!(preview.sampled, ["each/call"]);
    let row = |of: i64| Value::map([("of", Value::Int(of)), ("got", Value::Int(9))]);
    assert_eq!(preview.view.output, Some(Value::map([("each", Value::list([row(1), row(2), row(3)]))])));
    let node = preview.view.nodes.iter().find(|node| node.path == "each[2]/call").unwrap();
    assert_eq!(
        (node.status.as_str(), node.attempts, &node.output),
        ("succeeded", 1, &Some(value(r#"{"out":{"n":9}}"#)))
    );
}

#[test]
fn edges_say_what_they_carried_over_all_iterations() {
    let (preview, _) = run(CALLS, &PreviewRequest::default());
    let inner = edge(&preview, "each/call.out");
    assert_eq!((inner.to.as_str(), inner.state, inner.count), ("each/mark.in", "taken", 3));
    assert_eq!(inner.value, Some(value(r#"{"n":9}"#)));
    let error = edge(&preview, "each.error");
    assert_eq!((error.state, error.count, &error.value), ("skipped", 0, &None));
}

#[test]
fn the_input_given_outweighs_the_sample_and_long_maps_are_shown_in_part() {
    let request = PreviewRequest { input: Some(value("[5, 6, 7, 8]")), items: 2, ..PreviewRequest::default() };
    let (preview, _) = run(CALLS, &request);
    let shown = preview.view.nodes.iter().filter(|node| node.path.starts_with("each[")).count();
    assert_eq!(shown, 4, "two nodes of two items");
    assert_eq!(edge(&preview, "each/call.out").count, 4, "all items ran");
}

#[test]
fn what_is_wrong_with_a_draft_fails_one_node_and_the_rest_shows_its_data() {
    let draft = r#"{"holon":1,"name":"t","nodes":{
        "start":{"kind":"trigger.manual@1"},
        "good":{"kind":"test.set@1","config":{"value":{"$cel":"input + 1"}}},
        "half":{"kind":"test.set@1","config":{"value":{"$cel":"input +"}}},
        "odd":{"kind":"no.such@1"},
        "x":{"kind":"test.set@1"},"y":{"kind":"test.set@1"}},
        "edges":[{"from":"start.out","to":"good.in"},{"from":"good.out","to":"half.in"},{"from":"good.out","to":"odd.in"},
        {"from":"x.out","to":"y.in"},{"from":"y.out","to":"x.in"},{"from":"good.nowhere","to":"x.in"},{"from":"gone.out","to":"x.in"}]}"#;
    let (preview, mut problems) = run(draft, &PreviewRequest::default());
    problems.sort();
    assert_eq!(problems, ["cycle", "invalid_expression", "unknown_kind", "unknown_node", "unknown_port"]);
    let status = |path: &str| preview.view.nodes.iter().find(|node| node.path == path).unwrap().status.clone();
    assert_eq!(status("good"), "succeeded");
    assert_eq!(edge(&preview, "good.out").value, Some(Value::Int(8)));
    assert_eq!(preview.status(), RunStatus::Failed);
}

#[test]
fn the_same_preview_has_the_same_hash_and_another_input_another() {
    let hash = |request: &PreviewRequest| run(CALLS, request).0.log_hash;
    let request = PreviewRequest::default();
    assert_eq!(hash(&request), hash(&request));
    assert_ne!(hash(&request), hash(&PreviewRequest { input: Some(value("[1]")), ..request.clone() }));
}

#[test]
fn who_had_to_wait_for_a_turn_is_seen_in_the_preview() {
    let bounded = CALLS.replace(r#""timeout":"1s""#, r#""timeout":"1s","concurrency":{"limit":2}"#);
    let (preview, problems) = run(&bounded, &PreviewRequest::default());
    assert!(problems.is_empty());
    let (free, _) = run(CALLS, &PreviewRequest::default());
    assert_eq!(preview.view.output, free.view.output, "it bounds when, not what");
    let waited: Vec<_> =
        preview.view.nodes.iter().filter(|node| node.queued_at.is_some()).map(|node| node.path.as_str()).collect();
    assert_eq!(waited, ["each[2]/call"]);
}

#[test]
fn a_machine_may_be_sent_and_shared() {
    fn sendable<T: Send + Sync + 'static>() {}
    sendable::<Machine>();
    sendable::<holon_engine::Decision>();
}

#[test]
fn a_damaged_definition_is_refused_or_previewed_and_never_panics() {
    let catalogue = catalogue();
    let mut rng = Rng::new(3);
    let mut read = 0;
    for seed in 0..150 {
        let text = json::to_string(&generate::definition(seed).to_value());
        for _ in 0..8 {
            // Every other piece between quotes is a text: one of them in another's place is still JSON.
            let mut pieces: Vec<&str> = text.split('"').collect();
            for _ in 0..=rng.below(3) {
                let mut text = || rng.below(pieces.len() as u32 / 2) as usize * 2 + 1;
                let (at, from) = (text(), text());
                pieces[at] = pieces[from];
            }
            let damaged = pieces.join("\"");
            let Ok(value) = json::parse(damaged.as_bytes()) else { continue };
            let Ok(definition) = Definition::from_value(&value) else { continue };
            let (flow, _) = compile_draft(&definition, &catalogue);
            let budget = Budget { fuel: 20_000, bytes: 4_000_000 };
            let preview = preview(&flow, &catalogue, &PreviewRequest { budget, ..PreviewRequest::default() });
            assert!(preview.status().is_terminal(), "{damaged}");
            read += 1;
        }
    }
    assert!(read > 100, "{read}");
}
