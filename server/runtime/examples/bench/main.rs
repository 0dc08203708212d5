//! Measures the runtime over a Postgres with fsync on, with effects in process that do nothing. One JSON line a measure.
//!
//! `cargo run --release -p holon-runtime --example bench`. With `HOLON_TEST_PG` (a socket's folder) that Postgres is used,
//! else a private one in a temporary folder. `HOLON_BENCH_ONLY=timers` measures runs that wait and nothing else, `HOLON_BENCH_TIMERS` says
//! how many; `neighbour` measures what one tenant feels of another and nothing else, `HOLON_BENCH_QUEUED` says beside how many queued runs;
//! `load` measures clients that start runs one after the other.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program whose output is its result")]

mod load;
mod measure;
mod neighbour;
mod postgres;
mod steps;
#[path = "../../tests/runtime/support.rs"]
mod support;
mod timers;

use std::sync::Arc;
use std::time::Duration;

use holon_runtime::store::pg::PgStore;

use load::Bench;
use postgres::Postgres;
use support::World;

#[tokio::main]
async fn main() {
    let postgres = Postgres::open().await;
    let pool = postgres.pool();
    let fsync: String = sqlx::query_scalar("show fsync").fetch_one(&pool).await.expect("Postgres answers");
    if fsync != "on" {
        eprintln!("fsync is {fsync}: these numbers say nothing about durability");
    }
    let only = std::env::var("HOLON_BENCH_ONLY").unwrap_or_default();
    let measured = |name: &str| only.is_empty() || only == name;
    if only == "timers" {
        timers::pending(&pool).await;
        return postgres.close().await;
    }
    let world = Arc::new(World::over(Arc::new(PgStore::new(pool.clone()))));
    let runtime = world.runtime().await;
    let bench = Bench { world, runtime, pool };
    if measured("load") {
        steps::three(&bench).await;
        steps::long(&bench).await;
        steps::pure(&bench).await;
    }
    if measured("neighbour") {
        neighbour::noisy(&bench).await;
    }
    bench.runtime.drain(Duration::from_secs(5)).await;
    if measured("timers") {
        timers::pending(&bench.pool).await;
    }
    postgres.close().await;
}
