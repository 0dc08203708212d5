//! Kills at every point of a run, over the store in memory, with the ledger as witness: no acknowledged run is lost, one
//! start gives one run, and each effect has one key.

use std::sync::Arc;
use std::time::Duration;

use holon_engine::Outcome;
use holon_platform::clock::SystemClock;
use holon_runtime::StartError;
use holon_runtime::store::mem::{Fault, MemStore};
use tokio::sync::Notify;

use crate::support::{React, THREE_STEPS, World, end, keyed, tenant};

/// Commits of an undisturbed run of three steps.
const COMMITS: u64 = 4;

fn world() -> (World, MemStore) {
    let store = MemStore::new(SystemClock::shared());
    (World::over(Arc::new(store.clone())), store)
}

/// Makes the `nth` commit from now fail in this way, once; the rest works.
fn fail_nth(store: &MemStore, nth: u64, fault: Fault) -> Arc<Notify> {
    let happened = Arc::new(Notify::new());
    let told = happened.clone();
    let mut seen = 0;
    store.fail(move |_| {
        seen += 1;
        if seen == nth {
            told.notify_one();
            return fault;
        }
        Fault::None
    });
    happened
}

/// Starts with a key, lets the process be killed, starts again and asks again: all promises must hold.
async fn killed(world: &World, kill: impl Future<Output = ()>) {
    let flow = world.shelf.publish(THREE_STEPS);
    let first = world.runtime().await;
    let mut request = world.request(flow);
    request.idempotency = keyed("order-7");
    let starting = tokio::spawn({
        let (runtime, request) = (first.clone(), request.clone());
        async move { runtime.start(request).await }
    });
    kill.await;
    first.abort();
    let acknowledged = starting.await.unwrap();

    let second = world.runtime().await;
    // Whoever was not answered asks again; whoever was may.
    let mut again = world.request(flow);
    again.idempotency = keyed("order-7");
    let started = second.start(again).await.expect("the second server works");
    if let Ok(acknowledged) = acknowledged {
        assert_eq!(acknowledged.run, started.run, "an acknowledged run is the run");
        assert!(started.replayed);
    }
    let answer = end(&second, started.run).await;
    assert!(matches!(answer, holon_runtime::Answer::Ended(Outcome::Ok(_))), "{answer:?}");
    let entries = world.ledger.entries();
    assert_eq!(entries.len(), 3, "one run did three effects: {entries:?}");
    assert!(entries.iter().all(|((run, _), keys)| *run == started.run && keys.len() == 1), "{entries:?}");
    // Gap-free, and each input once.
    assert_eq!(world.store.journal(tenant(1), started.run, 0).await.unwrap().len(), 4);
    second.drain(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_kill_before_any_commit_is_sent_loses_nothing_that_was_promised() {
    for nth in 1..=COMMITS {
        let (world, store) = world();
        let happened = fail_nth(&store, nth, Fault::HangBefore);
        killed(&world, happened.notified()).await;
    }
}

#[tokio::test]
async fn a_kill_after_any_commit_is_done_and_before_its_answer_does_nothing_twice() {
    for nth in 1..=COMMITS {
        let (world, store) = world();
        let happened = fail_nth(&store, nth, Fault::HangAfter);
        killed(&world, happened.notified()).await;
    }
}

#[tokio::test]
async fn a_kill_while_any_effect_is_being_done_gives_it_the_same_key_again() {
    for nth in 1..=3 {
        let (world, _) = world();
        let mut seen = 0;
        world.ledger.react(move |_| {
            seen += 1;
            if seen == nth { React::Hang } else { React::Echo }
        });
        let ledger = world.ledger.clone();
        killed(&world, async move { ledger.reached(nth).await }).await;
        assert_eq!(world.ledger.calls().len(), 4, "only the one that hung was done again");
    }
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_nothing_is_done_twice() {
    for fault in [Fault::LostBefore, Fault::LostAfter, Fault::Unreachable] {
        for nth in 1..=COMMITS {
            let (world, store) = world();
            let flow = world.shelf.publish(THREE_STEPS);
            let runtime = world.runtime().await;
            fail_nth(&store, nth, fault);
            let mut request = world.request(flow);
            request.idempotency = keyed("order-8");
            let run = request.run;
            let started = runtime.start(request).await.expect("the store comes back");
            assert_eq!((started.run, started.replayed), (run, false));
            end(&runtime, run).await;
            assert_eq!(world.ledger.calls().len(), 3);
            assert_eq!(world.store.journal(tenant(1), run, 0).await.unwrap().len(), 4);
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_starts_and_runs_under_way_go_on_when_there_is_space() {
    let (world, store) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    // The start is written, then the disk is full.
    let full = Arc::new(Notify::new());
    let (told, mut commits) = (full.clone(), 0);
    store.fail(move |_| {
        commits += 1;
        if commits == 1 {
            return Fault::None;
        }
        told.notify_one();
        Fault::Full
    });
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    full.notified().await;
    assert_eq!(runtime.start(world.request(flow)).await, Err(StartError::StorageFull));
    store.heal();
    end(&runtime, run).await;
    assert_eq!(world.ledger.calls().len(), 3);
}

#[tokio::test]
async fn a_start_that_the_store_does_not_take_in_time_is_not_acknowledged_and_is_not_there() {
    let (mut world, store) = world();
    world.start_within = Duration::from_millis(50);
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    store.fail(|_| Fault::Unreachable);
    let request = world.request(flow);
    let run = request.run;
    assert_eq!(runtime.start(request).await, Err(StartError::Unavailable));
    store.heal();
    let request = world.request(flow);
    let next = request.run;
    runtime.start(request).await.expect("the store is back");
    end(&runtime, next).await;
    assert_eq!(world.store.history(tenant(1), run).await.unwrap(), None);
}

#[tokio::test]
async fn one_run_that_cannot_be_stored_is_parked_and_the_others_of_its_batch_go_on() {
    let (world, store) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    let requests: Vec<_> = (0..40).map(|_| world.request(flow)).collect();
    let runs: Vec<_> = requests.iter().map(|request| request.run).collect();
    let poisoned = runs[17];
    let mut begun = false;
    store.fail(move |batch| {
        // Its start is fine, what follows is not.
        begun |= batch.writes.iter().any(|write| write.run == poisoned && write.start.is_some());
        let starts = batch.writes.iter().any(|write| write.run == poisoned && write.start.is_some());
        if begun && !starts { Fault::Poison(poisoned) } else { Fault::None }
    });
    let started = futures::future::join_all(requests.into_iter().map(|request| runtime.start(request))).await;
    assert!(started.iter().all(Result::is_ok), "{started:?}");
    for run in runs.iter().filter(|run| **run != poisoned) {
        end(&runtime, *run).await;
    }
    let shards: Vec<i16> = (0..256).collect();
    let row = loop {
        let rows = world.store.live(&shards).await.unwrap();
        if let [row] = &rows[..]
            && row.reason.is_some()
        {
            break row.clone();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(row.run, poisoned);
    assert!(row.reason.unwrap().starts_with("storage_refused"));
}

#[tokio::test]
async fn nothing_is_done_or_told_before_what_it_depends_on_is_durable() {
    for nth in 1..=COMMITS {
        let (mut world, store) = world();
        world.drivers = 1;
        let flow = world.shelf.publish(THREE_STEPS);
        let runtime = world.runtime().await;
        let happened = fail_nth(&store, nth, Fault::HangBefore);
        let request = world.request(flow);
        let run = request.run;
        let mut answer = std::pin::pin!(runtime.expect_answer(tenant(1), run).answer());
        let mut starting = std::pin::pin!(runtime.start(request));
        if nth == 1 {
            tokio::select! { _ = &mut starting => panic!("told too early"), () = happened.notified() => {} }
        } else {
            starting.await.unwrap();
            happened.notified().await;
        }
        // One thread: after these everything that could happen has happened.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert!(futures::poll!(&mut answer).is_pending());
        assert_eq!(world.ledger.calls().len() as u64, nth - 1);
        assert_eq!(world.store.journal(tenant(1), run, 0).await.unwrap().len() as u64, nth - 1);
        runtime.abort();
    }
}
