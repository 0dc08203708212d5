//! Several replicas over one store, in memory and in Postgres: shards are shared out, handed on and taken over; whoever is asked, the
//! run is told; and nothing is done twice with another key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use holon_engine::{Input, Outcome};
use holon_flow::capability::NodeError;
use holon_model::{FlowId, Payload, RunId, Value};
use holon_runtime::store::shard_of;
use holon_runtime::{Answer, CancelError, DeliverError, Delivered, RuntimeHandle, StartError};
use tokio::sync::Notify;

use crate::support::{React, THREE_STEPS, World, end, tenant, until};
use crate::worlds::{in_memory, in_postgres};

/// Waits for a signal, then calls.
const SIGNALLED: &str = r#"{"holon": 1, "name": "signalled", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "paid": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": {"$cel": "string(input.n)"}}},
    "call": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "paid.in"}, {"from": "paid.out", "to": "call.in"}]}"#;
const ONCE: &str = r#"{"holon": 1, "name": "once", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "pay": {"kind": "test.once@1"}},
  "edges": [{"from": "start.out", "to": "pay.in"}]}"#;

fn signal(sender: &str) -> Input {
    let payload = Payload::Inline(Value::map([("paid", Value::Int(1))]));
    Input::Signal { name: "paid".into(), correlation: "7".into(), sender: sender.into(), payload }
}

/// Starts runs through one replica.
async fn start(world: &World, by: &RuntimeHandle, flow: FlowId, count: usize) -> Vec<RunId> {
    let starts = (0..count).map(|_| {
        let mut request = world.request(flow);
        request.run = by.mint();
        by.start(request)
    });
    let started = futures::future::join_all(starts).await;
    started.into_iter().map(|started| started.expect("the replica drives the shard of the id").run).collect()
}

/// Waits until these replicas share the shards out as `shares` says.
async fn shared_out(replicas: &[&RuntimeHandle], shares: &[usize]) {
    let settled = async {
        until(|| {
            let counts = replicas.iter().map(|replica| replica.shards().len());
            counts.eq(shares.iter().copied())
                && replicas.iter().zip(shares).all(|(one, share)| one.ready() || *share == 0)
        })
        .await;
    };
    let late = tokio::time::timeout(Duration::from_secs(30), settled).await;
    assert!(late.is_ok(), "{:?}", replicas.iter().map(|replica| replica.shards().len()).collect::<Vec<_>>());
    let all: BTreeSet<i16> = replicas.iter().flat_map(|replica| replica.shards()).collect();
    assert_eq!(all.len(), shares.iter().sum::<usize>(), "no shard is at two");
}

/// Each effect of each run has one key, and these runs have these many effects each.
fn one_key_each(world: &World, runs: &[RunId], effects: usize) {
    let entries = world.ledger.entries();
    assert!(entries.values().all(|keys| keys.len() == 1), "{entries:?}");
    let mut by_run: BTreeMap<RunId, usize> = BTreeMap::new();
    entries.keys().for_each(|(run, _)| *by_run.entry(*run).or_default() += 1);
    for run in runs {
        assert_eq!(by_run.get(run), Some(&effects), "{run}");
    }
}

async fn completed(by: &RuntimeHandle, runs: &[RunId]) {
    for run in runs {
        let answer = end(by, *run).await;
        assert!(matches!(answer, Answer::Ended(Outcome::Ok(_))), "{run}: {answer:?}");
    }
}

async fn who_joins_is_given_a_share_and_whoever_leaves_hands_it_back(world: World) {
    let flow = world.shelf.publish(SIGNALLED);
    let first = world.runtime().await;
    let waiting = start(&world, &first, flow, 40).await;
    let second = world.runtime_as(false).await;
    shared_out(&[&first, &second], &[128, 128]).await;
    // New runs live where they are started.
    for replica in [&first, &second] {
        for run in start(&world, replica, flow, 20).await {
            assert!(replica.shards().contains(&shard_of(run)));
        }
    }
    // Whoever is asked, the run is told, wherever it went.
    let (front, back) = waiting.split_at(20);
    for (replica, runs) in [(&first, front), (&second, back)] {
        let told = runs.iter().map(|run| replica.deliver(tenant(1), *run, signal("bank")));
        assert!(futures::future::join_all(told).await.iter().all(Result::is_ok));
    }
    completed(&second, front).await;
    completed(&first, back).await;
    let third = world.runtime_as(false).await;
    shared_out(&[&first, &second, &third], &[86, 86, 84]).await;
    second.drain(Duration::from_secs(20)).await;
    shared_out(&[&first, &third], &[128, 128]).await;
    first.drain(Duration::from_secs(20)).await;
    shared_out(&[&third], &[256]).await;
    one_key_each(&world, &waiting, 1);
    assert_eq!(
        world.ledger.calls().len(),
        waiting.len(),
        "nothing was under way when shards moved, and nothing was repeated"
    );
}

