//! Walks that nothing new can escape: every table against every role (what the catalogue says), and every table with
//! rows of two tenants (what really happens).

use std::collections::BTreeMap;

use holon_model::context::{Actor, Context};
use holon_model::{EnvironmentId, TenantId};
use holon_platform::config::{Config, Sources};
use holon_platform::crypto::Keyring;
use holon_platform::db::test_db::TestDb;
use holon_platform::db::{Database, EmbeddedPostgres, Role, TenantTx};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

/// What a role may do that the walk would otherwise call a finding. These lists may only shrink.
struct Leave {
    role: Role,
    /// Tables of nobody's workspace.
    without_tenant: &'static [&'static str],
    /// Tables on which it sees all tenants' rows: look-ups before a tenant is known; the runtime, which serves all.
    all_tenants: &'static [&'static str],
    /// SECURITY DEFINER functions.
    definer: &'static [&'static str],
}

const LEAVES: [Leave; 3] = [
    Leave { role: Role::App, without_tenant: &[], all_tenants: &[], definer: &[] },
    Leave {
        role: Role::Auth,
        without_tenant: &["person", "instance_setting", "invitation", "instance_pause"],
        all_tenants: &["tenant", "environment", "member", "session", "api_token", "webhook", "webhook_catch", "link"],
        definer: &[],
    },
    Leave {
        role: Role::Engine,
        without_tenant: &["replica", "replica_batch", "shard", "incarnation", "instance_pause"],
        all_tenants: &[
            "tenant",
            "environment",
            "audit_event",
            "tenant_key",
            "connection",
            "flow_version",
            "run_live",
            "run_hist",
            "journal",
            "blob",
            "run_label",
            "kept_input",
            "idempotency",
            "schedule",
            "schedule_firing",
            "wait",
            "task",
            "flow_deployment",
            "inbox",
            "alert_rule",
            "alert_seen",
            "alert_firing",
            "failure_trigger",
            "failure_start",
            "retention",
            "link",
            "work",
            "worker",
            "pause",
            "run_place",
            "kept_answer",
            "flow_state",
            "event_outbox",
            "event",
            "event_order",
            "subscription",
            "event_delivery",
            "poll",
            "poll_seen",
        ],
        definer: &["holon_history_partitions", "holon_detach_history", "holon_drop_detached"],
    },
];

async fn findings(db: &TestDb, leave: &Leave) -> Vec<(String, String, String)> {
    walk(&db.admin_options(), leave).await
}

