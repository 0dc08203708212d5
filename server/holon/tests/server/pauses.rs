//! Pausing a flow, a workspace and the instance over REST, and the limits of a flow as callers see them.

use axum::http::StatusCode;
use holon::pauses::cli::{Command, obey};
use holon_platform::db::Role;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::{Person, Server, request};

const HOOKED: &str = r#"{"holon": 1, "name": "Hooked", "nodes": {"hook": {"kind": "trigger.webhook@1", "config": {"method": "POST"}}}, "edges": []}"#;

async fn published(server: &Server, person: &Person, definition: Value) -> String {
    let made = server.by(person, "POST", "/api/v1/flows", json!({ "definition": definition })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let done = server.by(person, "POST", &format!("/api/v1/flows/{id}/publish"), json!({})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    id
}

/// A flow whose runs wait for a signal.
fn waiting(limits: Value) -> Value {
    json!({"holon": 1, "name": "Waiting", "limits": limits, "nodes": {
        "start": {"kind": "trigger.manual@1"},
        "paid": {"kind": "flow.signal@1", "config": {"name": "paid"}}},
      "edges": [{"from": "start.out", "to": "paid.in"}]})
}

async fn start(server: &Server, person: &Person, flow: &str) -> crate::support::Answer {
    server.by(person, "POST", &format!("/api/v1/flows/{flow}/runs"), json!({"input": {}})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_flow_refuses_starts_and_webhooks_and_goes_on_when_it_is_let() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let flow = published(&server, &ada, serde_json::from_str(HOOKED).unwrap()).await;
    let path = format!("/api/v1/flows/{flow}/pause");
    let before = server.by(&ada, "GET", &path, Value::Null).await;
    assert_eq!(before.json(), json!({"pause": null, "running": 0, "waiting": 0, "queued": 0}));
    let done = server.by(&ada, "PUT", &path, json!({"mode": "pause", "reason": "the shop is down"})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(done.json()["pause"]["mode"], "pause");

    let refused = start(&server, &ada, &flow).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "paused"));
    assert_eq!(refused.headers["retry-after"], "60");
    assert!(refused.text.contains("the shop is down"), "{}", refused.text);
    let detail = server.by(&ada, "GET", &format!("/api/v1/flows/{flow}"), Value::Null).await.json();
    let hook = detail["webhooks"][0]["url"].as_str().unwrap();
    let hook = &hook[hook.find("/hooks/").unwrap()..];
    let refused = server.send(request("POST", hook, &[], json!({}))).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "paused"));

    assert_eq!(server.by(&ada, "DELETE", &path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.by(&ada, "DELETE", &path, Value::Null).await.status, StatusCode::NO_CONTENT, "twice is once");
    assert_eq!(server.send(request("POST", hook, &[], json!({}))).await.status, StatusCode::ACCEPTED);
    let mut admin = PgConnection::connect_with(&server.db.admin_options()).await.unwrap();
    let told: Vec<(String, String)> = sqlx::query_as(
        "select intent_type, subject from audit_event where intent_type like 'pause.%' order by event_id",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert_eq!(told, [("pause.set".to_owned(), flow.clone()), ("pause.lift".to_owned(), flow)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_is_paused_by_itself_and_the_instance_only_by_its_operator() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let (hers, his) =
        (published(&server, &ada, waiting(json!({}))).await, published(&server, &bob, waiting(json!({}))).await);
    let done = server.by(&bob, "PUT", "/api/v1/workspace/pause", json!({"mode": "drain"})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(start(&server, &bob, &his).await.code(), "paused");
    assert_eq!(start(&server, &ada, &hers).await.status, StatusCode::CREATED);
    let refused = server.by(&bob, "PUT", "/api/v1/instance/pause", json!({"mode": "pause"})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    let done = server.by(&ada, "PUT", "/api/v1/instance/pause", json!({"mode": "pause"})).await;
    assert_eq!(done.status, StatusCode::OK, "the first person is the operator: {}", done.text);
    assert_eq!(done.json()["waiting"], 1, "{}", done.text);
    assert_eq!(start(&server, &ada, &hers).await.code(), "paused");
    server.by(&bob, "DELETE", "/api/v1/workspace/pause", Value::Null).await;
    assert_eq!(start(&server, &bob, &his).await.code(), "paused", "the instance is still paused");
    server.by(&ada, "DELETE", "/api/v1/instance/pause", Value::Null).await;
    assert_eq!(start(&server, &bob, &his).await.status, StatusCode::CREATED);
    let long = json!({"mode": "pause", "reason": "x".repeat(501)});
    let refused = server.by(&ada, "PUT", "/api/v1/workspace/pause", long).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_waits_for_its_place_is_shown_with_its_input_and_why_and_what_is_too_much_is_told_when_to_come_again()
 {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let flow = published(&server, &ada, waiting(json!({"concurrency": {"limit": 1, "queue": 1}}))).await;
    let first = start(&server, &ada, &flow).await.json()["id"].as_str().unwrap().to_owned();
    let body = json!({"input": {"order": 7}});
    let second = server.by(&ada, "POST", &format!("/api/v1/flows/{flow}/runs"), body).await;
    let second = second.json()["id"].as_str().unwrap().to_owned();
    let run = server.by(&ada, "GET", &format!("/api/v1/runs/{second}"), Value::Null).await.json();
    assert_eq!((&run["summary"]["status"], &run["input"]), (&json!("queued"), &json!({"order": 7})));
    let reason = run["summary"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("at most one run"), "{run}");
    let listed = server.by(&ada, "GET", "/api/v1/runs?status=queued", Value::Null).await.json();
    assert_eq!(listed["data"][0]["id"], json!(second), "{listed}");
    let refused = start(&server, &ada, &flow).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"));
    assert!(refused.headers.contains_key("retry-after"));

    let cancelled = server.by(&ada, "POST", &format!("/api/v1/runs/{first}/cancel"), json!({})).await;
    assert!(cancelled.status.is_success(), "{}", cancelled.text);
    let begun = async {
        loop {
            let run = server.by(&ada, "GET", &format!("/api/v1/runs/{second}"), Value::Null).await.json();
            if run["summary"]["status"] == "waiting" {
                break run;
            }
            tokio::task::yield_now().await;
        }
    };
    let run = tokio::time::timeout(std::time::Duration::from_secs(20), begun).await.expect("it is its turn");
    assert_eq!((&run["summary"]["reason"], &run["input"]), (&Value::Null, &json!({"order": 7})));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_cancelled_before_its_turn_is_shown_run_again_and_retried_with_its_input_or_another() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let flow = published(&server, &ada, waiting(json!({"concurrency": {"limit": 1}}))).await;
    start(&server, &ada, &flow).await;
    let body = json!({"input": {"order": 7}, "labels": {"team": "red"}, "correlation": "order 7"});
    let second = server.by(&ada, "POST", &format!("/api/v1/flows/{flow}/runs"), body).await;
    let second = format!("/api/v1/runs/{}", second.json()["id"].as_str().unwrap());
    // Also while it waits it can be started again beside itself.
    let again = async |body: Value| {
        let started = server.by(&ada, "POST", &format!("{second}/again"), body).await;
        assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
        let run = format!("/api/v1/runs/{}", started.json()["id"].as_str().unwrap());
        server.by(&ada, "GET", &run, Value::Null).await.json()
    };
    assert_eq!(again(json!({})).await["input"], json!({"order": 7}));
    let cancelled = server.by(&ada, "POST", &format!("{second}/cancel"), json!({})).await;
    assert!(cancelled.status.is_success(), "{}", cancelled.text);
    let run = server.by(&ada, "GET", &second, Value::Null).await.json();
    assert_eq!(
        (&run["summary"]["status"], &run["input"], &run["retry"]),
        (&json!("cancelled"), &json!({"order": 7}), &json!({"taken": true})),
        "{run}"
    );
    for (body, input) in [(json!({}), json!({"order": 7})), (json!({"input": {"order": 8}}), json!({"order": 8}))] {
        let run = again(body).await;
        assert_eq!((&run["input"], &run["summary"]["status"]), (&input, &json!("queued")));
        assert_eq!(run["summary"]["labels"]["team"], "red");
    }
    let retried = server.by(&ada, "POST", &format!("{second}/retry"), Value::Null).await;
    assert_eq!(retried.status, StatusCode::CREATED, "{}", retried.text);
    let retried = format!("/api/v1/runs/{}", retried.json()["id"].as_str().unwrap());
    let run = server.by(&ada, "GET", &retried, Value::Null).await.json();
    let of = second.rsplit('/').next().unwrap();
    assert_eq!(
        (&run["input"], &run["retry_of"], &run["summary"]["status"]),
        (&json!({"order": 7}), &json!(of), &json!("queued"))
    );
    let verified = server.by(&ada, "GET", &format!("{second}/verify"), Value::Null).await.json();
    assert_eq!((&verified["agrees"], &verified["inputs"]), (&json!(true), &json!(0)), "{verified}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_pauses_on_the_machine_stands_in_the_audit_log_as_done_there() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let mut owner = PgConnection::connect_with(&server.db.options(Role::Owner)).await.unwrap();
    for words in [&["resume"][..], &["drain", "--reason", "a deploy"], &["pause"], &["resume"], &["resume"]] {
        let command = Command::parse(words).unwrap().unwrap();
        obey(&mut owner, &command).await.unwrap();
    }
    let told: Vec<(String, String, String, String, String, Value)> = sqlx::query_as(
        "select tenant_id::text, intent_type, actor, source, subject, detail from audit_event
         where intent_type like 'pause.%' order by event_id",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let tenant = ada.session["tenant"]["id"].as_str().unwrap().rsplit('_').next().unwrap();
    assert_eq!(told.iter().map(|row| row.0.replace('-', "")).collect::<Vec<_>>(), [tenant; 3], "{bob:?}");
    let told: Vec<_> = told
        .into_iter()
        .map(|(_, kind, actor, source, subject, detail)| (kind, (actor, source, subject), detail))
        .collect();
    let by = ("operator".to_owned(), "cli".to_owned(), "instance".to_owned());
    assert_eq!(
        told,
        [
            ("pause.set".to_owned(), by.clone(), json!({"mode": "drain", "reason": "a deploy"})),
            ("pause.set".to_owned(), by.clone(), json!({"mode": "pause", "reason": ""})),
            ("pause.lift".to_owned(), by, Value::Null),
        ],
        "what changed nothing is no row"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limit_is_told_in_the_standard_headers() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let flow = published(&server, &ada, waiting(json!({"rate": {"limit": 2, "per": "1h"}}))).await;
    for _ in 0..2 {
        assert_eq!(start(&server, &ada, &flow).await.status, StatusCode::CREATED);
    }
    let refused = start(&server, &ada, &flow).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["ratelimit-policy"], "\"flow\";q=2;w=3600");
    assert!(refused.headers["ratelimit"].to_str().unwrap().starts_with("\"flow\";r=0;t=1"), "{:?}", refused.headers);
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1700..=1800).contains(&seconds), "{seconds}");
}
