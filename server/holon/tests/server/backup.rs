//! Backups: everything that must survive does, a file that is not whole is refused, nothing is overwritten by accident, and
//! a server that still runs on what was replaced is shut out.

use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use holon::backup::{self, Error, LEFT_OUT, Lock, Restored, Saved, Wishes};
use holon_model::Timestamp;
use holon_platform::clock::TestClock;
use holon_platform::crypto::{Keyring, Secret};
use holon_platform::db::Role;
use holon_platform::db::test_db::TestDb;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use crate::support::{PASSWORD, Person, Server};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("holon-backup-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("all.backup")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn keyring() -> Keyring {
    Keyring::from_bytes([7; 32])
}

async fn owner(db: &TestDb) -> PgConnection {
    PgConnection::connect_with(&db.options(Role::Owner)).await.unwrap()
}

async fn save(db: &TestDb, path: &Path, lock: &Lock) -> Result<Saved, Error> {
    let now = Timestamp(1_795_250_000_000);
    backup::save(&mut owner(db).await, &keyring(), now, (path, false), lock, &mut |_| {}).await
}

async fn restore(db: &TestDb, path: &Path, lock: &Lock, wishes: Wishes) -> Result<Restored, Error> {
    let checked = backup::check(path, lock)?;
    let life = (Timestamp(1_795_250_100_000), Uuid::from_u128(77));
    backup::restore(&mut owner(db).await, (path, lock, &checked), wishes, life, &mut |_| {}).await
}

const REPLACE: Wishes = Wishes { replace: true, end_sessions: false };