/// The walk over the catalogue of the database that a superuser reaches so.
async fn walk(admin: &PgConnectOptions, leave: &Leave) -> Vec<(String, String, String)> {
    let mut admin = PgConnection::connect_with(admin).await.unwrap();
    sqlx::query_as(include_str!("rls_walk.sql"))
        .bind(leave.role.name())
        .bind(leave.without_tenant)
        .bind(leave.all_tenants)
        .bind(leave.definer)
        .fetch_all(&mut admin)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_catalogue_shows_no_hole_for_any_role() {
    let db = TestDb::new().await;
    for leave in &LEAVES {
        assert_eq!(findings(&db, leave).await, [], "{:?}", leave.role);
    }
}

#[tokio::test]
async fn a_planted_hole_is_found() {
    for (hole, rule) in [
        (
            "create table leak (tenant_id uuid not null, n int, primary key (tenant_id, n)); grant select on leak to holon_app",
            "05",
        ),
        ("create table leak (n int); grant select on leak to holon_app", "04"),
        ("alter table flow no force row level security", "06"),
        ("grant update on audit_event to holon_app; drop policy tenant_only on audit_event", "07"),
        ("create policy hole on flow to holon_app using (true)", "08"),
        ("create view leak as select * from flow; grant select on leak to holon_app", "10"),
        (
            "create function leak() returns bigint language sql security definer return (select count(*) from flow)",
            "12",
        ),
        ("create unique index leak on flow (name)", "14"),
        ("grant create on schema public to holon_app", "19"),
    ] {
        let db = TestDb::new().await;
        let mut admin = PgConnection::connect_with(&db.admin_options()).await.unwrap();
        admin.execute(AssertSqlSafe(hole.to_owned())).await.unwrap();
        let found = findings(&db, &LEAVES[0]).await;
        assert!(found.iter().any(|(kind, ..)| kind.starts_with(rule)), "{hole}: {found:?}");
    }
}

/// A tenant of the seed.
fn tenant(n: u8) -> Context {
    let id = |part: u8| Uuid::from_u128((u128::from(n) << 64) | u128::from(part));
    Context::of(TenantId(id(0)), EnvironmentId(id(2)), Actor::System)
}

/// Puts a row of tenants 1 and 2 into every table.
async fn seed(admin: &mut PgConnection) {
    admin
        .execute(
            "create function num_uuid(tenant int, part int) returns uuid language sql immutable
             return (lpad(tenant::text, 16, '0') || lpad(to_hex(part), 16, '0'))::uuid",
        )
        .await
        .unwrap();
    for n in ["1", "2"] {
        admin.execute(AssertSqlSafe(include_str!("seed.sql").replace("$T", n))).await.unwrap();
    }
}

/// A database with a row of tenants 1 and 2 in every table, and those tables with what `holon_app` may do with them.
async fn seeded() -> (TestDb, Vec<(String, bool, bool, bool, bool)>) {
    let db = TestDb::new().await;
    let mut admin = PgConnection::connect_with(&db.admin_options()).await.unwrap();
    seed(&mut admin).await;
    let tables: Vec<(String, bool, bool, bool, bool)> = sqlx::query_as(
        "select c.relname::text, has_table_privilege('holon_app', c.oid, 'select'),
           has_table_privilege('holon_app', c.oid, 'insert'), has_table_privilege('holon_app', c.oid, 'update'),
           has_table_privilege('holon_app', c.oid, 'delete')
         from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
         where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
         order by 1",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    for (table, ..) in &tables {
        let statement = AssertSqlSafe(format!("select count(distinct tenant_id) from {table}"));
        let tenants: i64 = sqlx::query_scalar(statement).fetch_one(&mut admin).await.unwrap();
        assert_eq!(tenants, 2, "seed.sql has no rows for the table {table}");
    }
    (db, tables)
}

fn code(error: &sqlx::Error) -> String {
    error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned()
}

#[tokio::test]
async fn no_statement_of_one_tenant_touches_a_row_of_another_in_any_table() {
    let (db, tables) = seeded().await;
    let (a, b) = (tenant(1), tenant(2));
    for (table, select, insert, update, delete) in tables {
        if select {
            let mut tx = TenantTx::begin(&db.pools, &a).await.unwrap();
            let seen: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(format!("select tenant_id from {table}")))
                .fetch_all(tx.conn())
                .await
                .unwrap();
            assert!(!seen.is_empty() && seen.iter().all(|t| *t == a.tenant.0), "{table}: {seen:?}");
        }
        for (may, statement) in [
            (update, format!("update {table} set tenant_id = tenant_id where tenant_id = $1")),
            (delete, format!("delete from {table} where tenant_id = $1")),
        ] {
            let mut tx = TenantTx::begin(&db.pools, &a).await.unwrap();
            match sqlx::query(AssertSqlSafe(statement.clone())).bind(b.tenant.0).execute(tx.conn()).await {
                Ok(done) => assert!(may && done.rows_affected() == 0, "{statement}"),
                Err(error) => assert!(!may && code(&error) == "42501", "{statement}: {error}"),
            }
        }
        // With or without the grant: a row for another tenant is refused.
        let mut tx = TenantTx::begin(&db.pools, &a).await.unwrap();
        let statement = AssertSqlSafe(format!("insert into {table} (tenant_id) values ($1)"));
        let error = sqlx::query(statement).bind(b.tenant.0).execute(tx.conn()).await.unwrap_err();
        assert_eq!(code(&error), "42501", "{table} (insert granted: {insert}): {error}");
    }
}

#[tokio::test]
async fn without_a_tenant_no_table_shows_or_takes_a_row() {
    let (db, tables) = seeded().await;
    for (table, select, insert, ..) in tables {
        if select {
            let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
                .fetch_one(&db.pools.app)
                .await
                .unwrap();
            assert_eq!(count, 0, "{table}");
        }
        if insert {
            let statement = AssertSqlSafe(format!("insert into {table} (tenant_id) values ($1)"));
            let error = sqlx::query(statement).bind(tenant(1).tenant.0).execute(&db.pools.app).await.unwrap_err();
            assert_eq!(code(&error), "42501", "{table}: {error}");
        }
    }
}

