//! A tenant that has a great deal to do, and what another one feels of it: a hundred thousand runs that queue for their places and are
//! worked off all the time, and as many as it may have under way, each followed by another at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use futures::StreamExt as _;
use holon_model::{FlowId, Value};
use holon_runtime::StartError;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::load::Bench;
use crate::measure::{at, median, print, print_must};
use crate::support::{React, THREE_STEPS, tenant};

const QUIET: u128 = 2;
const NOISY: u128 = 3;
const QUEUEING: u128 = 4;
const RUNS: usize = 1_500;
/// Clients of the noisy one, each with a run under way: a little less than a tenant may have at once.
const CLIENTS: usize = 9_000;
/// Runs that queue, unless the environment says otherwise, in so many lines, of each of which so many go on at a time.
const QUEUED: usize = 100_000;
const LINES: usize = 10;
const OF_A_LINE: usize = 10;
/// Starts at once while they are loaded.
const LOADERS: usize = 512;
/// For how long it is looked how fast the queue is worked off alone.
const ALONE: Duration = Duration::from_secs(5);

/// What the quiet one sees.
struct Seen {
    p50: f64,
    p99: f64,
    /// Runs of others that ended a second meanwhile.
    others: f64,
}

/// The slow runs of the quiet one, alone and beside each of the others.
pub async fn noisy(bench: &Bench) {
    let flow = bench.world.shelf.publish(THREE_STEPS);
    let alone = seen(bench, flow).await;
    print("runtime.quiet_p50", alone.p50, "ms");
    print("runtime.quiet_p99", alone.p99, "ms");
    queued(bench, flow, &alone).await;
    under_way(bench, flow, &alone).await;
}

/// Beside one whose runs queue.
async fn queued(bench: &Bench, quiet: FlowId, alone: &Seen) {
    let asked = std::env::var("HOLON_BENCH_QUEUED").ok().and_then(|text| text.parse().ok());
    let count: usize = asked.unwrap_or(QUEUED);
    let places = count.min(LINES * OF_A_LINE) as u64;
    // Nothing of theirs ends before all of them are there.
    let (go, told) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let gate = (go.clone(), told.clone());
    bench.world.ledger.react(move |_| if gate.0.load(Relaxed) { React::Echo } else { React::After(gate.1.clone()) });
    let before = bench.runtime.metrics().await;
    let begun = Instant::now();
    let flow = bench.world.shelf.publish(&bounded());
    let starts = (0..count).map(|number| {
        let mut request = bench.world.request(flow);
        request.tenant = tenant(QUEUEING);
        request.input = Value::map([("of", Value::Int((number % LINES) as i64))]);
        async move {
            // Whoever is told to come back does so.
            while let Err(refused) = bench.runtime.start(request.clone()).await {
                assert!(matches!(refused, StartError::TooMany), "{refused}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    futures::stream::iter(starts).buffer_unordered(LOADERS).for_each(|_| std::future::ready(())).await;
    print("runtime.queued_loaded", count as f64 / begun.elapsed().as_secs_f64(), "runs/s");
    // They call as soon as they have their places.
    while bench.runtime.metrics().await.effects - before.effects < places {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let loaded = bench.runtime.metrics().await;
    print("runtime.queued_in_memory", loaded.live as f64, "runs");
    go.store(true, Relaxed);
    told.notify_waiters();

    let beside = seen(bench, quiet).await;
    let ended = bench.runtime.metrics().await.finished - loaded.finished - RUNS as u64;
    let left = (count as u64).saturating_sub(ended);
    print("runtime.quiet_p50_beside_queue", beside.p50, "ms");
    print("runtime.quiet_p99_beside_queue", beside.p99, "ms");
    print("runtime.queued_left", left as f64, "runs");
    print("runtime.queue_worked_off_beside", beside.others, "runs/s");
    let (then, now) = (bench.runtime.metrics().await.finished, Instant::now());
    tokio::time::sleep(ALONE).await;
    let ended = bench.runtime.metrics().await.finished - then;
    print("runtime.queue_worked_off_alone", ended as f64 / now.elapsed().as_secs_f64(), "runs/s");
    print_must("runtime.noisy_neighbour_factor", beside.p99 / alone.p99, "", "<= 2");
    // All of them end, and nothing of them disturbs what is measured next.
    while bench.runtime.metrics().await.finished - loaded.finished < (count + RUNS) as u64 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Three steps, of which only so many go on at a time of each line.
fn bounded() -> String {
    let limit = format!(
        r#""limits": {{"concurrency": {{"limit": {OF_A_LINE}, "key": {{"$cel": "string(trigger.of)"}}, "queue": 10000}}}},"#
    );
    THREE_STEPS.replacen(r#""nodes":"#, &format!(r#"{limit} "nodes":"#), 1)
}

/// Beside one that has as many under way as it may.
async fn under_way(bench: &Bench, flow: FlowId, alone: &Seen) {
    let stop = Arc::new(AtomicBool::new(false));
    let clients = (0..CLIENTS).map(|_| {
        let (bench, stop) = (bench.clone(), stop.clone());
        tokio::spawn(async move {
            while !stop.load(Relaxed) {
                bench.one_run(tenant(NOISY), flow).await;
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    let beside = seen(bench, flow).await;
    stop.store(true, Relaxed);
    for client in clients {
        client.await.expect("a client ends well");
    }
    print("runtime.quiet_p50_beside_many", beside.p50, "ms");
    print("runtime.quiet_p99_beside_many", beside.p99, "ms");
    print("runtime.many_under_way_beside", beside.others, "runs/s");
    print("runtime.many_under_way_factor", beside.p99 / alone.p99, "");
}

async fn seen(bench: &Bench, flow: FlowId) -> Seen {
    let (before, begun) = (bench.runtime.metrics().await.finished, Instant::now());
    let mut taken = Vec::new();
    for _ in 0..RUNS {
        taken.push(bench.one_run(tenant(QUIET), flow).await);
    }
    let ended = bench.runtime.metrics().await.finished - before - RUNS as u64;
    let others = ended as f64 / begun.elapsed().as_secs_f64();
    Seen { p50: median(&mut taken), p99: at(&mut taken, 99), others }
}
