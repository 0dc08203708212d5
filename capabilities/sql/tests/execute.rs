//! The executor against a real Postgres, reached over a socket on loopback: values, bounds, transactions, places of mistakes.
#![cfg(feature = "execute")]

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use holon_cap_sql::{Marks, OwnDatabase, SqlQuery};
use holon_flow::capability::NodeError;
use holon_model::wire::connections::{ConnectionKind, ConnectionServer, ServerTls};
use holon_model::{EnvironmentId, RunId, TenantId, Value, json};
use holon_platform::crypto::Secret;
use holon_platform::db::{Role, test_db::TestDb};
use holon_platform::egress::Egress;
use holon_platform::execute::{
    ConnectionError, ConnectionSource, EffectContext, EffectRequest, Executor, NoRecords, ResolvedConnection,
};
use sqlx::{AssertSqlSafe, Executor as _};
use tokio::net::{TcpListener, UnixStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A database with tables of somebody's own, on a port of this machine.
struct Shop {
    db: TestDb,
    pool: sqlx::PgPool,
    port: u16,
}

impl Shop {
    async fn new(tables: &str) -> Self {
        let db = TestDb::new().await;
        let options = db.options(Role::Owner);
        let socket: PathBuf = options.get_socket().unwrap().join(format!(".s.PGSQL.{}", options.get_port()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let mut to = UnixStream::connect(&socket).await.unwrap();
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut from, &mut to).await });
            }
        });
        let pool = sqlx::PgPool::connect_with(options).await.unwrap();
        pool.execute(AssertSqlSafe(tables.to_owned())).await.unwrap();
        Self { db, pool, port }
    }

    async fn count(&self, table: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}"))).fetch_one(&self.pool).await.unwrap()
    }
}

struct Connections(ConnectionServer);

#[async_trait]
impl ConnectionSource for Connections {
    async fn resolve(&self, _: TenantId, _: EnvironmentId, name: &str) -> Result<ResolvedConnection, ConnectionError> {
        let kind = if name == "shop" { ConnectionKind::Postgres } else { ConnectionKind::HttpBearer };
        let hosts = vec![self.0.host.clone()];
        Ok(ResolvedConnection {
            kind,
            secret: Secret::new("s3cret"),
            header: None,
            hosts,
            server: Some(self.0.clone()),
        })
    }
}

/// A platform whose own database is none of these.
#[derive(Default)]
struct Own {
    place: Option<(String, u16)>,
    marks: Marks,
}

#[async_trait]
impl OwnDatabase for Own {
    fn place(&self) -> Option<(String, u16)> {
        self.place.clone()
    }

    async fn marks(&self) -> Result<Marks, NodeError> {
        Ok(self.marks.clone())
    }
}

struct Asking {
    server: ConnectionServer,
    egress: Egress,
    own: Own,
    key: &'static str,
}

impl Asking {
    fn of(shop: &Shop) -> Self {
        let server = ConnectionServer {
            host: "127.0.0.1".into(),
            port: Some(shop.port),
            tls: ServerTls::None,
            user: Some("holon_owner".into()),
            database: shop.db.options(Role::Owner).get_database().map(str::to_owned),
            sender: None,
        };
        Self { server, egress: Egress::new(true), own: Own::default(), key: "key-1" }
    }

    async fn ask(self, config: Value) -> Result<Value, NodeError> {
        let cx = EffectContext {
            tenant: TenantId::from(Uuid::nil()),
            environment: EnvironmentId::from(Uuid::nil()),
            egress: Arc::new(self.egress),
            connections: Arc::new(Connections(self.server)),
            records: Arc::new(NoRecords),
            cancel: CancellationToken::new(),
        };
        let request = EffectRequest {
            run: RunId::from(Uuid::nil()),
            path: "ask".into(),
            kind: "sql.query@1".into(),
            config,
            input: Value::Null,
            key: self.key.into(),
            attempt: 1,
            timeout: None,
        };
        SqlQuery::new(Arc::new(self.own)).execute(&cx, request).await
    }
}

fn config(sql: &str, rest: &str) -> Value {
    let mut config = json::parse(rest.as_bytes()).unwrap().as_map().unwrap().clone();
    config.entry("connection".into()).or_insert_with(|| "shop".into());
    config.insert("sql".into(), sql.into());
    config.into()
}

async fn ask(shop: &Shop, sql: &str, rest: &str) -> Result<Value, NodeError> {
    Asking::of(shop).ask(config(sql, rest)).await
}

const ORDERS: &str = "create table orders (id int primary key, customer text not null, total numeric(14, 2), note jsonb, tags text[], at timestamptz);
    insert into orders values (1, 'Ada', 59.70, '{\"gift\": true, \"fee\": 1.10}', '{red,\"very red\"}', '2026-11-21 12:00:00.5+01'),
      (2, 'O''Hara', null, null, '{}', null), (3, 'Ada', 12345678901.25, '[1]', null, 'infinity');
    create table holon_effect (key text primary key, at timestamptz not null default now(), result text)";

