//! Deliveries that nobody should send, over HTTP to real webhooks: each is refused with the place of what is wrong, and starts
//! nothing. And endpoints that fail for a while or answer what they must not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use hmac::{Hmac, KeyInit as _, Mac as _};
use holon_model::Millis;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

use crate::support::{Answer, Person, Server, request};
use crate::waiting::{ended, started};

/// A published flow of these nodes; its path, and that of its webhook.
async fn published(server: &Server, ada: &Person, definition: Value) -> (String, String) {
    let made = server.by(ada, "POST", "/api/v1/flows", json!({ "definition": definition })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    let published = server.by(ada, "POST", &format!("{path}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    let flow = server.by(ada, "GET", &path, Value::Null).await.json();
    let url = flow["webhooks"][0]["url"].as_str().unwrap_or_default();
    (path, url[url.find("/hooks/").unwrap_or(0)..].to_owned())
}

fn takes(input: Value) -> Value {
    json!({"holon": 1, "name": "takes", "input": input, "nodes": {"hook": {"kind": "trigger.webhook@1"}}, "edges": []})
}

async fn deliver(server: &Server, hook: &str, kind: &str, body: impl Into<Body>) -> Answer {
    let mut delivery = Request::builder().method("POST").uri(hook);
    if !kind.is_empty() {
        delivery = delivery.header("content-type", kind);
    }
    server.send(delivery.body(body.into()).unwrap()).await
}

async fn runs(server: &Server, ada: &Person) -> usize {
    let runs = server.by(ada, "GET", "/api/v1/runs", Value::Null).await.json();
    runs["data"].as_array().unwrap().len()
}

/// A text that Holon would write for a payload of its own.
fn blob(key: &str) -> String {
    format!(r#"{{"{key}": {{"hash": "{}", "len": 3, "media_type": "text/plain"}}}}"#, "0".repeat(64))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_something_cannot_name_a_payload_that_they_never_sent() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (flow, hook) = published(&server, &ada, takes(json!({}))).await;
    for key in ["$blob", r"\u0024blob", r"$b\u006cob"] {
        let body = format!(r#"{{"order": {{"file": {}}}}}"#, blob(key));
        let refused = deliver(&server, &hook, "application/json", body.clone()).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_json"), "{body}");
        let problem = refused.json();
        assert_eq!(problem["errors"][0]["pointer"], "/body/order/file", "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("$blob"), "{problem}");
        // The same by the API: what starts a run, what a run waits for, and what a flow says.
        for (path, body) in [
            (format!("{flow}/runs"), format!(r#"{{"input": {body}}}"#)),
            ("/api/v1/signals".to_owned(), format!(r#"{{"name": "paid", "correlation": "1", "payload": {body}}}"#)),
            ("/api/v1/events".to_owned(), format!(r#"{{"name": "paid", "data": {body}}}"#)),
            (
                "/api/v1/flows".to_owned(),
                format!(r#"{{"definition": {{"holon": 1, "name": "f", "samples": {body}}}}}"#),
            ),
        ] {
            let headers = [("origin", crate::support::ORIGIN), ("cookie", ada.cookie.as_str())];
            let mut asked = request("POST", &path, &headers, json!({}));
            *asked.body_mut() = Body::from(body);
            let refused = server.send(asked).await;
            assert_eq!((refused.status, refused.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_json"), "{path}");
            assert!(refused.text.contains("/order/file"), "{path}: {}", refused.text);
        }
    }
    assert_eq!(runs(&server, &ada).await, 0);
    // What is no reference is a map like any other, and comes through as it was sent.
    let like = json!({"order": {"$blob": {"hash": "short", "len": 3, "media_type": "a"}}});
    let taken = deliver(&server, &hook, "application/json", like.to_string()).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.text);
    let run = format!("/api/v1/runs/{}", taken.headers["holon-run"].to_str().unwrap());
    assert_eq!(ended(&server, &ada, &run).await["output"]["body"], like);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_names_a_payload_of_holons_own_fails_its_step() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers = || async { ([("content-type", "application/json")], format!(r#"{{"file": {}}}"#, blob("$blob"))) };
    let serving =
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(answers))).await.unwrap() });
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let ada = server.person("ada").await;
    let definition = json!({"holon": 1, "name": "asks", "nodes": {
        "start": {"kind": "trigger.manual@1"},
        "ask": {"kind": "http.request@1", "config": {"method": "GET", "url": format!("http://127.0.0.1:{port}/")}},
        "read": {"kind": "data.set@1", "config": {"fields": {"file": {"$cel": "parse_json(input.text)"}}}}},
      "edges": [{"from": "start.out", "to": "read.in"}, {"from": "read.out", "to": "ask.in"}]});
    let (flow, _) = published(&server, &ada, definition).await;
    let text = json!({"text": r#"{"plain": 1}"#});
    let over = ended(&server, &ada, &started(&server, &ada, &flow, text).await).await;
    let told = over["summary"]["error"].as_str().unwrap_or_default();
    assert!(told.starts_with("invalid_json") && told.contains("$blob"), "{over}");
    // A text that a flow reads as JSON is somebody else's too.
    let over = ended(&server, &ada, &started(&server, &ada, &flow, json!({"text": blob("$blob")})).await).await;
    let told = over["summary"]["error"].as_str().unwrap_or_default();
    assert!(told.contains("bad_conversion") && told.contains("$blob"), "{over}");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_of_a_type_that_is_not_read_or_is_not_what_it_says_starts_nothing() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let (_, hook) = published(&server, &ada, takes(json!({}))).await;
    let unread = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    for (kind, body, expected) in [
        ("image/png", "\u{89}PNG", unread),
        ("multipart/form-data; boundary=x", "--x--", unread),
        ("application/octet-stream", "{}", unread),
        ("text/plain; charset=utf-16", "a", unread),
        ("", "{}", unread),
        ("application/json", "a=1&b=2", (StatusCode::BAD_REQUEST, "invalid_json")),
    ] {
        let refused = deliver(&server, &hook, kind, body).await;
        assert_eq!((refused.status, refused.code().as_str()), expected, "{kind}: {}", refused.text);
        assert_eq!(refused.headers["content-type"], "application/problem+json", "{kind}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.ends_with("No run was started."), "{kind}: {detail}");
    }
    assert_eq!(runs(&server, &ada).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_with_fields_that_the_input_does_not_have_is_refused_with_the_place_of_each() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let order = json!({"type": "object", "additionalProperties": false, "required": ["id"],
        "properties": {"id": {"type": "integer"}, "to": {"type": "object", "additionalProperties": false,
            "properties": {"city": {"type": "string"}}}}});
    let (_, hook) = published(&server, &ada, takes(json!({"type": "object", "properties": {"body": order}}))).await;
    let json = "application/json";
    let refused =
        deliver(&server, &hook, json, r#"{"id": 7, "nome": 1, "to": {"city": "Bonn", "zip/code": "5"}}"#).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    let problem = refused.json();
    let places: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(places, ["/input/body/nome", "/input/body/to/zip~1code"], "{problem}");
    assert_eq!(runs(&server, &ada).await, 0);
    let taken = deliver(&server, &hook, json, r#"{"id": 7, "to": {"city": "Bonn"}}"#).await;
    assert_eq!((taken.status, runs(&server, &ada).await), (StatusCode::ACCEPTED, 1), "{}", taken.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_three_times_is_asked_a_fourth_time_with_the_same_key() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, keys) = (Arc::new(AtomicU32::new(0)), Arc::new(std::sync::Mutex::new(Vec::new())));
    let charge = {
        let (asked, keys) = (Arc::clone(&asked), Arc::clone(&keys));
        move |headers: HeaderMap| async move {
            keys.lock().unwrap().push(headers["idempotency-key"].clone());
            match asked.fetch_add(1, Relaxed) {
                0..3 => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"why": "a bad day"}))),
                _ => (StatusCode::OK, Json(json!({"charged": true}))),
            }
        }
    };
    let serving =
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(charge))).await.unwrap() });
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let ada = server.person("ada").await;
    let definition = json!({"holon": 1, "name": "charges", "nodes": {
        "hook": {"kind": "trigger.webhook@1"},
        "charge": {"kind": "http.request@1", "config": {"method": "POST", "url": format!("http://127.0.0.1:{port}/")},
            "policies": {"retry": {"attempts": 4, "initial": "10s", "factor": 2, "jitter": false}}}},
      "edges": [{"from": "hook.out", "to": "charge.in"}], "result": {"$cel": "nodes.charge.body"}});
    let (_, hook) = published(&server, &ada, definition).await;
    let taken = deliver(&server, &hook, "application/json", "{}").await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.text);
    let run = format!("/api/v1/runs/{}", taken.headers["holon-run"].to_str().unwrap());
    let time = async {
        // 10, 20 and 40 seconds between the attempts, of a clock that only goes on here.
        loop {
            server.clock.advance(Millis(1_000));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let over = tokio::select! { over = ended(&server, &ada, &run) => over, () = time => unreachable!() };
    assert_eq!(
        (&over["summary"]["status"], &over["output"]),
        (&json!("completed"), &json!({"charged": true})),
        "{over}"
    );
    let keys = keys.lock().unwrap();
    assert_eq!((keys.len(), keys.iter().all(|key| *key == keys[0])), (4, true), "{keys:?}");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_is_checked_with_a_key_for_signatures_and_with_no_other_secret() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let connection = |kind: &str| json!({"name": "shop", "kind": kind, "secret": "open sesame", "hosts": ["e.com"]});
    let key = json!({"name": "shop", "kind": "hmac_key", "secret": "open sesame"});
    let made = server.by(&ada, "POST", "/api/v1/connections", key).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let place = format!("/api/v1/connections/{}", made.json()["id"].as_str().unwrap());
    let hook = json!({"kind": "trigger.webhook@1", "config": {"auth": {"hmac": {"connection": "shop"}}}});
    let definition = json!({"holon": 1, "name": "signed", "nodes": {"hook": hook}, "edges": []});
    let (_, hook) = published(&server, &ada, definition).await;
    let mut mac = Hmac::<Sha256>::new_from_slice(b"open sesame").unwrap();
    mac.update(b"{}");
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let signed = || server.send(request("POST", &hook, &[("x-signature", &signature)], json!({})));
    let taken = signed().await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.text);
    // Published it was for a key; what became of the connection since is looked at with each delivery.
    let changed = server.by(&ada, "PUT", &place, connection("http_bearer")).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let refused = signed().await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (StatusCode::UNAUTHORIZED, "bad_signature"),
        "{}",
        refused.text
    );
    assert!(refused.text.contains("holds no key for signatures"), "{}", refused.text);
    assert_eq!(runs(&server, &ada).await, 1);
}
