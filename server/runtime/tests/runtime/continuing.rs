//! Runs that go on in other ones, and the signals that came to them: whatever was acknowledged is used, once and in order.

use std::sync::Arc;

use holon_engine::{Input, Outcome, decode_input, encode_input};
use holon_model::{Payload, ReplicaId, RunId, Value};
use holon_runtime::store::mem::{Fault, MemStore};
use holon_runtime::{Answer, DeliverError, Delivered, RuntimeHandle};

use crate::support::{React, World, tenant};
use crate::worlds::{in_memory, in_postgres};

/// Takes one signal, does something, and goes on in another run until all are handled; the last one gives what it took.
const ACTOR: &str = r#"{"holon": 1, "name": "actor", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "order": {"kind": "flow.signal@1", "config": {"name": "order"}},
    "handle": {"kind": "test.call@1"},
    "more": {"kind": "when@1", "config": {"if": {"$cel": "trigger.n > 0"}}},
    "again": {"kind": "flow.continue@1", "config": {"input": {"n": {"$cel": "trigger.n - 1"},
      "taken": {"$cel": "(has(trigger.taken) ? trigger.taken : []) + [nodes.order]"}}}}},
  "edges": [{"from": "start.out", "to": "order.in"}, {"from": "order.out", "to": "handle.in"}, {"from": "handle.out", "to": "more.in"},
    {"from": "more.true", "to": "again.in"}],
  "result": {"$cel": "(has(trigger.taken) ? trigger.taken : []) + [nodes.order]"}}"#;

fn order(n: i64) -> Input {
    Input::Signal {
        name: "order".into(),
        correlation: String::new(),
        sender: format!("shop-{n}"),
        payload: Payload::Inline(Value::Int(n)),
    }
}

/// Starts one that goes on so many times.
async fn start(world: &World, runtime: &RuntimeHandle, times: i64) -> RunId {
    let mut request = world.request(world.shelf.publish(ACTOR));
    request.input = Value::map([("n", Value::Int(times))]);
    let run = request.run;
    runtime.start(request).await.unwrap();
    run
}

/// The orders that a chain of runs took, in its order.
fn took(numbers: impl IntoIterator<Item = i64>) -> Answer {
    Answer::Ended(Outcome::Ok(Payload::Inline(Value::list(numbers.into_iter().map(Value::Int)))))
}

