//! Journaled steps: an effect in process that does nothing.

use std::collections::BTreeMap;

use holon_model::FlowId;
use holon_platform::clock::SystemClock;
use serde_json::json;
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use crate::load::Bench;
use crate::measure::{at, dead_rows, median, print, print_must, print_with};
use crate::support::{Shelf, THREE_STEPS, tenant};

const WARM_UP: usize = 200;
const SEQUENTIAL: usize = 1_000;
const LONG: u32 = 30;

/// A chain of so many steps of a kind.
pub fn chain(shelf: &Shelf, kind: &str, config: &serde_json::Value, out: &str, steps: u32) -> FlowId {
    let start = ("start".to_owned(), json!({"kind": "trigger.manual@1"}));
    let step = |number: u32| (format!("s{number}"), json!({"kind": kind, "config": config}));
    let nodes: BTreeMap<String, serde_json::Value> = std::iter::once(start).chain((0..steps).map(step)).collect();
    let from = |number: u32| number.checked_sub(1).map_or("start.out".to_owned(), |last| format!("s{last}.{out}"));
    let edges: Vec<_> = (0..steps).map(|number| json!({"from": from(number), "to": format!("s{number}.in")})).collect();
    shelf.publish(&json!({"holon": 1, "name": "chain", "nodes": nodes, "edges": edges}).to_string())
}

/// One client, then 64, with runs of three steps.
pub async fn three(bench: &Bench) {
    let flow = bench.world.shelf.publish(THREE_STEPS);
    for _ in 0..WARM_UP {
        bench.one_run(tenant(1), flow).await;
    }
    // Interleaved, so that both see the same machine.
    let (mut commits, mut runs) = (Vec::new(), Vec::new());
    for round in 0..SEQUENTIAL {
        commits.push(one_commit(&bench.pool, round).await);
        runs.push(bench.one_run(tenant(1), flow).await);
    }
    let (commit, run) = (median(&mut commits), median(&mut runs));
    print("postgres.commit_p50", commit, "ms");
    print_with("runtime.start_to_finish_p50", run, "ms", Some("<= 3"), Some(("postgres.commit_p50", run / commit)));
    print("runtime.start_to_finish_p99", at(&mut runs, 99), "ms");

    let mut load = bench.many(64, tenant(1), flow).await;
    print_must("runtime.runs_per_second_64", load.rate, "runs/s", ">= 3000");
    print("runtime.steps_per_second_64", load.rate * 3.0, "steps/s");
    print("runtime.start_to_finish_p50_64", median(&mut load.taken), "ms");
    print_must("runtime.start_to_finish_p99_64", at(&mut load.taken, 99), "ms", "<= 50");
    print("runtime.commits_per_step_64", load.commits / 3.0, "commits/step");
    print("runtime.wal_per_step_64", load.wal / 3.0, "bytes/step");
    print("runtime.dead_rows_per_step_64", load.dead / 3.0, "rows/step");
    print("runtime.dead_rows_left_64", dead_rows(&bench.pool).await as f64, "rows");
}

/// What a step costs in a run of many: 30 against three, 256 clients.
pub async fn long(bench: &Bench) {
    let short = bench.world.shelf.publish(THREE_STEPS);
    let short = bench.many(256, tenant(1), short).await;
    let long = chain(&bench.world.shelf, "test.call@1", &json!({}), "out", LONG);
    let long = bench.many(256, tenant(1), long).await;
    print_must("runtime.steps_per_second_256", long.rate * f64::from(LONG), "steps/s", ">= 20000");
    let between = f64::from(LONG - 3);
    print_must("runtime.marginal_wal_per_step_256", (long.wal - short.wal) / between, "bytes/step", "<= 700");
    print_must(
        "runtime.marginal_commits_per_step_256",
        (long.commits - short.commits) / between,
        "commits/step",
        "<= 0.05",
    );
}

/// Runs of a hundred nodes that are computed: nothing of them is journaled but the start.
pub async fn pure(bench: &Bench) {
    let flow = chain(&bench.world.shelf, "when@1", &json!({"if": {"$cel": "input.n > 0"}}), "true", 100);
    let load = bench.many(64, tenant(1), flow).await;
    print_must("runtime.pure_100_runs_per_second", load.rate, "runs/s", ">= 2500");
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
