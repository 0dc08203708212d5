//! What a flow keeps: changed by its runs, seen, set and forgotten by hand.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Person, Server};

/// A published flow that counts, and its state's address.
async fn counting(server: &Server, ada: &Person) -> (String, String) {
    let definition = json!({"holon": 1, "name": "Count", "nodes": {
        "start": {"kind": "trigger.manual@1"},
        "count": {"kind": "state.increment@1", "config": {"key": "orders/all", "by": 0.1}},
        "last": {"kind": "state.put@1", "config": {"key": "last", "value": {"$cel": "trigger"}}},
        "before": {"kind": "state.get@1", "config": {"key": "never", "default": "nothing"}}},
      "edges": [{"from": "start.out", "to": "count.in"}, {"from": "count.out", "to": "last.in"}, {"from": "last.out", "to": "before.in"}],
      "result": {"$cel": "[nodes.count, nodes.before]"}});
    let made = server.by(ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let flow = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    let published = server.by(ada, "POST", &format!("{flow}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    (flow.clone(), format!("{flow}/state"))
}

/// Runs it and gives what came out.
async fn run(server: &Server, ada: &Person, flow: &str) -> (String, Value) {
    let started = server.by(ada, "POST", &format!("{flow}/runs"), json!({"input": {"n": 1}})).await;
    let id = started.json()["id"].as_str().unwrap().to_owned();
    server.by(ada, "GET", &format!("/api/v1/runs/{id}/events"), Value::Null).await;
    let run = server.by(ada, "GET", &format!("/api/v1/runs/{id}"), Value::Null).await.json();
    (id, run["output"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_keep_is_seen_and_what_is_set_by_hand_they_find() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (flow, state) = counting(&server, &ada).await;
    for expected in [0.1, 0.2] {
        assert_eq!(run(&server, &ada, &flow).await.1, json!([expected, "nothing"]));
    }
    let (id, output) = run(&server, &ada, &flow).await;
    assert_eq!(output, json!([0.3, "nothing"]), "numbers are exact");
    let kept = server.by(&ada, "GET", &state, Value::Null).await.json();
    let keys: Vec<_> = kept["data"].as_array().unwrap().iter().map(|entry| entry["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["last", "orders/all"]);
    assert_eq!(kept["data"][1]["run"], json!(id));

    let put = server.by(&ada, "PUT", &format!("{state}/orders%2Fall"), json!(41)).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.text);
    assert!(put.json()["run"].is_null() && put.json()["changed_by"] == "ada", "{}", put.text);
    assert_eq!(run(&server, &ada, &flow).await.1[0], json!(41.1));
    let forgotten = server.by(&ada, "DELETE", &format!("{state}/orders%2Fall"), Value::Null).await;
    assert_eq!(forgotten.status, StatusCode::NO_CONTENT);
    let again = server.by(&ada, "DELETE", &format!("{state}/orders%2Fall"), Value::Null).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert_eq!(run(&server, &ada, &flow).await.1[0], json!(0.1));
    let narrowed = server.by(&ada, "GET", &format!("{state}?prefix=ord"), Value::Null).await.json();
    assert_eq!(narrowed["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_kept_is_refused_and_large_values_are_read_one_by_one() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (_, state) = counting(&server, &ada).await;
    for (key, value) in
        [("x".repeat(201), json!(1)), ("a%0Ab".to_owned(), json!(1)), ("big".to_owned(), json!("x".repeat(70_000)))]
    {
        let refused = server.by(&ada, "PUT", &format!("{state}/{key}"), value).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
            "{key}"
        );
    }
    let large = server.by(&ada, "PUT", &format!("{state}/large"), json!("x".repeat(10_000))).await;
    assert_eq!(large.status, StatusCode::OK, "{}", large.text);
    let listed = server.by(&ada, "GET", &state, Value::Null).await.json();
    assert!(listed["data"][0]["value"].is_null(), "{listed}");
    assert_eq!(listed["data"][0]["bytes"], 10_002);
    let one = server.by(&ada, "GET", &format!("{state}/large"), Value::Null).await.json();
    assert_eq!(one["value"].as_str().unwrap().len(), 10_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_cannot_keep_its_value_fails_with_a_reason_and_a_deleted_flow_keeps_nothing() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (flow, state) = counting(&server, &ada).await;
    server.by(&ada, "PUT", &format!("{state}/orders%2Fall"), json!("not a number")).await;
    let (id, _) = run(&server, &ada, &flow).await;
    let failed = server.by(&ada, "GET", &format!("/api/v1/runs/{id}"), Value::Null).await.text;
    assert!(failed.contains("not_a_number"), "{failed}");
    let revision = server.by(&ada, "GET", &flow, Value::Null).await.json()["revision"].to_string();
    let headers =
        [("origin", crate::support::ORIGIN), ("cookie", ada.cookie.as_str()), ("if-match", &format!("\"{revision}\""))];
    let deleted = server.send(crate::support::request("DELETE", &flow, &headers, Value::Null)).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.text);
    let kept: i64 =
        sqlx::query_scalar("select count(*) from flow_state").fetch_one(&server.db.pools.engine).await.unwrap();
    assert_eq!(kept, 0);
}
