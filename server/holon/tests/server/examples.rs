//! The examples, run on the server against a real endpoint and in the preview on their samples: the same results, and over the
//! same inputs the same log hash.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use hmac::{Hmac, KeyInit as _, Mac as _};
use holon_model::Millis;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::time::Instant;

use crate::endpoint::Endpoint;
use crate::support::{Person, Server, request};

/// A server with the published example, whose calls go to `endpoint`.
async fn published(name: &str, endpoint: &Endpoint) -> (Server, Person, Value) {
    let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
    let ada = server.person("ada").await;
    if name == "signed-push" {
        let key = json!({"name": "github", "kind": "hmac_key", "secret": "it's a secret", "hosts": []});
        let made = server.by(&ada, "POST", "/api/v1/connections", key).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    let example = holon_catalogue::examples().iter().find(|example| example.name == name).unwrap();
    let here = format!("127.0.0.1:{}", endpoint.port);
    let definition: Value =
        serde_json::from_str(&example.definition.to_json().replace("127.0.0.1:9090", &here)).unwrap();
    let made = server.by(&ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    let published = server.by(&ada, "POST", &format!("{path}/publish"), json!({"message": ""})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    let flow = server.by(&ada, "GET", &path, Value::Null).await.json();
    (server, ada, flow)
}

/// Follows the only run to its end and answers it.
async fn finished(server: &Server, ada: &Person) -> Value {
    let runs = server.by(ada, "GET", "/api/v1/runs", Value::Null).await.json();
    assert_eq!(runs["data"].as_array().unwrap().len(), 1, "{runs}");
    let path = format!("/api/v1/runs/{}", runs["data"][0]["id"].as_str().unwrap());
    // The stream of a run ends with the run.
    let events = server.by(ada, "GET", &format!("{path}/events"), Value::Null).await;
    assert!(events.text.contains("event: end"), "{}", events.text);
    server.by(ada, "GET", &path, Value::Null).await.json()
}

/// The browser's engine replays the journal and comes to the same hash; the preview on the samples comes to the same output.
async fn compare(server: &Server, ada: &Person, run: &Value) {
    let id = run["summary"]["id"].as_str().unwrap();
    let journal = server.by(ada, "GET", &format!("/api/v1/runs/{id}/journal"), Value::Null).await.json();
    let replay = worker(json!({"replay": {"definition": run["definition"]}}))["number"].clone();
    let fed = worker(json!({"feed": {"replay": replay, "rows": journal["data"]}}));
    assert!(fed["difference"].is_null(), "{fed}");
    let last = journal["data"].as_array().unwrap().len() - 1;
    let end = worker(json!({"seek": {"replay": replay, "at": last}}));
    assert_eq!(end["log_hash"], run["log_hash"], "{end}");
    assert_eq!(end["output"], run["output"], "{end}");
    let preview = worker(json!({"preview": {"definition": run["definition"]}}));
    assert_eq!(preview["status"], "completed", "{preview}");
    assert_eq!(preview["output"], run["output"]);
}

/// What the browser's worker answers.
fn worker(ask: Value) -> Value {
    let answer: Value =
        serde_json::from_str(&holon_preview::handle(&json!({"id": 1, "ask": ask}).to_string())).unwrap();
    assert!(answer["error"].is_null(), "{answer}");
    answer["ok"].clone()
}

fn hook(flow: &Value) -> String {
    let url = flow["webhooks"][0]["url"].as_str().unwrap();
    url[url.find("/hooks/").unwrap()..].to_owned()
}

#[tokio::test]
async fn an_order_is_taken_once_and_answered_with_exact_totals() {
    let endpoint = Endpoint::start().await;
    let (server, ada, flow) = published("order-intake", &endpoint).await;
    let order: Value = serde_json::from_str(include_str!("../../../../docs/examples/order-intake/order.json")).unwrap();
    let headers = [("idempotency-key", "order-1042")];
    let first = server.send(request("POST", &hook(&flow), &headers, order.clone())).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    // As text: the digits are the promise.
    assert!(first.text.contains(r#""net":68.40"#) && first.text.contains(r#""tax":13.00"#), "{}", first.text);
    let again = server.send(request("POST", &hook(&flow), &headers, order)).await;
    assert_eq!(
        (again.status, again.text),
        (first.status, first.text),
        "a repeated delivery is answered like the first"
    );
    let received = endpoint.received();
    assert_eq!(received.iter().map(|(path, ..)| path.as_str()).collect::<Vec<_>>(), ["/reserve"; 2]);
    assert_ne!(received[0].1, received[1].1, "each line's call has a key of its own");
    let run = finished(&server, &ada).await;
    assert_eq!(run["summary"]["status"], "completed", "{run}");
    compare(&server, &ada, &run).await;
}

#[tokio::test]
async fn a_wrong_order_is_answered_with_its_mistakes() {
    let endpoint = Endpoint::start().await;
    let (server, _, flow) = published("order-intake", &endpoint).await;
    let order = json!({"id": "1", "customer": {"name": "A", "email": "a@example.com"}, "lines": [{"sku": "X", "qty": 0, "price": 1}]});
    let refused = server.send(request("POST", &hook(&flow), &[], order)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    assert!(refused.text.contains("/lines/0/qty"), "{}", refused.text);
    assert!(endpoint.received().is_empty());
    let broken =
        Request::post(hook(&flow)).header("content-type", "application/json").body(Body::from("{\"id\": 01}")).unwrap();
    let refused = server.send(broken).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (StatusCode::BAD_REQUEST, "invalid_json"),
        "{}",
        refused.text
    );
    assert_eq!(refused.json()["errors"][0]["pointer"], "/body/id");
}

#[tokio::test]
async fn a_push_is_believed_only_with_its_signature() {
    let endpoint = Endpoint::start().await;
    let (server, ada, flow) = published("signed-push", &endpoint).await;
    let push = include_str!("../../../../docs/examples/signed-push/push.json");
    let send = |signature: Option<String>| {
        let mut request =
            Request::post(hook(&flow)).header("content-type", "application/json").header("x-github-delivery", "1");
        if let Some(signature) = signature {
            request = request.header("x-hub-signature-256", signature);
        }
        server.send(request.body(Body::from(push)).unwrap())
    };
    for forged in [None, Some("sha256=00".to_owned()), Some(format!("sha256={}", "0".repeat(64)))] {
        let refused = send(forged).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::UNAUTHORIZED, "bad_signature"),
            "{}",
            refused.text
        );
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(b"it's a secret").unwrap();
    mac.update(push.as_bytes());
    let right = format!("sha256={}", holon_model::canon::hex(&mac.finalize().into_bytes()));
    let accepted = send(Some(right.clone())).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.text);
    let again = send(Some(right)).await;
    assert_eq!(again.json(), json!({"run": accepted.json()["run"], "replayed": true}));
    let run = finished(&server, &ada).await;
    assert_eq!(run["summary"]["status"], "completed", "{run}");
    assert_eq!(endpoint.received().len(), 1);
    compare(&server, &ada, &run).await;
}

#[tokio::test]
async fn a_report_is_made_of_a_csv_file() {
    let endpoint = Endpoint::start().await;
    let (server, ada, flow) = published("csv-report", &endpoint).await;
    let path = format!("/api/v1/flows/{}/runs", flow["id"].as_str().unwrap());
    let started = server.by(&ada, "POST", &path, json!({"input": {"period": "2026-10"}})).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
    let run = finished(&server, &ada).await;
    assert_eq!(run["summary"]["status"], "completed", "{run}");
    compare(&server, &ada, &run).await;
}

#[tokio::test]
async fn labels_are_printed_two_at_a_time() {
    let endpoint = Endpoint::start().await;
    let (server, ada, flow) = published("shipping-labels", &endpoint).await;
    let path = format!("/api/v1/flows/{}/runs", flow["id"].as_str().unwrap());
    let input = include_str!("../../../../docs/examples/shipping-labels/input.json");
    let input: Value = serde_json::from_str(input).unwrap();
    let started = server.by(&ada, "POST", &path, json!({"input": input})).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
    let run = finished(&server, &ada).await;
    assert_eq!(run["summary"]["status"], "completed", "{run}");
    assert_eq!(paths(&endpoint), ["/labels"; 5]);
    assert!(endpoint.most_printed() <= 2);
    let nodes =
        run["nodes"].as_array().unwrap().iter().filter(|node| node["path"].as_str().unwrap().ends_with("/label"));
    let waited: Vec<bool> = nodes.map(|node| !node["queued_at"].is_null()).collect();
    assert_eq!(waited, [false, false, true, true, true], "whoever looks at the run sees who waited");
    compare(&server, &ada, &run).await;
}

#[tokio::test]
async fn what_several_deliveries_bring_is_handed_on_at_once_and_each_learns_of_its_own() {
    let endpoint = Endpoint::start().await;
    let (server, ada, flow) = published("bulk-import", &endpoint).await;
    for n in 1..=50 {
        let key = format!("reading-{n}");
        let sent = request("POST", &hook(&flow), &[("idempotency-key", key.as_str())], json!({"celsius": n}));
        let accepted = server.send(sent).await;
        assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.text);
    }
    // The fiftieth fills it: time does not have to pass.
    let runs = server.by(&ada, "GET", "/api/v1/runs?limit=100", Value::Null).await.json();
    let mut rows = std::collections::BTreeSet::new();
    for run in runs["data"].as_array().unwrap() {
        let path = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());
        let events = server.by(&ada, "GET", &format!("{path}/events"), Value::Null).await;
        assert!(events.text.contains("event: end"), "{}", events.text);
        let run = server.by(&ada, "GET", &path, Value::Null).await.json();
        assert_eq!(run["summary"]["status"], "completed", "{run}");
        if run["summary"]["trigger"] == "batch" {
            assert_eq!(run["nodes"].as_array().unwrap()[0]["path"], "collect/insert", "{run}");
            let again = server.by(&ada, "POST", &format!("{path}/again"), Value::Null).await;
            assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
            assert!(again.text.contains("is a batch"), "{}", again.text);
        } else {
            rows.insert(run["output"]["row"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(rows.len(), 50, "each has a row of its own");
    assert_eq!(paths(&endpoint), ["/rows"]);
}

/// Posts the trip to the example's webhook.
async fn book(server: &Server, flow: &Value) -> crate::support::Answer {
    let trip: Value = serde_json::from_str(include_str!("../../../../docs/examples/travel-booking/trip.json")).unwrap();
    server.send(request("POST", &hook(flow), &[], trip)).await
}

/// The paths that the endpoint was asked for, in order.
fn paths(endpoint: &Endpoint) -> Vec<String> {
    endpoint.received().into_iter().map(|(path, ..)| path).collect()
}

#[tokio::test]
async fn a_trip_is_booked_and_paid() {
    let endpoint = Endpoint::start().await;
    let (server, ada, flow) = published("travel-booking", &endpoint).await;
    let booked = book(&server, &flow).await;
    assert_eq!(booked.status, StatusCode::CREATED, "{}", booked.text);
    assert!(booked.text.contains(r#""paid":583.00"#), "{}", booked.text);
    assert_eq!(paths(&endpoint), ["/flights", "/hotels", "/cars", "/payments"]);
    let run = finished(&server, &ada).await;
    compare(&server, &ada, &run).await;
}

#[tokio::test]
async fn a_trip_that_cannot_be_paid_is_cancelled_in_reverse() {
    let endpoint = Endpoint::start().await;
    endpoint.fail(Method::POST, "payments", StatusCode::PAYMENT_REQUIRED);
    let (server, ada, flow) = published("travel-booking", &endpoint).await;
    let refused = book(&server, &flow).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    let undone = ["/cars/car-3", "/hotels/hotel-2", "/flights/flight-1"];
    assert_eq!(paths(&endpoint)[4..], undone);
    let run = finished(&server, &ada).await;
    let trip = run["nodes"].as_array().unwrap().iter().find(|node| node["path"] == "trip").unwrap();
    let states: Vec<&str> =
        trip["saga"]["steps"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["compensated", "compensated", "compensated", "failed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_booking_that_cannot_be_cancelled_waits_for_a_person_and_goes_on_when_told() {
    let endpoint = Endpoint::start().await;
    endpoint.fail(Method::POST, "payments", StatusCode::PAYMENT_REQUIRED);
    endpoint.fail(Method::DELETE, "hotels", StatusCode::NOT_FOUND);
    let (server, ada, flow) = published("travel-booking", &endpoint).await;
    let (refused, ()) = tokio::join!(book(&server, &flow), async {
        let mut tasks = json!({"data": []});
        // The pauses between the tries: the clock is the test's, and whoever sleeps until a time of it may have looked at it before.
        let patience = Instant::now() + Duration::from_secs(60);
        while tasks["data"].as_array().unwrap().is_empty() && Instant::now() < patience {
            server.clock.advance(Millis(100));
            tokio::time::sleep(Duration::from_millis(5)).await;
            tasks = server.by(&ada, "GET", "/api/v1/tasks?state=open", Value::Null).await.json();
        }
        let task = &tasks["data"][0];
        assert_eq!(task["kind"], "compensation", "{task}");
        assert!(!paths(&endpoint).contains(&"/flights/flight-1".to_owned()), "the flight waits for the hotel");
        endpoint.heal();
        let path =
            format!("/api/v1/runs/{}/tasks/{}/answer", task["run"].as_str().unwrap(), task["id"].as_str().unwrap());
        let answered = server.by(&ada, "POST", &path, json!({"choice": "retry"})).await;
        assert_eq!(answered.status, StatusCode::NO_CONTENT, "{}", answered.text);
    });
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert_eq!(paths(&endpoint)[paths(&endpoint).len() - 2..], ["/hotels/hotel-2", "/flights/flight-1"]);
}

/// Starts the published example with the input that it brings.
async fn begun(server: &Server, ada: &Person, flow: &Value, name: &str) {
    let example = holon_catalogue::examples().iter().find(|example| example.name == name).unwrap();
    let input: Value = serde_json::from_str(&example.input.to_json()).unwrap();
    let path = format!("/api/v1/flows/{}/runs", flow["id"].as_str().unwrap());
    let started = server.by(ada, "POST", &path, json!({"input": input})).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
}

#[tokio::test]
async fn the_supplier_that_answers_wins_a_low_price_is_told_and_the_firings_are_known() {
    let endpoint = Endpoint::start().await;
    // South is closed: which of two that answer is first would be chance.
    endpoint.fail(Method::GET, "south", StatusCode::SERVICE_UNAVAILABLE);
    let (server, ada, flow) = published("price-watch", &endpoint).await;
    begun(&server, &ada, &flow, "price-watch").await;
    let run = finished(&server, &ada).await;
    assert_eq!(run["summary"]["status"], "completed", "{run}");
    assert!(
        endpoint.received().iter().any(|(path, _, body)| path == "/chat" && body.contains("TEA-12 is 4.2 at north"))
    );
    compare(&server, &ada, &run).await;
    let schedules = server.by(&ada, "GET", "/api/v1/schedules", Value::Null).await;
    assert!(schedules.text.contains("0 8-18 * * MON-FRI"), "{}", schedules.text);
}

/// Asks for leave, and the manager answers; how the run ended.
async fn leave(endpoint: &Endpoint, answer: Value) -> (Server, Person, Value) {
    let (server, ada, flow) = published("leave-request", endpoint).await;
    begun(&server, &ada, &flow, "leave-request").await;
    let mut tasks = json!({"data": []});
    let patience = Instant::now() + Duration::from_secs(60);
    while tasks["data"].as_array().unwrap().is_empty() && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(5)).await;
        tasks = server.by(&ada, "GET", "/api/v1/tasks?state=open", Value::Null).await.json();
    }
    let task = &tasks["data"][0];
    assert_eq!(task["title"], "Leave of Ada, 5 days from 2026-12-21", "{task}");
    assert!(endpoint.received()[0].2.contains("/t/"), "the manager has the link: {:?}", endpoint.received());
    let path = format!("/api/v1/runs/{}/tasks/{}/answer", task["run"].as_str().unwrap(), task["id"].as_str().unwrap());
    let answered = server.by(&ada, "POST", &path, answer).await;
    assert_eq!(answered.status, StatusCode::NO_CONTENT, "{}", answered.text);
    let run = finished(&server, &ada).await;
    (server, ada, run)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leave_is_booked_once_it_is_approved() {
    let endpoint = Endpoint::start().await;
    let answer = json!({"choice": "approve", "form": {"comment": "Enjoy it"}});
    let (server, ada, run) = leave(&endpoint, answer).await;
    assert_eq!(paths(&endpoint), ["/chat", "/leaves", "/chat"]);
    compare(&server, &ada, &run).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leave_can_be_refused_without_a_word() {
    let endpoint = Endpoint::start().await;
    let (_server, _ada, run) = leave(&endpoint, json!({"choice": "reject", "form": {}})).await;
    assert_eq!(run["summary"]["status"], "completed", "{run}");
    assert_eq!(run["output"], json!({"approved": false, "comment": ""}), "{run}");
    assert_eq!(paths(&endpoint), ["/chat", "/chat"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_takes_as_many_runs_as_it_needs_and_each_page_once() {
    let endpoint = Endpoint::start().await;
    let (server, ada, flow) = published("long-import", &endpoint).await;
    begun(&server, &ada, &flow, "long-import").await;
    let mut statuses = Vec::new();
    let patience = Instant::now() + Duration::from_secs(60);
    while !statuses.contains(&"completed".to_owned()) && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let runs = server.by(&ada, "GET", "/api/v1/runs", Value::Null).await.json();
        statuses =
            runs["data"].as_array().unwrap().iter().map(|run| run["status"].as_str().unwrap().to_owned()).collect();
    }
    assert_eq!(statuses, ["completed", "continued", "continued"]);
    let runs = server.by(&ada, "GET", "/api/v1/runs?status=completed", Value::Null).await.json();
    let last = format!("/api/v1/runs/{}", runs["data"][0]["id"].as_str().unwrap());
    assert_eq!(server.by(&ada, "GET", &last, Value::Null).await.json()["output"], json!({"imported": 10}));
    let saved: Vec<_> =
        endpoint.received().into_iter().filter(|(path, ..)| path == "/rows").map(|(_, _, body)| body).collect();
    let pages: Vec<String> =
        (0..5).map(|page| json!({"rows": [{"id": 2 * page + 1}, {"id": 2 * page + 2}]}).to_string()).collect();
    assert_eq!(saved, pages);
}
