//! The same promises over a real Postgres, as the role that the server uses.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use holon_engine::Outcome;
use holon_model::Value;
use holon_platform::clock::SystemClock;
use holon_platform::config::{Config, Sources};
use holon_platform::crypto::Keyring;
use holon_platform::db::test_db::TestDb;
use holon_platform::db::{Database, Role};
use holon_runtime::store::pg::PgStore;
use holon_runtime::{Answer, RuntimeHandle, StartError};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::support::{React, THREE_STEPS, World, end, end_of, keyed, tenant};

async fn world() -> (World, TestDb) {
    let db = TestDb::new().await;
    (World::over(Arc::new(PgStore::new(db.pool_apart()))), db)
}

const LONG: &str = r#"{"holon": 1, "name": "long", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "each": {"kind": "map@1", "config": {"items": {"$cel": "input.items"}, "concurrency": 1},
      "bodies": {"body": {"nodes": {"call": {"kind": "test.call@1"}}, "edges": []}}}},
  "edges": [{"from": "start.out", "to": "each.in"}]}"#;

#[tokio::test]
async fn a_run_goes_from_start_to_finish_and_its_rows_say_so() {
    let (world, db) = world().await;
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    assert!(matches!(end(&runtime, run).await, Answer::Ended(Outcome::Ok(_))));
    let mut admin = PgConnection::connect_with(&db.admin_options()).await.unwrap();
    let rows: Vec<(String, String)> =
        sqlx::query_as("select moment, status from run_hist where run_id = $1 order by moment desc")
            .bind(run.0)
            .fetch_all(&mut admin)
            .await
            .unwrap();
    assert_eq!(rows, [("started".into(), "queued".into()), ("ended".into(), "completed".into())]);
    let live: i64 = sqlx::query_scalar("select count(*) from run_live").fetch_one(&mut admin).await.unwrap();
    assert_eq!(live, 0);
    // The run's id is of this week, so its rows stand in this week's partition.
    let apart: i64 = sqlx::query_scalar("select count(*) from journal_default").fetch_one(&mut admin).await.unwrap();
    assert_eq!(apart, 0);
}

