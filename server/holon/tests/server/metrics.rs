//! `/metrics`: closed unless it is opened, true to what happened, and free of whatever grows with tenants.

use axum::http::StatusCode;
use holon_model::Millis;
use serde_json::{Value, json};

use crate::support::{Server, request};

const TOKEN: &str = "scrape-me-if-you-can";

async fn scraped(server: &Server) -> String {
    let bearer = format!("Bearer {TOKEN}");
    let answer = server.send(request("GET", "/metrics", &[("authorization", &bearer)], Value::Null)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    answer.text
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is not in\n{text}")).parse().unwrap()
}

#[tokio::test]
async fn metrics_are_closed_unless_they_are_opened() {
    let closed = Server::new().await;
    let (metrics, nothing) = (
        closed.anonymous("GET", "/metrics", Value::Null).await,
        closed.anonymous("GET", "/nothing", Value::Null).await,
    );
    assert_eq!((metrics.status, metrics.text.contains("holon_")), (nothing.status, false), "{}", metrics.text);
    let server = Server::with(&[("HOLON_METRICS_TOKEN", TOKEN)]).await;
    for headers in [&[][..], &[("authorization", "Bearer wrong")], &[("authorization", TOKEN)]] {
        let answer = server.send(request("GET", "/metrics", headers, Value::Null)).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "unauthenticated"));
    }
    scraped(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_is_counted_by_kinds_and_never_by_who_or_which() {
    let server = Server::with(&[("HOLON_METRICS_TOKEN", TOKEN)]).await;
    let ada = server.person("ada").await;
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "call": {"kind": "http.request@1", "config": {"method": "GET", "url": "http://127.0.0.1:8081/"}}});
    let edges = json!([{"from": "start.out", "to": "call.in"}]);
    let definition = json!({"holon": 1, "name": "fails", "nodes": nodes, "edges": edges});
    let made = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": definition})).await.json();
    let flow = made["id"].as_str().unwrap().to_owned();
    let published = server.by(&ada, "POST", &format!("/api/v1/flows/{flow}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    let started = server.by(&ada, "POST", &format!("/api/v1/flows/{flow}/runs"), json!({"input": 1})).await;
    let run = started.json()["id"].as_str().unwrap().to_owned();
    let events = server.by(&ada, "GET", &format!("/api/v1/runs/{run}/events"), Value::Null).await;
    assert!(events.text.contains("event: end"), "{}", events.text);

    let text = scraped(&server).await;
    for (series, expected) in [
        ("holon_runs_started_total", 1.0),
        ("holon_runs_ended_total{status=\"failed\"}", 1.0),
        ("holon_effects_total{kind=\"http.request@1\",outcome=\"failed\"}", 1.0),
        ("holon_egress_requests_total{outcome=\"forbidden_address\"}", 1.0),
        ("holon_http_requests_total{method=\"POST\",route=\"/api/v1/flows/{id}/publish\",status=\"200\"}", 1.0),
        ("holon_http_request_seconds_count{route=\"/api/v1/flows/{id}/runs\"}", 1.0),
        ("holon_run_seconds_count", 1.0),
        ("holon_runs_live", 0.0),
        ("holon_effect_queue_seconds", 0.0),
        ("holon_ready", 1.0),
    ] {
        assert!((value(&text, series) - expected).abs() < f64::EPSILON, "{series} in\n{text}");
    }
    assert!(value(&text, "holon_commit_seconds_count") >= 1.0);
    assert!(text.contains("holon_build_info{version="), "{text}");
    // Each series is told once, under one head.
    let mut series: Vec<&str> =
        text.lines().filter(|line| !line.starts_with('#')).map(|l| &l[..l.rfind(' ').unwrap()]).collect();
    let all = series.len();
    series.sort_unstable();
    series.dedup();
    assert_eq!(series.len(), all);
    for secret in [flow.as_str(), run.as_str(), "ada", "127.0.0.1"] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_counted_with_the_age_of_the_oldest() {
    let server = Server::with(&[("HOLON_METRICS_TOKEN", TOKEN)]).await;
    let ada = server.person("ada").await;
    let flow = async |node: Value, limits: Value| {
        let nodes = json!({"start": {"kind": "trigger.manual@1"}, "node": node});
        let edges = json!([{"from": "start.out", "to": "node.in"}]);
        let definition = json!({"holon": 1, "name": "waits", "nodes": nodes, "edges": edges, "limits": limits});
        let made = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": definition})).await.json();
        let path = format!("/api/v1/flows/{}", made["id"].as_str().unwrap());
        let published = server.by(&ada, "POST", &format!("{path}/publish"), json!({})).await;
        assert_eq!(published.status, StatusCode::OK, "{}", published.text);
        path
    };
    let start = async |flow: &str| {
        let started = server.by(&ada, "POST", &format!("{flow}/runs"), json!({"input": 1})).await;
        assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
    };
    let waits = json!({"kind": "flow.signal@1", "config": {"name": "go"}});
    let task = json!({"kind": "worker.task@1", "config":
        {"pool": "texts", "name": "count", "input": 1, "timeout": "10m", "heartbeat": "30s"}});
    let line = flow(waits, json!({"concurrency": {"limit": 1}})).await;
    let handed_out = flow(task, json!({})).await;
    let series = ["runs", "worker_tasks", "events"].map(|what| {
        (format!("holon_waiting{{what=\"{what}\"}}"), format!("holon_waiting_oldest_seconds{{what=\"{what}\"}}"))
    });
    let read = |text: &str| series.each_ref().map(|(count, age)| (value(text, count), value(text, age)));
    assert_eq!(read(&scraped(&server).await), [(0.0, 0.0); 3]);

    start(&line).await;
    for _ in 0..2 {
        start(&line).await;
        server.clock.advance(Millis(30_000));
    }
    start(&handed_out).await;
    let published = server.by(&ada, "POST", "/api/v1/events", json!({"subject": "a", "data": 1})).await;
    assert_eq!(published.status, StatusCode::ACCEPTED, "{}", published.text);
    let there = async {
        // What a run hands out is written after its start was answered.
        while value(&scraped(&server).await, "holon_waiting{what=\"worker_tasks\"}") < 1.0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), there).await.expect("the task is handed out");
    server.clock.advance(Millis(30_000));
    assert_eq!(read(&scraped(&server).await), [(2.0, 90.0), (1.0, 30.0), (1.0, 30.0)]);
}
