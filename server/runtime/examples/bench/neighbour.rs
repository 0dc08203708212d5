//! A tenant that has as many runs under way as it may, and what another one feels of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use holon_model::FlowId;

use crate::load::Bench;
use crate::measure::{at, print, print_must};
use crate::support::{THREE_STEPS, tenant};

const QUIET: u128 = 2;
const NOISY: u128 = 3;
const RUNS: usize = 1_500;
/// Clients of the noisy one, each with a run under way: a little less than a tenant may have at once.
const CLIENTS: usize = 9_000;

/// The slow runs of the quiet one, alone and beside the noisy one.
pub async fn noisy(bench: &Bench) {
    let flow = bench.world.shelf.publish(THREE_STEPS);
    let alone = slow(bench, flow).await;
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
    let beside = slow(bench, flow).await;
    stop.store(true, Relaxed);
    for client in clients {
        client.await.expect("a client ends well");
    }
    print("runtime.quiet_p99", alone, "ms");
    print("runtime.quiet_p99_beside_noise", beside, "ms");
    print_must("runtime.noisy_neighbour_factor", beside / alone, "", "<= 2");
}

async fn slow(bench: &Bench, flow: FlowId) -> f64 {
    let mut taken = Vec::new();
    for _ in 0..RUNS {
        taken.push(bench.one_run(tenant(QUIET), flow).await);
    }
    at(&mut taken, 99)
}