#[tokio::test]
async fn who_joins_is_given_a_share_and_whoever_leaves_hands_it_back_in_memory() {
    who_joins_is_given_a_share_and_whoever_leaves_hands_it_back(in_memory().0).await;
}

#[tokio::test]
async fn who_joins_is_given_a_share_and_whoever_leaves_hands_it_back_in_postgres() {
    let (world, _db) = in_postgres().await;
    who_joins_is_given_a_share_and_whoever_leaves_hands_it_back(world).await;
}

async fn runs_under_way_lose_nothing_when_their_shards_move_or_their_replica_dies(world: World) {
    let flow = world.shelf.publish(THREE_STEPS);
    let first = world.runtime().await;
    let mut runs = Vec::new();
    // Started while a replica joins, while it leaves, and while another one is killed.
    let second = world.runtime_as(false).await;
    while second.shards().len() < 128 {
        runs.extend(start_some(&world, &first, flow).await);
    }
    let leaving = tokio::spawn({
        let second = second.clone();
        async move { second.drain(Duration::from_secs(20)).await }
    });
    while !leaving.is_finished() {
        runs.extend(start_some(&world, &first, flow).await);
    }
    let third = world.runtime_as(false).await;
    shared_out(&[&first, &third], &[128, 128]).await;
    for _ in 0..5 {
        runs.extend(start_some(&world, &third, flow).await);
    }
    world.ledger.react(|_| React::Hang);
    let hanging = start(&world, &third, flow, 10).await;
    world.ledger.reached(world.ledger.entries().len()).await;
    world.ledger.react(|_| React::Echo);
    third.abort();
    runs.extend(hanging);
    shared_out(&[&first], &[256]).await;
    completed(&first, &runs).await;
    one_key_each(&world, &runs, 3);
    for run in &runs {
        assert_eq!(world.store.journal(tenant(1), *run, 0).await.unwrap().len(), 4, "{run}");
    }
}

