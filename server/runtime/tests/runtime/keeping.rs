//! Steps that change Holon's own database: a change is made in the commit of its step's result, so it happens once whatever crashes
//! and whoever else changes the same, and what could not be made on what was read is made anew.

use std::sync::Arc;
use std::time::Duration;

use holon_engine::Outcome;
use holon_model::{EnvironmentId, FlowId, Payload, RunId, Value};
use holon_platform::clock::SystemClock;
use holon_platform::db::test_db::TestDb;
use holon_runtime::store::mem::{Fault, MemStore};
use holon_runtime::store::pg::PgStore;
use holon_runtime::store::{LiveStatus, RecordChange, StateOf, StateRow};
use holon_runtime::{Answer, RuntimeHandle};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::support::{React, World, end, keyed, tenant, until};

/// Counts, and tells the number.
const COUNT: &str = r#"{"holon": 1, "name": "count", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "count": {"kind": "state.increment@1", "config": {"key": "n"}},
    "tell": {"kind": "event.publish@1", "config": {"subject": "counted"}}},
  "edges": [{"from": "start.out", "to": "count.in"}, {"from": "count.out", "to": "tell.in"}],
  "result": {"$cel": "nodes.count"}}"#;

/// Commits of an undisturbed run of it: its start, and the result of each step.
const COMMITS: u64 = 3;

fn world() -> (World, MemStore) {
    let store = MemStore::new(SystemClock::shared());
    (World::over(Arc::new(store.clone())), store)
}

fn of(flow: FlowId) -> StateOf {
    StateOf { tenant: tenant(1), environment: EnvironmentId(Uuid::from_u128(0xe1)), flow }
}

async fn kept(world: &World, flow: FlowId) -> Option<String> {
    world.store.state(of(flow), "n").await.unwrap().map(|row| row.value)
}

async fn number(runtime: &RuntimeHandle, run: RunId) -> i64 {
    match end(runtime, run).await {
        Answer::Ended(Outcome::Ok(Payload::Inline(Value::Int(number)))) => number,
        other => panic!("the run gives a number: {other:?}"),
    }
}