#[tokio::test]
async fn rows_come_as_maps_with_exact_numbers_and_parameters_are_bound_whatever_stands_in_them() {
    let shop = Shop::new(ORDERS).await;
    let rows =
        ask(&shop, "select * from orders where customer = $1 order by id", r#"{"parameters": ["Ada"]}"#).await.unwrap();
    assert_eq!(
        rows.to_json(),
        r#"{"count":2,"more":false,"rows":[{"at":"2026-11-21T11:00:00.5Z","customer":"Ada","id":1,"note":{"fee":1.10,"gift":true},"tags":["red","very red"],"total":59.70},{"at":"infinity","customer":"Ada","id":3,"note":[1],"tags":null,"total":12345678901.25}]}"#
    );
    let evil = r#"{"parameters": ["'; drop table orders; --"]}"#;
    assert_eq!(
        ask(&shop, "select * from orders where customer = $1", evil).await.unwrap().get("count"),
        Some(&Value::Int(0))
    );
    assert_eq!(shop.count("orders").await, 3);
    let sum = ask(
        &shop,
        "select $1::numeric + $2 as sum, $3::jsonb -> 'a' as a, $4::bool as b",
        r#"{"parameters": [0.1, 0.2, {"a": 1.50}, true]}"#,
    );
    assert_eq!(sum.await.unwrap().pointer("/rows/0").unwrap().to_json(), r#"{"a":1.50,"b":true,"sum":0.3}"#);
    let several =
        ask(&shop, "select id from orders where id = any($1) order by id desc", r#"{"parameters": [[1, 3]]}"#).await;
    assert_eq!(several.unwrap().get("rows").unwrap().to_json(), r#"[{"id":3},{"id":1}]"#);
    let none = ask(&shop, "select 1 where $1::int is null", r#"{"parameters": [null]}"#).await.unwrap();
    assert_eq!(none.get("count"), Some(&Value::Int(1)));
}

#[tokio::test]
async fn what_is_asked_is_bounded_and_says_when_there_is_more() {
    let shop = Shop::new(ORDERS).await;
    let some = ask(&shop, "select n from generate_series(1, 1000000) n", r#"{"rows": 3}"#).await.unwrap();
    assert_eq!(some.to_json(), r#"{"count":3,"more":true,"rows":[{"n":1},{"n":2},{"n":3}]}"#);
    let exactly = ask(&shop, "select n from generate_series(1, 3) n", r#"{"rows": 3}"#).await.unwrap();
    assert_eq!(exactly.get("more"), Some(&Value::Bool(false)));
    let large = ask(&shop, "select repeat('x', 1000) as x from generate_series(1, 9000)", r#"{"rows": 10000}"#)
        .await
        .unwrap_err();
    assert_eq!(large.code, "result_too_large");
    let one = ask(&shop, "select repeat('x', 100000000) as x", "{}").await.unwrap_err();
    assert_eq!(one.code, "result_too_large");
    let slow = ask(&shop, "select pg_sleep(60)", r#"{"timeout": "300ms"}"#).await.unwrap_err();
    assert_eq!((slow.code.as_str(), slow.retryable), ("timeout", true));
}

#[tokio::test]
async fn reading_changes_nothing_whatever_the_statement_tries() {
    let shop = Shop::new(ORDERS).await;
    for sql in [
        "delete from orders",
        "with gone as (delete from orders returning 1) select count(*) from gone",
        "create table mine (n int)",
        "do $$ begin delete from orders; end $$",
        "do $$ begin perform set_config('transaction_read_only', 'off', true); delete from orders; end $$",
        "truncate orders",
    ] {
        let error = ask(&shop, sql, "{}").await.unwrap_err();
        assert!(["read_only", "sql_error"].contains(&error.code.as_str()), "{sql}: {error:?}");
    }
    for sql in ["commit", "rollback", "set transaction read write"] {
        // It ends with its transaction, or is refused; nothing runs after it.
        assert!(ask(&shop, sql, "{}").await.is_err(), "{sql}");
    }
    assert!(ask(&shop, "select 1; delete from orders", "{}").await.is_err(), "one statement");
    assert_eq!(shop.count("orders").await, 3);
    let told = ask(&shop, "insert into orders values (9, 'x')", "{}").await.unwrap_err();
    assert!(told.code == "read_only" && told.message.contains("set the node to write"), "{told:?}");
}

#[tokio::test]
async fn a_write_is_done_once_with_its_key_however_often_it_is_asked_for() {
    let shop = Shop::new(ORDERS).await;
    let write = config(
        "insert into orders (id, customer, total) select max(id) + 1, $1, $2 from orders returning id, total",
        r#"{"mode": "write", "parameters": ["Grace", 7.50]}"#,
    );
    let first = Asking::of(&shop).ask(write.clone()).await.unwrap();
    assert_eq!(first.to_json(), r#"{"count":1,"more":false,"rows":[{"id":4,"total":7.50}]}"#);
    assert_eq!(Asking::of(&shop).ask(write.clone()).await.unwrap(), first, "the same key gives the same answer");
    let both = tokio::join!(
        Asking { key: "key-2", ..Asking::of(&shop) }.ask(write.clone()),
        Asking { key: "key-2", ..Asking::of(&shop) }.ask(write.clone()),
    );
    assert_eq!(both.0.unwrap(), both.1.unwrap(), "also when both are asked at the same instant");
    assert_eq!((shop.count("orders").await, shop.count("holon_effect").await), (5, 2));
    // What fails leaves no key: another attempt does it.
    let bad = config("insert into orders (id, customer) values (1, 'twice')", r#"{"mode": "write"}"#);
    let error = Asking { key: "key-3", ..Asking::of(&shop) }.ask(bad).await.unwrap_err();
    assert_eq!(error.detail.get("sqlstate"), Some(&"23505".into()));
    assert_eq!(error.detail.get("constraint"), Some(&"orders_pkey".into()));
    assert_eq!(shop.count("holon_effect").await, 2);
    let away = config("commit", r#"{"mode": "write"}"#);
    assert_eq!(Asking { key: "key-4", ..Asking::of(&shop) }.ask(away).await.unwrap_err().code, "unsupported");

    shop.pool.execute("drop table holon_effect").await.unwrap();
    let error = Asking { key: "key-5", ..Asking::of(&shop) }.ask(write).await.unwrap_err();
    assert!(error.code == "no_ledger" && error.message.contains("create table holon_effect"), "{error:?}");
}

#[tokio::test]
async fn a_mistake_is_told_with_its_place_and_without_the_password() {
    let shop = Shop::new(ORDERS).await;
    let error = ask(&shop, "select id,\n  wrong from orders", "{}").await.unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable), ("sql_error", false));
    assert_eq!(error.message, "column \"wrong\" does not exist (line 2, column 3)");
    assert_eq!((error.detail.get("line"), error.detail.get("column")), (Some(&Value::Int(2)), Some(&Value::Int(3))));
    for (config, code) in [
        (config("select $1::int", "{}"), "bad_parameters"),
        (config("select $1::int", r#"{"parameters": [1, 2]}"#), "bad_parameters"),
        (config("select $1::int", r#"{"parameters": ["a"]}"#), "sql_error"),
        (config("select 1", r#"{"parameters": 7}"#), "bad_config"),
        (config("  ", "{}"), "bad_config"),
        (config("select 1", r#"{"mode": "maybe"}"#), "bad_config"),
        (config("select 1", r#"{"connection": "token"}"#), "unusable_connection"),
        (config("select 1", r#"{"connection": ""}"#), "bad_config"),
        (config("copy orders to stdout", "{}"), "unsupported"),
    ] {
        let error = Asking::of(&shop).ask(config.clone()).await.unwrap_err();
        assert_eq!(error.code, code, "{} {error:?}", config.to_json());
        assert!(!format!("{error:?}").contains("s3cret"));
    }
    let mut nowhere = Asking::of(&shop);
    nowhere.server.database = Some("no_such_database".into());
    let error = nowhere.ask(config("select 1", "{}")).await.unwrap_err();
    assert_eq!(error.code, "unknown_database", "{error:?}");
    let mut plain = Asking::of(&shop);
    plain.server.tls = ServerTls::Tls;
    let error = plain.ask(config("select 1", "{}")).await.unwrap_err();
    assert_eq!(error.code, "tls_not_offered", "{error:?}");
}

#[tokio::test]
async fn this_machine_and_the_platforms_own_database_are_refused() {
    let shop = Shop::new(ORDERS).await;
    let here = Asking { egress: Egress::new(false), ..Asking::of(&shop) };
    assert_eq!(here.ask(config("select 1", "{}")).await.unwrap_err().code, "forbidden_address");
    let own = Own { place: Some(("127.0.0.1".into(), shop.port)), ..Own::default() };
    let error = Asking { own, ..Asking::of(&shop) }.ask(config("select 1", "{}")).await.unwrap_err();
    assert_eq!(error.code, "forbidden_database");
    let system: String = sqlx::query_scalar("select system_identifier::text from pg_control_system()")
        .fetch_one(&shop.pool)
        .await
        .unwrap();
    let own = Own { marks: Marks { system: Some(system), started: None }, ..Own::default() };
    let error = Asking { own, ..Asking::of(&shop) }.ask(config("select 1", "{}")).await.unwrap_err();
    assert_eq!(error.code, "forbidden_database", "by another name and another way it is still the same");
    let started: String = sqlx::query_scalar("select extract(epoch from pg_postmaster_start_time())::text")
        .fetch_one(&shop.pool)
        .await
        .unwrap();
    let own = Own { marks: Marks { system: None, started: Some(started) }, ..Own::default() };
    assert_eq!(
        Asking { own, ..Asking::of(&shop) }.ask(config("select 1", "{}")).await.unwrap_err().code,
        "forbidden_database"
    );
}