/// Some runs; those that were not acknowledged never were.
async fn start_some(world: &World, by: &RuntimeHandle, flow: FlowId) -> Vec<RunId> {
    let starts = (0..8).map(|_| {
        let mut request = world.request(flow);
        request.run = by.mint();
        by.start(request)
    });
    let started = futures::future::join_all(starts).await;
    let acknowledged = started.into_iter().filter_map(|started| match started {
        Ok(started) => Some(started.run),
        Err(error) => {
            assert_eq!(error, StartError::Unavailable);
            None
        }
    });
    acknowledged.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_under_way_lose_nothing_when_their_shards_move_or_their_replica_dies_in_memory() {
    runs_under_way_lose_nothing_when_their_shards_move_or_their_replica_dies(in_memory().0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_under_way_lose_nothing_when_their_shards_move_or_their_replica_dies_in_postgres() {
    let (world, _db) = in_postgres().await;
    runs_under_way_lose_nothing_when_their_shards_move_or_their_replica_dies(world).await;
}

async fn whoever_is_asked_says_the_same_of_a_run_of_another(world: World) {
    let flow = world.shelf.publish(SIGNALLED);
    let first = world.runtime().await;
    let second = world.runtime_as(false).await;
    shared_out(&[&first, &second], &[128, 128]).await;
    let run = start(&world, &first, flow, 1).await[0];
    let mut followed = second.subscribe(tenant(1), run, None).await.unwrap();
    let unknown = first.mint();
    assert_eq!(second.deliver(tenant(1), unknown, signal("bank")).await, Err(DeliverError::NotFound));
    assert_eq!(second.deliver(tenant(2), run, signal("bank")).await, Err(DeliverError::NotFound), "another tenant's");
    let nonsense = Input::TaskAnswered {
        id: holon_engine::EffectId([9; 16]),
        choice: "yes".into(),
        form: Payload::Inline(Value::Null),
        by: "ada".into(),
    };
    let refused = second.deliver(tenant(1), run, nonsense).await;
    assert!(matches!(refused, Err(DeliverError::Refused { code: "unknown_task", .. })), "{refused:?}");
    world.ledger.react(|_| React::Fail(NodeError::new("broken", "it broke")));
    assert_eq!(second.deliver(tenant(1), run, signal("bank")).await, Ok(Delivered::TakenIn));
    assert!(matches!(end(&second, run).await, Answer::Ended(Outcome::Failed { .. })));
    assert_eq!(second.deliver(tenant(1), run, signal("bank")).await, Err(DeliverError::Over));
    assert_eq!(second.cancel(tenant(1), run, "late".into()).await, Err(CancelError::Over));
    // The same events, in the same order, as where it was driven.
    let mut told = Vec::new();
    while let Some(event) = followed.recv().await {
        told.push(event);
    }
    let mut there = first.subscribe(tenant(1), run, None).await.unwrap();
    let mut events = Vec::new();
    while let Some(event) = there.recv().await {
        events.push(event);
    }
    assert!(events.len() > 3 && told == events, "{told:?}\n{events:?}");
    let run = start(&world, &second, flow, 1).await[0];
    assert_eq!(first.cancel(tenant(1), run, "enough".into()).await, Ok(Delivered::TakenIn));
    assert!(matches!(end(&first, run).await, Answer::Ended(Outcome::Cancelled { .. })));
    let shards: Vec<i16> = (0..256).collect();
    assert_eq!(world.store.letters(&shards, &[], 10).await.unwrap(), [], "no letter is left");
}

#[tokio::test]
async fn whoever_is_asked_says_the_same_of_a_run_of_another_in_memory() {
    whoever_is_asked_says_the_same_of_a_run_of_another(in_memory().0).await;
}

#[tokio::test]
async fn whoever_is_asked_says_the_same_of_a_run_of_another_in_postgres() {
    let (world, _db) = in_postgres().await;
    whoever_is_asked_says_the_same_of_a_run_of_another(world).await;
}

#[tokio::test]
async fn a_letter_that_nobody_was_told_of_is_found_and_one_to_a_dead_replica_waits_for_its_heir() {
    let mut world = in_memory().0;
    world.wake = Box::new(|| Arc::new(holon_runtime::Silent));
    world.start_within = Duration::from_secs(2);
    let flow = world.shelf.publish(SIGNALLED);
    let first = world.runtime().await;
    let second = world.runtime_as(false).await;
    shared_out(&[&first, &second], &[128, 128]).await;
    let runs = start(&world, &second, flow, 2).await;
    // Nobody says what became of it, but it is not lost.
    assert_eq!(first.deliver(tenant(1), runs[0], signal("bank")).await, Ok(Delivered::Kept));
    completed(&first, &runs[..1]).await;
    second.abort();
    assert_eq!(first.deliver(tenant(1), runs[1], signal("bank")).await, Ok(Delivered::Kept));
    completed(&first, &runs[1..]).await;
}

#[tokio::test]
async fn what_must_not_be_done_twice_keeps_its_shard_until_it_is_over() {
    let world = in_memory().0;
    let flow = world.shelf.publish(ONCE);
    let goes_on = Arc::new(Notify::new());
    let told = goes_on.clone();
    world.ledger.react(move |_| React::After(told.clone()));
    let first = world.runtime().await;
    // In the shard that is handed on first.
    let mut request = world.request(flow);
    let mut bytes = *request.run.as_bytes();
    bytes[15] = 255;
    request.run = RunId(uuid::Uuid::from_bytes(bytes));
    let run = request.run;
    first.start(request).await.unwrap();
    world.ledger.reached(1).await;
    let second = world.runtime_as(false).await;
    until(|| second.shards().len() == 127).await;
    assert!(first.shards().contains(&255));
    goes_on.notify_one();
    completed(&first, &[run]).await;
    shared_out(&[&first, &second], &[128, 128]).await;
    assert_eq!(world.ledger.calls().len(), 1);
}

#[tokio::test]
async fn an_older_build_leaves_what_a_newer_one_drove_to_it_and_parks_what_it_does_not_know() {
    let mut world = in_memory().0;
    let flow = world.shelf.publish(SIGNALLED);
    let newest = world.semantics;
    world.semantics = newest - 1;
    let older = world.runtime().await;
    let known = start(&world, &older, flow, 20).await;
    world.semantics = newest;
    let newer = world.runtime_as(false).await;
    shared_out(&[&older, &newer], &[128, 128]).await;
    let unknown = start(&world, &newer, flow, 5).await;
    newer.abort();
    // Nobody who knows more is left: what the older one knows goes on.
    shared_out(&[&older], &[256]).await;
    let shards: Vec<i16> = (0..256).collect();
    let parked = async || -> BTreeSet<RunId> {
        let newer = |reason: &String| reason.starts_with("newer_semantics");
        let live = world.store.live(&shards).await.unwrap();
        live.into_iter().filter(|row| row.reason.as_ref().is_some_and(newer)).map(|row| row.run).collect()
    };
    // One after the other, in the time that writing takes.
    while parked().await != unknown.iter().copied().collect() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for run in &known {
        older.deliver(tenant(1), *run, signal("bank")).await.unwrap();
    }
    completed(&older, &known).await;
    // The next newer one is given all that it alone knows, and its runs go on.
    let newer = world.runtime_as(false).await;
    until(|| unknown.iter().all(|run| newer.shards().contains(&shard_of(*run)))).await;
    for run in &unknown {
        older.deliver(tenant(1), *run, signal("bank")).await.unwrap();
    }
    completed(&newer, &unknown).await;
    one_key_each(&world, &unknown, 1);
}
