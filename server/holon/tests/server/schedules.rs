//! Schedules: published, fired exactly once whatever crashes, left out or kept when runs overlap, made up after a time
//! without a server, paused, resumed and fired by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use holon::compose::{Ground, compose};
use holon::schedules::Ticker;
use holon::state::AppState;
use holon_model::Millis;
use holon_platform::config::{Config, Sources};
use holon_platform::crypto::Keyring;
use holon_platform::shutdown::Shutdown;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::{ORIGIN, Person, Server, request};

const MINUTE: u64 = 60_000;

/// A flow with a schedule, published.
struct Timed {
    server: Server,
    ada: Person,
    flow: String,
}

impl Timed {
    /// With this config, and this node behind the trigger.
    async fn new(config: Value, node: Value) -> Self {
        let server = Server::new().await;
        let ada = server.person("ada").await;
        let made = server.by(&ada, "POST", "/api/v1/flows", json!({"name": "Timed"})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let flow = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
        let timed = Self { server, ada, flow };
        let published = timed.publish(Some(config), node).await;
        assert_eq!(published.0, StatusCode::OK, "{}", published.1);
        timed
    }

    /// Runs of this end at once.
    async fn quick(config: Value) -> Self {
        Self::new(config, json!({"kind": "data.set@1", "config": {"fields": {"at": {"$cel": "trigger.scheduled_at"}}}}))
            .await
    }

    /// Runs of this wait for an hour.
    async fn slow(overlap: &str) -> Self {
        let config = json!({"cron": "* * * * *", "overlap": overlap});
        Self::new(config, json!({"kind": "flow.wait@1", "config": {"for": "1h"}})).await
    }

    async fn publish(&self, config: Option<Value>, node: Value) -> (StatusCode, Value) {
        let mut definition = json!({"holon": 1, "name": "Timed", "nodes": {"work": node}, "edges": []});
        let trigger = match config {
            Some(config) => json!({"kind": "trigger.schedule@1", "config": config}),
            None => json!({"kind": "trigger.manual@1"}),
        };
        definition["nodes"]["every"] = trigger;
        definition["edges"] = json!([{"from": "every.out", "to": "work.in"}]);
        let headers = [("origin", ORIGIN), ("cookie", self.ada.cookie.as_str()), ("if-match", "*")];
        let saved = self.server.send(request("PUT", &self.flow, &headers, definition)).await;
        assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
        let published = self.server.by(&self.ada, "POST", &format!("{}/publish", self.flow), json!({})).await;
        (published.status, published.json())
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.server.by(&self.ada, "GET", &format!("/api/v1{path}"), Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }

    /// The one schedule.
    async fn schedule(&self) -> Value {
        let id = self.id().await;
        self.get(&format!("/schedules/{id}")).await
    }

    async fn id(&self) -> String {
        self.get("/schedules").await["data"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Outcomes of the firings, oldest first.
    async fn outcomes(&self) -> Vec<String> {
        let schedule = self.schedule().await;
        let firings = schedule["firings"].as_array().unwrap().iter().rev();
        firings.map(|firing| firing["outcome"].as_str().unwrap().to_owned()).collect()
    }

    async fn runs(&self) -> Vec<Value> {
        self.get("/runs?limit=200").await["data"].as_array().unwrap().clone()
    }

    async fn ask(&self, what: &str) -> (StatusCode, Value) {
        let id = self.id().await;
        let answer = self.server.by(&self.ada, "POST", &format!("/api/v1/schedules/{id}/{what}"), Value::Null).await;
        (answer.status, answer.json())
    }

    async fn tick(&self) {
        Ticker::default().tick(&self.server.state).await.unwrap();
    }

    /// Lets time pass and looks.
    async fn after(&self, millis: u64) {
        self.server.clock.advance(Millis(millis));
        self.tick().await;
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
async fn publishing_makes_a_schedule_changes_it_and_takes_it_away() {
    let timed = Timed::quick(json!({"cron": "0 9 * * *", "time_zone": "Europe/Berlin"})).await;
    let first = timed.schedule().await;
    assert_eq!(first["next"][0]["local"], "Sun 2026-11-22 09:00:00 +01:00", "{first}");
    assert_eq!(first["next"].as_array().unwrap().len(), 10);
    assert_eq!(first["summary"]["next_at"], first["next"][0]["at"]);
    let node = json!({"kind": "data.set@1", "config": {"fields": {}}});
    timed.publish(Some(json!({"cron": "30 9 * * *", "overlap": "allow_all"})), node.clone()).await;
    let second = timed.schedule().await;
    assert_eq!(second["summary"]["id"], first["summary"]["id"]);
    assert_eq!(second["next"][0]["local"], "Sat 2026-11-21 09:30:00 +00:00");
    assert_eq!((&second["summary"]["version"], &second["summary"]["overlap"]), (&json!(2), &json!("allow_all")));
    timed.publish(None, node).await;
    assert_eq!(timed.get("/schedules").await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expression_that_is_wrong_is_refused_at_its_place_and_previewed_so() {
    let timed = Timed::quick(json!({"cron": "@daily"})).await;
    let node = json!({"kind": "data.set@1", "config": {"fields": {}}});
    let (status, problem) = timed.publish(Some(json!({"cron": "0 25 * * *", "time_zone": "Mars"})), node).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let places: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(places, ["/nodes/every/config/cron", "/nodes/every/config/time_zone"], "{problem}");
    let body = json!({"cron": "0 25 * * *"});
    let preview = timed.server.by(&timed.ada, "POST", "/api/v1/schedules/preview", body).await.json();
    assert_eq!(preview["faults"][0]["span"], json!([2, 4]), "{preview}");
    let body = json!({"cron": "0 0 29 2 *", "time_zone": "Asia/Kathmandu"});
    let preview = timed.server.by(&timed.ada, "POST", "/api/v1/schedules/preview", body).await.json();
    assert_eq!(preview["next"][0]["local"], "Tue 2028-02-29 00:00:00 +05:45", "{preview}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_firing_starts_one_run_however_many_look_at_once() {
    let timed = Timed::quick(json!({"cron": "* * * * *"})).await;
    timed.tick().await;
    assert!(timed.runs().await.is_empty(), "nothing was due");
    timed.server.clock.advance(Millis(MINUTE));
    let look = || async { Ticker::default().tick(&timed.server.state).await.unwrap() };
    futures::future::join_all((0..8).map(|_| look())).await;
    let runs = timed.runs().await;
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!(runs[0]["trigger"], "trigger.schedule");
    let run = timed.get(&format!("/runs/{}", runs[0]["id"].as_str().unwrap())).await;
    let schedule = timed.schedule().await;
    assert_eq!(run["input"]["schedule"]["id"], schedule["summary"]["id"]);
    assert_eq!(run["input"]["schedule"]["cron"], "* * * * *");
    let scheduled = run["input"]["scheduled_at"].as_str().unwrap();
    assert!(scheduled.starts_with("2026-11-21T") && scheduled.ends_with(":00.000Z"), "{scheduled}");
    let firing = &schedule["firings"][0];
    assert_eq!((&firing["outcome"], &firing["run"]), (&json!("started"), &runs[0]["id"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_between_a_firing_and_its_run_leaves_one_run_to_its_successor() {
    let timed = Timed::quick(json!({"cron": "* * * * *"})).await;
    // Nothing drives runs here any more: the firing is written down, and its run cannot be.
    timed.server.state.runtime.drain(std::time::Duration::ZERO).await;
    timed.after(MINUTE).await;
    assert_eq!(timed.outcomes().await, ["pending"]);
    assert!(timed.runs().await.is_empty());
    let successor = timed.successor().await;
    timed.server.clock.advance(Millis(6_000));
    Ticker::default().tick(&successor).await.unwrap();
    assert_eq!((timed.outcomes().await, timed.runs().await.len()), (vec!["started".to_owned()], 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_between_a_run_and_its_note_starts_no_second_run_even_after_the_key_is_forgotten() {
    let timed = Timed::quick(json!({"cron": "* * * * *"})).await;
    timed.after(MINUTE).await;
    for forget in [false, true] {
        let engine = &timed.server.db.pools.engine;
        if forget {
            sqlx::query("delete from idempotency").execute(engine).await.unwrap();
        }
        let undone = sqlx::query("update schedule_firing set outcome = 'pending'").execute(engine).await.unwrap();
        assert_eq!(undone.rows_affected(), 1);
        timed.after(6_000).await;
        assert_eq!((timed.outcomes().await, timed.runs().await.len()), (vec!["started".to_owned()], 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_run_is_going_a_firing_is_left_out_kept_or_started_as_the_policy_says() {
    let timed = Timed::slow("skip").await;
    for _ in 0..3 {
        timed.after(MINUTE).await;
    }
    assert_eq!(timed.outcomes().await, ["started", "skipped", "skipped"]);
    assert_eq!(timed.schedule().await["firings"][0]["reason"], "the run before was still going");

    let timed = Timed::slow("allow_all").await;
    for _ in 0..3 {
        timed.after(MINUTE).await;
    }
    assert_eq!((timed.outcomes().await, timed.runs().await.len()), (vec!["started".to_owned(); 3], 3));

    let timed = Timed::slow("buffer_one").await;
    for _ in 0..3 {
        timed.after(MINUTE).await;
    }
    assert_eq!(timed.outcomes().await, ["started", "buffered", "skipped"]);
    let run = timed.runs().await[0]["id"].as_str().unwrap().to_owned();
    let cancelled = timed.server.by(&timed.ada, "POST", &format!("/api/v1/runs/{run}/cancel"), Value::Null).await;
    assert!(cancelled.status.is_success(), "{}", cancelled.text);
    timed.tick().await;
    assert_eq!(
        (timed.outcomes().await, timed.runs().await.len()),
        (vec!["started".to_owned(), "started".to_owned(), "skipped".to_owned()], 2)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_time_without_a_server_the_window_is_made_up_and_the_rest_is_noted_as_missed() {
    let timed = Timed::quick(json!({"cron": "* * * * *", "overlap": "allow_all", "catch_up": "3m"})).await;
    timed.after(60 * MINUTE).await;
    let schedule = timed.schedule().await;
    let outcomes = timed.outcomes().await;
    let started = outcomes.iter().filter(|outcome| *outcome == "started").count();
    assert_eq!((outcomes[0].as_str(), started, timed.runs().await.len()), ("missed", 3, 3), "{schedule}");
    let missed = schedule["firings"].as_array().unwrap().last().unwrap();
    assert_eq!((&missed["count"], missed["run"].is_null()), (&json!(57), true), "{missed}");
    assert!(missed["reason"].as_str().unwrap().contains("more than 3 min late"), "{missed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_schedule_fires_only_by_hand_and_goes_on_from_when_it_is_resumed() {
    let timed = Timed::quick(json!({"cron": "* * * * *", "paused": true})).await;
    timed.after(10 * MINUTE).await;
    assert!(timed.outcomes().await.is_empty());
    assert!(timed.schedule().await["summary"]["next_at"].is_null());
    let (status, started) = timed.ask("fire").await;
    assert_eq!(status, StatusCode::CREATED, "{started}");
    let firing = timed.schedule().await["firings"][0].clone();
    assert_eq!((&firing["cause"], &firing["run"]), (&json!("person"), &started["id"]));
    for (what, times) in [("resume", 2), ("pause", 2), ("resume", 1)] {
        for _ in 0..times {
            assert_eq!(timed.ask(what).await.0, StatusCode::NO_CONTENT);
        }
    }
    timed.tick().await;
    assert_eq!(timed.outcomes().await.len(), 1, "what fell into the pause is not made up");
    timed.after(MINUTE).await;
    assert_eq!(timed.outcomes().await, ["started", "started"]);
    let mut admin = PgConnection::connect_with(&timed.server.db.admin_options()).await.unwrap();
    let kinds: Vec<(String,)> =
        sqlx::query_as("select intent_type from audit_event where intent_type like 'schedule.%' order by event_id")
            .fetch_all(&mut admin)
            .await
            .unwrap();
    let kinds: Vec<_> = kinds.iter().map(|(kind,)| kind.as_str()).collect();
    assert_eq!(kinds, ["schedule.fire", "schedule.resume", "schedule.pause", "schedule.resume"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_ahead_and_came_back_neither_stops_a_schedule_nor_fires_a_time_again() {
    let timed = Timed::quick(json!({"cron": "* * * * *"})).await;
    timed.after(MINUTE).await;
    // As a clock a year ahead would have left it.
    let ahead = "update schedule set next_at = next_at + interval '1 year', due_at = due_at + interval '1 year', \
                 reckoned_at = reckoned_at + interval '1 year'";
    sqlx::query(ahead).execute(&timed.server.db.pools.engine).await.unwrap();
    timed.tick().await;
    timed.after(MINUTE).await;
    assert_eq!((timed.outcomes().await, timed.runs().await.len()), (vec!["started".to_owned(); 2], 2));
    // As a clock two minutes behind would: the times that have fired do not fire again.
    let behind = "update schedule set next_at = next_at - interval '2 minutes', due_at = due_at - interval '2 minutes'";
    sqlx::query(behind).execute(&timed.server.db.pools.engine).await.unwrap();
    timed.tick().await;
    assert_eq!((timed.outcomes().await, timed.runs().await.len()), (vec!["started".to_owned(); 2], 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_are_rendered_with_what_they_show() {
    let timed = Timed::quick(json!({"cron": "*/7 * * * *", "time_zone": "Europe/Berlin"})).await;
    timed.after(10 * MINUTE).await;
    for (path, shown) in [
        ("/schedules".to_owned(), ["*/7 * * * *", "Europe/Berlin", "role=\"switch\""]),
        (
            format!("/schedules/{}", timed.id().await),
            ["Next ten firings", "Sat 2026-11-21 09:49:00 +01:00", "Fire now"],
        ),
    ] {
        let headers = [("cookie", timed.ada.cookie.as_str()), ("accept", "text/html")];
        let page = timed.server.send(request("GET", &path, &headers, Value::Null)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        for text in shown {
            assert!(page.text.contains(text), "{path} shows {text}: {}", page.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_firing_that_can_start_no_run_is_said_to_have_started_none() {
    let timed = Timed::quick(json!({"cron": "0 0 1 1 *"})).await;
    let definition = json!({"holon": 1, "name": "Timed", "edges": [], "input": {"type": "object", "required": ["order"]},
        "nodes": {"every": {"kind": "trigger.schedule@1", "config": {"cron": "0 0 1 1 *"}}}});
    let headers = [("origin", ORIGIN), ("cookie", timed.ada.cookie.as_str()), ("if-match", "*")];
    let saved = timed.server.send(request("PUT", &timed.flow, &headers, definition)).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
    let published = timed.server.by(&timed.ada, "POST", &format!("{}/publish", timed.flow), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    let (status, refused) = timed.ask("fire").await;
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("conflict")), "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("input schema"), "{refused}");
    assert_eq!((timed.outcomes().await, timed.runs().await.len()), (vec!["failed".to_owned()], 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_has_so_many_schedules_and_no_more() {
    let timed = Timed::quick(json!({"cron": "0 0 1 1 *"})).await;
    // Those of another flow.
    let full = timed.server.by(&timed.ada, "POST", "/api/v1/flows", json!({"name": "Full"})).await;
    assert_eq!(full.status, StatusCode::CREATED, "{}", full.text);
    let fill = "insert into schedule (tenant_id, schedule_id, environment_id, flow_id, version, node, cron, time_zone, overlap, \
                catch_up_ms, jitter_ms, paused, next_at, due_at, reckoned_at, created_at) \
                select s.tenant_id, gen_random_uuid(), s.environment_id, f.flow_id, s.version, s.node || n, s.cron, s.time_zone, \
                s.overlap, s.catch_up_ms, s.jitter_ms, s.paused, s.next_at, s.due_at, s.reckoned_at, s.created_at \
                from schedule s, flow f, generate_series(1, 999) n where f.name = 'Full'";
    let mut admin = PgConnection::connect_with(&timed.server.db.admin_options()).await.unwrap();
    assert_eq!(sqlx::query(fill).execute(&mut admin).await.unwrap().rows_affected(), 999);
    let work = json!({"kind": "data.set@1", "config": {"fields": {"n": 1}}});
    // The thousandth is there already, and may change.
    let (status, answer) = timed.publish(Some(json!({"cron": "0 0 2 1 *"})), work).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let another = json!({"holon": 1, "name": "One more", "edges": [],
        "nodes": {"every": {"kind": "trigger.schedule@1", "config": {"cron": "0 0 1 1 *"}}}});
    let made = timed.server.by(&timed.ada, "POST", "/api/v1/flows", json!({"definition": another})).await.json();
    let address = format!("/api/v1/flows/{}/publish", made["id"].as_str().unwrap());
    let refused = timed.server.by(&timed.ada, "POST", &address, json!({})).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "conflict"), "{}", refused.text);
}
