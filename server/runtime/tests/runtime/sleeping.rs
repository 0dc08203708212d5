//! Runs that wait leave memory: whatever comes for them wakes them, whoever holds their shards takes them along by their rows, and they
//! outlive every process.

use std::sync::Arc;
use std::time::Duration;

use holon_engine::{Input, Outcome};
use holon_model::{FlowId, Millis, Payload, RunId, Value};
use holon_platform::clock::{SystemClock, TestClock, mint};
use holon_platform::db::test_db::TestDb;
use holon_runtime::store::mem::MemStore;
use holon_runtime::store::pg::PgStore;
use holon_runtime::store::{LiveStatus, NEVER, Replica, Store};
use holon_runtime::{Answer, DeliverError, Delivered, Memory, Metrics, RuntimeHandle, StartError};
use tokio::sync::Notify;

use crate::support::{React, World, end, tenant, until};

/// Waits for a day, then calls.
const DAY: &str = r#"{"holon": 1, "name": "day", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "day": {"kind": "flow.wait@1", "config": {"for": "1d"}},
    "call": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "day.in"}, {"from": "day.out", "to": "call.in"}]}"#;
/// Waits for a signal, then calls.
const SIGNALLED: &str = r#"{"holon": 1, "name": "signalled", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "paid": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": {"$cel": "string(input.n)"}}},
    "call": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "paid.in"}, {"from": "paid.out", "to": "call.in"}]}"#;
/// Every shard.
const ALL: [i16; 256] = {
    let mut all = [0; 256];
    let mut shard = 0;
    while shard < 256 {
        all[shard as usize] = shard;
        shard += 1;
    }
    all
};

/// A world whose runs fall asleep at once and wake a minute before their time, by a clock that stands still.
fn drowsy(store: Arc<dyn Store>) -> (World, Arc<TestClock>) {
    let clock = TestClock::at(SystemClock::shared().now());
    let mut world = World::over(store);
    world.clock = clock.clone();
    world.memory = Memory { idle: Duration::ZERO, ahead: Duration::from_secs(60), ..Memory::default() };
    (world, clock)
}

fn in_memory() -> (World, Arc<TestClock>) {
    drowsy(Arc::new(MemStore::new(SystemClock::shared())))
}

async fn in_postgres() -> (World, Arc<TestClock>, TestDb) {
    let db = TestDb::new().await;
    let (world, clock) = drowsy(Arc::new(PgStore::new(db.pool_apart())));
    (world, clock, db)
}

fn signal(sender: &str) -> Input {
    Input::Signal {
        name: "paid".into(),
        correlation: "7".into(),
        sender: sender.into(),
        payload: Payload::Inline(Value::Int(1)),
    }
}

async fn start(world: &World, by: &RuntimeHandle, flow: FlowId, count: usize) -> Vec<RunId> {
    let mut runs = Vec::new();
    for _ in 0..count {
        let mut request = world.request(flow);
        request.run = by.mint();
        runs.push(by.start(request).await.expect("it starts").run);
    }
    runs
}

