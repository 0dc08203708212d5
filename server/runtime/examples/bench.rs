//! Measures the runtime over a Postgres with fsync on: a run of three journaled steps (an effect in process that does
//! nothing), from the accepted start to its end. One JSON line a measure.
//!
//! `cargo run --release -p holon-runtime --example bench -- --json`. With `HOLON_TEST_PG` (a socket's folder) that Postgres
//! is used, else a private one in a temporary folder.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program whose output is its result")]

#[path = "../tests/runtime/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use holon_model::FlowId;
use holon_platform::clock::SystemClock;
use holon_platform::config::{Config, Sources};
use holon_platform::crypto::Keyring;
use holon_platform::db::Database;
use holon_platform::db::test_db::TestDb;
use holon_runtime::RuntimeHandle;
use holon_runtime::store::pg::PgStore;
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use support::{THREE_STEPS, World, tenant};

const STEPS: u64 = 3;
const WARM_UP: usize = 200;
const SEQUENTIAL: usize = 1_000;
const CLIENTS: usize = 64;
const LOAD_FOR: Duration = Duration::from_secs(8);
/// What one client waits for a run at most, at the median, in milliseconds.
const MOST_MS: f64 = 3.0;

enum Postgres {
    Given(Box<TestDb>),
    Own(Box<Database>, PathBuf),
}

impl Postgres {
    async fn open() -> Self {
        if std::env::var_os("HOLON_TEST_PG").is_some_and(|dir| !dir.is_empty()) {
            return Self::Given(Box::new(TestDb::new().await));
        }
        let dir = std::env::temp_dir().join(format!("holon-bench-{}", SystemClock::shared().uuid_v7().simple()));
        let mut env: BTreeMap<String, String> =
            std::env::vars().filter(|(name, _)| name == "HOLON_POSTGRES_BIN").collect();
        env.insert("HOLON_DATA_DIR".into(), dir.display().to_string());
        env.insert("HOLON_PUBLIC_URL".into(), "http://localhost:8080".into());
        let sources = Sources::new(env).expect("there is no file to read");
        let config = Config::from_sources(&sources).expect("the settings are right");
        let database = Database::open(&config, &Keyring::from_bytes([7; 32])).await.expect("Postgres starts");
        Self::Own(Box::new(database), dir)
    }

    fn pool(&self) -> PgPool {
        match self {
            Self::Given(db) => db.pools.engine.clone(),
            Self::Own(database, _) => database.pools.engine.clone(),
        }
    }

    async fn close(self) {
        if let Self::Own(database, dir) = self {
            database.close().await;
            // What stays in the temporary folder is of no worth.
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}

#[tokio::main]
async fn main() {
    let postgres = Postgres::open().await;
    let pool = postgres.pool();
    let fsync: String = sqlx::query_scalar("show fsync").fetch_one(&pool).await.expect("Postgres answers");
    if fsync != "on" {
        eprintln!("fsync is {fsync}: these numbers say nothing about durability");
    }
    let world = Arc::new(World::over(Arc::new(PgStore::new(pool.clone()))));
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    for _ in 0..WARM_UP {
        one_run(&world, &runtime, flow).await;
    }

    // Interleaved, so that both see the same machine.
    let (mut commits, mut runs) = (Vec::new(), Vec::new());
    for round in 0..SEQUENTIAL {
        commits.push(one_commit(&pool, round).await);
        runs.push(one_run(&world, &runtime, flow).await);
    }
    let (commit, run) = (median(&mut commits), median(&mut runs));
    let late = runs[runs.len() * 99 / 100];
    print("postgres.commit_p50", commit, "ms", None);
    let ok = run <= MOST_MS;
    let must = Some(("<= 3", ok));
    let peer = Some(("postgres.commit_p50", run / commit));
    print_with("runtime.start_to_finish_p50", run, "ms", must, peer);
    print("runtime.start_to_finish_p99", late, "ms", None);

    let before = (runtime.metrics().await, wal(&pool).await);
    let done = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let clients = (0..CLIENTS).map(|_| {
        let (world, runtime, done) = (world.clone(), runtime.clone(), done.clone());
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while begun.elapsed() < LOAD_FOR {
                taken.push(one_run(&world, &runtime, flow).await);
                done.fetch_add(1, Relaxed);
            }
            taken
        })
    });
    let mut taken = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        taken.extend(client.await.expect("a client ends well"));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let after = (runtime.metrics().await, wal(&pool).await);
    let count = done.load(Relaxed) as f64;
    let steps = count * STEPS as f64;
    print("runtime.runs_per_second_64", count / seconds, "runs/s", None);
    print("runtime.steps_per_second_64", steps / seconds, "steps/s", None);
    print("runtime.start_to_finish_p50_64", median(&mut taken), "ms", None);
    print("runtime.commits_per_step_64", (after.0.commits - before.0.commits) as f64 / steps, "commits/step", None);
    print("runtime.wal_per_step_64", (after.1 - before.1) as f64 / steps, "bytes/step", None);
    runtime.drain(Duration::from_secs(5)).await;
    postgres.close().await;
    if !ok {
        std::process::exit(1);
    }
}

/// Milliseconds from asking for a run to its end.
async fn one_run(world: &World, runtime: &RuntimeHandle, flow: FlowId) -> f64 {
    let request = world.request(flow);
    let end = runtime.expect_answer(tenant(1), request.run);
    let begun = Instant::now();
    runtime.start(request).await.expect("the run starts");
    end.answer().await.expect("the run ends");
    begun.elapsed().as_secs_f64() * 1_000.0
}

/// Milliseconds of the plainest commit there is: one row.
async fn one_commit(pool: &PgPool, round: usize) -> f64 {
    let mut connection = pool.acquire().await.expect("Postgres answers");
    let begun = Instant::now();
    sqlx::query(
        "insert into idempotency (tenant_id, scope, key, run_id, request_hash, expires_at)
         values ($1, 'bench', $2, $1, '', now()) on conflict do nothing",
    )
    .bind(Uuid::from_u128(1))
    .bind(format!("{round}-{}", SystemClock::shared().uuid_v7()))
    .execute(&mut *connection)
    .await
    .expect("Postgres answers");
    begun.elapsed().as_secs_f64() * 1_000.0
}

async fn wal(pool: &PgPool) -> i64 {
    let at = sqlx::query_scalar("select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint");
    at.fetch_one(pool).await.expect("Postgres answers")
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn print(name: &str, value: f64, unit: &str, must: Option<(&str, bool)>) {
    print_with(name, value, unit, must, None);
}

fn print_with(name: &str, value: f64, unit: &str, must: Option<(&str, bool)>, peer: Option<(&str, f64)>) {
    let value = (value * 1_000.0).round() / 1_000.0;
    let must = must.map_or_else(String::new, |(must, ok)| format!(r#","must":"{must}","ok":{ok}"#));
    let peer = peer.map_or_else(String::new, |(peer, ratio)| format!(r#","peer":"{peer}","ratio":{ratio:.2}"#));
    println!(r#"{{"name":"{name}","value":{value},"unit":"{unit}"{must}{peer}}}"#);
}