#[tokio::test]
async fn a_child_cannot_be_hung_under_another_tenants_parent() {
    let (db, _) = seeded().await;
    let (a, b) = (tenant(1), tenant(2));
    let foreign = |part: u8| Uuid::from_u128((b.tenant.0.as_u128() & !0xff) | u128::from(part));
    for (statement, parent) in [
        ("insert into flow_change values ($1, $2, 9, now(), null, 'x')", foreign(9)),
        ("insert into webhook_catch values ($1, repeat('a', 32), $2, now(), null)", foreign(9)),
        (
            "insert into api_token (tenant_id, token_id, person_id, name, token_hash, hint, created_at) \
             values ($1, gen_random_uuid(), $2, 'x', '\\x07', 'x', now())",
            foreign(1),
        ),
    ] {
        let mut tx = TenantTx::begin(&db.pools, &a).await.unwrap();
        let error = sqlx::query(statement).bind(a.tenant.0).bind(parent).execute(tx.conn()).await.unwrap_err();
        assert_eq!(code(&error), "23503", "{statement}: {error}");
    }
}

/// A cluster in which there is nothing of Holon, with the database `given` of the role `operator`, which may do so much; and the
/// configuration that names both in one address.
async fn given(may: &str) -> (EmbeddedPostgres, std::path::PathBuf, Config) {
    let folder = std::env::temp_dir().join(format!("holon-given-{may}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let postgres = EmbeddedPostgres::start(&folder, None).await.unwrap();
    let mut admin = PgConnection::connect_with(&postgres.options("holon_admin", "postgres")).await.unwrap();
    admin.execute(AssertSqlSafe(format!("create role operator login {may}"))).await.unwrap();
    admin.execute("create database given owner operator").await.unwrap();
    let options = postgres.options("operator", "given");
    let socket = options.get_socket().expect("it is reached by a socket").display().to_string();
    let env = BTreeMap::from([
        ("HOLON_DATA_DIR".to_owned(), folder.display().to_string()),
        ("HOLON_DATABASE_URL".to_owned(), format!("postgres://operator@localhost/given?host={socket}")),
    ]);
    (postgres, folder, Config::from_sources(&Sources::new(env).unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_whose_role_may_only_make_roles_gives_four_roles_between_which_the_walls_hold() {
    let (postgres, folder, config) = given("createrole").await;
    let keyring = Keyring::from_bytes([7; 32]);
    // A second start finds what the first one made.
    for _ in 0..2 {
        let database = Database::open(&config, &keyring).await.unwrap();
        assert!(!database.is_embedded() && database.pools.answer().await);
        database.close().await;
    }
    let mut admin = PgConnection::connect_with(&postgres.options("holon_admin", "given")).await.unwrap();
    let roles: Vec<(String, bool)> = sqlx::query_as(
        "select rolname::text, rolsuper or rolbypassrls or rolcreatedb or rolreplication from pg_roles \
         where rolname ~ '^(holon_(owner|app|auth|engine)|operator)$' order by 1",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    let names: Vec<&str> = roles.iter().filter(|(_, more)| !more).map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["holon_app", "holon_auth", "holon_engine", "holon_owner", "operator"]);
    for leave in &LEAVES {
        assert_eq!(walk(&postgres.options("holon_admin", "given"), leave).await, [], "{:?}", leave.role);
    }
    seed(&mut admin).await;
    let database = Database::open(&config, &keyring).await.unwrap();
    let a = tenant(1);
    let mut tx = TenantTx::begin(&database.pools, &a).await.unwrap();
    let seen: Vec<Uuid> = sqlx::query_scalar("select tenant_id from flow").fetch_all(tx.conn()).await.unwrap();
    assert_eq!(seen, [a.tenant.0]);
    tx.rollback().await.unwrap();
    let unbound: i64 = sqlx::query_scalar("select count(*) from flow").fetch_one(&database.pools.app).await.unwrap();
    assert_eq!(unbound, 0);
    for other in ["holon_owner", "holon_auth", "holon_engine", "operator"] {
        let error = database.pools.app.execute(AssertSqlSafe(format!("set role {other}"))).await.unwrap_err();
        assert_eq!(code(&error), "42501", "{other}: {error}");
    }
    database.close().await;
    postgres.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_whose_role_may_make_no_roles_is_refused_with_what_to_do() {
    let (postgres, folder, config) = given("nocreaterole").await;
    let error = Database::open(&config, &Keyring::from_bytes([7; 32])).await.unwrap_err().to_string();
    assert!(error.contains("HOLON_DATABASE_URL") && error.contains("CREATEROLE"), "{error}");
    postgres.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}