#[tokio::test]
async fn runs_of_an_abruptly_ended_server_are_taken_up_by_the_next_from_snapshot_and_journal() {
    let (world, _db) = world().await;
    let flow = world.shelf.publish(LONG);
    let mut made = 0;
    world.ledger.react(move |_| {
        made += 1;
        // After the first snapshot, and not at its edge.
        if made == 80 { React::Hang } else { React::Echo }
    });
    let runtime = world.runtime().await;
    let mut request = world.request(flow);
    request.input = Value::map([("items", Value::list((0..100).map(Value::Int)))]);
    let run = request.run;
    runtime.start(request).await.unwrap();
    world.ledger.reached(80).await;
    runtime.abort();
    let live = world.store.live(&(0..256).collect::<Vec<_>>()).await.unwrap();
    let snapshot = world.store.snapshot(live[0].tenant, live[0].run).await.unwrap();
    assert!(snapshot.is_some_and(|snapshot| snapshot.seq >= 64), "{live:?}");
    let runtime = world.runtime().await;
    let Answer::Ended(Outcome::Ok(output)) = end(&runtime, run).await else { panic!("the run completes") };
    assert_eq!(output.to_value(), Value::list((0..100).map(Value::Int)));
    assert_eq!(world.ledger.calls().len(), 101, "only the one that hung was done again");
    assert_eq!(world.ledger.entries().values().map(std::collections::BTreeSet::len).max(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_racing_starts_with_one_key_are_one_run() {
    let (world, db) = world().await;
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    let racing = (0..50).map(|_| {
        let mut request = world.request(flow);
        request.idempotency = keyed("order-1");
        let runtime = runtime.clone();
        tokio::spawn(async move { runtime.start(request).await })
    });
    let started: Vec<_> =
        futures::future::join_all(racing).await.into_iter().map(|joined| joined.unwrap().unwrap()).collect();
    assert!(started.iter().all(|one| one.run == started[0].run));
    assert_eq!(started.iter().filter(|one| !one.replayed).count(), 1);
    end(&runtime, started[0].run).await;
    assert_eq!(world.ledger.calls().len(), 3);
    let mut admin = PgConnection::connect_with(&db.admin_options()).await.unwrap();
    let runs: i64 =
        sqlx::query_scalar("select count(distinct run_id) from run_hist").fetch_one(&mut admin).await.unwrap();
    assert_eq!(runs, 1);
}

#[tokio::test]
async fn a_zombie_replica_writes_nothing() {
    let (world, db) = world().await;
    let flow = world.shelf.publish(THREE_STEPS);
    world.ledger.react(|_| React::Hang);
    let zombie = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    zombie.start(request).await.unwrap();
    world.ledger.reached(1).await;
    world.ledger.react(|_| React::Echo);
    let heir = world.runtime().await;
    // The zombie still believes that it drives the run, and takes a start and a cancel.
    let late = world.request(flow);
    let refused = late.run;
    assert_eq!(zombie.start(late).await, Err(StartError::Unavailable));
    assert!(zombie.cancel(tenant(1), run, "too late".into()).await.is_err());
    tokio::time::timeout(Duration::from_secs(10), zombie.lost()).await.expect("it notices");
    assert!(matches!(end(&heir, run).await, Answer::Ended(Outcome::Ok(_))));
    let mut admin = PgConnection::connect_with(&db.admin_options()).await.unwrap();
    let rows: i64 = sqlx::query_scalar("select count(*) from run_hist where run_id = $1")
        .bind(refused.0)
        .fetch_one(&mut admin)
        .await
        .unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn pages_see_the_runs_of_their_tenant_only_and_can_change_none() {
    let (world, db) = world().await;
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    for number in [1, 2] {
        let mut request = world.request(flow);
        request.tenant = tenant(number);
        let run = request.run;
        runtime.start(request).await.unwrap();
        end_of(&runtime, tenant(number), run).await;
    }
    let mut app = PgConnection::connect_with(&db.options(Role::App)).await.unwrap();
    for table in ["run_hist", "journal", "run_live"] {
        let count = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let seen: i64 = sqlx::query_scalar(count).fetch_one(&mut app).await.unwrap();
        assert_eq!(seen, 0, "{table} without a tenant");
        let delete = sqlx::AssertSqlSafe(format!("delete from {table}"));
        let refused = sqlx::query(delete).execute(&mut app).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "42501", "{table}");
    }
    let mut tx = app.begin().await.unwrap();
    sqlx::query("select set_config('app.tenant_id', $1, true)")
        .bind(tenant(1).0.to_string())
        .execute(&mut *tx)
        .await
        .unwrap();
    let tenants: Vec<Uuid> =
        sqlx::query_scalar("select distinct tenant_id from run_hist").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(tenants, [tenant(1).0]);
    tx.rollback().await.unwrap();
    for hidden in ["journal_default", "run_hist_default", "idempotency", "replica", "shard"] {
        let select = sqlx::AssertSqlSafe(format!("select 1 from {hidden}"));
        assert!(sqlx::query(select).execute(&mut app).await.is_err(), "{hidden} is not for pages");
    }
}

/// A Postgres of this test alone, with fsync on, that can be killed.
struct OwnPostgres {
    database: Database,
    dir: PathBuf,
}

impl OwnPostgres {
    async fn start() -> Self {
        let dir = std::env::temp_dir().join(format!("holon-rt-{}", SystemClock::shared().uuid_v7().simple()));
        let env = [
            ("HOLON_DATA_DIR".to_owned(), dir.display().to_string()),
            ("HOLON_PUBLIC_URL".to_owned(), "http://localhost:8080".to_owned()),
        ];
        let config = Config::from_sources(&Sources::new(BTreeMap::from(env)).unwrap()).unwrap();
        let database = Database::open(&config, &Keyring::from_bytes([7; 32])).await.unwrap();
        Self { database, dir }
    }

    /// Stops it as `pg_ctl stop -m immediate` does: everything ends where it is. Its supervisor starts it again.
    async fn stop_immediately(&self) {
        let backend: i32 =
            sqlx::query_scalar("select pg_backend_pid()").fetch_one(&self.database.pools.engine).await.unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{backend}/stat")).unwrap();
        let parent = stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().parse().unwrap();
        let postmaster = rustix::process::Pid::from_raw(parent).unwrap();
        rustix::process::kill_process(postmaster, rustix::process::Signal::QUIT).unwrap();
    }

    async fn close(self) {
        self.database.close().await;
        // What stays in the temporary folder is of no worth.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

async fn start_some(
    world: &World,
    runtime: &RuntimeHandle,
    flow: holon_model::FlowId,
    some: usize,
) -> Vec<holon_model::RunId> {
    let starts = (0..some).map(|_| runtime.start(world.request(flow)));
    let started = futures::future::join_all(starts).await;
    started.into_iter().map(|one| one.expect("the store comes back in time").run).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_killed_and_started_again_under_load_loses_no_acknowledged_run_and_does_nothing_with_two_keys() {
    let postgres = OwnPostgres::start().await;
    let mut world = World::over(Arc::new(PgStore::new(postgres.database.pools.engine.clone())));
    world.start_within = Duration::from_secs(60);
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    let mut runs = start_some(&world, &runtime, flow, 50).await;
    let (more, ()) = tokio::join!(start_some(&world, &runtime, flow, 200), async {
        world.ledger.reached(100).await;
        postgres.stop_immediately().await;
    });
    runs.extend(more);
    for run in &runs {
        assert!(matches!(end(&runtime, *run).await, Answer::Ended(Outcome::Ok(_))));
    }
    for run in &runs {
        assert_eq!(world.store.journal(tenant(1), *run, 0).await.unwrap().len(), 4);
    }
    let entries = world.ledger.entries();
    assert_eq!(entries.len(), 3 * runs.len());
    assert!(entries.values().all(|keys| keys.len() == 1));
    runtime.drain(Duration::from_secs(5)).await;
    postgres.close().await;
}
