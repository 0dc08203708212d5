//! Alerts: what is found is told once, signed, however often it fails to be heard; what comes while it is quiet is told
//! together; a flow can be told; and the address is a secret.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use holon::alerts::Watcher;
use holon_model::Millis;
use holon_platform::db::Role;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::net::TcpListener;

use crate::sink::{Script, Sink};
use crate::support::{Person, Server};

const KEY: &str = "a key that only two know";

/// Whoever is told: on a real socket, keeps what it got, and is deaf when it is told to be.
#[derive(Clone, Default)]
pub struct Ear {
    heard: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    deaf: Arc<Mutex<bool>>,
}

impl Ear {
    pub async fn listen() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/alerts?token=s3cret", listener.local_addr().unwrap());
        let ear = Self::default();
        let router = Router::new().fallback(hear).with_state(ear.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (ear, url)
    }

    pub fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }
}

async fn hear(State(ear): State<Ear>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if *ear.deaf.lock().unwrap() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    ear.heard.lock().unwrap().push((headers, body));
    StatusCode::OK
}

/// A server whose rules look when the test says so.
pub struct Watched {
    pub server: Server,
    pub ada: Person,
    watcher: Watcher,
}

impl Watched {
    pub async fn new() -> Self {
        let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
        let ada = server.person("ada").await;
        Self { server, ada, watcher: Watcher::default() }
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.server.by(&self.ada, "POST", &format!("/api/v1{path}"), body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        answer.json()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.server.by(&self.ada, "GET", &format!("/api/v1{path}"), Value::Null).await.json()
    }

    /// A published flow of this one node behind its trigger; its id.
    pub async fn flow(&self, name: &str, node: Value) -> String {
        let nodes = json!({"start": {"kind": "trigger.manual@1"}, "node": node});
        let edges = json!([{"from": "start.out", "to": "node.in"}]);
        self.published(json!({"holon": 1, "name": name, "nodes": nodes, "edges": edges})).await
    }

    /// The flow, published; its id.
    pub async fn published(&self, definition: Value) -> String {
        let id = self.post("/flows", json!({"definition": definition})).await["id"].as_str().unwrap().to_owned();
        self.post(&format!("/flows/{id}/publish"), json!({})).await;
        id
    }

    async fn failing(&self) -> String {
        self.flow("Orders", json!({"kind": "flow.fail@1", "config": {"code": "no_stock", "message": "sold out"}})).await
    }

    /// Starts a run and waits for its end.
    pub async fn run(&self, flow: &str) -> String {
        let run =
            self.post(&format!("/flows/{flow}/runs"), json!({"input": 1})).await["id"].as_str().unwrap().to_owned();
        let events = self.server.by(&self.ada, "GET", &format!("/api/v1/runs/{run}/events"), Value::Null).await;
        assert!(events.text.contains("event: end"), "{}", events.text);
        run
    }

    /// Time passes, and everything that is due is done.
    pub async fn later(&mut self, millis: u64) {
        self.server.clock.advance(Millis(millis));
        self.watcher.round(&self.server.state).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_run_is_told_once_signed_and_what_follows_is_told_together() {
    let (mut watched, (ear, url)) = (Watched::new().await, Ear::listen().await);
    watched.post("/connections", json!({"name": "alerts", "kind": "hmac_key", "secret": KEY, "hosts": []})).await;
    let flow = watched.failing().await;
    let before = watched.run(&flow).await;
    watched.server.clock.advance(Millis(1));
    let rule = json!({"name": "Night", "what": "run_failed", "channel": "webhook", "url": url, "connection": "alerts",
        "quiet": 60_000});
    let id = watched.post("/alerts", rule).await["id"].as_str().unwrap().to_owned();
    let run = watched.run(&flow).await;
    for _ in 0..3 {
        watched.later(5_000).await;
    }
    let heard = ear.heard();
    assert_eq!(heard.len(), 1, "once, and nothing of what was before the rule: {heard:?}");
    assert_eq!(
        (&heard[0]["count"], &heard[0]["type"], &heard[0]["alert"]["name"]),
        (&json!(1), &json!("alert.fired"), &json!("Night"))
    );
    assert_eq!(heard[0]["items"][0]["run"], run);
    assert!(heard[0]["url"].as_str().unwrap().ends_with(&format!("/runs/{run}")), "{}", heard[0]);
    assert_eq!(heard[0]["items"][0]["url"], heard[0]["url"]);
    assert!(heard[0]["summary"].as_str().unwrap().contains("Orders: no_stock: sold out"), "{}", heard[0]);
    assert!(!heard[0].to_string().contains(&before));
    // As a webhook of ours would check it.
    let (headers, body) = ear.heard.lock().unwrap()[0].clone();
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let config = holon_model::json::parse(br#"{"auth": {"hmac": {"scheme": "standard"}}}"#).unwrap();
    holon_cap_triggers::verify(&config, &header, &body, KEY.as_bytes(), watched.server.state.clock.now()).unwrap();
    assert_eq!(header("webhook-id").as_deref(), heard[0]["id"].as_str());

    watched.run(&flow).await;
    watched.run(&flow).await;
    watched.later(5_000).await;
    assert_eq!(ear.heard().len(), 1, "it is quiet");
    watched.later(60_000).await;
    let heard = ear.heard();
    assert_eq!((heard.len(), &heard[1]["count"]), (2, &json!(2)));
    let shown = watched.get(&format!("/alerts/{id}")).await;
    assert_eq!(shown["firings"].as_array().unwrap().len(), 2);
    assert_eq!(shown["alert"]["last"]["state"], "delivered");
    let mut owner = PgConnection::connect_with(&watched.server.db.options(Role::Owner)).await.unwrap();
    let audited: i64 = sqlx::query_scalar("select count(*) from audit_event where intent_type = 'alert.fire'")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(audited, 2);
    let told: Vec<(String, String, String, String)> = sqlx::query_as(
        "select actor, source, subject, detail ->> 'outcome' || ' ' || (detail ->> 'channel') || ' ' || (detail ->> 'tries')
         from audit_event where intent_type = 'alert.deliver'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let once = ("system".to_owned(), "system".to_owned(), id, "delivered webhook 1".to_owned());
    assert_eq!(told, [once.clone(), once]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_heard_is_told_again_with_the_same_id_until_it_is() {
    let (mut watched, (ear, url)) = (Watched::new().await, Ear::listen().await);
    let flow = watched.failing().await;
    let rule = json!({"name": "Night", "what": "run_failed", "flow": flow, "channel": "webhook", "url": url});
    let id = watched.post("/alerts", rule).await["id"].as_str().unwrap().to_owned();
    *ear.deaf.lock().unwrap() = true;
    watched.run(&flow).await;
    watched.later(5_000).await;
    let pending = watched.get(&format!("/alerts/{id}")).await["firings"][0].clone();
    assert_eq!((&pending["state"], &pending["tries"]), (&json!("pending"), &json!(1)));
    assert!(pending["error"].as_str().unwrap().contains("503"), "{pending}");
    *ear.deaf.lock().unwrap() = false;
    watched.later(5_000).await;
    let told = watched.get(&format!("/alerts/{id}")).await["firings"].clone();
    assert_eq!(
        (told.as_array().unwrap().len(), &told[0]["state"], &told[0]["tries"]),
        (1, &json!("delivered"), &json!(2))
    );
    assert_eq!(ear.heard()[0]["id"], pending["id"]);
    let mut owner = PgConnection::connect_with(&watched.server.db.options(Role::Owner)).await.unwrap();
    let audited: Vec<(String, String)> = sqlx::query_as(
        "select detail ->> 'firing', detail ->> 'tries' from audit_event where intent_type = 'alert.deliver'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(audited, [(pending["id"].as_str().unwrap().to_owned(), "2".to_owned())], "once, when it is over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_failures_and_a_task_that_waits_are_found() {
    let (mut watched, (ear, url)) = (Watched::new().await, Ear::listen().await);
    for rule in [
        json!({"name": "Rate", "what": "error_rate", "window": 600_000, "threshold": 50}),
        json!({"name": "Tasks", "what": "approval_waiting", "threshold": 3_600_000}),
        json!({"name": "Queue", "what": "queue_age", "threshold": 60_000}),
    ] {
        let mut rule = rule;
        rule["channel"] = json!("chat");
        rule["url"] = json!(url);
        watched.post("/alerts", rule).await;
    }
    let ask = json!({"kind": "flow.approval@1", "config": {"title": "Pay order 7?", "choices": [{"port": "yes", "label": "Yes"}]}});
    let nodes = json!({"start": {"kind": "trigger.manual@1"}, "ask": ask});
    let definition =
        json!({"holon": 1, "name": "Asks", "nodes": nodes, "edges": [{"from": "start.out", "to": "ask.in"}]});
    let asking = watched.post("/flows", json!({"definition": definition})).await["id"].as_str().unwrap().to_owned();
    watched.post(&format!("/flows/{asking}/publish"), json!({})).await;
    watched.post(&format!("/flows/{asking}/runs"), json!({"input": 1})).await;
    let flow = watched.failing().await;
    for _ in 0..4 {
        watched.run(&flow).await;
    }
    watched.later(5_000).await;
    assert_eq!(ear.heard(), [] as [Value; 0], "four runs are no rate, and the task is new");
    watched.run(&flow).await;
    watched.later(5_000).await;
    let heard = ear.heard();
    assert_eq!(heard, [json!({"text": "Rate: too many runs fail: 5 of 5 runs failed (100 %)"})]);
    watched.later(3_600_000).await;
    watched.later(5_000).await;
    let heard = ear.heard();
    assert_eq!(heard[1..], [json!({"text": "Tasks: a task waits for an answer: Pay order 7?"})]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_that_is_told_gets_one_run_and_its_own_failure_starts_no_other() {
    let mut watched = Watched::new().await;
    let failing = watched.failing().await;
    let target =
        watched.flow("Cares", json!({"kind": "flow.fail@1", "config": {"code": "too_bad", "message": "me too"}})).await;
    let rule = json!({"name": "Any", "what": "run_failed", "channel": "flow", "target": target, "quiet": 0});
    watched.post("/alerts", rule).await;
    let run = watched.run(&failing).await;
    for _ in 0..4 {
        watched.later(5_000).await;
    }
    let runs = watched.get(&format!("/runs?flow={target}")).await;
    assert_eq!(runs["data"].as_array().unwrap().len(), 1, "{runs}");
    let started = runs["data"][0]["id"].as_str().unwrap();
    let events = watched.server.by(&watched.ada, "GET", &format!("/api/v1/runs/{started}/events"), Value::Null).await;
    assert!(events.text.contains("event: end"), "{}", events.text);
    let journal = watched.get(&format!("/runs/{started}/journal")).await.to_string();
    assert!(journal.contains(&run), "the flow got what was found: {journal}");
    watched.later(60_000).await;
    let runs = watched.get(&format!("/runs?flow={target}")).await;
    assert_eq!(runs["data"].as_array().unwrap().len(), 1, "its own failure is not about itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_can_be_tried_out_and_its_address_is_never_shown() {
    let (watched, (ear, url)) = (Watched::new().await, Ear::listen().await);
    let rule = json!({"name": "Try", "what": "run_failed", "channel": "chat", "url": url});
    let made = watched.post("/alerts", rule.clone()).await;
    let path = format!("/alerts/{}", made["id"].as_str().unwrap());
    let tested = watched.post(&format!("{path}/test"), Value::Null).await;
    assert_eq!((&tested["state"], &tested["cause"]), (&json!("delivered"), &json!("test")), "{tested}");
    assert_eq!(ear.heard(), [json!({"text": "This is a test of the alert “Try”. Nothing is wrong."})]);
    // Without an address the stored one stays; with the same rights nobody reads it.
    let mut kept = rule;
    kept.as_object_mut().unwrap().remove("url");
    let replaced = watched.server.by(&watched.ada, "PUT", &format!("/api/v1{path}"), kept).await;
    assert_eq!(replaced.status, StatusCode::OK, "{}", replaced.text);
    assert_eq!(watched.post(&format!("{path}/test"), Value::Null).await["state"], "delivered");
    let shown = watched.get(&path).await.to_string() + &watched.get("/alerts").await.to_string() + &made.to_string();
    assert!(!shown.contains("s3cret") && shown.contains("http://127.0.0.1"), "{shown}");
    let mut owner = PgConnection::connect_with(&watched.server.db.options(Role::Owner)).await.unwrap();
    let stored: String =
        sqlx::query_scalar("select string_agg(r::text, ' ') from alert_rule r").fetch_one(&mut owner).await.unwrap();
    assert!(!stored.contains("s3cret"), "{stored}");
    let gone = watched.server.by(&watched.ada, "DELETE", &format!("/api/v1{path}"), Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let unknown = watched.server.by(&watched.ada, "GET", &format!("/api/v1{path}"), Value::Null).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_firing_that_was_missed_is_told() {
    let (mut watched, (ear, url)) = (Watched::new().await, Ear::listen().await);
    let rule = json!({"name": "Clock", "what": "schedule_missed", "channel": "chat", "url": url});
    watched.post("/alerts", rule).await;
    let every = json!({"every": {"kind": "trigger.schedule@1", "config": {"cron": "* * * * *", "catch_up": "10s"}}});
    let definition = json!({"holon": 1, "name": "Timed", "nodes": every, "edges": []});
    let flow = watched.post("/flows", json!({"definition": definition})).await["id"].as_str().unwrap().to_owned();
    watched.post(&format!("/flows/{flow}/publish"), json!({})).await;
    // No server for an hour.
    watched.server.clock.advance(Millis(3_630_000));
    holon::schedules::Ticker::default().tick(&watched.server.state).await.unwrap();
    watched.later(5_000).await;
    let heard = ear.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0]["text"].as_str().unwrap().starts_with("Clock: "), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_that_keeps_failing_is_told_once_each_time_it_begins_to() {
    let (mut watched, (ear, url)) = (Watched::new().await, Ear::listen().await);
    let rule = json!({"name": "Feed", "what": "poll_failing", "threshold": 300_000, "channel": "chat", "url": url});
    watched.post("/alerts", rule).await;
    let list = Arc::new(Mutex::new(false));
    let port = {
        let (list, listener) = (list.clone(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let port = listener.local_addr().unwrap().port();
        let answer = move || {
            let well = *list.lock().unwrap();
            let status = if well { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
            async move { (status, [(header::CONTENT_TYPE, "application/json")], "[]") }
        };
        let router = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        port
    };
    let config = json!({"every": "1m", "url": format!("http://127.0.0.1:{port}/"),
        "items": {"$cel": "response.body"}, "key": {"$cel": "item.id"}});
    let look = json!({"look": {"kind": "trigger.poll@1", "config": config}});
    let definition = json!({"holon": 1, "name": "Tickets", "nodes": look, "edges": []});
    let flow = watched.post("/flows", json!({"definition": definition})).await["id"].as_str().unwrap().to_owned();
    watched.post(&format!("/flows/{flow}/publish"), json!({})).await;
    let mut looker = holon::polls::Looker::default();
    let mut told = Vec::new();
    // It fails for an hour, is well for one, and fails again.
    for (well, minutes) in [(false, 60), (true, 60), (false, 60)] {
        *list.lock().unwrap() = well;
        for _ in 0..minutes {
            watched.later(60_000).await;
            looker.round(&watched.server.state).await.unwrap();
        }
        told.push(ear.heard().len());
    }
    assert_eq!(told, [1, 1, 2], "{:?}", ear.heard());
    let text = ear.heard()[0]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("Feed: a poll has been failing: Tickets: ") && text.contains("500"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_run_is_told_by_mail_and_again_with_the_same_id_until_the_server_takes_it() {
    let mut watched = Watched::new().await;
    let busy = Sink::with(Script { offers: vec![], answers: vec![("MAIL", "451 not now")] }).await;
    let mail = |sink: &Sink| {
        let server =
            json!({"host": "127.0.0.1", "port": sink.port, "tls": "none", "sender": "Holon <holon@example.com>"});
        json!({"name": "mail", "kind": "smtp", "secret": "", "server": server})
    };
    let made = watched.post("/connections", mail(&busy)).await;
    assert_eq!(made["hosts"], json!(["127.0.0.1"]), "{made}");
    let flow = watched.failing().await;
    watched.server.clock.advance(Millis(1));
    let rule = json!({"name": "Night", "what": "run_failed", "channel": "email", "connection": "mail",
        "recipients": ["Ada <ada@example.com>", "bob@example.com"]});
    let id = watched.post("/alerts", rule).await["id"].as_str().unwrap().to_owned();
    let run = watched.run(&flow).await;
    watched.later(5_000).await;
    let firing = watched.get(&format!("/alerts/{id}")).await["firings"][0].clone();
    assert_eq!((&firing["state"], &firing["tries"]), (&json!("pending"), &json!(1)), "{firing}");
    assert!(firing["error"].as_str().unwrap().contains("451 not now"), "{firing}");
    let sink = Sink::start().await;
    let path = format!("/api/v1/connections/{}", made["id"].as_str().unwrap());
    let replaced = watched.server.by(&watched.ada, "PUT", &path, mail(&sink)).await;
    assert_eq!(replaced.status, StatusCode::OK, "{}", replaced.text);
    watched.later(5_000).await;
    let taken = sink.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].to, ["ada@example.com", "bob@example.com"]);
    let firing = firing["id"].as_str().unwrap();
    for part in [format!("Message-ID: <{firing}@example.com>"), "Subject: [Holon] Night:".to_owned(), run] {
        assert!(taken[0].data.contains(&part), "{part}: {}", taken[0].data);
    }
    watched.later(60_000).await;
    assert_eq!(sink.taken().len(), 1, "told once");
}
