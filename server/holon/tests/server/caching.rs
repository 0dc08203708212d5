//! Answers that are used again while they are good: seen as such in the API, by whoever they belong to only, and forgotten in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use holon_model::Millis;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Person, Server};

/// A price that is another one each time it is asked for.
async fn price(State(asked): State<Arc<AtomicU64>>) -> Json<Value> {
    Json(json!({"price": asked.fetch_add(1, Relaxed) + 1}))
}

/// A published flow that asks for it.
async fn published(server: &Server, person: &Person, port: u16, cache: Value) -> String {
    let url = format!("http://127.0.0.1:{port}/price");
    published_with(server, person, json!({"method": "GET", "url": url}), cache).await
}

/// A published flow that asks in this way.
async fn published_with(server: &Server, person: &Person, config: Value, cache: Value) -> String {
    let definition = json!({"holon": 1, "name": "Price", "nodes": {
        "start": {"kind": "trigger.manual@1"},
        "ask": {"kind": "http.request@1", "config": config, "policies": {"cache": cache}}},
      "edges": [{"from": "start.out", "to": "ask.in"}],
      "result": {"$cel": "nodes.ask.body.price"}});
    let made = server.by(person, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let flow = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    let published = server.by(person, "POST", &format!("{flow}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    flow
}

/// Runs it; gives the price, since when it was known, and what kinds of inputs the run had.
async fn run(server: &Server, person: &Person, flow: &str, sku: &str) -> (Value, Value, Vec<String>) {
    let started = server.by(person, "POST", &format!("{flow}/runs"), json!({"input": {"sku": sku}})).await;
    let id = started.json()["id"].as_str().unwrap().to_owned();
    let events = server.by(person, "GET", &format!("/api/v1/runs/{id}/events"), Value::Null).await.text;
    let run = server.by(person, "GET", &format!("/api/v1/runs/{id}"), Value::Null).await.json();
    let nodes = run["nodes"].as_array().unwrap();
    let cached = nodes.iter().find(|node| node["path"] == "ask").unwrap()["cached_at"].clone();
    assert_eq!(events.contains("cached_at"), !cached.is_null(), "those who follow a run see it too: {events}");
    let journal = server.by(person, "GET", &format!("/api/v1/runs/{id}/journal"), Value::Null).await.json();
    let kinds = journal["data"].as_array().unwrap().iter().map(|input| input["kind"].as_str().unwrap().to_owned());
    (run["output"].clone(), cached, kinds.collect())
}

/// Waits until so many answers are kept: that is done beside a run, not before its end.
async fn kept(server: &Server, answers: i64) {
    let there = async {
        loop {
            let count: i64 = sqlx::query_scalar("select count(*) from kept_answer")
                .fetch_one(&server.db.pools.engine)
                .await
                .unwrap();
            if count >= answers {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), there).await.expect("what was answered is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_used_again_while_it_is_good_and_by_its_own_workspace_only() {
    let asked = Arc::new(AtomicU64::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route("/price", get(price)).with_state(asked.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });

    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let (ada, grace) = (server.person("ada").await, server.person("grace").await);
    let flow = published(&server, &ada, port, json!({"ttl": "10m"})).await;
    let (price, since, kinds) = run(&server, &ada, &flow, "x").await;
    assert_eq!((price, since), (json!(1), Value::Null));
    assert_eq!(kinds, ["start", "effect_completed"]);
    kept(&server, 1).await;
    server.clock.advance(Millis(599_000));
    let (price, since, kinds) = run(&server, &ada, &flow, "x").await;
    assert_eq!(price, json!(1));
    assert_eq!(kinds, ["start", "effect_from_cache"]);
    assert!(since.as_i64().is_some(), "{since}");

    // Another question, and the same one of others.
    assert_eq!(run(&server, &ada, &flow, "y").await.0, json!(2));
    let of_grace = published(&server, &grace, port, json!({"ttl": "10m"})).await;
    assert_eq!(run(&server, &grace, &of_grace, "x").await.0, json!(3));
    // By a key of its own, whatever the input.
    let keyed = published(&server, &ada, port, json!({"ttl": "1d", "key": {"$cel": "config.url"}})).await;
    assert_eq!(run(&server, &ada, &keyed, "x").await.0, json!(4));
    kept(&server, 4).await;
    assert_eq!(run(&server, &ada, &keyed, "z").await.0, json!(4));

    server.clock.advance(Millis(1_000));
    let (price, since, _) = run(&server, &ada, &flow, "x").await;
    assert_eq!((price, since), (json!(5), Value::Null), "its time was up");
    assert_eq!(asked.load(Relaxed), 5);
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_something_what_went_wrong_and_what_another_connection_gave_is_asked_anew() {
    let asked = Arc::new(AtomicU64::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let down = |State(asked): State<Arc<AtomicU64>>| async move {
        (StatusCode::SERVICE_UNAVAILABLE, price(State(asked)).await)
    };
    let router =
        Router::new().route("/price", get(price).post(price)).route("/down", get(down)).with_state(asked.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });

    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let ada = server.person("ada").await;
    let connection =
        |secret: &str| json!({"name": "shop", "kind": "http_bearer", "hosts": ["127.0.0.1"], "secret": secret});
    let made = server.by(&ada, "POST", "/api/v1/connections", connection("first")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = format!("/api/v1/connections/{}", made.json()["id"].as_str().unwrap());
    let flow = async |path: &str, config: Value| {
        let mut config = config;
        config["url"] = json!(format!("http://127.0.0.1:{port}{path}"));
        published_with(&server, &ada, config, json!({"ttl": "10m"})).await
    };
    let order = flow("/price", json!({"method": "POST"})).await;
    let broken = flow("/down", json!({"fail_on_status": false})).await;
    for (number, flow) in (1..).zip([&order, &order, &broken, &broken]) {
        assert_eq!(run(&server, &ada, flow, "x").await.0, json!(number), "{flow}");
    }
    let secret = flow("/price", json!({"connection": "shop"})).await;
    assert_eq!(run(&server, &ada, &secret, "x").await.0, json!(5));
    kept(&server, 1).await;
    assert_eq!(run(&server, &ada, &secret, "x").await.0, json!(5));
    let changed = server.by(&ada, "PUT", &made, connection("second")).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_eq!(run(&server, &ada, &secret, "x").await.0, json!(6));
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_gives_nothing_to_use_again_says_so() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let definition = json!({"holon": 1, "name": "Link", "nodes": {
        "start": {"kind": "trigger.manual@1"},
        "set": {"kind": "data.set@1", "config": {"fields": {"a": 1}}, "policies": {"cache": {"ttl": "10m"}}}},
      "edges": [{"from": "start.out", "to": "set.in"}]});
    let made = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    let found = made.json()["diagnostics"].to_string();
    assert!(found.contains("misplaced_policy") && found.contains("/nodes/set/policies/cache"), "{}", made.text);
    let mut wrong = definition;
    wrong["nodes"]["set"]["policies"]["cache"]["ttl"] = json!("8d");
    let refused = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": wrong})).await;
    assert!(refused.text.contains("/nodes/set/policies/cache/ttl"), "{}", refused.text);
}
