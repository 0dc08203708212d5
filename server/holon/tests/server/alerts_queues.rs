//! Alerts of work that waits for its turn: runs in a line, tasks that no worker claims and events that start nothing yet are told with what
//! they are, for how long they have waited and where they are seen; of one flow only where a rule names one.

use axum::http::StatusCode;
use holon::events::Deliverer;
use serde_json::{Value, json};

use crate::alerts::{Ear, Watched};

const A_MINUTE: u64 = 60_000;

/// Rules that look for work that has waited for a minute: of all, and of each of these flows. They are called as what they are of.
async fn rules(watched: &Watched, url: &str, flows: &[(&str, &str)]) {
    let rule = json!({"name": "all", "what": "queue_age", "threshold": A_MINUTE, "channel": "webhook", "url": url, "quiet": 0});
    watched.post("/alerts", rule.clone()).await;
    for (name, flow) in flows {
        let mut rule = rule.clone();
        (rule["name"], rule["flow"]) = (json!(name), json!(flow));
        watched.post("/alerts", rule).await;
    }
}

/// What was heard since then: of which rule, and the last thing that it named.
fn heard(ear: &Ear, since: usize) -> Vec<(String, Value)> {
    let mut all: Vec<_> = ear.heard()[since..]
        .iter()
        .map(|told| {
            let items = told["items"].as_array().unwrap();
            (told["alert"]["name"].as_str().unwrap().to_owned(), items.last().unwrap().clone())
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn names(heard: &[(String, Value)]) -> Vec<&str> {
    heard.iter().map(|(name, _)| name.as_str()).collect()
}

/// A node that waits until it is told to go on.
fn waits() -> Value {
    json!({"kind": "flow.signal@1", "config": {"name": "go"}})
}

/// Until the list at a path is so long: what a run asks for is written after its start was answered.
async fn until(watched: &Watched, path: &str, count: usize) {
    let there = async {
        while watched.get(path).await["data"].as_array().unwrap().len() != count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), there).await.expect("the list is as long as that");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_are_queued_for_too_long_are_told_with_their_flow_and_where_they_are_seen() {
    let (mut watched, (ear, url)) = (Watched::new().await, Ear::listen().await);
    let nodes = json!({"start": {"kind": "trigger.manual@1"}, "node": waits()});
    let edges = json!([{"from": "start.out", "to": "node.in"}]);
    let limits = json!({"concurrency": {"limit": 1, "key": {"$cel": "trigger.of"}}});
    let definition = json!({"holon": 1, "name": "Orders", "nodes": nodes, "edges": edges, "limits": limits});
    let flow = watched.published(definition.clone()).await;
    let other = watched.published(definition).await;
    rules(&watched, &url, &[("mine", &flow), ("other", &other)]).await;
    // In each line one run goes on for ever. The other one waits, in the second line for ten seconds less.
    for of in ["a", "b"] {
        for _ in 0..2 {
            watched.post(&format!("/flows/{flow}/runs"), json!({"input": {"of": of}})).await;
        }
        watched.later(10_000).await;
    }
    watched.post(&format!("/flows/{other}/runs"), json!({"input": {"of": "a"}})).await;
    until(&watched, "/runs?status=queued", 2).await;
    watched.later(39_000).await;
    assert_eq!(ear.heard(), [] as [Value; 0], "59 seconds are not too long, and who goes on waits for no place");
    watched.later(5_000).await;
    let told = heard(&ear, 0);
    assert_eq!(names(&told), ["all", "mine"], "{told:?}");
    for (_, item) in &told {
        assert_eq!(
            (&item["waiting"], &item["milliseconds"], &item["flow"]),
            (&json!("runs"), &json!(64_000), &json!(flow))
        );
        assert_eq!(item["summary"], "Orders: a run that is queued has waited for 1 min 4 s");
        assert!(item["url"].as_str().unwrap().ends_with(&format!("/runs?status=queued&flow={flow}")), "{item}");
    }
    let told = ear.heard();
    assert_eq!((&told[0]["count"], &told[0]["url"]), (&json!(1), &told[0]["items"][0]["url"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_no_worker_claims_are_told_with_their_pool_until_one_does() {
    let (mut watched, (ear, url)) = (Watched::new().await, Ear::listen().await);
    let task = |pool: &str| {
        let config = json!({"pool": pool, "name": "count", "input": 1, "timeout": "10m", "heartbeat": "30s"});
        json!({"kind": "worker.task@1", "config": config})
    };
    let (flow, other) = (watched.flow("Texts", task("texts")).await, watched.flow("Images", task("images")).await);
    rules(&watched, &url, &[("mine", &flow), ("other", &other)]).await;
    watched.post(&format!("/flows/{flow}/runs"), json!({"input": 1})).await;
    until(&watched, "/workers/tasks", 1).await;
    watched.later(59_000).await;
    assert_eq!(ear.heard(), [] as [Value; 0]);
    watched.later(5_000).await;
    let told = heard(&ear, 0);
    assert_eq!(names(&told), ["all", "mine"], "{told:?}");
    assert_eq!(
        told[0].1["summary"],
        "a task `count` that no worker of the pool `texts` claims has waited for 1 min 4 s"
    );
    assert_eq!((&told[1].1["waiting"], &told[1].1["flow"]), (&json!("worker_tasks"), &json!(flow)));
    assert!(told[0].1["url"].as_str().unwrap().ends_with("/workers"), "{told:?}");

    let token = watched.post("/tokens", json!({"name": "workers", "pools": ["texts"]})).await;
    let body = json!({"pool": "texts", "worker": "one", "wait": 0});
    let token = token["secret"].as_str().unwrap();
    let claimed = watched.server.with_token(token, "POST", "/api/v1/workers/claims", body).await;
    assert_eq!(claimed.json()["tasks"].as_array().unwrap().len(), 1, "{}", claimed.text);
    watched.later(5_000).await;
    assert_eq!(ear.heard().len(), 2, "somebody has it");
    // Its worker was lost: it waits since the claim ended, not since it was asked for.
    watched.later(30_000).await;
    assert_eq!(ear.heard().len(), 2);
    watched.later(A_MINUTE).await;
    assert_eq!(heard(&ear, 2)[0].1["milliseconds"], 65_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_start_nothing_yet_are_told_and_those_that_a_flow_does_not_take_are_not() {
    let (mut watched, (ear, url)) = (Watched::new().await, Ear::listen().await);
    let trigger = json!({"kind": "trigger.event@1", "config": {"pattern": "orders.*.paid", "ordered": true}});
    let edges = json!([{"from": "on.out", "to": "node.in"}]);
    let definition = json!({"holon": 1, "name": "Paid", "nodes": {"on": trigger, "node": waits()}, "edges": edges});
    let flow = watched.published(definition).await;
    let other = watched.flow("Other", waits()).await;
    rules(&watched, &url, &[("mine", &flow), ("other", &other)]).await;
    let settle = async |watched: &Watched| {
        for _ in 0..8 {
            Deliverer::default().tick(&watched.server.state).await.unwrap();
        }
    };
    let publish = async |watched: &Watched, subject: &str| {
        let body = json!({"subject": subject, "data": 1});
        let answer = watched.server.by(&watched.ada, "POST", "/api/v1/events", body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    };
    // One run goes on for ever, so nothing else is taken. What came is none of the flow's, though the subscription has not looked at it.
    publish(&watched, "orders.1.paid").await;
    settle(&watched).await;
    until(&watched, &format!("/runs?flow={flow}"), 1).await;
    publish(&watched, "orders.1.sent").await;
    settle(&watched).await;
    watched.later(2 * A_MINUTE).await;
    assert_eq!(ear.heard(), [] as [Value; 0]);

    publish(&watched, "orders.2.paid").await;
    settle(&watched).await;
    watched.later(59_000).await;
    assert_eq!(ear.heard(), [] as [Value; 0]);
    watched.later(5_000).await;
    let told = heard(&ear, 0);
    assert_eq!(names(&told), ["all", "mine"], "{told:?}");
    assert_eq!(told[1].1["summary"], "Paid: an event that starts it has waited for 1 min 4 s");
    assert_eq!((&told[1].1["waiting"], &told[1].1["flow"]), (&json!("events"), &json!(flow)));
    assert!(told[1].1["url"].as_str().unwrap().ends_with("/events"), "{told:?}");

    // Set back, it takes everything again: that has waited since then only.
    let subscription = watched.get("/subscriptions").await["data"][0]["id"].as_str().unwrap().to_owned();
    watched.post(&format!("/subscriptions/{subscription}/replay"), json!({"from": 1})).await;
    watched.later(A_MINUTE - 1_000).await;
    assert_eq!(ear.heard().len(), 2);
    watched.later(5_000).await;
    assert_eq!(heard(&ear, 2)[1].1["milliseconds"], 64_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_nobody_puts_in_order_and_one_that_was_taken_up_and_started_nothing_are_told() {
    let (mut watched, (ear, url)) = (Watched::new().await, Ear::listen().await);
    let trigger = json!({"kind": "trigger.event@1", "config": {"pattern": "orders.>"}});
    let edges = json!([{"from": "on.out", "to": "node.in"}]);
    let definition = json!({"holon": 1, "name": "Paid", "nodes": {"on": trigger, "node": waits()}, "edges": edges});
    let flow = watched.published(definition).await;
    rules(&watched, &url, &[("mine", &flow)]).await;
    watched.post("/events", json!({"subject": "orders.1", "data": 1})).await;
    watched.later(64_000).await;
    let told = heard(&ear, 0);
    assert_eq!(names(&told), ["all"], "it is nobody's yet: {told:?}");
    assert_eq!(told[0].1["summary"], "an event that was published has waited for 1 min 4 s");
    // Taken up by somebody who ended before starting the run.
    for _ in 0..8 {
        Deliverer::default().tick(&watched.server.state).await.unwrap();
    }
    until(&watched, &format!("/runs?flow={flow}"), 1).await;
    sqlx::query("update event_delivery set outcome = 'pending'")
        .execute(&watched.server.db.pools.engine)
        .await
        .unwrap();
    watched.later(64_000).await;
    let told = heard(&ear, 1);
    assert_eq!(names(&told), ["all", "mine"], "{told:?}");
    assert_eq!(told[0].1["summary"], "Paid: an event that starts it has waited for 1 min 4 s");
}
