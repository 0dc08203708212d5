//! Polling triggers against a real endpoint: what is new starts one run each, whoever looks and whatever crashes in between; what
//! fails is told, comes later and later, and loses nothing.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use holon::polls::Looker;
use holon_model::Millis;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::net::TcpListener;

use crate::support::{Person, Server};

/// What the endpoint lists, and what it was asked.
#[derive(Default)]
struct Feed {
    items: Vec<Value>,
    asked: Vec<(String, HeaderMap)>,
    /// Answered in place of the list: status, `Retry-After`, body.
    instead: Option<(StatusCode, Option<u32>, Value)>,
}

type Shared = Arc<Mutex<Feed>>;

/// Lists items whose `id` is greater than `after` in the query.
async fn list(State(feed): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let mut feed = feed.lock().unwrap();
    feed.asked.push((uri.to_string(), headers));
    let json = |body: Value| ([(header::CONTENT_TYPE, "application/json")], body.to_string());
    if let Some((status, after, body)) = &feed.instead {
        let headers: HeaderMap = after.iter().map(|after| (header::RETRY_AFTER, (*after).into())).collect();
        return (*status, headers, json(body.clone())).into_response();
    }
    let query = uri.query().unwrap_or_default();
    let after = query.split('&').find_map(|part| part.strip_prefix("after=")?.parse::<i64>().ok());
    let shown = feed.items.iter().filter(|item| after.is_none_or(|after| item["id"].as_i64().unwrap() > after));
    json(json!({"list": shown.collect::<Vec<_>>()})).into_response()
}

struct Workspace {
    server: Server,
    ada: Person,
    looker: Looker,
    feed: Shared,
    port: u16,
}

