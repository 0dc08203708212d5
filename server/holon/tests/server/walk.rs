//! Walks over the OpenAPI document: every operation is refused to nobody, and every id of another tenant is as unknown
//! as one that does not exist. An operation without its line here fails the walk.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::documented::DOCUMENT;
use crate::support::{ORIGIN, Person, Server, request};

/// Operations that anybody may call. This list may only shrink.
const PUBLIC: &[&str] =
    &["GET /api/v1/instance", "POST /api/v1/sign-up", "POST /api/v1/sign-in", "POST /api/v1/sign-out"];

/// `METHOD /path` of every operation.
pub fn operations() -> Vec<String> {
    let mut all = Vec::new();
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    // What stands outside of the API is reached by who has its address, and has walks of its own.
    for (path, item) in paths.filter(|(path, _)| path.starts_with("/api/v1/")) {
        for method in item.as_object().unwrap().keys() {
            all.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    assert!(all.len() > 30, "the document is there: {all:?}");
    all
}

/// A body that each operation on something with an id accepts, so that the id alone decides.
fn bodies() -> BTreeMap<&'static str, Value> {
    let definition = json!({"holon": 1, "name": "x", "nodes": {}, "edges": []});
    let connection = json!({"name": "x", "kind": "http_bearer", "secret": "x", "hosts": ["a.example"]});
    BTreeMap::from([
        ("GET /api/v1/flows/{id}", Value::Null),
        ("PUT /api/v1/flows/{id}", definition),
        ("DELETE /api/v1/flows/{id}", Value::Null),
        ("POST /api/v1/flows/{id}/commands", json!({"base_rev": 1, "commands": []})),
        ("POST /api/v1/flows/{id}/publish", json!({"message": ""})),
        ("POST /api/v1/flows/{id}/runs", json!({"input": null})),
        ("GET /api/v1/flows/{id}/pause", Value::Null),
        ("PUT /api/v1/flows/{id}/pause", json!({"mode": "pause"})),
        ("DELETE /api/v1/flows/{id}/pause", Value::Null),
        ("POST /api/v1/flows/{id}/catch", Value::Null),
        ("GET /api/v1/flows/{id}/catch/{token}", Value::Null),
        ("GET /api/v1/flows/{id}/changes", Value::Null),
        ("GET /api/v1/flows/{id}/versions", Value::Null),
        ("GET /api/v1/flows/{id}/versions/{number}", Value::Null),
        ("GET /api/v1/runs/{id}", Value::Null),
        ("GET /api/v1/runs/{id}/journal", Value::Null),
        ("GET /api/v1/runs/{id}/events", Value::Null),
        ("GET /api/v1/runs/{id}/verify", Value::Null),
        ("GET /api/v1/runs/{id}/at/{seq}", Value::Null),
        ("POST /api/v1/flows/{id}/backtest", json!({})),
        ("POST /api/v1/runs/{id}/cancel", Value::Null),
        ("POST /api/v1/runs/{id}/retry", Value::Null),
        ("POST /api/v1/runs/{id}/again", Value::Null),
        ("POST /api/v1/runs/{id}/pause", Value::Null),
        ("POST /api/v1/runs/{id}/resume", Value::Null),
        ("POST /api/v1/runs/{id}/terminate", Value::Null),
        ("POST /api/v1/runs/{id}/fork", json!({"seq": 1})),
        ("POST /api/v1/runs/{id}/fork/check", json!({"seq": 1})),
        ("POST /api/v1/runs/{id}/signals", json!({"name": "x"})),
        ("GET /api/v1/runs/{id}/tasks", Value::Null),
        ("GET /api/v1/runs/{id}/tasks/{task}", Value::Null),
        ("POST /api/v1/runs/{id}/tasks/{task}/answer", json!({"choice": "x"})),
        ("GET /api/v1/runs/{id}/tasks/{task}/links", Value::Null),
        ("POST /api/v1/runs/{id}/tasks/{task}/links", json!({"choices": ["x"]})),
        ("DELETE /api/v1/runs/{id}/tasks/{task}/links/{link}", Value::Null),
        ("POST /api/v1/runs/{id}/work/{claim}/heartbeat", json!({})),
        ("POST /api/v1/runs/{id}/work/{claim}/complete", json!({"output": 1})),
        ("POST /api/v1/runs/{id}/work/{claim}/fail", json!({"code": "x", "message": "x"})),
        ("GET /api/v1/flows/{id}/state", Value::Null),
        ("GET /api/v1/flows/{id}/state/{key}", Value::Null),
        ("PUT /api/v1/flows/{id}/state/{key}", json!(1)),
        ("DELETE /api/v1/flows/{id}/state/{key}", Value::Null),
        ("GET /api/v1/events/{id}", Value::Null),
        ("POST /api/v1/subscriptions/{id}/replay", json!({"from": 1})),
        ("GET /api/v1/schedules/{id}", Value::Null),
        ("POST /api/v1/schedules/{id}/pause", Value::Null),
        ("POST /api/v1/schedules/{id}/resume", Value::Null),
        ("POST /api/v1/schedules/{id}/fire", Value::Null),
        ("GET /api/v1/polls/{id}", Value::Null),
        ("POST /api/v1/polls/{id}/look", Value::Null),
        ("POST /api/v1/polls/{id}/forget", Value::Null),
        ("GET /api/v1/alerts/{id}", Value::Null),
        ("PUT /api/v1/alerts/{id}", alert()),
        ("DELETE /api/v1/alerts/{id}", Value::Null),
        ("POST /api/v1/alerts/{id}/test", Value::Null),
        ("DELETE /api/v1/tokens/{id}", Value::Null),
        ("PUT /api/v1/connections/{id}", connection),
        ("DELETE /api/v1/connections/{id}", Value::Null),
        ("GET /api/v1/connections/{id}/flows", Value::Null),
    ])
}

/// An alert rule.
pub fn alert() -> Value {
    json!({"name": "x", "what": "run_failed", "channel": "chat", "url": "https://chat.example/x"})
}

#[tokio::test]
async fn nobody_is_let_into_any_operation() {
    let server = Server::new().await;
    for operation in operations() {
        if PUBLIC.contains(&operation.as_str()) {
            continue;
        }
        let (method, path) = operation.split_once(' ').unwrap();
        let path = path
            .replace("{id}", "x")
            .replace("{token}", "x")
            .replace("{number}", "1")
            .replace("{seq}", "0")
            .replace("{key}", "k")
            .replace("{task}", &"a".repeat(32))
            .replace("{link}", &format!("link_{}", "a".repeat(32)))
            .replace("{claim}", &format!("claim_{}", "a".repeat(32)));
        for headers in [
            &[("origin", ORIGIN)][..],
            &[("authorization", "Bearer holon_pat_x")],
            &[("cookie", "holon_8080=x"), ("origin", ORIGIN)],
        ] {
            let answer = server.send(request(method, &path, headers, Value::Null)).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (StatusCode::UNAUTHORIZED, "unauthenticated"),
                "{operation}"
            );
        }
    }
}