/// Sends it until somebody says what became of it.
async fn send(runtime: &RuntimeHandle, run: RunId, n: i64) -> Result<Delivered, DeliverError> {
    loop {
        match runtime.deliver(tenant(1), run, order(n)).await {
            Err(DeliverError::Unavailable) => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
}

fn is_duplicate(answer: &Result<Delivered, DeliverError>) -> bool {
    matches!(answer, Err(DeliverError::Refused { code: "duplicate_signal", .. }))
}

/// How the last of a chain of runs ended.
async fn end(runtime: &RuntimeHandle, run: RunId) -> Answer {
    loop {
        match crate::support::end(runtime, run).await {
            // The next one is being started: whoever asks may ask again.
            Answer::Ended(Outcome::Continued { .. }) => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
}

/// Whether a run has ended as continued.
async fn has_continued(world: &World, run: RunId) -> bool {
    let row = world.store.history(tenant(1), run).await.unwrap();
    row.and_then(|row| row.ended).is_some_and(|ended| ended.status == "continued")
}

async fn continued(world: &World, run: RunId) {
    while !has_continued(world, run).await {
        tokio::task::yield_now().await;
    }
}

/// All orders come to the first run before it has handled one, each twice.
async fn early_ones_go_on(world: World) {
    let runtime = world.runtime().await;
    let told = Arc::new(tokio::sync::Notify::new());
    let (mut first, wait) = (true, told.clone());
    world.ledger.react(move |_| if std::mem::take(&mut first) { React::After(wait.clone()) } else { React::Echo });
    let run = start(&world, &runtime, 5).await;
    for n in 0..6 {
        assert_eq!(send(&runtime, run, n).await, Ok(Delivered::TakenIn));
    }
    world.ledger.reached(1).await;
    told.notify_one();
    assert_eq!(end(&runtime, run).await, took(0..6));
    assert_eq!(world.ledger.calls().len(), 6);
    let over = runtime.deliver(tenant(1), run, order(9)).await;
    assert_eq!(over, Err(DeliverError::Over), "the last of them is over, and nothing goes on for it");
}

#[tokio::test]
async fn signals_that_came_early_go_on_with_the_run() {
    early_ones_go_on(in_memory().0).await;
}

#[tokio::test]
async fn signals_that_came_early_go_on_with_the_run_in_postgres() {
    let (world, _db) = in_postgres().await;
    early_ones_go_on(world).await;
}

/// Whoever sends knows the first run only, and sends everything again to whichever.
async fn the_first_is_enough(world: World) {
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, 3).await;
    for n in 0..3 {
        assert_eq!(send(&runtime, run, n).await, Ok(Delivered::TakenIn), "{n}");
        world.ledger.reached(usize::try_from(n).unwrap() + 1).await;
        continued(&world, run).await;
        for earlier in 0..=n {
            let again = send(&runtime, run, earlier).await;
            assert!(is_duplicate(&again), "{earlier} after {n}: {again:?}");
        }
    }
    assert_eq!(send(&runtime, run, 3).await, Ok(Delivered::TakenIn));
    assert_eq!(end(&runtime, run).await, took(0..4));
}

#[tokio::test]
async fn a_signal_to_a_run_that_went_on_reaches_the_one_that_goes_on_for_it_once() {
    the_first_is_enough(in_memory().0).await;
}

#[tokio::test]
async fn a_signal_to_a_run_that_went_on_reaches_the_one_that_goes_on_for_it_once_in_postgres() {
    let (world, _db) = in_postgres().await;
    the_first_is_enough(world).await;
}

/// How many runs further a signal is passed on.
const FURTHEST: i64 = 32;

#[tokio::test]
async fn a_late_signal_is_passed_on_over_as_many_runs_as_may_be_and_then_its_sender_is_told_where_to() {
    let (world, _) = in_memory();
    let runtime = world.runtime().await;
    let first = start(&world, &runtime, FURTHEST + 2).await;
    for n in 0..=FURTHEST {
        assert_eq!(send(&runtime, first, n).await, Ok(Delivered::TakenIn), "over {n} runs");
        world.ledger.reached(usize::try_from(n).unwrap() + 1).await;
    }
    // Until the last of them has gone on the signal is that one's, who has taken one already and keeps it.
    let refused = loop {
        match send(&runtime, first, FURTHEST + 1).await {
            Err(DeliverError::Refused { code: "run_continued", message }) => break message,
            Err(DeliverError::Refused { code: "duplicate_signal", .. }) | Ok(_) => tokio::task::yield_now().await,
            other => panic!("{other:?}"),
        }
    };
    let further: RunId =
        refused.split_whitespace().find_map(|word| word.trim_end_matches(',').parse().ok()).expect("a run is named");
    let answer = send(&runtime, further, FURTHEST + 1).await;
    assert!(matches!(answer, Ok(Delivered::TakenIn)) || is_duplicate(&answer), "{answer:?}");
    let last = send(&runtime, further, FURTHEST + 2).await;
    assert_eq!(last, Ok(Delivered::TakenIn));
    assert_eq!(end(&runtime, further).await, took(0..=FURTHEST + 2));
}

/// A letter was left for a run, whose sender was told that it is kept, and the run has gone on in another one before it is read.
async fn a_letter_is_passed_on(world: World) {
    // Whether it is read before is not for this test to say: mostly it is not.
    for _ in 0..20 {
        let runtime = world.runtime().await;
        let run = start(&world, &runtime, 1).await;
        let sender = ReplicaId(world.run_id().0);
        let posted = world.store.post(tenant(1), run, sender, &encode_input(&order(1))).await.unwrap();
        assert!(posted.is_some(), "it lives");
        assert_eq!(send(&runtime, run, 0).await, Ok(Delivered::TakenIn));
        assert_eq!(end(&runtime, run).await, took([0, 1]));
        let entries = world.store.journal(tenant(1), run, 0).await.unwrap();
        let came =
            entries.iter().filter(|entry| matches!(decode_input(&entry.input), Ok(Input::Signal { .. }))).count();
        runtime.drain(std::time::Duration::from_secs(5)).await;
        if came == 1 {
            return;
        }
    }
    panic!("every letter was read before its run had gone on");
}

#[tokio::test]
async fn a_letter_that_was_kept_for_a_run_that_went_on_reaches_the_one_that_goes_on_for_it() {
    a_letter_is_passed_on(in_memory().0).await;
}

#[tokio::test]
async fn a_letter_that_was_kept_for_a_run_that_went_on_reaches_the_one_that_goes_on_for_it_in_postgres() {
    let (world, _db) = in_postgres().await;
    a_letter_is_passed_on(world).await;
}

/// Signals that are kept while the run is paused, and come after the one with which it ends.
async fn kept_ones_go_on(world: World, crash: impl AsyncFn(&World, RuntimeHandle, RunId) -> RuntimeHandle) {
    let mut runtime = world.runtime().await;
    let run = start(&world, &runtime, 3).await;
    let told = Arc::new(tokio::sync::Notify::new());
    let wait = told.clone();
    let mut calls = 0;
    world.ledger.react(move |_| {
        calls += 1;
        if calls == 1 { React::After(wait.clone()) } else { React::Echo }
    });
    assert_eq!(send(&runtime, run, 0).await, Ok(Delivered::TakenIn));
    world.ledger.reached(1).await;
    runtime.pause(tenant(1), run, "ada".into(), String::new()).await.unwrap();
    // Its answer ends the run when that goes on, and stands before the signals.
    told.notify_one();
    while world.store.kept(tenant(1), run).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    for n in 1..4 {
        assert_eq!(send(&runtime, run, n).await, Ok(Delivered::Kept));
    }
    runtime = crash(&world, runtime, run).await;
    assert_eq!(end(&runtime, run).await, took(0..4));
    until_nothing_is_kept(&world, run).await;
}

async fn until_nothing_is_kept(world: &World, run: RunId) {
    while !world.store.kept(tenant(1), run).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

async fn resume(_: &World, runtime: RuntimeHandle, run: RunId) -> RuntimeHandle {
    runtime.resume(tenant(1), run).await.unwrap();
    runtime
}

#[tokio::test]
async fn signals_that_were_kept_in_a_pause_go_on_with_the_run() {
    kept_ones_go_on(in_memory().0, resume).await;
}

#[tokio::test]
async fn signals_that_were_kept_in_a_pause_go_on_with_the_run_in_postgres() {
    let (world, _db) = in_postgres().await;
    kept_ones_go_on(world, resume).await;
}

#[tokio::test]
async fn signals_that_were_kept_in_a_pause_go_on_with_the_run_across_a_crash_in_every_commit() {
    for fault in [Fault::HangBefore, Fault::HangAfter] {
        // The resume with the end of the run, the start of the next one, and that nothing is owed any more.
        for nth in 1..=3 {
            let (world, store) = in_memory();
            kept_ones_go_on(world, async |world, runtime, run| killed(world, &store, runtime, run, (nth, fault)).await)
                .await;
        }
    }
}

/// Resumes the run, kills the process in one of the commits that follow, and goes on in another one.
async fn killed(
    world: &World,
    store: &MemStore,
    runtime: RuntimeHandle,
    run: RunId,
    (nth, fault): (u32, Fault),
) -> RuntimeHandle {
    let happened = Arc::new(tokio::sync::Notify::new());
    let (told, mut seen) = (happened.clone(), 0);
    store.fail(move |_| {
        seen += 1;
        if seen != nth {
            return Fault::None;
        }
        told.notify_one();
        fault
    });
    let resuming = tokio::spawn({
        let runtime = runtime.clone();
        async move { runtime.resume(tenant(1), run).await }
    });
    happened.notified().await;
    runtime.abort();
    resuming.abort();
    store.heal();
    // Where the process was killed before it was durable, nobody has resumed it.
    let over = store.is_over(tenant(1), run);
    let runtime = world.runtime().await;
    let again = runtime.resume(tenant(1), run).await;
    assert_eq!(again.is_ok(), !over, "{again:?}");
    runtime
}