/// Waits until this holds of what a runtime counts; a minute is long enough on any machine.
async fn counts(by: &RuntimeHandle, holds: impl Fn(Metrics) -> bool) -> Metrics {
    let looking = async {
        loop {
            let now = by.metrics().await;
            if holds(now) {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(60), looking).await {
        Ok(now) => now,
        Err(_) => panic!("{:?}", by.metrics().await),
    }
}

/// Waits until so many sleep and none is in memory.
async fn all_sleep(by: &RuntimeHandle, runs: u64) -> Metrics {
    counts(by, |now| (now.asleep, now.live) == (runs, 0)).await
}

async fn completed(by: &RuntimeHandle, runs: &[RunId]) {
    for run in runs {
        let answer = end(by, *run).await;
        assert!(matches!(answer, Answer::Ended(Outcome::Ok(_))), "{run}: {answer:?}");
    }
}

async fn a_run_that_waits_leaves_memory_and_is_there_again_before_its_time(world: World, clock: Arc<TestClock>) {
    let flow = world.shelf.publish(DAY);
    let runtime = world.runtime().await;
    let runs = start(&world, &runtime, flow, 5).await;
    all_sleep(&runtime, 5).await;
    let written = inputs(&world, &runs).await;
    // Just before its time it comes back, and nothing happens yet.
    clock.advance(Millis(86_400_000 - 30_000));
    let now = counts(&runtime, |now| (now.asleep, now.live) == (0, 5)).await;
    assert_eq!((now.woken, now.recovered), (5, 0));
    assert_eq!(inputs(&world, &runs).await, written, "waking writes nothing");
    assert!(world.ledger.calls().is_empty());
    clock.advance(Millis(30_000));
    completed(&runtime, &runs).await;
    assert_eq!(world.ledger.calls().len(), 5);
    assert_eq!(counts(&runtime, |now| now.live == 0).await.asleep, 0);
}

/// How many inputs runs have taken in.
async fn inputs(world: &World, runs: &[RunId]) -> usize {
    let mut inputs = 0;
    for run in runs {
        inputs += world.store.journal(tenant(1), *run, 0).await.unwrap().len();
    }
    inputs
}

#[tokio::test]
async fn a_run_that_waits_leaves_memory_and_is_there_again_before_its_time_in_memory() {
    let (world, clock) = in_memory();
    a_run_that_waits_leaves_memory_and_is_there_again_before_its_time(world, clock).await;
}

#[tokio::test]
async fn a_run_that_waits_leaves_memory_and_is_there_again_before_its_time_in_postgres() {
    let (world, clock, _db) = in_postgres().await;
    a_run_that_waits_leaves_memory_and_is_there_again_before_its_time(world, clock).await;
}

async fn whatever_comes_for_a_run_that_sleeps_wakes_it(world: World) {
    let flow = world.shelf.publish(SIGNALLED);
    let runtime = world.runtime().await;
    let runs = start(&world, &runtime, flow, 5).await;
    let [told, cancelled, paused, ended, watched] = runs[..] else { panic!("five") };
    all_sleep(&runtime, 5).await;
    assert_eq!(runtime.deliver(tenant(1), told, signal("bank")).await, Ok(Delivered::TakenIn));
    completed(&runtime, &[told]).await;
    // Many at once are told in their order.
    let (first, second) = tokio::join!(
        runtime.deliver(tenant(1), watched, signal("a")),
        runtime.deliver(tenant(1), watched, signal("b"))
    );
    assert_eq!(first, Ok(Delivered::TakenIn));
    assert_ne!(second, Err(DeliverError::NotFound));
    completed(&runtime, &[watched]).await;
    assert_eq!(runtime.cancel(tenant(1), cancelled, "enough".into()).await, Ok(Delivered::TakenIn));
    assert!(matches!(end(&runtime, cancelled).await, Answer::Ended(Outcome::Cancelled { .. })));
    assert_eq!(runtime.terminate(tenant(1), ended, "at once".into()).await, Ok(Delivered::TakenIn));
    // A run that is paused stays in memory, and what its row says of sleep is taken back.
    let held = runtime.pause(tenant(1), paused, "ada".into(), "wait".into()).await;
    assert_eq!(held, Ok(Delivered::TakenIn));
    let rows = world.store.live(&ALL).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| (row.run, row.status, row.wakes)).collect::<Vec<_>>(),
        [(paused, LiveStatus::Paused, None)]
    );
    assert_eq!(runtime.deliver(tenant(1), paused, signal("bank")).await, Ok(Delivered::Kept));
    assert_eq!(runtime.resume(tenant(1), paused).await, Ok(Delivered::TakenIn));
    completed(&runtime, &[paused]).await;
    let left = counts(&runtime, |now| now.live == 0).await;
    assert_eq!(left.asleep, 0);
}

#[tokio::test]
async fn whatever_comes_for_a_run_that_sleeps_wakes_it_in_memory() {
    whatever_comes_for_a_run_that_sleeps_wakes_it(in_memory().0).await;
}

#[tokio::test]
async fn whatever_comes_for_a_run_that_sleeps_wakes_it_in_postgres() {
    let (world, _, _db) = in_postgres().await;
    whatever_comes_for_a_run_that_sleeps_wakes_it(world).await;
}

#[tokio::test]
async fn a_journal_that_was_changed_while_its_run_slept_parks_it_when_it_wakes() {
    let store = MemStore::new(SystemClock::shared());
    let (world, _) = drowsy(Arc::new(store.clone()));
    let flow = world.shelf.publish(SIGNALLED);
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, flow, 1).await[0];
    all_sleep(&runtime, 1).await;
    store.tamper(tenant(1), run, |entry| entry.log_hash[0] ^= 1);
    assert_eq!(runtime.deliver(tenant(1), run, signal("bank")).await, Err(DeliverError::Unavailable));
    // A person can still end it.
    assert_eq!(runtime.cancel(tenant(1), run, "give up".into()).await, Ok(Delivered::TakenIn));
    let history = world.store.history(tenant(1), run).await.unwrap().unwrap();
    assert_eq!(history.ended.unwrap().status, "terminated");
    assert!(world.store.live(&ALL).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_run_that_somebody_watches_stays_awake_and_tells_what_happens_at_once() {
    let (world, _) = in_memory();
    let flow = world.shelf.publish(SIGNALLED);
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, flow, 1).await[0];
    all_sleep(&runtime, 1).await;
    let mut events = runtime.subscribe(tenant(1), run, None).await.unwrap();
    counts(&runtime, |now| (now.asleep, now.live) == (0, 1)).await;
    runtime.deliver(tenant(1), run, signal("bank")).await.unwrap();
    let mut told = 0;
    while events.recv().await.is_some() {
        told += 1;
    }
    assert!(told > 3, "{told}");
    // Whoever is gone keeps nobody awake.
    let other = start(&world, &runtime, flow, 1).await[0];
    drop(runtime.subscribe(tenant(1), other, None).await.unwrap());
    all_sleep(&runtime, 1).await;
}