/// One thing of each kind that belongs to the person, by the first part of its path.
async fn things(server: &Server, person: &Person) -> BTreeMap<&'static str, String> {
    let made = |path: &'static str, body: Value| async move {
        let answer = server.by(person, "POST", path, body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        answer.json()
    };
    let id = |json: &Value, pointer| json.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    let flow = id(&made("/api/v1/flows", json!({})).await, "/id");
    let published = server.by(person, "POST", &format!("/api/v1/flows/{flow}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    let started = server.by(person, "POST", &format!("/api/v1/flows/{flow}/runs"), json!({"input": null})).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
    let every = json!({"every": {"kind": "trigger.schedule@1", "config": {"cron": "0 9 * * *"}},
        "paid": {"kind": "trigger.event@1", "config": {"pattern": "orders.>"}},
        "look": {"kind": "trigger.poll@1", "config": {"url": "https://a.example/orders"}}});
    let timed = json!({"definition": {"holon": 1, "name": "Timed", "nodes": every, "edges": []}});
    let timed = id(&made("/api/v1/flows", timed).await, "/id");
    let published = server.by(person, "POST", &format!("/api/v1/flows/{timed}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    let schedules = server.by(person, "GET", "/api/v1/schedules", Value::Null).await.json();
    let connection = json!({"name": "x", "kind": "http_bearer", "secret": "x", "hosts": ["a.example"]});
    let subscriptions = server.by(person, "GET", "/api/v1/subscriptions", Value::Null).await.json();
    let polls = server.by(person, "GET", "/api/v1/polls", Value::Null).await.json();
    BTreeMap::from([
        ("polls", id(&polls, "/data/0/id")),
        ("schedules", id(&schedules, "/data/0/id")),
        ("subscriptions", id(&subscriptions, "/data/0/id")),
        ("events", id(&made("/api/v1/events", json!({"subject": "orders.paid"})).await, "/id")),
        ("alerts", id(&made("/api/v1/alerts", alert()).await, "/id")),
        ("runs", id(&started.json(), "/id")),
        ("tokens", id(&made("/api/v1/tokens", json!({"name": "t"})).await, "/token/id")),
        ("connections", id(&made("/api/v1/connections", connection).await, "/id")),
        ("flows", flow),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenants_things_are_as_unknown_as_things_that_do_not_exist() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let his = things(&server, &bob).await;
    let bodies = bodies();
    for operation in operations().into_iter().filter(|o| o.contains("{id}")) {
        let body = bodies.get(operation.as_str()).unwrap_or_else(|| panic!("{operation} has no line in this walk"));
        let (method, path) = operation.split_once(' ').unwrap();
        let kind = path.split('/').nth(3).unwrap();
        let id = his.get(kind).unwrap_or_else(|| panic!("there is nothing of the kind {kind} in this walk"));
        let unknown = format!("{}01900000000070008000000000000001", &id[..id.len() - 32]);
        let ask = |who: &Person, id: &str| {
            let path = path
                .replace("{id}", id)
                .replace("{token}", &"a".repeat(32))
                .replace("{number}", "1")
                .replace("{seq}", "0")
                .replace("{key}", "k")
                .replace("{task}", &"a".repeat(32))
                .replace("{link}", &format!("link_{}", "a".repeat(32)))
                .replace("{claim}", &format!("claim_{}", "a".repeat(32)));
            let headers = [("origin", ORIGIN), ("cookie", who.cookie.as_str()), ("if-match", "\"1\"")];
            server.send(request(method, &path, &headers, body.clone()))
        };
        let foreign = ask(&ada, id).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{operation}: {}", foreign.text);
        let (status, mut text) = foreign.comparable();
        text = serde_json::from_str(&text.to_string().replace(id.as_str(), &unknown)).unwrap();
        assert_eq!((status, text), ask(&ada, &unknown).await.comparable(), "{operation}");
    }
    // The walk proves something only if the owner is let in.
    for (kind, id) in his.iter().filter(|(kind, _)| ["flows", "runs", "schedules", "polls"].contains(kind)) {
        assert_eq!(server.by(&bob, "GET", &format!("/api/v1/{kind}/{id}"), Value::Null).await.status, StatusCode::OK);
    }
}
