//! Alerts of runs: a rate is of those that ended lately, however long they took; and a run that Holon parked is told once, counted on the
//! first page and found in the list.

use std::collections::BTreeMap;
use std::sync::Arc;

use holon::compose::{Ground, compose};
use holon_model::Millis;
use holon_platform::config::{Config, Sources};
use holon_platform::crypto::Keyring;
use holon_platform::db::Role;
use holon_platform::shutdown::Shutdown;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::alerts::{Ear, Watched};

const A_MINUTE: u64 = 60_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_is_of_the_runs_that_ended_lately_however_long_they_took() {
    // Longer than the window both; those that took ten minutes at most are found in another way than the others.
    for minutes in [3, 30] {
        let (mut watched, (ear, url)) = (Watched::new().await, Ear::listen().await);
        let nodes = json!({
            "start": {"kind": "trigger.manual@1"},
            "wait": {"kind": "flow.signal@1", "config": {"name": "go"}},
            "fail": {"kind": "flow.fail@1", "config": {"code": "no_stock", "message": "sold out"}}});
        let edges = json!([{"from": "start.out", "to": "wait.in"}, {"from": "wait.out", "to": "fail.in"}]);
        let flow = watched.published(json!({"holon": 1, "name": "Slow", "nodes": nodes, "edges": edges})).await;
        let quick = watched.flow("Quick", json!({"kind": "data.set@1", "config": {"fields": {"n": 1}}})).await;
        for (name, of) in [("slow", &flow), ("quick", &quick)] {
            let rule = json!({"name": name, "what": "error_rate", "window": A_MINUTE, "threshold": 50, "flow": of,
                "channel": "chat", "url": url});
            watched.post("/alerts", rule).await;
        }
        let mut runs = Vec::new();
        for _ in 0..5 {
            let run = watched.post(&format!("/flows/{flow}/runs"), json!({"input": 1})).await;
            runs.push(run["id"].as_str().unwrap().to_owned());
        }
        for _ in 0..5 {
            watched.run(&quick).await;
        }
        watched.later(minutes * A_MINUTE).await;
        assert_eq!(ear.heard(), [] as [Value; 0]);
        for run in &runs {
            watched.post(&format!("/runs/{run}/signals"), json!({"name": "go"})).await;
            watched.server.by(&watched.ada, "GET", &format!("/api/v1/runs/{run}/events"), Value::Null).await;
        }
        watched.later(5_000).await;
        assert_eq!(
            ear.heard(),
            [json!({"text": "slow: too many runs fail: 5 of 5 runs failed (100 %)"})],
            "after {minutes} minutes"
        );
        watched.later(10 * A_MINUTE).await;
        assert_eq!(ear.heard().len(), 1, "they ended too long ago");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_parked_is_told_once_counted_on_the_first_page_and_found_in_the_list() {
    let (mut watched, (ear, url)) = (Watched::new().await, Ear::listen().await);
    let waits = json!({"kind": "flow.signal@1", "config": {"name": "go"}});
    let (flow, other) = (watched.flow("Orders", waits.clone()).await, watched.flow("Other", waits).await);
    for (name, what, of) in
        [("parked", "run_parked", &flow), ("others", "run_parked", &other), ("failed", "run_failed", &flow)]
    {
        let rule = json!({"name": name, "what": what, "flow": of, "channel": "webhook", "url": url, "quiet": 0});
        watched.post("/alerts", rule).await;
    }
    let start = async |watched: &Watched| {
        let body = json!({"input": 1, "labels": {"team": "red"}, "correlation": "order"});
        watched.post(&format!("/flows/{flow}/runs"), body).await["id"].as_str().unwrap().to_owned()
    };
    let (parked, paused, well) = (start(&watched).await, start(&watched).await, start(&watched).await);
    let pause = format!("/api/v1/runs/{paused}/pause");
    let held = watched.server.by(&watched.ada, "POST", &pause, json!({"reason": "later"})).await;
    assert!(held.status.is_success(), "{}", held.text);
    watched.later(5_000).await;
    let before = watched.get("/overview").await;
    assert_eq!(
        (&before["parked_runs"], ear.heard().len()),
        (&json!(0), 0),
        "whom a person paused is not parked: {before}"
    );

    // Another process takes the runs over, and finds that one is not of the definition that its version has. Nobody says of it that it
    // sleeps: such a run would be looked at only when something came for it.
    let mut owner = PgConnection::connect_with(&watched.server.db.options(Role::Owner)).await.unwrap();
    let run: holon_model::RunId = parked.parse().unwrap();
    for change in [
        "update run_hist set definition_hash = decode(repeat('00', 32), 'hex') where run_id = $1",
        "update run_live set wakes_at = null where run_id = $1",
    ] {
        assert_eq!(sqlx::query(change).bind(run.0).execute(&mut owner).await.unwrap().rows_affected(), 1, "{change}");
    }
    let env = BTreeMap::from([("HOLON_DATA_DIR".to_owned(), "/nonexistent/holon".to_owned())]);
    let _successor = compose(Ground {
        config: Config::from_sources(&Sources::new(env).unwrap()).unwrap(),
        pools: watched.server.db.pools.clone(),
        keyring: Arc::new(Keyring::from_bytes([7; 32])),
        clock: watched.server.clock.clone(),
        shutdown: Shutdown::new(),
        address: "successor".to_owned(),
        alone: true,
    })
    .await
    .unwrap();
    let ids = async |watched: &Watched, query: &str| -> Vec<String> {
        let listed = watched.get(&format!("/runs?{query}")).await;
        let rows = listed["data"].as_array().unwrap();
        rows.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    };
    let there = async {
        while ids(&watched, "status=parked").await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), there).await.expect("the run is parked");

    for query in ["status=parked", "status=parked&correlation=order", "status=parked&label=team:red"] {
        assert_eq!(ids(&watched, query).await, std::slice::from_ref(&parked), "{query}");
    }
    assert_eq!(ids(&watched, "status=paused").await, [paused, parked.clone()]);
    assert_eq!(ids(&watched, "status=waiting").await, [well]);
    let overview = watched.get("/overview").await;
    assert_eq!(
        (&overview["parked_runs"], &overview["healthy"], &overview["line"]),
        (&json!(1), &json!(false), &json!("1 run is parked and cannot go on by itself.")),
    );
    for _ in 0..3 {
        watched.later(5_000).await;
    }
    watched.server.clock.advance(Millis(3 * 3_600_000));
    watched.later(5_000).await;
    let heard = ear.heard();
    assert_eq!(heard.len(), 1, "once, and no other rule: {heard:?}");
    assert_eq!((&heard[0]["alert"]["what"], &heard[0]["items"][0]["run"]), (&json!("run_parked"), &json!(parked)));
    assert!(heard[0]["url"].as_str().unwrap().ends_with(&format!("/runs/{parked}")), "{heard:?}");
    let summary = heard[0]["summary"].as_str().unwrap();
    assert!(summary.starts_with("parked: a run cannot go on by itself: Orders: definition_changed: "), "{summary}");
}