async fn a_run_outlives_a_process_that_is_killed_while_it_sleeps_or_wakes(world: World) {
    let flow = world.shelf.publish(SIGNALLED);
    let first = world.runtime().await;
    let runs = start(&world, &first, flow, 3).await;
    all_sleep(&first, 3).await;
    // What is told may be lost with the process: then nobody was promised anything.
    let telling = {
        let (first, run) = (first.clone(), runs[0]);
        tokio::spawn(async move { first.deliver(tenant(1), run, signal("bank")).await })
    };
    tokio::task::yield_now().await;
    first.abort();
    telling.abort();
    let second = world.runtime().await;
    let now = counts(&second, |now| now.asleep + now.live + now.woken >= 2).await;
    assert!(now.recovered <= 1, "runs that sleep are taken up by their rows: {now:?}");
    for run in &runs {
        // The first one may know it already, or be over.
        let _ = second.deliver(tenant(1), *run, signal("bank")).await;
    }
    completed(&second, &runs).await;
    for run in &runs {
        assert_eq!(world.store.journal(tenant(1), *run, 0).await.unwrap().len(), 3, "{run}");
    }
}

#[tokio::test]
async fn a_run_outlives_a_process_that_is_killed_while_it_sleeps_or_wakes_in_memory() {
    a_run_outlives_a_process_that_is_killed_while_it_sleeps_or_wakes(in_memory().0).await;
}

#[tokio::test]
async fn a_run_outlives_a_process_that_is_killed_while_it_sleeps_or_wakes_in_postgres() {
    let (world, _, _db) = in_postgres().await;
    a_run_outlives_a_process_that_is_killed_while_it_sleeps_or_wakes(world).await;
}

async fn a_shard_that_is_handed_on_takes_its_sleepers_along(world: World, clock: Arc<TestClock>) {
    let flow = world.shelf.publish(DAY);
    let first = world.runtime().await;
    let runs = start(&world, &first, flow, 24).await;
    all_sleep(&first, 24).await;
    let second = world.runtime_as(false).await;
    let shared =
        async { until(|| second.ready() && second.shards().len() == 128 && first.shards().len() == 128).await };
    assert!(tokio::time::timeout(Duration::from_secs(60), shared).await.is_ok());
    let sleeping = first.metrics().await.asleep + second.metrics().await.asleep;
    assert_eq!((sleeping, second.metrics().await.recovered), (24, 0));
    clock.advance(Millis(86_400_000));
    completed(&second, &runs).await;
    assert_eq!(world.ledger.calls().len(), 24);
}

#[tokio::test]
async fn a_shard_that_is_handed_on_takes_its_sleepers_along_in_memory() {
    let (world, clock) = in_memory();
    a_shard_that_is_handed_on_takes_its_sleepers_along(world, clock).await;
}

#[tokio::test]
async fn a_shard_that_is_handed_on_takes_its_sleepers_along_in_postgres() {
    let (world, clock, _db) = in_postgres().await;
    a_shard_that_is_handed_on_takes_its_sleepers_along(world, clock).await;
}

#[tokio::test]
async fn a_workspace_may_have_more_runs_that_wait_than_fit_in_memory_and_no_more_than_may_sleep() {
    let (mut world, _) = in_memory();
    world.memory = Memory { most: 4, most_asleep: 40, ..world.memory };
    let flow = world.shelf.publish(SIGNALLED);
    let runtime = world.runtime().await;
    for number in 1..=40 {
        start(&world, &runtime, flow, 1).await;
        all_sleep(&runtime, number).await;
    }
    let refused = runtime.start(world.request(flow)).await;
    assert_eq!(refused, Err(StartError::TooMany));
    let run = world.store.live(&ALL).await.unwrap()[0].run;
    runtime.deliver(tenant(1), run, signal("bank")).await.unwrap();
    completed(&runtime, &[run]).await;
    start(&world, &runtime, flow, 1).await;
}

