//! What people do to runs over REST: pause and resume, terminate, fork, and one thing to many.

use axum::http::{Method, StatusCode};
use holon_platform::db::Role;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::endpoint::Endpoint;
use crate::runs::{calling, ran};
use crate::support::{ORIGIN, Person, Server, request};

async fn published(server: &Server, ada: &Person, nodes: Value, edges: Value) -> String {
    let definition = json!({"holon": 1, "name": "flow", "nodes": nodes, "edges": edges});
    let made = server.by(ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    let published = server.by(ada, "POST", &format!("{path}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    path
}

async fn sleeper(server: &Server, ada: &Person) -> String {
    let nodes =
        json!({"start": {"kind": "trigger.manual@1"}, "wait": {"kind": "flow.wait@1", "config": {"for": "1h"}}});
    published(server, ada, nodes, json!([{"from": "start.out", "to": "wait.in"}])).await
}

async fn started(server: &Server, ada: &Person, flow: &str) -> String {
    let started = server.by(ada, "POST", &format!("{flow}/runs"), json!({"input": null})).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
    started.json()["id"].as_str().unwrap().to_owned()
}

async fn summary(server: &Server, ada: &Person, run: &str) -> Value {
    server.by(ada, "GET", &format!("/api/v1/runs/{run}"), Value::Null).await.json()["summary"].clone()
}

async fn audited(server: &Server) -> Vec<String> {
    let mut owner = PgConnection::connect_with(&server.db.options(Role::Owner)).await.unwrap();
    sqlx::query_scalar("select intent_type from audit_event where intent_type like 'run.%' order by event_id")
        .fetch_all(&mut owner)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_paused_by_somebody_for_a_reason_until_it_is_resumed() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let flow = sleeper(&server, &ada).await;
    let run = started(&server, &ada, &flow).await;
    let path = format!("/api/v1/runs/{run}");
    let not_yet = server.by(&ada, "POST", &format!("{path}/resume"), Value::Null).await;
    assert_eq!((not_yet.status, not_yet.code().as_str()), (StatusCode::CONFLICT, "conflict"), "{}", not_yet.text);
    assert_eq!(server.by(&bob, "POST", &format!("{path}/pause"), Value::Null).await.status, StatusCode::NOT_FOUND);
    let wrong = server.by(&ada, "POST", &format!("{path}/pause"), json!({"reason": "x".repeat(501)})).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let paused = server.by(&ada, "POST", &format!("{path}/pause"), json!({"reason": " the bank is down "})).await;
    assert_eq!((paused.status, paused.text.as_str()), (StatusCode::ACCEPTED, ""));
    let shown = summary(&server, &ada, &run).await;
    let id = ada.session["person"]["id"].as_str().unwrap();
    let said = format!("the bank is down (paused by ada, {id})");
    assert_eq!(
        (&shown["status"], &shown["reason"], &shown["paused_by"]),
        (&json!("paused"), &json!(said), &json!("ada"))
    );
    let listed = server.by(&ada, "GET", "/api/v1/runs?status=paused", Value::Null).await.json();
    assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["paused_by"]), (&json!(run), &json!("ada")));
    let again = server.by(&ada, "POST", &format!("{path}/pause"), Value::Null).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
    let resumed = server.by(&ada, "POST", &format!("{path}/resume"), Value::Null).await;
    assert_eq!(resumed.status, StatusCode::ACCEPTED, "{}", resumed.text);
    let shown = summary(&server, &ada, &run).await;
    assert_eq!((&shown["status"], shown.get("reason"), shown.get("paused_by")), (&json!("waiting"), None, None));
    assert_eq!(audited(&server).await, ["run.start", "run.resume", "run.pause", "run.pause", "run.resume"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminated_run_is_over_at_once_and_says_by_whom() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let run = started(&server, &ada, &sleeper(&server, &ada).await).await;
    let path = format!("/api/v1/runs/{run}");
    let ended = server.by(&ada, "POST", &format!("{path}/terminate"), Value::Null).await;
    assert_eq!(ended.status, StatusCode::ACCEPTED, "{}", ended.text);
    let shown = summary(&server, &ada, &run).await;
    let id = ada.session["person"]["id"].as_str().unwrap();
    assert_eq!(
        (&shown["status"], &shown["error"]),
        (&json!("terminated"), &json!(format!("terminated by ada ({id})")))
    );
    let events = server.by(&ada, "GET", &format!("{path}/events"), Value::Null).await;
    assert!(events.text.contains("event: end"), "{}", events.text);
    for verb in ["terminate", "pause", "resume", "cancel"] {
        let over = server.by(&ada, "POST", &format!("{path}/{verb}"), Value::Null).await;
        assert_eq!((over.status, over.code().as_str()), (StatusCode::CONFLICT, "conflict"), "{verb}: {}", over.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_forked_onto_a_newer_version_where_what_was_recorded_fits() {
    let endpoint = Endpoint::start().await;
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let ada = server.person("ada").await;
    let flow = calling(&server, &ada, &endpoint, "/chat", 3).await;
    let run = ran(&server, &ada, &flow, json!({"n": 1})).await;
    // The next version asks something else in its last step.
    let shown = server.by(&ada, "GET", &flow, Value::Null).await;
    let etag = shown.headers["etag"].to_str().unwrap().to_owned();
    let mut definition = shown.json()["definition"].clone();
    definition["nodes"]["call2"]["config"]["body"] = json!({"json": {"n": 8}});
    let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("if-match", etag.as_str())];
    let saved = server.send(request("PUT", &flow, &headers, definition)).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
    assert_eq!(server.by(&ada, "POST", &format!("{flow}/publish"), json!({})).await.status, StatusCode::OK);
    let checked = server.by(&ada, "POST", &format!("{run}/fork/check"), json!({"seq": 4, "version": 2})).await;
    let check = checked.json();
    assert_eq!(
        (&check["fits"], &check["copied"], check["steps"].as_array().unwrap().len()),
        (&json!(false), &json!(3), 4),
        "{check}"
    );
    let last = &check["steps"][3];
    assert_eq!((&last["path"], &last["fits"]), (&json!("call2"), &json!(false)));
    assert!(last["why"].as_str().unwrap().contains("another configuration"), "{last}");
    let refused = server.by(&ada, "POST", &format!("{run}/fork"), json!({"seq": 4, "version": 2})).await;
    assert_eq!(
        (refused.status, refused.json()["errors"][0]["pointer"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/seq")),
        "{}",
        refused.text
    );
    for (body, pointer) in
        [(json!({"seq": 0}), "/seq"), (json!({"seq": 5}), "/seq"), (json!({"seq": 1, "version": 3}), "/version")]
    {
        let refused = server.by(&ada, "POST", &format!("{run}/fork/check"), body).await;
        assert_eq!(
            (refused.status, refused.json()["errors"][0]["pointer"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some(pointer)),
            "{}",
            refused.text
        );
    }
    let before = endpoint.received().len();
    let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("idempotency-key", "one")];
    let fork = |key: bool| {
        let headers = if key { &headers[..] } else { &headers[..2] };
        server.send(request("POST", &format!("{run}/fork"), headers, json!({"seq": 3, "version": 2})))
    };
    let forked = fork(true).await;
    assert_eq!(forked.status, StatusCode::CREATED, "{}", forked.text);
    let again = fork(true).await;
    assert_eq!((again.status, &again.json()["run"]), (StatusCode::OK, &forked.json()["run"]), "{}", again.text);
    let new = format!("/api/v1/runs/{}", forked.json()["run"].as_str().unwrap());
    assert!(server.by(&ada, "GET", &format!("{new}/events"), Value::Null).await.text.contains("event: end"));
    let shown = server.by(&ada, "GET", &new, Value::Null).await.json();
    assert_eq!(
        (&shown["summary"]["status"], &shown["summary"]["version"]),
        (&json!("completed"), &json!(2)),
        "{shown}"
    );
    assert_eq!(shown["fork_of"], json!({"run": run.rsplit('/').next().unwrap(), "seq": 3}));
    let received = endpoint.received();
    assert_eq!(received.len(), before + 1, "only the last step was done");
    assert_eq!(received[before].2, r#"{"n":8}"#);
    assert!(received[..before].iter().all(|(_, key, _)| *key != received[before].1), "with a key of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_runs_are_dealt_with_at_once_and_each_is_told_what_became_of_it() {
    let endpoint = Endpoint::start().await;
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    endpoint.fail(Method::POST, "chat", StatusCode::BAD_REQUEST);
    let flow = calling(&server, &ada, &endpoint, "/chat", 1).await;
    let mut failed = Vec::new();
    for _ in 0..12 {
        let run = ran(&server, &ada, &flow, json!({})).await;
        failed.push(run.rsplit('/').next().unwrap().to_owned());
    }
    endpoint.heal();
    let waiting = started(&server, &ada, &sleeper(&server, &ada).await).await;
    let unknown = format!("{}01900000000070008000000000000001", &waiting[..waiting.len() - 32]);
    let mut runs = failed.clone();
    runs.extend([waiting.clone(), unknown, failed[0].clone()]);
    let body = json!({"action": "retry", "runs": runs});
    let headers = [("origin", ORIGIN), ("cookie", ada.cookie.as_str()), ("idempotency-key", "bulk")];
    let done = server.send(request("POST", "/api/v1/runs/bulk", &headers, body.clone())).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let results = done.json()["results"].as_array().unwrap().clone();
    let named: Vec<&str> = results.iter().map(|one| one["run"].as_str().unwrap()).collect();
    assert_eq!(named, runs);
    assert!(
        results[..12].iter().all(|one| one["ok"] == true && one["new"].is_string() && one.get("problem").is_none())
    );
    assert_eq!((&results[12]["ok"], &results[12]["problem"]["code"]), (&json!(false), &json!("conflict")));
    assert_eq!((&results[13]["ok"], &results[13]["problem"]["code"]), (&json!(false), &json!("not_found")));
    assert_eq!(results[14], results[0], "one that is named twice is done once");
    // The same key again: the same retries.
    let again = server.send(request("POST", "/api/v1/runs/bulk", &headers, body)).await.json();
    assert_eq!(again["results"][3]["new"], results[3]["new"]);
    // Somebody else's runs are unknown to each of them.
    let foreign = server.by(&bob, "POST", "/api/v1/runs/bulk", json!({"action": "cancel", "runs": [waiting]})).await;
    assert_eq!(foreign.json()["results"][0]["problem"]["code"], json!("not_found"));
    for (action, status) in [("pause", "paused"), ("resume", "waiting"), ("pause", "paused"), ("cancel", "cancelled")] {
        let body = if action == "resume" {
            json!({"action": action, "runs": [waiting]})
        } else {
            json!({"action": action, "runs": [waiting], "reason": "enough"})
        };
        let done = server.by(&ada, "POST", "/api/v1/runs/bulk", body).await.json();
        assert_eq!(done["results"][0]["ok"], json!(true), "{action}: {done}");
        assert_eq!(summary(&server, &ada, &waiting).await["status"], json!(status), "{action}");
    }
    let many: Vec<&String> = std::iter::repeat_n(&waiting, 501).collect();
    for wrong in [
        json!({"action": "cancel", "runs": []}),
        json!({"action": "cancel", "runs": many}),
        json!({"action": "delete", "runs": [waiting]}),
        json!({"action": "resume", "runs": [waiting], "reason": "x"}),
    ] {
        let refused = server.by(&ada, "POST", "/api/v1/runs/bulk", wrong).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
            "{}",
            refused.text
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_run_that_goes_on_is_shown_from_its_snapshot_as_its_journal_would_show_it() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let nodes = json!({"start": {"kind": "trigger.manual@1"},
        "turn": {"kind": "loop@1", "config": {"while": {"$cel": "true"}, "max": 200}, "bodies": {"body": {"nodes": {
            "paid": {"kind": "flow.signal@1", "config": {"name": "paid"}}}, "edges": []}}}});
    let flow = published(&server, &ada, nodes, json!([{"from": "start.out", "to": "turn.in"}])).await;
    let run = started(&server, &ada, &flow).await;
    let path = format!("/api/v1/runs/{run}");
    for n in 0..70 {
        let body = json!({"name": "paid", "sender": n.to_string(), "payload": {"n": n}});
        let told = server.by(&ada, "POST", &format!("{path}/signals"), body).await;
        assert!(told.status.is_success(), "{}", told.text);
    }
    let mut owner = PgConnection::connect_with(&server.db.options(Role::Owner)).await.unwrap();
    let kept: i64 = sqlx::query_scalar("select snap_seq from run_live").fetch_one(&mut owner).await.unwrap();
    assert!(kept >= 64, "{kept}");
    let short = server.by(&ada, "GET", &path, Value::Null).await;
    assert_eq!(short.status, StatusCode::OK, "{}", short.text);
    sqlx::query("update run_live set snap = null, snap_seq = null").execute(&mut owner).await.unwrap();
    let whole = server.by(&ada, "GET", &path, Value::Null).await;
    assert_eq!(short.json(), whole.json());
}
