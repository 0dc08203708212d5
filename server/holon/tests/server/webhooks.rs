//! Deliveries to webhooks over HTTP: which version they meet, and what becomes of an address whose flow changes.

use axum::http::StatusCode;
use holon_platform::db::Role;
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::support::{ORIGIN, Person, Server, request};

/// A flow that answers with a text of its own, published.
pub async fn answering(server: &Server, ada: &Person, text: &str) -> (String, String) {
    let made = server.by(ada, "POST", "/api/v1/flows", json!({"definition": definition(text)})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    publish(server, ada, &path).await;
    let flow = server.by(ada, "GET", &path, Value::Null).await.json();
    let url = flow["webhooks"][0]["url"].as_str().unwrap();
    (path, url[url.find("/hooks/").unwrap()..].to_owned())
}

fn definition(text: &str) -> Value {
    json!({"holon": 1, "name": "answers", "nodes": {
        "hook": {"kind": "trigger.webhook@1", "config": {"answer": "sync"}},
        "say": {"kind": "flow.respond@1", "config": {"body": text}}},
      "edges": [{"from": "hook.out", "to": "say.in"}]})
}

async fn publish(server: &Server, ada: &Person, path: &str) {
    let published = server.by(ada, "POST", &format!("{path}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
}

async fn change(server: &Server, ada: &Person, path: &str, text: &str) {
    let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("if-match", "*")];
    let saved = server.send(request("PUT", path, &headers, definition(text))).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
}

async fn deliver(server: &Server, hook: &str) -> (StatusCode, String) {
    let answer = server.send(request("POST", hook, &[], json!({"n": 7}))).await;
    (answer.status, answer.text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_meets_what_was_published_last_and_nothing_once_the_flow_is_deleted() {
    // The clock stands still: nothing is forgotten because of its age.
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (path, hook) = answering(&server, &ada, "first").await;
    assert_eq!(deliver(&server, &hook).await, (StatusCode::OK, "first".into()));
    change(&server, &ada, &path, "second").await;
    assert_eq!(deliver(&server, &hook).await, (StatusCode::OK, "first".into()), "a draft is not in force");
    publish(&server, &ada, &path).await;
    assert_eq!(deliver(&server, &hook).await, (StatusCode::OK, "second".into()));
    let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("if-match", "*")];
    let deleted = server.send(request("DELETE", &path, &headers, Value::Null)).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.text);
    assert_eq!(deliver(&server, &hook).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_puts_in_force_is_met_after_a_moment() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (path, hook) = answering(&server, &ada, "first").await;
    change(&server, &ada, &path, "second").await;
    publish(&server, &ada, &path).await;
    assert_eq!(deliver(&server, &hook).await.1, "second");
    // Another replica rolls back: this process hears nothing of it.
    let mut owner = sqlx::PgConnection::connect_with(&server.db.options(Role::Owner)).await.unwrap();
    let rolled = sqlx::query("update flow_deployment set version = 1").execute(&mut owner).await.unwrap();
    assert_eq!(rolled.rows_affected(), 1);
    assert_eq!(deliver(&server, &hook).await.1, "second");
    server.clock.advance(holon::webhooks::KEPT_FOR);
    assert_eq!(deliver(&server, &hook).await.1, "first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_not_there_reads_no_body_and_one_that_is_reads_no_more_than_it_takes() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (_, hook) = answering(&server, &ada, "first").await;
    let large = json!("x".repeat(3 << 20));
    for unknown in
        ["/hooks/admin".to_owned(), format!("/hooks/{}", "a".repeat(32)), format!("/hooks/test/{}", "a".repeat(32))]
    {
        let refused = server.send(request("POST", &unknown, &[], large.clone())).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{unknown}");
    }
    let refused = server.send(request("POST", &hook, &[], large)).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"));
}
