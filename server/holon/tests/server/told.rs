//! What is told to whom: who did it, what cannot be retried and why, how a flow was called that is gone, which flows use a
//! connection, and nothing of a flow's inside to callers who are nobody in particular.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{ORIGIN, Server, request};
use crate::waiting::{ended, published, started};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_answered_and_whoever_started_a_run_is_told_by_name() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let made = server.by(&ada, "POST", "/api/v1/tokens", json!({"name": "night shift"})).await.json();
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "ask": {"kind": "flow.approval@1", "config": {"title": "Go on?", "choices": [{"port": "yes"}, {"port": "no"}]}}});
    let flow = published(&server, &ada, nodes, &[("start.out", "ask.in")], Value::Null).await;
    let run = started(&server, &ada, &flow, Value::Null).await;
    let open = server.by(&ada, "GET", &format!("{run}/tasks"), Value::Null).await.json();
    let task = format!("{run}/tasks/{}", open["data"][0]["id"].as_str().unwrap());
    assert_eq!(open["data"][0].get("answered_by_name"), None);
    let token = made["secret"].as_str().unwrap();
    let answered = server.with_token(token, "POST", &format!("{task}/answer"), json!({"choice": "no"})).await;
    assert_eq!(answered.status, StatusCode::NO_CONTENT, "{}", answered.text);
    let name = json!("ada’s token “night shift”");
    assert_eq!(server.by(&ada, "GET", &task, Value::Null).await.json()["answered_by_name"], name);
    let all = server.by(&ada, "GET", "/api/v1/tasks?state=answered", Value::Null).await.json();
    assert_eq!(all["data"][0]["answered_by_name"], name);
    let over = ended(&server, &ada, &run).await;
    assert_eq!(over["summary"]["started_by_name"], json!("ada"));
    let runs = server.by(&ada, "GET", "/api/v1/runs", Value::Null).await.json();
    assert_eq!(runs["data"][0]["started_by_name"], json!("ada"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_says_whether_a_retry_would_be_taken_as_the_retry_says_it() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let fails =
        json!({"start": {"kind": "trigger.manual@1"}, "no": {"kind": "flow.fail@1", "config": {"message": "no"}}});
    let calls = json!({
        "start": {"kind": "trigger.manual@1"},
        "call": {"kind": "http.request@1", "config": {"url": "https://nowhere.invalid/"}, "policies": {"retry": {"attempts": 1}}}});
    for (nodes, second, taken) in [(fails, "no.in", false), (calls, "call.in", true)] {
        let flow = published(&server, &ada, nodes, &[("start.out", second)], Value::Null).await;
        let run = started(&server, &ada, &flow, Value::Null).await;
        let over = ended(&server, &ada, &run).await;
        assert_eq!(over["summary"]["status"], json!("failed"), "{over}");
        let tried = server.by(&ada, "POST", &format!("{run}/retry"), Value::Null).await;
        assert_eq!(
            (over["retry"]["taken"].clone(), tried.status.is_success()),
            (json!(taken), taken),
            "{}",
            tried.text
        );
        if !taken {
            assert_eq!(over["retry"]["why"], tried.json()["detail"]);
            assert!(!tried.text.contains("POST"), "people read it beside buttons: {}", tried.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_flow_was_called_is_known_after_it_is_gone() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "ask": {"kind": "flow.approval@1", "config": {"title": "Go on?", "choices": [{"port": "yes"}]}}});
    let flow = published(&server, &ada, nodes, &[("start.out", "ask.in")], Value::Null).await;
    let run = started(&server, &ada, &flow, Value::Null).await;
    let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("if-match", "*")];
    let deleted = server.send(request("DELETE", &flow, &headers, Value::Null)).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.text);
    let name = json!("waits (deleted)");
    assert_eq!(server.by(&ada, "GET", &run, Value::Null).await.json()["summary"]["flow_name"], name);
    for list in ["/api/v1/runs", "/api/v1/runs?status=waiting", "/api/v1/tasks"] {
        let all = server.by(&ada, "GET", list, Value::Null).await.json();
        assert_eq!(all["data"][0]["flow_name"], name, "{list}: {all}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_flows_that_name_a_connection_are_told_and_no_others() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let made = json!({"name": "github", "kind": "hmac_key", "secret": "s"});
    let id = server.by(&ada, "POST", "/api/v1/connections", made).await.json()["id"].as_str().unwrap().to_owned();
    let address = format!("/api/v1/connections/{id}/flows");
    assert_eq!(server.by(&ada, "GET", &address, Value::Null).await.json()["data"], json!([]));
    let signed = json!({"hook": {"kind": "trigger.webhook@1", "config": {"auth": {"hmac": {"connection": "github"}}}}});
    published(&server, &ada, signed, &[], Value::Null).await;
    let only_called_so = json!({"holon": 1, "name": "talks", "tags": ["github"], "edges": [], "nodes": {}});
    server.by(&ada, "POST", "/api/v1/flows", json!({"definition": only_called_so})).await;
    let found = server.by(&ada, "GET", &address, Value::Null).await.json();
    assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
    let used = &found["data"][0];
    assert_eq!((&used["name"], &used["draft"], &used["published"]), (&json!("waits"), &json!(true), &json!(true)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_a_run_failed_is_nothing_for_whoever_knows_its_address_unless_the_trigger_says_so() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    for open in [false, true] {
        let nodes = json!({
            "hook": {"kind": "trigger.webhook@1", "config": {"answer": "sync", "show_errors": open}},
            "no": {"kind": "flow.fail@1", "config": {"message": "the margin is 7 %"}}});
        let flow = published(&server, &ada, nodes, &[("hook.out", "no.in")], Value::Null).await;
        let shown = server.by(&ada, "GET", &flow, Value::Null).await.json();
        let url = shown["webhooks"][0]["url"].as_str().unwrap();
        let told = server.send(request("POST", &url[url.find("/hooks/").unwrap()..], &[], json!({}))).await;
        assert_eq!((told.status, told.code().as_str()), (StatusCode::BAD_GATEWAY, "run_failed"), "{}", told.text);
        assert!(told.text.contains("run_"), "the run is named: {}", told.text);
        assert_eq!(told.text.contains("margin"), open, "{}", told.text);
    }
}
