//! A delivery over HTTP to a synchronous webhook, answered at the end of a run of three journaled steps.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use holon::state::AppState;
use serde_json::json;
use tokio::time::Instant;

use crate::client::Client;
use crate::ground::{Server, steps};
use crate::told::{at, median, print};

const STEPS: u64 = 3;
const WARM_UP: usize = 200;
const SEQUENTIAL: usize = 1_000;
/// How often one client is measured; the median counts.
const ROUNDS: usize = 3;
const CLIENTS: usize = 64;
const LOAD_FOR: Duration = Duration::from_secs(8);
/// What one client waits for a finished run at most, at the median, in milliseconds.
const MOST_MS: f64 = 3.0;

/// Says whether it is fast enough.
pub async fn measure() -> bool {
    let server = Server::start().await;
    let ok = measured(&server).await;
    server.stop().await;
    ok
}

async fn measured(server: &Server) -> bool {
    let (state, address) = (&server.state, server.address);
    let mut client = server.client().await;
    let (_, hook) = server.publish(steps("three", 3, json!({"answer": "sync"}))).await;
    let path: Arc<str> = hook.into();
    // Right after the server was set up, when every file of the database's log is a new one, and again when it has been in use.
    let mut fresh = alone(&mut client, &path).await;
    print("runtime.webhook_to_finish_p50_fresh", median(&mut fresh), "ms", None);
    under_load(state, address, &path).await;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(alone(&mut client, &path).await);
    }
    let mut medians: Vec<f64> = rounds.iter_mut().map(|runs| median(runs)).collect();
    let run = median(&mut medians);
    let ok = run <= MOST_MS;
    print("runtime.webhook_to_finish_p50", run, "ms", Some(("<= 3", ok)));
    print("runtime.webhook_to_finish_p99", at(&mut rounds.concat(), 0.99), "ms", None);
    ok
}

/// What one client waits for each of its runs, in milliseconds.
async fn alone(client: &mut Client, path: &str) -> Vec<f64> {
    for _ in 0..WARM_UP {
        client.one_run(path).await;
    }
    let mut runs = Vec::new();
    for _ in 0..SEQUENTIAL {
        runs.push(client.one_run(path).await);
    }
    runs
}

/// Many clients, each with a run under way all the time.
async fn under_load(state: &AppState, address: SocketAddr, path: &Arc<str>) {
    let before = (state.runtime.metrics().await, wal(state).await, dead_rows(state).await);
    let done = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let clients = (0..CLIENTS).map(|_| {
        let (path, done) = (Arc::clone(path), Arc::clone(&done));
        tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            let mut taken = Vec::new();
            while begun.elapsed() < LOAD_FOR {
                taken.push(client.one_run(&path).await);
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
    let after = (state.runtime.metrics().await, wal(state).await, dead_rows(state).await);
    let count = done.load(Relaxed) as f64;
    let steps = count * STEPS as f64;
    print("runtime.webhook_runs_per_second_64", count / seconds, "runs/s", None);
    print("runtime.webhook_p50_64", median(&mut taken), "ms", None);
    print("runtime.webhook_p99_64", at(&mut taken, 0.99), "ms", None);
    let commits = (after.0.commits - before.0.commits) as f64;
    print("runtime.webhook_commits_per_step_64", commits / steps, "commits/step", None);
    print("runtime.webhook_wal_per_step_64", (after.1 - before.1) as f64 / steps, "bytes/step", None);
    print("runtime.webhook_dead_rows_per_step_64", (after.2 - before.2) as f64 / steps, "rows/step", None);
}

/// Rows that died until now: one for each that was changed or deleted. Processes of Postgres tell what they did once a second.
async fn dead_rows(state: &AppState) -> i64 {
    let dead = sqlx::query_scalar("select coalesce(sum(n_tup_upd + n_tup_del), 0)::bigint from pg_stat_user_tables");
    dead.fetch_one(&state.pools.engine).await.expect("Postgres answers")
}

async fn wal(state: &AppState) -> i64 {
    let at = sqlx::query_scalar("select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint");
    at.fetch_one(&state.pools.engine).await.expect("Postgres answers")
}