async fn what_a_build_wrote_that_knows_nothing_of_sleep_is_not_taken_for_sleep(world: World) {
    let flow = world.shelf.publish(SIGNALLED);
    let first = world.runtime().await;
    let run = start(&world, &first, flow, 1).await[0];
    all_sleep(&first, 1).await;
    first.abort();
    let rows = world.store.live(&ALL).await.unwrap();
    assert_eq!(rows[0].wakes, Some(NEVER));
    // An older build drives the run for a while: it says nothing of sleep, and leaves what others said.
    let replica = Replica { id: mint(&*world.clock), address: "old".into(), build: "old".into(), semantics: 1 };
    let semantics = i32::try_from(world.semantics).unwrap();
    world.store.join(&Replica { semantics, ..replica.clone() }, 60_000, true).await.unwrap();
    assert_eq!(world.store.adopt(replica.id, &ALL).await.unwrap().len(), 256);
    let second = world.runtime().await;
    assert_eq!(counts(&second, |now| now.asleep + now.live == 1).await.recovered, 1, "its journal was looked at");
    assert_eq!(world.store.live(&ALL).await.unwrap()[0].wakes, None);
    all_sleep(&second, 1).await;
    second.deliver(tenant(1), run, signal("bank")).await.unwrap();
    completed(&second, &[run]).await;
}

#[tokio::test]
async fn what_a_build_wrote_that_knows_nothing_of_sleep_is_not_taken_for_sleep_in_memory() {
    what_a_build_wrote_that_knows_nothing_of_sleep_is_not_taken_for_sleep(in_memory().0).await;
}

#[tokio::test]
async fn what_a_build_wrote_that_knows_nothing_of_sleep_is_not_taken_for_sleep_in_postgres() {
    let (world, _, _db) = in_postgres().await;
    what_a_build_wrote_that_knows_nothing_of_sleep_is_not_taken_for_sleep(world).await;
}

#[tokio::test]
async fn a_row_says_until_when_its_run_sleeps_and_nothing_while_there_is_something_to_do() {
    let (world, clock) = in_memory();
    let flow = world.shelf.publish(DAY);
    let runtime = world.runtime().await;
    let began = world.clock.now();
    let run = start(&world, &runtime, flow, 1).await[0];
    let wakes = async || world.store.live(&ALL).await.unwrap().first().map(|row| row.wakes);
    assert_eq!(wakes().await, Some(Some(began.plus(Millis(86_400_000)))));
    world.ledger.react(|_| crate::support::React::Hang);
    clock.advance(Millis(86_400_000));
    world.ledger.reached(1).await;
    assert_eq!(wakes().await, Some(None));
    runtime.cancel(tenant(1), run, "enough".into()).await.unwrap();
}

/// One of its runs at a time.
const ONE_BY_ONE: &str = r#"{"holon": 1, "name": "one by one", "limits": {"concurrency": {"limit": 1}}, "nodes": {
    "start": {"kind": "trigger.manual@1"}, "call": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "call.in"}]}"#;

async fn runs_that_wait_for_their_place_leave_memory_and_begin_in_their_order(mut world: World) {
    // They would not fit in memory.
    world.memory = Memory { most: 4, ..world.memory };
    let gate = Arc::new(Notify::new());
    let told = gate.clone();
    world.ledger.react(move |_| React::After(told.clone()));
    let flow = world.shelf.publish(ONE_BY_ONE);
    let first = world.runtime().await;
    let mut runs = Vec::new();
    for number in 0..20 {
        runs.extend(start(&world, &first, flow, 1).await);
        counts(&first, |now| (now.asleep, now.live) == (number, 1)).await;
    }
    world.ledger.reached(1).await;
    first.abort();
    let second = world.runtime().await;
    let now = counts(&second, |now| (now.asleep, now.live) == (19, 1)).await;
    assert_eq!((now.recovered, now.woken), (1, 0), "of those that wait nothing is read");
    world.ledger.reached(2).await;
    let withdrawn = runs.remove(5);
    assert_eq!(second.cancel(tenant(1), withdrawn, "not wanted".into()).await, Ok(Delivered::TakenIn));
    assert_eq!(world.store.history(tenant(1), withdrawn).await.unwrap().unwrap().ended.unwrap().status, "cancelled");
    world.ledger.react(|_| React::Echo);
    gate.notify_one();
    completed(&second, &runs).await;
    let mut begun: Vec<RunId> = world.ledger.calls().iter().map(|call| call.run).collect();
    begun.dedup();
    assert_eq!(begun, runs, "in the order of their arrival");
    counts(&second, |now| (now.asleep, now.live) == (0, 0)).await;
}

#[tokio::test]
async fn runs_that_wait_for_their_place_leave_memory_and_begin_in_their_order_in_memory() {
    runs_that_wait_for_their_place_leave_memory_and_begin_in_their_order(in_memory().0).await;
}

#[tokio::test]
async fn runs_that_wait_for_their_place_leave_memory_and_begin_in_their_order_in_postgres() {
    let (world, _, _db) = in_postgres().await;
    runs_that_wait_for_their_place_leave_memory_and_begin_in_their_order(world).await;
}
