//! Flows over REST: drafts, revisions, publishing, and starting with a key.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{ORIGIN, Person, Server, request};

async fn new_flow(server: &Server, ada: &Person) -> (String, Value) {
    let made = server.by(ada, "POST", "/api/v1/flows", json!({"name": "First"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    (format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap()), made.json())
}

async fn put(server: &Server, ada: &Person, path: &str, revision: &str, definition: Value) -> crate::support::Answer {
    let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("if-match", revision)];
    server.send(request("PUT", path, &headers, definition)).await
}

#[tokio::test]
async fn a_stale_save_is_refused_and_overwrites_nothing() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (path, flow) = new_flow(&server, &ada).await;
    let mut definition = flow["definition"].clone();
    definition["description"] = json!("by the first tab");
    assert_eq!(put(&server, &ada, &path, "\"1\"", definition.clone()).await.status, StatusCode::OK);
    definition["description"] = json!("by the second tab");
    let stale = put(&server, &ada, &path, "\"1\"", definition).await;
    assert_eq!((stale.status, stale.code().as_str()), (StatusCode::PRECONDITION_FAILED, "stale_revision"));
    let command = json!({"base_rev": 1, "commands": []});
    let stale = server.by(&ada, "POST", &format!("{path}/commands"), command).await;
    assert_eq!((stale.status, stale.code().as_str()), (StatusCode::PRECONDITION_FAILED, "stale_revision"));
    let read = server.by(&ada, "GET", &path, Value::Null).await;
    assert_eq!(read.json()["definition"]["description"], "by the first tab");
    assert_eq!(read.headers["etag"], "\"2\"");
    let blind = server.by(&ada, "PUT", &path, flow["definition"].clone()).await;
    assert_eq!(blind.code(), "precondition_required");
}

#[tokio::test]
async fn a_draft_with_errors_is_saved_and_not_published() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (path, flow) = new_flow(&server, &ada).await;
    let mut definition = flow["definition"].clone();
    definition["nodes"]["odd"] = json!({"kind": "no.such.kind@1"});
    let saved = put(&server, &ada, &path, "*", definition).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
    assert!(saved.json()["diagnostics"][0]["pointer"].as_str().unwrap().starts_with("/nodes/odd"), "{}", saved.text);
    let refused = server.by(&ada, "POST", &format!("{path}/publish"), json!({"message": ""})).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_definition"));
    assert_eq!(put(&server, &ada, &path, "*", json!({"holon": 1, "nodes": 7})).await.code(), "invalid_definition");
    let not_published = server.by(&ada, "POST", &format!("{path}/runs"), json!({"input": null})).await;
    assert_eq!((not_published.status, not_published.code().as_str()), (StatusCode::CONFLICT, "conflict"));
}

#[tokio::test]
async fn publishing_the_same_meaning_again_makes_no_new_version() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (path, flow) = new_flow(&server, &ada).await;
    let address = format!("{path}/publish");
    let publish = || server.by(&ada, "POST", &address, json!({"message": "first"}));
    let first = publish().await.json();
    assert_eq!(
        (first["version"].as_i64(), &first["hash"], first["published_by"].as_str()),
        (Some(1), &flow["hash"], Some("ada"))
    );
    assert_eq!(first["unchanged"], json!(false));
    let mut again = first.clone();
    again["unchanged"] = json!(true);
    assert_eq!(publish().await.json(), again);
    let versions = server.by(&ada, "GET", &format!("{path}/versions"), Value::Null).await.json();
    assert_eq!(versions["data"].as_array().unwrap().len(), 1);
    let version = server.by(&ada, "GET", &format!("{path}/versions/1"), Value::Null).await.json();
    assert_eq!(version["definition"], flow["definition"]);
}

#[tokio::test]
async fn a_definition_may_be_large_however_it_is_sent_and_may_not_have_more_triggers_than_can_be_served() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let definition = json!({"holon": 1, "name": "large", "edges": [], "nodes": {
        "start": {"kind": "trigger.manual@1"},
        "set": {"kind": "data.set@1", "config": {"fields": {"text": "x".repeat(3 << 20)}}}}});
    let made = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", &made.text[..made.text.len().min(500)]);
    let hooks: serde_json::Map<String, Value> =
        (0..21).map(|n| (format!("hook{n}"), json!({"kind": "trigger.webhook@1"}))).collect();
    let many = |count: usize| -> Value {
        let nodes: serde_json::Map<String, Value> = hooks.clone().into_iter().take(count).collect();
        json!({"definition": {"holon": 1, "name": "many", "edges": [], "nodes": nodes}})
    };
    for (count, status) in [(20, StatusCode::OK), (21, StatusCode::UNPROCESSABLE_ENTITY)] {
        let made = server.by(&ada, "POST", "/api/v1/flows", many(count)).await;
        let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
        let published = server.by(&ada, "POST", &format!("{path}/publish"), json!({})).await;
        assert_eq!(published.status, status, "{}", published.text);
        assert_eq!(published.text.contains("limit_exceeded"), count > 20, "{}", published.text);
    }
}

#[tokio::test]
async fn one_key_starts_one_run() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (path, _) = new_flow(&server, &ada).await;
    server.by(&ada, "POST", &format!("{path}/publish"), json!({"message": ""})).await;
    let start = |input: Value| {
        let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("idempotency-key", "k-1")];
        server.send(request("POST", &format!("{path}/runs"), &headers, json!({"input": input})))
    };
    let first = start(json!(1)).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let again = start(json!(1)).await;
    assert_eq!((again.status, &again.json()["id"]), (StatusCode::OK, &first.json()["id"]));
    assert_eq!(start(json!(2)).await.code(), "idempotency_mismatch");
    let runs = server.by(&ada, "GET", "/api/v1/runs", Value::Null).await.json();
    assert_eq!(runs["data"].as_array().unwrap().len(), 1);
    assert_eq!(runs["data"][0]["status"], "completed", "{runs}");
}

#[tokio::test]
async fn what_a_test_address_catches_becomes_the_sample() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (path, _) = new_flow(&server, &ada).await;
    let opened = server.by(&ada, "POST", &format!("{path}/catch"), Value::Null).await.json();
    let url = opened["url"].as_str().unwrap();
    let caught = format!("{path}/catch/{}", opened["token"].as_str().unwrap());
    assert_eq!(server.by(&ada, "GET", &caught, Value::Null).await.json()["value"], Value::Null);
    let hook = &url[url.find("/hooks/").unwrap()..];
    assert_eq!(server.send(request("POST", hook, &[], json!({"hello": 1.50}))).await.status, StatusCode::OK);
    assert_eq!(server.send(request("POST", hook, &[], json!({"second": true}))).await.status, StatusCode::NOT_FOUND);
    let found = server.by(&ada, "GET", &caught, Value::Null).await;
    assert_eq!(found.json()["value"]["body"], json!({"hello": 1.5}), "{}", found.text);
}