async fn published(server: &Server, ada: &Person, definition: Value) -> String {
    let made = server.by(ada, "POST", "/api/v1/flows", json!({"definition": definition})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
    let published = server.by(ada, "POST", &format!("{path}/publish"), json!({})).await;
    assert_eq!(published.status, StatusCode::OK, "{}", published.text);
    path
}

/// A flow that asks a person, then ends with the answer.
async fn asking(server: &Server, ada: &Person) -> String {
    let nodes = json!({
        "start": {"kind": "trigger.manual@1"},
        "ask": {"kind": "flow.approval@1", "config": {
            "title": "Pay?", "choices": [{"port": "approve", "label": "Pay"}, {"port": "reject", "label": "No"}]}},
        "yes": {"kind": "data.set@1", "config": {"fields": {"paid": true}}}});
    let edges = json!([{"from": "start.out", "to": "ask.in"}, {"from": "ask.approve", "to": "yes.in"}]);
    published(server, ada, json!({"holon": 1, "name": "asks", "nodes": nodes, "edges": edges})).await
}

async fn started(server: &Server, ada: &Person, flow: &str) -> String {
    let started = server.by(ada, "POST", &format!("{flow}/runs"), json!({"input": {"n": 1}})).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
    format!("/api/v1/runs/{}", started.json()["id"].as_str().unwrap())
}

async fn get(server: &Server, person: &Person, path: &str) -> Value {
    let answer = server.by(person, "GET", path, Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.json()
}

/// Answers the open task; the run when it is over.
async fn answered(server: &Server, person: &Person, run: &str) -> Value {
    let open = get(server, person, "/api/v1/tasks?state=open").await;
    let task = open["data"].as_array().unwrap().iter().find(|task| run.ends_with(task["run"].as_str().unwrap()));
    let task = task.expect("the run waits for a person")["id"].as_str().unwrap();
    let path = format!("{run}/tasks/{task}/answer");
    let answer = server.by(person, "POST", &path, json!({"choice": "approve"})).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    let events = server.by(person, "GET", &format!("{run}/events"), Value::Null).await;
    assert!(events.text.contains("event: end"), "{}", events.text);
    get(server, person, run).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_backed_up_from_a_running_server_goes_on_in_another_database() {
    let (folder, passphrase) = (Folder::new("whole"), Lock { passphrase: Some(Secret::new("tangerine boat ladder")) });
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let flow = asking(&server, &ada).await;
    let (waiting, over) = (started(&server, &ada, &flow).await, started(&server, &ada, &flow).await);
    let ended = answered(&server, &ada, &over).await;
    assert_eq!(ended["summary"]["status"], "completed");
    let timed = json!({"every": {"kind": "trigger.schedule@1", "config": {"cron": "0 9 * * *"}}});
    published(&server, &ada, json!({"holon": 1, "name": "timed", "nodes": timed, "edges": []})).await;
    let connection = json!({"name": "bank", "kind": "http_bearer", "secret": "s3cret", "hosts": ["a.example"]});
    let made = server.by(&ada, "POST", "/api/v1/connections", connection).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let token = server.by(&ada, "POST", "/api/v1/tokens", json!({"name": "ci"})).await.json();

    // The server runs on; the run that waits is in flight.
    let saved = save(&server.db, &folder.file(), &passphrase).await.unwrap();
    assert!(saved.bytes > 0 && saved.manifest.tables.iter().any(|table| table.name == "journal" && table.rows > 0));
    let fresh = TestDb::new().await;
    let restored = restore(&fresh, &folder.file(), &passphrase, Wishes::default()).await.unwrap();
    assert_eq!((restored.incarnation.number, restored.live_runs), (2, 1));

    let second = Server::on(fresh, server.clock.clone(), &[]).await;
    let life = backup::present(&second.state.pools.engine).await.unwrap().unwrap();
    assert_eq!(life, restored.incarnation);
    // Her session goes on, her password and her token are known.
    let credentials = json!({"email": "ada@example.com", "password": PASSWORD});
    assert_eq!(second.anonymous("POST", "/api/v1/sign-in", credentials).await.status, StatusCode::OK);
    let by_token = second.with_token(token["secret"].as_str().unwrap(), "GET", "/api/v1/session", Value::Null).await;
    assert_eq!(by_token.status, StatusCode::OK, "{}", by_token.text);
    let same = |path: &str| format!("/api/v1{path}");
    for path in ["/flows", "/connections"] {
        assert_eq!(get(&second, &ada, &same(path)).await, get(&server, &ada, &same(path)).await, "{path}");
    }
    assert_eq!(get(&second, &ada, &same("/schedules")).await["data"][0]["cron"], "0 9 * * *");
    let (tenant, environment) = (&ada.session["tenant"]["id"], &ada.session["environment"]["id"]);
    let id = |text: &Value| Uuid::parse_str(text.as_str().unwrap().rsplit('_').next().unwrap()).unwrap();
    let (tenant, environment) = (holon_model::TenantId(id(tenant)), holon_model::EnvironmentId(id(environment)));
    let bank = second.state.connections.resolve(tenant, environment, "bank").await.unwrap();
    assert_eq!(bank.secret.expose(), b"s3cret");

    // What was over says the same with the same hash; what waited is answered and ends as it would have.
    assert_eq!(get(&second, &ada, &over).await, ended);
    let here = answered(&second, &ada, &waiting).await;
    let there = answered(&server, &ada, &waiting).await;
    assert_eq!(here["summary"]["status"], "completed");
    assert_eq!(here["log_hash"], there["log_hash"]);
    assert!(here["log_hash"].is_string(), "{here}");
}

#[tokio::test]
async fn every_table_is_in_a_backup_or_named_among_those_that_are_not() {
    let (folder, db) = (Folder::new("tables"), TestDb::new().await);
    let saved = save(&db, &folder.file(), &Lock::default()).await.unwrap();
    let all: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
           and not relispartition",
    )
    .fetch_all(&mut owner(&db).await)
    .await
    .unwrap();
    assert!(all.len() > 20, "{all:?}");
    for table in all {
        let saved = saved.manifest.tables.iter().any(|sum| sum.name == table);
        assert_ne!(saved, LEFT_OUT.contains(&table.as_str()), "{table}");
    }
}

#[tokio::test]
async fn rows_of_weeks_that_are_over_come_to_lie_in_their_weeks_again() {
    let (folder, db) = (Folder::new("weeks"), TestDb::new().await);
    let mut old = owner(&db).await;
    sqlx::raw_sql(
        "create table blob_2024w07 (like blob including defaults including constraints);
         alter table blob_2024w07 enable row level security;
         alter table blob_2024w07 force row level security;
         alter table blob attach partition blob_2024w07 for values from ('2024-02-12') to ('2024-02-19');
         insert into blob values (gen_random_uuid(), '2024-02-12', decode(repeat('00', 32), 'hex'), 'x')",
    )
    .execute(&mut old)
    .await
    .unwrap();
    save(&db, &folder.file(), &Lock::default()).await.unwrap();
    let fresh = TestDb::new().await;
    restore(&fresh, &folder.file(), &Lock::default(), Wishes::default()).await.unwrap();
    let mut new = owner(&fresh).await;
    let place: String =
        sqlx::query_scalar("select tableoid::regclass::text from blob").fetch_one(&mut new).await.unwrap();
    assert_eq!(place, "blob_2024w07");
    // Row-level security holds as before for every table.
    let open: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
           and exists (select from pg_attribute a where a.attrelid = pg_class.oid and a.attname = 'tenant_id')
           and not relforcerowsecurity",
    )
    .fetch_all(&mut new)
    .await
    .unwrap();
    assert_eq!(open, [] as [&str; 0]);
}

#[tokio::test]
async fn a_file_that_is_not_whole_or_not_ours_changes_nothing() {
    let (folder, db) = (Folder::new("damaged"), TestDb::new().await);
    save(&db, &folder.file(), &Lock::default()).await.unwrap();
    let whole = std::fs::read(folder.file()).unwrap();
    let bad = folder.0.join("bad.backup");
    let fresh = TestDb::new().await;
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let readable = String::from_utf8_lossy(&whole[..200]).contains("\"format\":1");
    assert!(readable, "the header can be read by people");
    for content in [&flipped[..], &whole[..whole.len() - 1], &whole[..40], b"", b"SELECT 1;"] {
        std::fs::write(&bad, content).unwrap();
        let error = restore(&fresh, &bad, &Lock::default(), REPLACE).await.unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("bad.backup"), "{error}");
    }
    // Nothing changed: it can still be restored into.
    restore(&fresh, &folder.file(), &Lock::default(), Wishes::default()).await.unwrap();
}

