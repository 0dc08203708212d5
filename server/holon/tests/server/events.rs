//! Events: published once by flows and programs, kept in one order, delivered once to each subscription that takes them whatever
//! crashes, one at a time where that is asked for, and again from a position.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use holon::compose::{Ground, compose};
use holon::events::Deliverer;
use holon::state::AppState;
use holon_model::Millis;
use holon_platform::config::{Config, Sources};
use holon_platform::crypto::Keyring;
use holon_platform::shutdown::Shutdown;
use serde_json::{Value, json};

use crate::support::{ORIGIN, Person, Server, request};

struct Bus {
    server: Server,
    ada: Person,
}

impl Bus {
    async fn new() -> Self {
        let server = Server::new().await;
        let ada = server.person("ada").await;
        Self { server, ada }
    }

    /// A published flow of this trigger and this node behind it.
    async fn flow(&self, trigger: Value, node: Value) -> String {
        let definition = json!({"holon": 1, "name": "Flow", "nodes": {"on": trigger, "work": node},
            "edges": [{"from": "on.out", "to": "work.in"}]});
        let made = self.server.by(&self.ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let published = self.server.by(&self.ada, "POST", &format!("/api/v1/flows/{id}/publish"), json!({})).await;
        assert_eq!(published.status, StatusCode::OK, "{}", published.text);
        id
    }

    /// One that takes these subjects; its runs end at once.
    async fn taking(&self, pattern: &str) -> String {
        let config = json!({"pattern": pattern});
        let node = json!({"kind": "data.set@1", "config": {"fields": {"n": {"$cel": "trigger.data"}}}});
        self.flow(json!({"kind": "trigger.event@1", "config": config}), node).await
    }

    async fn publish(&self, subject: &str, data: Value) -> String {
        let body = json!({"subject": subject, "data": data});
        let answer = self.server.by(&self.ada, "POST", "/api/v1/events", body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn keyed(&self, key: &str, body: Value) -> (StatusCode, Value) {
        let headers = [("origin", ORIGIN), ("cookie", self.ada.cookie.as_str()), ("idempotency-key", key)];
        let answer = self.server.send(request("POST", "/api/v1/events", &headers, body)).await;
        (answer.status, answer.json())
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.server.by(&self.ada, "GET", &format!("/api/v1{path}"), Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }

    /// Looks until there is nothing left to do.
    async fn settle(&self) {
        for _ in 0..8 {
            Deliverer::default().tick(&self.server.state).await.unwrap();
        }
    }

    async fn runs(&self, flow: &str) -> Vec<Value> {
        self.get(&format!("/runs?limit=200&flow={flow}")).await["data"].as_array().unwrap().clone()
    }

    /// What the runs of a flow were told, smallest first.
    async fn told(&self, flow: &str) -> Vec<i64> {
        let mut told = Vec::new();
        for run in self.runs(flow).await {
            let path = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());
            // The stream of a run ends with the run.
            self.server.by(&self.ada, "GET", &format!("{path}/events"), Value::Null).await;
            told.push(
                self.server.by(&self.ada, "GET", &path, Value::Null).await.json()["output"]["n"].as_i64().unwrap(),
            );
        }
        told.sort_unstable();
        told
    }

    /// A process beside, on the same database, that takes everything over.
    async fn successor(&self) -> AppState {
        let env = BTreeMap::from([("HOLON_DATA_DIR".to_owned(), "/nonexistent/holon".to_owned())]);
        compose(Ground {
            config: Config::from_sources(&Sources::new(env).unwrap()).unwrap(),
            pools: self.server.db.pools.clone(),
            keyring: Arc::new(Keyring::from_bytes([7; 32])),
            clock: self.server.clock.clone(),
            shutdown: Shutdown::new(),
            address: "successor".to_owned(),
            alone: true,
        })
        .await
        .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_flow_starts_one_run_of_each_subscription_that_takes_it() {
    let bus = Bus::new().await;
    let (paid, all, other) =
        (bus.taking("orders.*.paid").await, bus.taking("orders.>").await, bus.taking("parcels.>").await);
    let publisher = json!({"kind": "event.publish@1", "config": {"subject": "orders.eu.paid", "data": 7}});
    let publisher = bus.flow(json!({"kind": "trigger.manual@1"}), publisher).await;
    let started =
        bus.server.by(&bus.ada, "POST", &format!("/api/v1/flows/{publisher}/runs"), json!({"input": 1})).await;
    let run = started.json()["id"].as_str().unwrap().to_owned();
    bus.server.by(&bus.ada, "GET", &format!("/api/v1/runs/{run}/events"), Value::Null).await;
    bus.settle().await;
    assert_eq!((bus.told(&paid).await, bus.told(&all).await), (vec![7], vec![7]));
    assert!(bus.runs(&other).await.is_empty());

    let event = bus.get("/events").await["data"][0].clone();
    assert_eq!(
        (&event["position"], &event["subject"], &event["run"]),
        (&json!(1), &json!("orders.eu.paid"), &json!(run))
    );
    let who: Vec<_> =
        event["deliveries"].as_array().unwrap().iter().map(|got| got["outcome"].as_str().unwrap()).collect();
    assert_eq!(who, ["started", "started"], "{event}");
    let whole = bus.get(&format!("/events/{}", event["id"].as_str().unwrap())).await;
    assert_eq!((&whole["data"], &whole["position"]), (&json!(7), &json!(1)), "{whole}");
    let output = bus.get(&format!("/runs/{run}")).await["output"].clone();
    assert_eq!(output, json!({"id": event["id"], "subject": "orders.eu.paid"}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_publishes_once_also_when_the_event_has_its_place_and_another_event_with_it_is_refused() {
    let bus = Bus::new().await;
    let flow = bus.taking("a").await;
    let body = json!({"subject": "a", "data": 1});
    let (status, first) = bus.keyed("k", body.clone()).await;
    assert_eq!((status, &first["replayed"]), (StatusCode::ACCEPTED, &json!(false)));
    for _ in 0..2 {
        let (status, again) = bus.keyed("k", body.clone()).await;
        assert_eq!((status, &again["id"], &again["replayed"]), (StatusCode::OK, &first["id"], &json!(true)));
        bus.settle().await;
    }
    let (status, mismatch) = bus.keyed("k", json!({"subject": "a", "data": 2})).await;
    assert_eq!((status, &mismatch["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("idempotency_mismatch")));
    assert_eq!(bus.told(&flow).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_starts_one_run_however_many_look_at_once() {
    let bus = Bus::new().await;
    let flow = bus.taking("n.*").await;
    for n in 0..40 {
        bus.publish(&format!("n.{n}"), json!(n)).await;
    }
    for _ in 0..6 {
        let look = || async { Deliverer::default().tick(&bus.server.state).await };
        // Two that look at the same rows may be in each other's way; what was not done is done at a later look.
        let _ = tokio::join!(look(), look(), look(), look());
    }
    bus.settle().await;
    assert_eq!(bus.told(&flow).await, (0..40).collect::<Vec<i64>>());
    let positions: Vec<i64> = bus.get("/events?limit=200").await["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["position"].as_i64().unwrap())
        .collect();
    assert_eq!(positions, (1..=40).rev().collect::<Vec<i64>>(), "the order has no gaps");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_between_a_delivery_and_its_run_leaves_one_run_to_its_successor() {
    let bus = Bus::new().await;
    let flow = bus.taking("a").await;
    bus.publish("a", json!(1)).await;
    // Nothing drives runs here any more: the delivery is written down, and its run cannot be.
    bus.server.state.runtime.drain(std::time::Duration::ZERO).await;
    bus.settle().await;
    assert_eq!(bus.get("/events").await["data"][0]["deliveries"][0]["outcome"], "pending");
    assert!(bus.runs(&flow).await.is_empty());
    let successor = bus.successor().await;
    bus.server.clock.advance(Millis(2_000));
    for _ in 0..3 {
        Deliverer::default().tick(&successor).await.unwrap();
    }
    assert_eq!(bus.get("/events").await["data"][0]["deliveries"][0]["outcome"], "started");
    assert_eq!(bus.runs(&flow).await.len(), 1);
    // Killed between the run and its note, it starts no second run, even when the key is forgotten.
    for table in ["delete from idempotency", "update event_delivery set outcome = 'pending'"] {
        sqlx::query(table).execute(&bus.server.db.pools.engine).await.unwrap();
    }
    bus.server.clock.advance(Millis(2_000));
    Deliverer::default().tick(&successor).await.unwrap();
    assert_eq!(bus.runs(&flow).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_at_a_time_begins_the_next_run_when_the_one_before_is_over() {
    let bus = Bus::new().await;
    let trigger = json!({"kind": "trigger.event@1", "config": {"pattern": ">", "ordered": true}});
    let flow = bus.flow(trigger, json!({"kind": "flow.wait@1", "config": {"for": "1h"}})).await;
    for n in 0..3 {
        bus.publish("a.b", json!(n)).await;
    }
    for n in 1..=3 {
        bus.settle().await;
        let runs = bus.runs(&flow).await;
        assert_eq!(runs.len(), n, "one more, and no more");
        let run = runs[0]["id"].as_str().unwrap();
        let data = bus.get(&format!("/runs/{run}")).await["input"]["data"].clone();
        assert_eq!(data, json!(n - 1), "in the order of events");
        let cancelled = bus.server.by(&bus.ada, "POST", &format!("/api/v1/runs/{run}/cancel"), Value::Null).await;
        assert!(cancelled.status.is_success(), "{}", cancelled.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_takes_what_comes_after_it_and_again_from_where_it_is_set_back_to() {
    let bus = Bus::new().await;
    bus.publish("a", json!(1)).await;
    bus.settle().await;
    let flow = bus.taking("a").await;
    bus.publish("a", json!(2)).await;
    bus.settle().await;
    assert_eq!(bus.told(&flow).await, [2]);
    let subscription = bus.get("/subscriptions").await["data"][0].clone();
    assert_eq!(
        (&subscription["pattern"], &subscription["position"], &subscription["last"]),
        (&json!("a"), &json!(2), &json!(2))
    );
    let path = format!("/api/v1/subscriptions/{}/replay", subscription["id"].as_str().unwrap());
    let back = bus.server.by(&bus.ada, "POST", &path, json!({"from": 1})).await;
    assert_eq!((back.status, &back.json()["position"]), (StatusCode::OK, &json!(0)), "{}", back.text);
    bus.settle().await;
    assert_eq!(bus.told(&flow).await, [1, 2, 2]);
    let since = bus.server.by(&bus.ada, "POST", &path, json!({"since": bus.server.state.clock.now().0 + 1})).await;
    assert_eq!(since.json()["position"], 2, "nothing came since");
    for wrong in [json!({}), json!({"from": 0}), json!({"from": 1, "since": 1})] {
        let refused = bus.server.by(&bus.ada, "POST", &path, wrong).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_subject_no_pattern_or_too_large_is_refused_and_old_events_go() {
    let bus = Bus::new().await;
    for subject in ["", "a.*", "a b", ".a"] {
        let refused = bus.server.by(&bus.ada, "POST", "/api/v1/events", json!({"subject": subject})).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
            "{subject}"
        );
    }
    let large = json!({"subject": "a", "data": "x".repeat(300_000)});
    let refused = bus.server.by(&bus.ada, "POST", "/api/v1/events", large).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", refused.text);
    let wrong = json!({"holon": 1, "name": "x", "nodes": {"on": {"kind": "trigger.event@1", "config": {"pattern": "a.>.b"}}}, "edges": []});
    let made = bus.server.by(&bus.ada, "POST", "/api/v1/flows", json!({"definition": wrong})).await.json();
    let published = bus
        .server
        .by(&bus.ada, "POST", &format!("/api/v1/flows/{}/publish", made["id"].as_str().unwrap()), json!({}))
        .await;
    assert_eq!(published.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", published.text);
    assert!(published.text.contains("/nodes/on/config/pattern"), "{}", published.text);

    bus.publish("a", json!(1)).await;
    bus.settle().await;
    assert_eq!(bus.get("/events").await["data"].as_array().unwrap().len(), 1);
    bus.server.clock.advance(Millis(31 * 24 * 3_600_000));
    Deliverer::default().tick(&bus.server.state).await.unwrap();
    let kept: i64 =
        sqlx::query_scalar("select count(*) from event").fetch_one(&bus.server.db.pools.engine).await.unwrap();
    assert_eq!(kept, 0);
}
