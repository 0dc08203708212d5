//! Redaction: what a flow's schema marks is nowhere in the database, whichever way it came, and everything else is where it was.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::links::{asked, path_of};
use crate::support::{ORIGIN, Person, Server, request};
use crate::waiting::{ended, published, started};
use crate::workers::{claimed, token};

const SECRET: &str = "4111-canary-1111";
/// Stands beside the secret and is not marked: what finds the one would find the other.
const CONTROL: &str = "control-5fca1d";

async fn post(server: &Server, ada: &Person, path: &str, body: Value) -> Value {
    let answer = server.by(ada, "POST", &format!("/api/v1{path}"), body).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text);
    answer.json()
}

async fn over(server: &Server, ada: &Person, run: &Value) -> Value {
    let id = run["id"].as_str().unwrap();
    let events = server.by(ada, "GET", &format!("/api/v1/runs/{id}/events"), Value::Null).await;
    assert!(events.text.contains("event: end"), "{}", events.text);
    server.by(ada, "GET", &format!("/api/v1/runs/{id}"), Value::Null).await.json()
}

/// A flow that a person, a webhook or another flow starts, and that gives back all it got. Its webhook finds runs by what is marked.
fn definition() -> Value {
    let card = json!({"type": "object", "properties": {
        "number": {"type": "string", "pattern": "^[0-9a-z-]+$", "x-holon-redact": true}, "name": {"type": "string"}}});
    json!({
        "holon": 1, "name": "Pays",
        "input": {"type": "object", "$defs": {"card": card}, "properties": {
            "card": {"$ref": "#/$defs/card"},
            "body": {"type": "object", "properties": {"card": {"$ref": "#/$defs/card"}}}}},
        "nodes": {
            "start": {"kind": "trigger.manual@1"},
            "hook": {"kind": "trigger.webhook@1", "config": {
                "found_by": {"correlation": {"$cel": "trigger.body.card.number"}}}},
            "all": {"kind": "data.set@1", "config": {"fields": {"got": {"$cel": "input"}}}}},
        "edges": [{"from": "start.out", "to": "all.in"}, {"from": "hook.out", "to": "all.in"}]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_schema_marks_is_in_no_row_whichever_way_it_came() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let flow = post(&server, &ada, "/flows", json!({"definition": definition()})).await;
    let id = flow["id"].as_str().unwrap();
    // What the editor catches, before anything is published.
    let catch = post(&server, &ada, &format!("/flows/{id}/catch"), Value::Null).await;
    let card = json!({"card": {"number": SECRET, "name": CONTROL}});
    let url = catch["url"].as_str().unwrap().strip_prefix(ORIGIN).unwrap();
    assert!(server.send(request("POST", url, &[], card.clone())).await.status.is_success());
    assert_eq!(
        (server.db.holding(SECRET).await, server.db.holding(CONTROL).await),
        (vec![], vec!["webhook_catch".to_owned()])
    );
    post(&server, &ada, &format!("/flows/{id}/publish"), json!({})).await;

    // By hand, and again with the same key and another secret: the key's hash knows nothing of it.
    let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("idempotency-key", "once")];
    let path = format!("/api/v1/flows/{id}/runs");
    let started = server.send(request("POST", &path, &headers, json!({"input": card}))).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
    let other = json!({"input": {"card": {"number": "another-number", "name": CONTROL}}});
    let replayed = server.send(request("POST", &path, &headers, other)).await;
    assert_eq!((replayed.status, &replayed.json()["id"]), (StatusCode::OK, &started.json()["id"]), "{}", replayed.text);
    let run = over(&server, &ada, &started.json()).await;
    let replaced = json!({"card": {"number": "[redacted]", "name": CONTROL}});
    assert_eq!((&run["input"], &run["output"]["got"]["start"]), (&replaced, &replaced), "{run}");

    // By the webhook, whose runs would be found by it.
    let flow = server.by(&ada, "GET", &format!("/api/v1/flows/{id}"), Value::Null).await.json();
    let hook = flow["webhooks"][0]["url"]
        .as_str()
        .unwrap_or_else(|| panic!("{flow}"))
        .strip_prefix(ORIGIN)
        .unwrap()
        .to_owned();
    let delivered = server.send(request("POST", &hook, &[], card.clone())).await;
    assert_eq!(delivered.status, StatusCode::ACCEPTED, "{}", delivered.text);
    let runs =
        server.by(&ada, "GET", &format!("/api/v1/runs?flow={id}&trigger=trigger.webhook"), Value::Null).await.json();
    assert_eq!(runs["data"][0]["correlation"], "[redacted]", "{runs}");
    over(&server, &ada, &runs["data"][0]).await;

    // Called by another flow: what that has itself, from its definition, is its own; the called run does not keep it.
    let call = json!({"holon": 1, "name": "Calls", "nodes": {
        "start": {"kind": "trigger.manual@1"},
        "pay": {"kind": "flow@1", "config": {"flow": id, "version": "latest",
            "input": {"$cel": "{\"card\": {\"number\": \"of-the-caller\", \"name\": \"called\"}}"}}}},
        "edges": [{"from": "start.out", "to": "pay.in"}]});
    let calls = post(&server, &ada, "/flows", json!({"definition": call})).await;
    let calls = calls["id"].as_str().unwrap();
    post(&server, &ada, &format!("/flows/{calls}/publish"), json!({})).await;
    let called = post(&server, &ada, &format!("/flows/{calls}/runs"), json!({"input": 1})).await;
    let called = over(&server, &ada, &called).await;
    assert_eq!(called["output"]["got"]["start"]["card"], json!({"number": "[redacted]", "name": "called"}), "{called}");

    // Run again: as it is, although what stands there now is no number; and with another one.
    let run = started.json()["id"].as_str().unwrap().to_owned();
    for body in [json!({}), json!({"input": card})] {
        let again = post(&server, &ada, &format!("/runs/{run}/again"), body).await;
        assert_eq!(over(&server, &ada, &again).await["input"], replaced);
    }
    assert_eq!(server.db.holding(SECRET).await, [] as [String; 0]);
    let control = server.db.holding(CONTROL).await;
    assert!(control.iter().any(|table| table.starts_with("journal")), "{control:?}");
    // What the schema refuses is refused by what was sent, not by what it becomes.
    let bad = server.by(&ada, "POST", &path, json!({"input": {"card": {"number": "NOT LIKE THIS"}}})).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", bad.text);
}

/// A flow that is given something by a person, by a worker, by a program and at an address of its own, one after the other.
async fn given(server: &Server, ada: &Person) -> String {
    let form = json!({"type": "object", "properties": {
        "pin": {"type": "string", "pattern": "^[0-9a-z-]+$", "x-holon-redact": true}, "name": {"type": "string"}}});
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "address": {"kind": "flow.address@1", "config": {}},
        "ask": {"kind": "flow.approval@1", "config": {"title": "Which card?", "context": {"$cel": "nodes.address.url"},
            "choices": [{"port": "yes"}], "form": form}},
        "work": {"kind": "worker.task@1", "config": {"pool": "texts", "name": "read", "input": {}, "timeout": "10m", "heartbeat": "30s"},
            "policies": {"redact": ["/cards/*/pin"]}},
        "paid": {"kind": "flow.signal@1", "config": {"name": "paid"}, "policies": {"redact": ["/pin"]}},
        "back": {"kind": "flow.callback@1", "config": {"name": "callback", "correlation": {"$cel": "nodes.address.id"}},
            "policies": {"redact": ["/body/pin", "/headers/x-pin", "/query"]}}});
    let edges = [
        ("start.out", "address.in"),
        ("address.out", "ask.in"),
        ("ask.yes", "work.in"),
        ("work.out", "paid.in"),
        ("paid.out", "back.in"),
    ];
    let result = json!([{"$cel": "nodes.ask.form"}, {"$cel": "nodes.work"}, {"$cel": "nodes.paid"}, {"$cel": "nodes.back.body"}]);
    published(server, ada, nodes, &edges, result).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_says_is_not_to_be_kept_is_in_no_row_whichever_way_it_came() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (flow, token) = (given(&server, &ada).await, token(&server, &ada, &["texts"]).await);
    let run = started(&server, &ada, &flow, json!({})).await;
    let task = asked(&server, &ada, &run).await;
    let address = path_of(task["context"].as_str().unwrap());
    let answer = format!("{run}/tasks/{}/answer", task["id"].as_str().unwrap());
    // What the form refuses is refused by what was sent, not by what it becomes.
    let wrong = server.by(&ada, "POST", &answer, json!({"choice": "yes", "form": {"pin": "NOT LIKE THIS"}})).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
    let form = json!({"choice": "yes", "form": {"pin": SECRET, "name": CONTROL}});
    let answered = server.by(&ada, "POST", &answer, form).await;
    assert_eq!(answered.status, StatusCode::NO_CONTENT, "{}", answered.text);

    let work = claimed(&server, &token, "w").await;
    let done = json!({"output": {"cards": [{"pin": SECRET, "name": CONTROL}]}});
    let path = format!("{}/complete", work["at"].as_str().unwrap());
    let completed = server.with_token(&token, "POST", &path, done).await;
    assert_eq!(completed.status, StatusCode::NO_CONTENT, "{}", completed.text);

    // The delivery comes before the run waits for it, and is kept in the run.
    let headers = [("x-pin", SECRET)];
    let delivered = server
        .send(request("POST", &format!("{address}?pin={SECRET}"), &headers, json!({"pin": SECRET, "name": CONTROL})))
        .await;
    assert_eq!(delivered.status, StatusCode::ACCEPTED, "{}", delivered.text);
    let paid = json!({"name": "paid", "payload": {"pin": SECRET, "name": CONTROL}});
    let told = server.by(&ada, "POST", &format!("{run}/signals"), paid).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);

    let over = ended(&server, &ada, &run).await;
    let card = json!({"pin": "[redacted]", "name": CONTROL});
    assert_eq!(over["output"], json!([card, {"cards": [card]}, card, card]), "{over}");
    assert_eq!(server.db.holding(SECRET).await, [] as [String; 0]);
    let control = server.db.holding(CONTROL).await;
    assert!(control.iter().any(|table| table.starts_with("journal")), "{control:?}");
    let lists = server.by(&ada, "GET", "/api/v1/runs", Value::Null).await.text;
    let journal = server.by(&ada, "GET", &format!("{run}/journal"), Value::Null).await.text;
    assert!(!lists.contains(SECRET) && !journal.contains(SECRET) && journal.contains(CONTROL));
}