async fn many(world: &World) {
    const RUNS: i64 = 60;
    let flow = world.shelf.publish(COUNT);
    let runtime = world.runtime().await;
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        runs.push(runtime.start(world.request(flow)).await.unwrap().run);
    }
    let mut numbers = Vec::new();
    for run in runs {
        numbers.push(number(&runtime, run).await);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=RUNS).collect::<Vec<_>>(), "each run got a number of its own");
    assert_eq!(kept(world, flow).await, Some(RUNS.to_string()));
    runtime.drain(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn of_runs_that_count_at_once_each_gets_a_number_of_its_own() {
    many(&world().0).await;
}

#[tokio::test]
async fn of_runs_that_count_at_once_each_gets_a_number_of_its_own_in_postgres() {
    let db = TestDb::new().await;
    many(&World::over(Arc::new(PgStore::new(db.pool_apart())))).await;
    let events: i64 =
        sqlx::query_scalar("select count(*) from event_outbox").fetch_one(&db.pools.engine).await.unwrap();
    assert_eq!(events, 60);
}

#[tokio::test]
async fn a_kill_around_any_commit_counts_once_and_tells_once() {
    for fault in [Fault::HangBefore, Fault::HangAfter] {
        for nth in 1..=COMMITS {
            let (world, store) = world();
            let flow = world.shelf.publish(COUNT);
            let (happened, mut seen) = (Arc::new(Notify::new()), 0);
            let told = happened.clone();
            store.fail(move |_| {
                seen += 1;
                if seen == nth {
                    told.notify_one();
                    return fault;
                }
                Fault::None
            });
            let first = world.runtime().await;
            let mut request = world.request(flow);
            request.idempotency = keyed("order-7");
            let starting = tokio::spawn({
                let (runtime, request) = (first.clone(), request.clone());
                async move { runtime.start(request).await }
            });
            happened.notified().await;
            first.abort();
            // Not acknowledged where the start itself was cut off.
            let _ = starting.await.unwrap();
            store.heal();
            let second = world.runtime().await;
            let mut again = world.request(flow);
            again.idempotency = keyed("order-7");
            let run = second.start(again).await.unwrap().run;
            assert_eq!(number(&second, run).await, 1, "{fault:?} at {nth}");
            assert_eq!(kept(&world, flow).await.as_deref(), Some("1"), "{fault:?} at {nth}");
            assert_eq!(store.states().events().len(), 1, "{fault:?} at {nth}");
            second.drain(Duration::from_secs(5)).await;
        }
    }
}

#[tokio::test]
async fn what_comes_too_late_is_done_again_on_what_is_there() {
    let (world, store) = world();
    let flow = world.shelf.publish(COUNT);
    let runtime = world.runtime().await;
    // Somebody else changes the key between what the step read and its commit; twice.
    let (other, mut left) = (store.clone(), 2_u128);
    store.fail(move |batch| {
        let counts = |change: &RecordChange| matches!(change, RecordChange::State(_));
        if left > 0 && batch.writes.iter().flat_map(|write| &write.changes).any(counts) {
            let row = StateRow { revision: Uuid::from_u128(left), value: (left * 10).to_string() };
            other.states().put(of(flow), "n", Some(row));
            left -= 1;
        }
        Fault::None
    });
    let run = runtime.start(world.request(flow)).await.unwrap().run;
    assert_eq!(number(&runtime, run).await, 11);
    assert_eq!(kept(&world, flow).await.as_deref(), Some("11"));
    // The journal knows nothing of what was not written.
    assert_eq!(world.store.journal(tenant(1), run, 0).await.unwrap().len(), 3);
    runtime.drain(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_counts_once() {
    for fault in [Fault::LostBefore, Fault::LostAfter, Fault::Unreachable] {
        let (world, store) = world();
        let flow = world.shelf.publish(COUNT);
        let mut seen = 0;
        store.fail(move |_| {
            seen += 1;
            if seen == 2 { fault } else { Fault::None }
        });
        let runtime = world.runtime().await;
        let run = runtime.start(world.request(flow)).await.unwrap().run;
        assert_eq!(number(&runtime, run).await, 1, "{fault:?}");
        assert_eq!(kept(&world, flow).await.as_deref(), Some("1"), "{fault:?}");
        runtime.drain(Duration::from_secs(5)).await;
    }
}

#[tokio::test]
async fn a_paused_run_changes_nothing_until_it_goes_on() {
    const CALLS: &str = r#"{"holon": 1, "name": "calls", "nodes": {
        "start": {"kind": "trigger.manual@1"}, "call": {"kind": "test.call@1"},
        "count": {"kind": "state.increment@1", "config": {"key": "n"}}},
      "edges": [{"from": "start.out", "to": "call.in"}, {"from": "call.out", "to": "count.in"}],
      "result": {"$cel": "nodes.count"}}"#;
    let (world, store) = world();
    let flow = world.shelf.publish(CALLS);
    let go = Arc::new(Notify::new());
    let told = go.clone();
    world.ledger.react(move |_| React::After(told.clone()));
    let runtime = world.runtime().await;
    let run = runtime.start(world.request(flow)).await.unwrap().run;
    world.ledger.reached(1).await;
    runtime.pause(tenant(1), run, "ada".into(), "paused by ada".into()).await.unwrap();
    let commits = store.commits();
    go.notify_one();
    until(|| store.commits() > commits).await;
    assert_eq!(kept(&world, flow).await, None);
    runtime.resume(tenant(1), run).await.unwrap();
    assert_eq!(number(&runtime, run).await, 1);
    assert_eq!(kept(&world, flow).await.as_deref(), Some("1"));
    let live = world.store.live(&(0..256).collect::<Vec<_>>()).await.unwrap();
    assert!(live.iter().all(|row| row.status != LiveStatus::Paused));
    runtime.drain(Duration::from_secs(5)).await;
}

/// Two replicas read the same key at once again and again: whoever is later does it again on what the other left.
async fn two_replicas(world: World) {
    const EACH: i64 = 30;
    let flow = world.shelf.publish(COUNT);
    let first = world.runtime().await;
    let second = world.runtime_as(false).await;
    until(|| second.shards().len() == 128 && first.shards().len() == 128 && first.ready() && second.ready()).await;
    let start = |by: &RuntimeHandle| {
        let (mut request, by) = (world.request(flow), by.clone());
        request.run = by.mint();
        async move { by.start(request).await.unwrap().run }
    };
    let starts = (0..EACH).flat_map(|_| [start(&first), start(&second)]);
    let runs = futures::future::join_all(starts).await;
    let mut numbers = Vec::new();
    for run in runs {
        numbers.push(number(&first, run).await);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=2 * EACH).collect::<Vec<_>>(), "each run got a number of its own");
    assert_eq!(kept(&world, flow).await, Some((2 * EACH).to_string()));
    second.drain(Duration::from_secs(5)).await;
    first.drain(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn runs_of_two_replicas_that_count_the_same_key_get_numbers_of_their_own() {
    two_replicas(world().0).await;
}

#[tokio::test]
async fn runs_of_two_replicas_that_count_the_same_key_get_numbers_of_their_own_in_postgres() {
    let db = TestDb::new().await;
    two_replicas(World::over(Arc::new(PgStore::new(db.pool_apart())))).await;
}