#[tokio::test]
async fn a_file_of_a_newer_schema_is_refused_and_one_of_an_older_is_brought_up() {
    let (folder, db) = (Folder::new("schema"), TestDb::new().await);
    sqlx::raw_sql("insert into _sqlx_migrations values (99990101000000, 'of the future', now(), true, '\\x00', 0)")
        .execute(&mut owner(&db).await)
        .await
        .unwrap();
    save(&db, &folder.file(), &Lock::default()).await.unwrap();
    let fresh = TestDb::new().await;
    let error = restore(&fresh, &folder.file(), &Lock::default(), REPLACE).await.unwrap_err();
    assert!(matches!(&error, Error::Schema(why) if why.contains("newer build")), "{error}");

    // As a build before incarnations would have left it.
    sqlx::raw_sql(
        "drop table incarnation; delete from _sqlx_migrations where version in (20261123000400, 99990101000000)",
    )
    .execute(&mut owner(&db).await)
    .await
    .unwrap();
    let older = folder.0.join("older.backup");
    save(&db, &older, &Lock::default()).await.unwrap();
    let restored = restore(&fresh, &older, &Lock::default(), Wishes::default()).await.unwrap();
    assert_eq!(restored.incarnation.number, 2);
    let missing: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations where version = 20261123000400")
        .fetch_one(&mut owner(&fresh).await)
        .await
        .unwrap();
    assert_eq!(missing, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_overwritten_or_deleted_without_being_told_to() {
    let folder = Folder::new("refuse");
    let server = Server::new().await;
    server.person("ada").await;
    save(&server.db, &folder.file(), &Lock::default()).await.unwrap();
    let again = save(&server.db, &folder.file(), &Lock::default()).await.unwrap_err();
    assert!(matches!(again, Error::Exists { .. }), "{again}");
    // The server runs on it.
    let used = restore(&server.db, &folder.file(), &Lock::default(), Wishes::default()).await.unwrap_err();
    assert!(matches!(used, Error::InUse { .. }), "{used}");
    let mut owner = owner(&server.db).await;
    sqlx::raw_sql("update replica set fenced = true").execute(&mut owner).await.unwrap();
    let full = restore(&server.db, &folder.file(), &Lock::default(), Wishes::default()).await.unwrap_err();
    assert!(matches!(full, Error::NotEmpty { .. }), "{full}");
    let people: i64 = sqlx::query_scalar("select count(*) from person").fetch_one(&mut owner).await.unwrap();
    assert_eq!(people, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_still_runs_when_its_database_is_restored_is_shut_out() {
    let folder = Folder::new("fence");
    let old = Server::new().await;
    let ada = old.person("ada").await;
    let flow = asking(&old, &ada).await;
    let run = started(&old, &ada, &flow).await;
    let life = backup::present(&old.state.pools.engine).await.unwrap();
    save(&old.db, &folder.file(), &Lock::default()).await.unwrap();
    let later = started(&old, &ada, &flow).await;
    restore(&old.db, &folder.file(), &Lock::default(), REPLACE).await.unwrap();

    // It knows of a run that the data does not know any more; what it would write is refused, and it is told to end.
    let refused = old.by(&ada, "POST", &format!("{flow}/runs"), json!({"input": null})).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.text);
    old.state.runtime.lost().await;
    backup::another_begins(&old.state.pools.engine, life).await;
    let rows = "select count(*) from run_hist";
    let rows: i64 = sqlx::query_scalar(AssertSqlSafe(rows)).fetch_one(&mut owner(&old.db).await).await.unwrap();
    assert_eq!(rows, 1, "the run of the backup, and nothing of the old server");

    let Server { db, clock, .. } = old;
    let new = Server::on(db, clock, &[]).await;
    assert_eq!(answered(&new, &ada, &run).await["summary"]["status"], "completed");
    assert_eq!(new.by(&ada, "GET", &later, Value::Null).await.status, StatusCode::NOT_FOUND);
}

/// Left by the release before this one: two runs that wait, for a person and for an hour, and one that is over.
const BEFORE: &str = "tests/server/release_before.backup";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_the_release_before_goes_on_with_this_build() {
    let fresh = TestDb::new().await;
    let restored = restore(&fresh, Path::new(BEFORE), &Lock::default(), Wishes::default()).await.unwrap();
    assert_eq!((restored.incarnation.number, restored.live_runs), (2, 2));
    // Two hours after it was left.
    let server = Server::on(fresh, TestClock::at(Timestamp(1_795_291_000_000)), &[]).await;
    let credentials = json!({"email": "ada@example.com", "password": PASSWORD});
    let signed_in = server.anonymous("POST", "/api/v1/sign-in", credentials).await;
    assert_eq!(signed_in.status, StatusCode::OK, "{}", signed_in.text);
    let ada = Person { cookie: signed_in.cookie(), session: signed_in.json() };
    let run = |id: &str| format!("/api/v1/runs/run_{id}");
    let over = get(&server, &ada, &run("01a1ff40705d7000a4b43db011e15aa7")).await;
    assert_eq!(over["summary"]["status"], "completed");
    assert_eq!(over["log_hash"], "8fb47ac2b6598c249eb56f41a1b17c600a6abe9472e4603100c85a261287775e");
    let asked = run("01a1ff4070867000b2a5773dc546620f");
    assert_eq!(answered(&server, &ada, &asked).await["summary"]["status"], "completed");
    let slept = run("01a1ff4070d87000aa600a7608529835");
    let events = server.by(&ada, "GET", &format!("{slept}/events"), Value::Null).await;
    assert!(events.text.contains("event: end"), "{}", events.text);
    assert_eq!(get(&server, &ada, &slept).await["summary"]["status"], "completed");
}
