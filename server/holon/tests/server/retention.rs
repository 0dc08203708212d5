//! How long history is kept: what is over goes when its time is up, with everything that belongs to it; what is not over stays
//! and goes on; nobody loses a run because somebody else keeps less.

use axum::http::StatusCode;
use holon::retention::{Swept, sweep};
use holon_model::Millis;
use holon_platform::db::Role;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::{Answer, Server};

const DAY: u64 = 24 * 3_600_000;
/// Where rows of runs stand.
const TABLES: [&str; 6] = ["run_hist", "journal", "run_label", "task", "link", "blob"];

/// Somebody's program: a session ends before history does.
struct Person {
    token: String,
    tenant: holon_model::TenantId,
}

async fn person(server: &Server, name: &str) -> Person {
    let person = server.person(name).await;
    let made = server.by(&person, "POST", "/api/v1/tokens", json!({"name": "program"})).await.json();
    let tenant = person.session["tenant"]["id"].as_str().unwrap().parse().unwrap();
    Person { token: made["secret"].as_str().unwrap().to_owned(), tenant }
}

async fn get(server: &Server, who: &Person, path: &str) -> Answer {
    server.with_token(&who.token, "GET", &format!("/api/v1{path}"), Value::Null).await
}

async fn post(server: &Server, who: &Person, path: &str, body: Value) -> Value {
    let answer = server.with_token(&who.token, "POST", &format!("/api/v1{path}"), body).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text);
    answer.json()
}

async fn flow(server: &Server, who: &Person, name: &str, node: Value) -> String {
    let nodes = json!({"start": {"kind": "trigger.manual@1"}, "node": node});
    let definition =
        json!({"holon": 1, "name": name, "nodes": nodes, "edges": [{"from": "start.out", "to": "node.in"}]});
    let id = post(server, who, "/flows", json!({"definition": definition})).await["id"].as_str().unwrap().to_owned();
    post(server, who, &format!("/flows/{id}/publish"), json!({})).await;
    id
}

/// A run with a label and an input that is stored beside the journal.
async fn start(server: &Server, who: &Person, flow: &str) -> String {
    let body = json!({"input": {"text": "x".repeat(20_000)}, "labels": {"team": "red"}});
    post(server, who, &format!("/flows/{flow}/runs"), body).await["id"].as_str().unwrap().to_owned()
}

async fn ended(server: &Server, who: &Person, run: &str) {
    let events = get(server, who, &format!("/runs/{run}/events")).await;
    assert!(events.text.contains("event: end"), "{}", events.text);
}

/// What a run asks, when it does.
async fn asked(server: &Server, who: &Person, run: &str) -> String {
    loop {
        let tasks = get(server, who, &format!("/runs/{run}/tasks")).await.json();
        if let Some(task) = tasks["data"][0]["id"].as_str() {
            return task.to_owned();
        }
        tokio::task::yield_now().await;
    }
}

/// A run that was asked about, answered and is over; and one that still waits.
async fn work(server: &Server, who: &Person) -> (String, String) {
    let config = json!({"title": "Pay?", "choices": [{"port": "yes", "label": "Yes"}]});
    let asking = flow(server, who, "Asks", json!({"kind": "flow.approval@1", "config": config})).await;
    let over = start(server, who, &asking).await;
    let waits = start(server, who, &asking).await;
    let task = asked(server, who, &over).await;
    asked(server, who, &waits).await;
    post(server, who, &format!("/runs/{over}/tasks/{task}/links"), json!({"assignee": "ada@example.com"})).await;
    post(server, who, &format!("/runs/{over}/tasks/{task}/answer"), json!({"choice": "yes"})).await;
    ended(server, who, &over).await;
    (over, waits)
}

async fn admin(server: &Server) -> PgConnection {
    PgConnection::connect_with(&server.db.admin_options()).await.unwrap()
}

/// The partitions of the week at which the tests' clock begins, whatever week it is when the tests run.
async fn week_of_the_tests(server: &Server) {
    sqlx::query("select holon_history_week('2026-11-21')").execute(&mut admin(server).await).await.unwrap();
}