impl Workspace {
    async fn new() -> Self {
        let server = Server::with(&[("HOLON_EGRESS_ALLOW_LOOPBACK", "true")]).await;
        let ada = server.person("ada").await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let feed = Shared::default();
        let router = Router::new().fallback(list).with_state(feed.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { server, ada, looker: Looker::default(), feed, port }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.server.by(&self.ada, "POST", &format!("/api/v1{path}"), body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        answer.json()
    }

    async fn get(&self, path: &str) -> Value {
        self.server.by(&self.ada, "GET", &format!("/api/v1{path}"), Value::Null).await.json()
    }

    /// What a trigger says that looks each minute: the usual settings, with others in their place.
    fn config(&self, other: Value) -> Value {
        let mut config = json!({"every": "1m", "url": format!("http://127.0.0.1:{}/orders", self.port),
            "items": {"$cel": "response.body.list"}, "key": {"$cel": "item.id"}});
        config.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        config
    }

    fn definition(&self, other: Value) -> Value {
        json!({"holon": 1, "name": "Polls", "edges": [],
            "nodes": {"look": {"kind": "trigger.poll@1", "config": self.config(other)}}})
    }

    async fn published(&self, definition: Value) -> String {
        let id = self.post("/flows", json!({"definition": definition})).await["id"].as_str().unwrap().to_owned();
        self.post(&format!("/flows/{id}/publish"), json!({})).await;
        id
    }

    /// Publishes another definition of a flow.
    async fn again(&self, flow: &str, definition: Value) {
        let revision = self.get(&format!("/flows/{flow}")).await["revision"].as_i64().unwrap();
        let headers = [
            ("origin", crate::support::ORIGIN),
            ("cookie", self.ada.cookie.as_str()),
            ("if-match", &format!("\"{revision}\"")),
        ];
        let path = format!("/api/v1/flows/{flow}");
        let saved = self.server.send(crate::support::request("PUT", &path, &headers, definition)).await;
        assert!(saved.status.is_success(), "{}", saved.text);
        self.post(&format!("/flows/{flow}/publish"), json!({})).await;
    }

    fn lists(&self, ids: impl IntoIterator<Item = i64>) {
        self.feed.lock().unwrap().items = ids.into_iter().map(|id| json!({"id": id})).collect();
    }

    fn answers(&self, instead: Option<(StatusCode, Option<u32>, Value)>) {
        self.feed.lock().unwrap().instead = instead;
    }

    /// The addresses that were asked for since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.feed.lock().unwrap().asked).into_iter().map(|(uri, _)| uri).collect()
    }

    async fn look(&mut self) {
        self.looker.round(&self.server.state).await.unwrap();
    }

    /// Time passes, and what is due is looked at.
    async fn later(&mut self, seconds: u64) {
        self.server.clock.advance(Millis(seconds * 1000));
        self.look().await;
    }

    /// The ids of the items that started runs of their own, in order.
    async fn started(&self, flow: &str) -> Vec<i64> {
        let mut ids = Vec::new();
        for run in self.runs(flow).await {
            ids.push(run["input"]["item"]["id"].as_i64().unwrap());
        }
        ids.sort_unstable();
        ids
    }

    async fn runs(&self, flow: &str) -> Vec<Value> {
        let listed = self.get(&format!("/runs?flow={flow}&limit=200")).await;
        let mut runs = Vec::new();
        for run in listed["data"].as_array().unwrap() {
            assert_eq!(run["trigger"], "trigger.poll");
            runs.push(self.get(&format!("/runs/{}", run["id"].as_str().unwrap())).await);
        }
        runs
    }

    /// The only poll.
    async fn poll(&self) -> Value {
        let listed = self.get("/polls").await;
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
        self.get(&format!("/polls/{}", listed["data"][0]["id"].as_str().unwrap())).await
    }

    async fn id(&self) -> String {
        self.poll().await["summary"]["id"].as_str().unwrap().to_owned()
    }

    async fn owner(&self) -> PgConnection {
        PgConnection::connect_with(&self.server.db.admin_options()).await.unwrap()
    }

    async fn by_owner(&self, statement: &'static str) -> u64 {
        sqlx::query(statement).execute(&mut self.owner().await).await.unwrap().rows_affected()
    }
}

/// The cursor is the last id, and is sent.
fn after_the_last() -> Value {
    json!({"query": {"after": {"$cel": "cursor"}}, "cursor": {"$cel": "items.size() > 0 ? items.last().id : cursor"}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_new_starts_one_run_each_and_the_first_look_only_notes() {
    let mut work = Workspace::new().await;
    work.lists([1, 2]);
    let flow = work.published(work.definition(json!({"headers": {"x-now": {"$cel": "now"}}}))).await;
    work.look().await;
    assert_eq!(work.started(&flow).await, [0; 0], "what is there at the first look is only noted");
    work.lists([3, 2, 1, 4, 4]);
    work.look().await;
    assert_eq!(work.asked().len(), 1, "it looks each minute");
    work.later(66).await;
    assert_eq!(work.started(&flow).await, [3, 4]);
    for _ in 0..3 {
        work.later(66).await;
    }
    assert_eq!(work.started(&flow).await, [3, 4], "what was seen starts nothing");
    let poll = work.poll().await;
    let last = &poll["summary"]["last"];
    assert_eq!(
        (&last["outcome"], &last["listed"], &last["started"]),
        (&json!("found"), &json!(4), &json!(0)),
        "{poll}"
    );
    assert_eq!((&poll["seen"], poll["found"].as_array().unwrap().len()), (&json!(4), 2), "{poll}");
    let run = &work.runs(&flow).await[0];
    assert_eq!(poll["found"][0]["run"], run["summary"]["id"], "{poll}");
    assert!(run["input"]["found_at"].as_str().unwrap().ends_with('Z'), "{run}");
    let feed = work.feed.lock().unwrap();
    assert!(
        feed.asked.iter().all(|(_, headers)| headers.contains_key("x-now") && !headers.contains_key("idempotency-key"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cursor_is_sent_with_the_connections_secret_and_stays_with_the_next_version_that_means_the_same() {
    let mut work = Workspace::new().await;
    work.post(
        "/connections",
        json!({"name": "shop", "kind": "http_bearer", "hosts": ["127.0.0.1"], "secret": "it's a secret"}),
    )
    .await;
    let mut settings = after_the_last();
    settings["connection"] = json!("shop");
    settings["first"] = json!("start");
    work.lists([1, 2]);
    let flow = work.published(work.definition(settings.clone())).await;
    work.look().await;
    work.lists([1, 2, 3]);
    work.later(66).await;
    assert_eq!(work.asked(), ["/orders", "/orders?after=2"]);
    assert_eq!(work.started(&flow).await, [1, 2, 3]);
    // Another pace is the same poll: it goes on from its cursor.
    settings["every"] = json!("2m");
    work.again(&flow, work.definition(settings.clone())).await;
    work.lists([1, 2, 3, 4]);
    work.later(132).await;
    assert_eq!(work.asked(), ["/orders?after=3"]);
    assert_eq!(work.started(&flow).await, [1, 2, 3, 4]);
    assert_eq!(work.poll().await["cursor"], 4);
    // Another address begins anew: what was seen is known all the same.
    settings["url"] = json!(format!("http://127.0.0.1:{}/others", work.port));
    work.again(&flow, work.definition(settings)).await;
    work.lists([4, 5]);
    work.later(1).await;
    assert_eq!(work.asked(), ["/others"]);
    assert_eq!(work.started(&flow).await, [1, 2, 3, 4, 5]);
    // A flow that polls no more looks no more.
    work.again(&flow, json!({"holon": 1, "name": "Polls", "edges": [], "nodes": {"go": {"kind": "trigger.manual@1"}}}))
        .await;
    work.later(600).await;
    assert_eq!(work.asked(), Vec::<String>::new());
    assert_eq!(work.get("/polls").await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_secret_is_sent_to_the_connections_hosts() {
    let mut work = Workspace::new().await;
    work.post(
        "/connections",
        json!({"name": "shop", "kind": "http_bearer", "hosts": ["127.0.0.1"], "secret": "it's a secret"}),
    )
    .await;
    work.published(work.definition(json!({"connection": "shop"}))).await;
    work.look().await;
    let feed = work.feed.lock().unwrap();
    assert_eq!(feed.asked[0].1["authorization"], "Bearer it's a secret");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_between_a_start_and_its_note_leaves_one_run_to_the_next_and_the_old_cursor() {
    let mut work = Workspace::new().await;
    let flow = work.published(work.definition(after_the_last())).await;
    work.look().await;
    work.lists([1, 2, 3]);
    work.later(66).await;
    assert_eq!(work.started(&flow).await, [1, 2, 3]);
    // The runs are there, nothing of them was written down, and even the keys of the starts are forgotten.
    assert_eq!(work.by_owner("update poll_seen set state = 'starting'").await, 3);
    // Of another one not even the run was started.
    work.lists([1, 2, 3, 4]);
    assert_eq!(
        work.by_owner(
            "update poll set cursor = 'null', looking_until = next_look_at + interval '3 minutes', look = look + 1",
        )
        .await,
        1
    );
    work.by_owner("delete from idempotency").await;
    work.asked();
    work.later(120).await;
    assert_eq!(work.asked(), Vec::<String>::new(), "it is still the one's that ended");
    work.later(180).await;
    assert_eq!(work.asked(), ["/orders"], "with the cursor of before");
    assert_eq!(work.started(&flow).await, [1, 2, 3, 4]);
    let poll = work.poll().await;
    assert_eq!(poll["cursor"], 4, "{poll}");
    assert!(poll["found"].as_array().unwrap().iter().all(|found| found["state"] == "started"), "{poll}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_before_a_start_leaves_it_to_the_next() {
    let mut work = Workspace::new().await;
    let flow = work.published(work.definition(after_the_last())).await;
    work.look().await;
    // What is new was written down with the ids of its runs, and that was all.
    let run = work.server.state.runtime.mint();
    let mut owner = work.owner().await;
    sqlx::query("insert into poll_seen (tenant_id, poll_id, key, state, run_id, seen_at, listed_at) select tenant_id, poll_id, $1, 'starting', $2, now(), now() from poll")
        .bind(&blake3::hash(b"7").as_bytes()[..])
        .bind(run.0)
        .execute(&mut owner)
        .await
        .unwrap();
    work.lists([7]);
    work.later(66).await;
    let runs = work.runs(&flow).await;
    assert_eq!((runs.len(), &runs[0]["summary"]["id"]), (1, &json!(run.to_string())), "{runs:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_that_fails_is_told_with_its_place_comes_later_and_loses_nothing() {
    let mut work = Workspace::new().await;
    let flow = work.published(work.definition(after_the_last())).await;
    work.lists([1]);
    work.look().await;
    work.lists([1, 2]);
    work.answers(Some((StatusCode::INTERNAL_SERVER_ERROR, None, json!({}))));
    work.later(66).await;
    let poll = work.poll().await["summary"].clone();
    let last = &poll["last"];
    assert_eq!(
        (&last["outcome"], &last["code"], &poll["failures"]),
        (&json!("failed"), &json!("http_status"), &json!(1))
    );
    assert!(last["reason"].as_str().unwrap().starts_with("answered 500"), "{last}");
    // A minute, then two, then four, each with up to a tenth more.
    let waits = |poll: &Value| poll["next_at"].as_i64().unwrap() - poll["last"]["at"].as_i64().unwrap();
    assert!((60_000..=66_000).contains(&waits(&poll)), "{poll}");
    for least in [120_000, 240_000] {
        work.later(300).await;
        let poll = work.poll().await["summary"].clone();
        assert!((least..=least + least / 10).contains(&waits(&poll)), "{poll}");
    }
    // The endpoint says when to come again.
    work.answers(Some((StatusCode::TOO_MANY_REQUESTS, Some(3_000), json!({}))));
    work.later(600).await;
    assert_eq!(waits(&work.poll().await["summary"]), 3_000_000);
    // What is asked for by a person is looked at at once; it gives something else than a list.
    work.answers(Some((StatusCode::OK, None, json!({"list": "soon"}))));
    work.asked();
    let id = work.id().await;
    work.post(&format!("/polls/{id}/look"), Value::Null).await;
    work.look().await;
    assert_eq!(work.asked(), ["/orders?after=1"], "the cursor is the one of the last look that went well");
    let last = work.poll().await["summary"]["last"].clone();
    assert_eq!((&last["code"], &last["pointer"]), (&json!("bad_items"), &json!("/items")), "{last}");
    assert_eq!(last["reason"], "`items` gave text; it must give a list");
    work.answers(None);
    work.post(&format!("/polls/{id}/look"), Value::Null).await;
    work.look().await;
    let poll = work.poll().await;
    assert_eq!((&poll["summary"]["failures"], &poll["summary"]["failing_since"]), (&json!(0), &Value::Null), "{poll}");
    assert_eq!((work.started(&flow).await, &poll["cursor"]), (vec![2], &json!(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_look_at_once_one_does() {
    let mut work = Workspace::new().await;
    let flow = work.published(work.definition(json!({"first": "start"}))).await;
    for round in 1..=5 {
        work.lists(0..round * 10);
        let mut lookers: Vec<Looker> = (0..4).map(|_| Looker::default()).collect();
        let state = &work.server.state;
        let looks = lookers.iter_mut().map(|looker| looker.round(state));
        for looked in futures::future::join_all(looks).await {
            looked.unwrap();
        }
        assert_eq!(work.asked().len(), 1);
        assert_eq!(work.started(&flow).await, (0..round * 10).collect::<Vec<_>>());
        work.server.clock.advance(Millis(66_000));
    }
    work.look().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_is_new_starts_one_run_and_what_is_more_than_a_look_takes_waits_for_the_next() {
    let mut work = Workspace::new().await;
    let mut settings = after_the_last();
    settings.as_object_mut().unwrap().extend(json!({"start": "all", "most": 2}).as_object().unwrap().clone());
    let flow = work.published(work.definition(settings)).await;
    work.look().await;
    work.lists(1..=5);
    work.later(66).await;
    let poll = work.poll().await;
    assert_eq!((&poll["summary"]["last"]["waiting"], &poll["cursor"]), (&json!(3), &Value::Null), "{poll}");
    work.later(11).await;
    work.later(11).await;
    let poll = work.poll().await;
    assert_eq!((&poll["summary"]["last"]["waiting"], &poll["cursor"]), (&json!(0), &json!(5)), "{poll}");
    let mut batches: Vec<String> = work.runs(&flow).await.iter().map(|run| run["input"]["items"].to_string()).collect();
    batches.sort();
    assert_eq!(batches, [r#"[{"id":1},{"id":2}]"#, r#"[{"id":3},{"id":4}]"#, r#"[{"id":5}]"#]);
    let items: Vec<&Value> = poll["found"].as_array().unwrap().iter().map(|found| &found["items"]).collect();
    assert_eq!(items, [&json!(1), &json!(2), &json!(2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_limit_does_not_let_start_is_started_later_and_a_pause_holds_the_looks() {
    let mut work = Workspace::new().await;
    let mut definition = work.definition(after_the_last());
    definition["limits"] = json!({"rate": {"limit": 1, "per": "20s"}});
    let flow = work.published(definition).await;
    work.look().await;
    work.lists([1, 2, 3]);
    work.later(66).await;
    let poll = work.poll().await;
    let last = &poll["summary"]["last"];
    assert_eq!((&last["started"], &last["waiting"], &poll["cursor"]), (&json!(1), &json!(2), &Value::Null), "{poll}");
    assert!(last["reason"].is_string(), "{last}");
    work.later(31).await;
    let paused = work
        .server
        .by(
            &work.ada,
            "PUT",
            &format!("/api/v1/flows/{flow}/pause"),
            json!({"mode": "pause", "reason": "the shop moves"}),
        )
        .await;
    assert!(paused.status.is_success(), "{}", paused.text);
    work.asked();
    work.later(66).await;
    let last = work.poll().await["summary"]["last"].clone();
    assert_eq!((work.asked().len(), &last["outcome"]), (0, &json!("held")), "{last}");
    assert!(last["reason"].as_str().unwrap().contains("the shop moves"), "{last}");
    let lifted = work.server.by(&work.ada, "DELETE", &format!("/api/v1/flows/{flow}/pause"), Value::Null).await;
    assert!(lifted.status.is_success(), "{}", lifted.text);
    work.later(66).await;
    let poll = work.poll().await;
    assert_eq!((work.started(&flow).await, &poll["cursor"]), (vec![1, 2, 3], &json!(3)), "{poll}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_start_no_run_is_told_and_does_not_hold_up_the_rest() {
    let mut work = Workspace::new().await;
    let mut definition = work.definition(after_the_last());
    definition["input"] = json!({"type": "object", "properties": {"item": {"properties": {"id": {"maximum": 2}}}}});
    let flow = work.published(definition).await;
    work.look().await;
    work.lists([1, 3, 2]);
    work.later(66).await;
    let poll = work.poll().await;
    let last = &poll["summary"]["last"];
    assert_eq!((&last["started"], &last["refused"], &poll["cursor"]), (&json!(2), &json!(1), &json!(2)), "{poll}");
    assert_eq!(last["reason"], "what the poll gives does not match the flow's input schema");
    assert_eq!(work.started(&flow).await, [1, 2]);
    let refused: Vec<&Value> =
        poll["found"].as_array().unwrap().iter().filter(|found| found["state"] == "refused").collect();
    assert_eq!((refused.len(), &refused[0]["run"]), (1, &Value::Null), "{poll}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_seen_is_forgotten_on_demand_which_is_written_down_and_nobody_else_sees_it() {
    let mut work = Workspace::new().await;
    let mut settings = after_the_last();
    settings["first"] = json!("start");
    let flow = work.published(work.definition(settings)).await;
    work.lists([1, 2]);
    work.look().await;
    let id = work.id().await;
    work.post(&format!("/polls/{id}/forget"), Value::Null).await;
    assert_eq!(work.poll().await["seen"], 0);
    work.look().await;
    assert_eq!(work.started(&flow).await, [1, 1, 2, 2]);
    work.post(&format!("/polls/{id}/look"), Value::Null).await;
    work.look().await;
    assert_eq!(work.started(&flow).await, [1, 1, 2, 2]);
    let told: Vec<(String, String)> = sqlx::query_as(
        "select intent_type, subject from audit_event where intent_type like 'poll.%' order by event_id",
    )
    .fetch_all(&mut work.owner().await)
    .await
    .unwrap();
    assert_eq!(told, [("poll.forget".to_owned(), id.clone()), ("poll.look".to_owned(), id.clone())]);
    let bob = work.server.person("bob").await;
    let listed = work.server.by(&bob, "GET", "/api/v1/polls", Value::Null).await.json();
    assert_eq!(listed["data"], json!([]));
    let foreign = work.server.by(&bob, "POST", &format!("/api/v1/polls/{id}/forget"), Value::Null).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{}", foreign.text);
    assert_eq!(work.poll().await["seen"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_endpoint_lists_no_more_is_forgotten_after_a_month_and_what_it_lists_never() {
    let mut work = Workspace::new().await;
    let flow = work.published(work.definition(json!({}))).await;
    work.lists([1, 2]);
    work.look().await;
    work.by_owner("update poll_seen set listed_at = listed_at - interval '31 days'").await;
    work.lists([1, 3]);
    work.later(66).await;
    assert_eq!((work.started(&flow).await, &work.poll().await["seen"]), (vec![3], &json!(2)));
}

#[tokio::test]
async fn how_often_has_bounds_and_names_that_a_setting_does_not_see_are_told_with_their_place() {
    let work = Workspace::new().await;
    let wrong =
        json!({"every": "5s", "url": {"$text": "http://a.example/{{ item.id }}"}, "key": {"$cel": "response.body"}});
    let flow =
        work.post("/flows", json!({"definition": work.definition(wrong)})).await["id"].as_str().unwrap().to_owned();
    let refused = work.server.by(&work.ada, "POST", &format!("/api/v1/flows/{flow}/publish"), json!({})).await;
    assert_eq!(refused.code(), "invalid_definition", "{}", refused.text);
    let mut places: Vec<String> = refused.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| format!("{} {}", error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    places.sort();
    let at = "/nodes/look/config";
    let expected =
        [format!("{at}/every invalid_config"), format!("{at}/key unknown_name"), format!("{at}/url unknown_name")];
    assert_eq!(places, expected);
}