async fn rows(server: &Server, who: &Person) -> Vec<i64> {
    let mut admin = admin(server).await;
    let mut counts = Vec::new();
    for table in TABLES {
        let sql = format!("select count(*) from {table} where tenant_id = $1");
        counts.push(sqlx::query_scalar(AssertSqlSafe(sql)).bind(who.tenant.0).fetch_one(&mut admin).await.unwrap());
    }
    counts
}

async fn keep(server: &Server, who: &Person, days: Value) -> Value {
    let answer = server.with_token(&who.token, "PUT", "/api/v1/retention", json!({"days": days})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn status(server: &Server, who: &Person, run: &str) -> StatusCode {
    get(server, who, &format!("/runs/{run}")).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_whose_time_is_up_go_with_all_that_belongs_to_them_and_nobody_elses_do() {
    let server = Server::new().await;
    let (ada, bob) = (person(&server, "ada").await, person(&server, "bob").await);
    let (over, waits) = work(&server, &ada).await;
    let (theirs, _) = work(&server, &bob).await;
    let kept = keep(&server, &ada, json!(7)).await;
    assert_eq!(
        (&kept["days"], &kept["in_force"], &kept["runs"], &kept["goes"]),
        (&json!(7), &json!(7), &json!(1), &json!(0))
    );
    let before = rows(&server, &bob).await;
    assert!(before.iter().all(|count| *count > 0), "{before:?}");
    server.clock.advance(Millis(6 * DAY));
    assert_eq!(sweep(&server.state).await.unwrap(), Swept::default(), "its time is not up");
    server.clock.advance(Millis(4 * DAY));
    let would = get(&server, &ada, "/retention?days=30").await.json();
    assert_eq!(would["goes"], 0, "{would}");
    let now = get(&server, &ada, "/retention").await.json();
    assert_eq!((&now["goes"], &now["runs"]), (&json!(1), &json!(1)), "{now}");
    assert_eq!(sweep(&server.state).await.unwrap(), Swept { runs: 1, weeks: 0 });
    let gone = get(&server, &ada, &format!("/runs/{over}")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.json()["detail"].as_str().unwrap().contains("not kept any more"), "{}", gone.text);
    let listed = get(&server, &ada, "/runs?label=team:red").await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    // Of the one that waits: it began, one commit, its label, its task, no link, and the payload that both shared.
    let left = rows(&server, &ada).await;
    assert_eq!((left[0], left[2], left[3], left[4], left[5]), (1, 1, 1, 0, 1), "{left:?}");
    assert_eq!(rows(&server, &bob).await, before);
    assert_eq!(
        (status(&server, &ada, &waits).await, status(&server, &bob, &theirs).await),
        (StatusCode::OK, StatusCode::OK)
    );
    // And it goes on to its end.
    let task = asked(&server, &ada, &waits).await;
    post(&server, &ada, &format!("/runs/{waits}/tasks/{task}/answer"), json!({"choice": "yes"})).await;
    ended(&server, &ada, &waits).await;
    server.clock.advance(Millis(8 * DAY));
    assert_eq!(sweep(&server.state).await.unwrap().runs, 1);
    assert_eq!(rows(&server, &ada).await, [0; 6], "the payload with the last run of its week");
    assert_eq!(rows(&server, &bob).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week_of_which_nobody_keeps_anything_is_dropped_whole_and_not_before() {
    let server = Server::with(&[("HOLON_HISTORY_DAYS", "60"), ("HOLON_HISTORY_DAYS_MOST", "90")]).await;
    week_of_the_tests(&server).await;
    let (ada, bob) = (person(&server, "ada").await, person(&server, "bob").await);
    let (_, waits) = work(&server, &ada).await;
    let done = flow(&server, &bob, "Sets", json!({"kind": "data.set@1", "config": {"fields": {"a": 1}}})).await;
    let run = start(&server, &bob, &done).await;
    ended(&server, &bob, &run).await;
    let partitions = async || -> i64 {
        let sql = "select count(*) from pg_class where relname ~ '_2026w47$' and relkind = 'r' \
                   and relname ~ '^(run_hist|journal|blob|run_label)_'";
        sqlx::query_scalar(sql).fetch_one(&mut admin(&server).await).await.unwrap()
    };
    assert_eq!(partitions().await, 4, "the week of the tests' clock has its partitions");
    keep(&server, &bob, json!(30)).await;
    server.clock.advance(Millis(45 * DAY));
    // Weeks in which nothing ever ran are dropped as they pass.
    assert_eq!((sweep(&server.state).await.unwrap().runs, partitions().await), (1, 4), "others keep theirs");
    server.clock.advance(Millis(40 * DAY));
    assert_eq!(
        (sweep(&server.state).await.unwrap().runs, partitions().await),
        (1, 4),
        "a run of that week still waits"
    );
    assert_eq!(status(&server, &ada, &waits).await, StatusCode::OK);
    let ended_run = server.with_token(&ada.token, "POST", &format!("/api/v1/runs/{waits}/terminate"), json!({})).await;
    assert!(ended_run.status.is_success(), "{}", ended_run.text);
    ended(&server, &ada, &waits).await;
    server.clock.advance(Millis(70 * DAY));
    let swept = sweep(&server.state).await.unwrap();
    assert!(swept.weeks >= 1 && swept.runs == 0, "{swept:?}");
    assert_eq!(partitions().await, 0);
    assert_eq!((rows(&server, &ada).await, rows(&server, &bob).await), (vec![0; 6], vec![0; 6]));
    let metrics = holon::metrics::exposition(&server.state).await;
    assert!(metrics.contains("holon_history_runs_deleted_total 2"), "{metrics}");
    // What is there now works on.
    let run = start(&server, &bob, &done).await;
    ended(&server, &bob, &run).await;
    assert_eq!(status(&server, &bob, &run).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_allowed_is_refused_and_nothing_is_forgotten_where_nobody_said_so() {
    let server = Server::new().await;
    let ada = person(&server, "ada").await;
    let (over, _) = work(&server, &ada).await;
    for days in [json!(0), json!(3651), json!(-1)] {
        let answer = server.with_token(&ada.token, "PUT", "/api/v1/retention", json!({"days": days})).await;
        assert!(answer.status.is_client_error(), "{days}: {}", answer.text);
    }
    server.clock.advance(Millis(3_000 * DAY));
    assert_eq!(sweep(&server.state).await.unwrap(), Swept::default());
    assert_eq!(status(&server, &ada, &over).await, StatusCode::OK);
    let kept = keep(&server, &ada, Value::Null).await;
    assert_eq!((&kept["in_force"], &kept["goes"]), (&Value::Null, &json!(0)));
    let bounded = Server::with(&[("HOLON_HISTORY_DAYS_MOST", "90")]).await;
    let bob = person(&bounded, "bob").await;
    let answer = bounded.with_token(&bob.token, "PUT", "/api/v1/retention", json!({"days": 91})).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    let kept = get(&bounded, &bob, "/retention").await.json();
    assert_eq!((&kept["days"], &kept["in_force"], &kept["most"]), (&Value::Null, &json!(90), &json!(90)), "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_detached_by_a_sweep_that_ended_too_early_is_dropped_by_the_next() {
    let server = Server::new().await;
    week_of_the_tests(&server).await;
    let mut engine = PgConnection::connect_with(&server.db.options(Role::Engine)).await.unwrap();
    let refused = sqlx::query("select holon_detach_history('2026-11-16', '2026-11-23')").execute(&mut engine).await;
    assert!(refused.unwrap_err().to_string().contains("is not over"));
    let taken: i32 = sqlx::query_scalar("select holon_detach_history('2026-11-16', '2026-12-23')")
        .fetch_one(&mut engine)
        .await
        .unwrap();
    assert_eq!(taken, 4);
    sweep(&server.state).await.unwrap();
    let left: Option<String> =
        sqlx::query_scalar("select to_regclass('public.run_hist_2026w47')::text").fetch_one(&mut engine).await.unwrap();
    assert_eq!(left, None);
}
