//! What runs ask of each other and of people: calls of other flows, going on in a new run, signals and tasks; each across a crash.

use std::sync::Arc;

use holon_engine::{Input, Outcome};
use holon_flow::capability::NodeError;
use holon_model::{Payload, RunId, Value};
use holon_platform::clock::SystemClock;
use holon_platform::db::test_db::TestDb;
use holon_runtime::store::mem::{Fault, MemStore};
use holon_runtime::store::pg::PgStore;
use holon_runtime::store::{Asks as _, LiveStatus, Store as _};
use holon_runtime::{Answer, CancelError, DeliverError, Delivered, RetryError, RuntimeHandle};

use crate::support::{React, World, end, tenant, until};

fn world() -> (World, MemStore) {
    let store = MemStore::new(SystemClock::shared());
    (World::over(Arc::new(store.clone())), store)
}

fn ok(value: Value) -> Answer {
    Answer::Ended(Outcome::Ok(Payload::Inline(value)))
}

fn signal(sender: &str, n: i64) -> Input {
    Input::Signal {
        name: "paid".into(),
        correlation: "7".into(),
        sender: sender.into(),
        payload: Payload::Inline(Value::map([("paid", Value::Int(n))])),
    }
}

const SIGNALLED: &str = r#"{"holon": 1, "name": "signalled", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "paid": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": {"$cel": "string(input.n)"}}}},
  "edges": [{"from": "start.out", "to": "paid.in"}]}"#;
const APPROVED: &str = r#"{"holon": 1, "name": "approved", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "ask": {"kind": "flow.approval@1", "config": {"title": "Pay?",
      "choices": [{"port": "approve", "label": "Pay"}, {"port": "reject", "label": "Do not pay"}]}},
    "yes": {"kind": "test.call@1"}, "no": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "ask.in"}, {"from": "ask.approve", "to": "yes.in"}, {"from": "ask.reject", "to": "no.in"}],
  "result": {"$cel": "has(nodes.yes) ? 'paid' : 'not paid'"}}"#;
const CALLED: &str = r#"{"holon": 1, "name": "called", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "call": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "call.in"}], "result": {"$cel": "nodes.call.n + 1"}}"#;
const SLEEPS: &str = r#"{"holon": 1, "name": "sleeps", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "nap": {"kind": "flow.wait@1", "config": {"for": "1h"}}},
  "edges": [{"from": "start.out", "to": "nap.in"}]}"#;
const COUNTS: &str = r#"{"holon": 1, "name": "counts", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "more": {"kind": "when@1", "config": {"if": {"$cel": "input.n < 9"}}},
    "on": {"kind": "flow.continue@1", "config": {"input": {"n": {"$cel": "input.n + 1"}}}},
    "call": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "more.in"}, {"from": "more.true", "to": "on.in"}, {"from": "more.false", "to": "call.in"}]}"#;

fn calls(flow: holon_model::FlowId) -> String {
    format!(
        r#"{{"holon": 1, "name": "calls", "nodes": {{
            "start": {{"kind": "trigger.manual@1"}}, "other": {{"kind": "flow@1", "config": {{"flow": "{flow}"}}}}}},
          "edges": [{{"from": "start.out", "to": "other.in"}}], "result": {{"$cel": "nodes.other"}}}}"#
    )
}

async fn start(world: &World, runtime: &RuntimeHandle, flow: holon_model::FlowId) -> RunId {
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    run
}

/// Waits until a run waits for the signal.
async fn waiting(world: &World, store: &MemStore) -> Vec<RunId> {
    let request = world.request(world.shelf.publish(SLEEPS));
    loop {
        let runs = store.waiting(tenant(1), request.environment, "paid", "7").await.unwrap();
        if !runs.is_empty() {
            return runs;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_signal_is_found_by_its_correlation_and_taken_once() {
    let (world, store) = world();
    let runtime = world.runtime().await;
    let flow = world.shelf.publish(SIGNALLED);
    let run = start(&world, &runtime, flow).await;
    // The row came with the run: whoever was told of it finds it.
    let environment = world.request(flow).environment;
    assert_eq!(store.waiting(tenant(1), environment, "paid", "7").await.unwrap(), [run]);
    runtime.deliver(tenant(1), run, signal("bank-1", 1)).await.unwrap();
    assert_eq!(end(&runtime, run).await, ok(Value::map([("paid", Value::Int(1))])));
    assert_eq!(store.waiting(tenant(1), environment, "paid", "7").await.unwrap(), []);
    let again = runtime.deliver(tenant(1), run, signal("bank-1", 2)).await;
    assert_eq!(again, Err(DeliverError::Over));
    // Whose run it is decides, not who knows its id.
    assert_eq!(runtime.deliver(tenant(2), run, signal("bank-2", 1)).await, Err(DeliverError::NotFound));
}

#[tokio::test]
async fn what_waited_before_a_crash_waits_after_it_and_what_is_over_waits_for_nothing() {
    let (world, store) = world();
    let runtime = world.runtime().await;
    let flow = world.shelf.publish(SIGNALLED);
    let run = start(&world, &runtime, flow).await;
    waiting(&world, &store).await;
    runtime.abort();
    let runtime = world.runtime().await;
    assert_eq!(waiting(&world, &store).await, [run]);
    runtime.deliver(tenant(1), run, signal("bank-1", 1)).await.unwrap();
    end(&runtime, run).await;
    let environment = world.request(flow).environment;
    while !store.waiting(tenant(1), environment, "paid", "7").await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_first_answer_to_a_task_wins_across_a_crash() {
    let (world, store) = world();
    let runtime = world.runtime().await;
    let flow = world.shelf.publish(APPROVED);
    let run = start(&world, &runtime, flow).await;
    until(|| store.asks().tasks(run).iter().any(|row| row.state == "open")).await;
    runtime.abort();
    let runtime = world.runtime().await;
    let task = store.asks().tasks(run)[0].task.id;
    let answer = |choice: &str| Input::TaskAnswered {
        id: task,
        choice: choice.into(),
        form: Payload::Inline(Value::Null),
        by: "ada".into(),
    };
    let strange = runtime.deliver(tenant(1), run, answer("perhaps")).await;
    assert!(matches!(strange, Err(DeliverError::Refused { code: "unknown_choice", .. })), "{strange:?}");
    let (one, two) = tokio::join!(
        runtime.deliver(tenant(1), run, answer("approve")),
        runtime.deliver(tenant(1), run, answer("reject"))
    );
    assert_eq!((one.is_ok(), two.is_ok()), (true, false), "{one:?} {two:?}");
    assert_eq!(end(&runtime, run).await, ok(Value::from("paid")));
    assert_eq!(store.asks().tasks(run)[0].state, "answered");
    assert_eq!(store.asks().tasks(run)[0].choice.as_deref(), Some("approve"));
}

#[tokio::test]
async fn a_called_flow_runs_once_and_its_output_is_the_nodes() {
    let (world, store) = world();
    let runtime = world.runtime().await;
    let called = world.shelf.publish(CALLED);
    let flow = world.shelf.publish(&calls(called));
    let run = start(&world, &runtime, flow).await;
    assert_eq!(end(&runtime, run).await, ok(Value::Int(8)));
    assert_eq!(world.ledger.calls().len(), 1);
    until(|| runtime_is_empty(&store)).await;
}

fn runtime_is_empty(store: &MemStore) -> bool {
    futures_now(store.live(&(0..256).collect::<Vec<_>>())).unwrap().is_empty()
}

/// The memory store answers at once.
fn futures_now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the memory store does not wait"),
    }
}

#[tokio::test]
async fn a_crash_while_the_called_flow_runs_calls_it_no_second_time() {
    let (world, _store) = world();
    let first = std::sync::atomic::AtomicBool::new(true);
    world.ledger.react(
        move |_| {
            if first.swap(false, std::sync::atomic::Ordering::SeqCst) { React::Hang } else { React::Echo }
        },
    );
    let runtime = world.runtime().await;
    let called = world.shelf.publish(CALLED);
    let flow = world.shelf.publish(&calls(called));
    let run = start(&world, &runtime, flow).await;
    until(|| world.ledger.calls().len() == 1).await;
    runtime.abort();
    let runtime = world.runtime().await;
    assert_eq!(end(&runtime, run).await, ok(Value::Int(8)));
    // Done twice with one key, by one run.
    assert_eq!(world.ledger.entries().len(), 1);
    assert!(world.ledger.entries().values().all(|keys| keys.len() == 1));
}

#[tokio::test]
async fn cancelling_the_caller_cancels_what_it_called_and_waits_for_it() {
    let (world, store) = world();
    let runtime = world.runtime().await;
    let called = world.shelf.publish(SLEEPS);
    let flow = world.shelf.publish(&calls(called));
    let run = start(&world, &runtime, flow).await;
    until(|| futures_now(store.live(&(0..256).collect::<Vec<_>>())).unwrap().len() == 2).await;
    runtime.cancel(tenant(1), run, "enough".into()).await.unwrap();
    assert!(matches!(end(&runtime, run).await, Answer::Ended(Outcome::Cancelled { .. })));
    until(|| runtime_is_empty(&store)).await;
    assert_eq!(runtime.cancel(tenant(1), run, "again".into()).await, Err(CancelError::Over));
}

#[tokio::test]
async fn a_flow_that_is_not_there_fails_the_node_that_calls_it() {
    let (world, _) = world();
    let runtime = world.runtime().await;
    let flow = world.shelf.publish(&calls(holon_model::FlowId(uuid::Uuid::from_u128(9))));
    let run = start(&world, &runtime, flow).await;
    match end(&runtime, run).await {
        Answer::Ended(Outcome::Failed { error }) => assert_eq!(error.code, "unknown_flow"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_run_goes_on_in_new_ones_until_it_is_done_and_none_is_left_behind() {
    let (world, store) = world();
    let runtime = world.runtime().await;
    let flow = world.shelf.publish(COUNTS);
    let run = start(&world, &runtime, flow).await;
    until(|| world.ledger.calls().len() == 1).await;
    until(|| runtime_is_empty(&store)).await;
    let row = store.history(tenant(1), run).await.unwrap().unwrap();
    assert_eq!(row.ended.unwrap().status, "continued");
    let next = store.idempotency(tenant(1), "continue", &run.to_string()).await.unwrap().unwrap();
    let last = store.idempotency(tenant(1), "continue", &next.run.to_string()).await.unwrap().unwrap();
    let ended = store.history(tenant(1), last.run).await.unwrap().unwrap().ended.unwrap();
    assert_eq!(ended.status, "completed");
    assert_eq!(world.ledger.calls()[0].run, last.run);
}

/// The run that another one has called, once both live.
async fn called_by(store: &MemStore, caller: RunId) -> RunId {
    let live = || futures_now(store.live(&(0..256).collect::<Vec<_>>())).unwrap();
    until(|| live().len() == 2).await;
    live().into_iter().map(|row| row.run).find(|run| *run != caller).unwrap()
}

/// A caller whose called run is parked: its journal was damaged while the server was down. No run sleeps, so that this is seen at once.
async fn parked_call(world: &mut World, store: &MemStore) -> (RuntimeHandle, RunId, RunId) {
    world.memory.idle = std::time::Duration::from_secs(86_400);
    let runtime = world.runtime().await;
    let called = world.shelf.publish(SLEEPS);
    let flow = world.shelf.publish(&calls(called));
    let run = start(world, &runtime, flow).await;
    let child = called_by(store, run).await;
    runtime.abort();
    store.tamper(tenant(1), child, |entry| entry.log_hash[0] ^= 1);
    let runtime = world.runtime().await;
    let status = || {
        let rows = futures_now(store.live(&(0..256).collect::<Vec<_>>())).unwrap();
        rows.into_iter().find(|row| row.run == child).map(|row| row.status)
    };
    until(|| status() == Some(LiveStatus::Paused)).await;
    (runtime, run, child)
}

fn is_told(answer: &Answer) -> bool {
    matches!(answer, Answer::Ended(Outcome::Failed { error }) if error.code == "child_cancelled" && error.message.ends_with("give up"))
}

#[tokio::test]
async fn a_parked_run_that_is_ended_by_decree_tells_the_run_that_called_it() {
    let (mut world, store) = world();
    let (runtime, run, child) = parked_call(&mut world, &store).await;
    runtime.cancel(tenant(1), child, "give up".into()).await.unwrap();
    let answer = end(&runtime, run).await;
    assert!(is_told(&answer), "{answer:?}");
    until(|| runtime_is_empty(&store)).await;
}

#[tokio::test]
async fn a_crash_between_the_decree_and_the_word_to_the_caller_loses_no_word() {
    let (mut world, store) = world();
    let (runtime, run, child) = parked_call(&mut world, &store).await;
    store.fail(move |batch| {
        let tells = batch.writes.iter().any(|write| write.run == run && write.journal.is_some());
        if tells { Fault::HangBefore } else { Fault::None }
    });
    runtime.cancel(tenant(1), child, "give up".into()).await.unwrap();
    runtime.abort();
    store.heal();
    let runtime = world.runtime().await;
    let answer = end(&runtime, run).await;
    assert!(is_told(&answer), "{answer:?}");
    until(|| runtime_is_empty(&store)).await;
}

#[tokio::test]
async fn whoever_waits_for_a_run_is_answered_by_the_one_that_goes_on_for_it_and_the_first_is_not_retried() {
    let (world, _) = world();
    let runtime = world.runtime().await;
    let flow = world.shelf.publish(COUNTS);
    let request = world.request(flow);
    let run = request.run;
    let waits = runtime.expect_answer(tenant(1), run);
    runtime.start(request).await.unwrap();
    let answer =
        tokio::time::timeout(std::time::Duration::from_secs(20), waits.answer()).await.expect("it is answered");
    assert!(matches!(answer, Some(Answer::Ended(Outcome::Ok(_)))), "{answer:?}");
    assert_eq!(end(&runtime, run).await, answer.unwrap(), "and so is whoever asks later");
    let again = runtime.retry(tenant(1), run, world.run_id(), "somebody".into(), None, None).await;
    assert_eq!(again, Err(RetryError::NotFailed));
}

#[tokio::test]
async fn what_a_called_run_did_is_kept_and_its_failure_tried_again_with_its_key_when_its_caller_is_retried() {
    let twice = r#"{"holon": 1, "name": "twice", "nodes": {
        "start": {"kind": "trigger.manual@1"}, "a": {"kind": "test.call@1"}, "b": {"kind": "test.call@1"}},
      "edges": [{"from": "start.out", "to": "a.in"}, {"from": "a.out", "to": "b.in"}]}"#;
    let (world, _) = world();
    let runtime = world.runtime().await;
    // A call in a call: what the inner one did is kept too.
    let called = world.shelf.publish(&calls(world.shelf.publish(twice)));
    let flow = world.shelf.publish(&calls(called));
    let mut asked = 0;
    world.ledger.react(move |call| {
        if call.path == "b" {
            return React::Fail(NodeError::new("no", "no"));
        }
        // Asked again it would give something else, and the next step would ask for something else under a known key.
        asked += 1;
        React::Value(Value::Int(asked))
    });
    let mut run = start(&world, &runtime, flow).await;
    for _ in 0..3 {
        assert!(matches!(end(&runtime, run).await, Answer::Ended(Outcome::Failed { .. })));
        // A retry, a retry of that one, and so on.
        let new = world.run_id();
        runtime.retry(tenant(1), run, new, "somebody".into(), None, None).await.unwrap();
        run = new;
    }
    end(&runtime, run).await;
    let keys = |path: &str| {
        let calls = world.ledger.calls();
        let keys: Vec<_> = calls.iter().filter(|call| call.path == path).map(|call| call.key.clone()).collect();
        (keys.len(), keys.into_iter().collect::<std::collections::BTreeSet<_>>().len())
    };
    assert_eq!((keys("a"), keys("b")), ((1, 1), (4, 1)));
}

#[tokio::test]
async fn a_called_run_that_undid_what_it_had_done_does_it_anew_with_keys_of_its_own_when_its_caller_is_retried() {
    let booked = r#"{"holon": 1, "name": "booked", "nodes": {
        "start": {"kind": "trigger.manual@1"},
        "trip": {"kind": "saga@1", "config": {"steps": [{"step": "book", "compensate": "undo"}, {"step": "pay"}]}, "bodies": {
          "book": {"nodes": {"book": {"kind": "test.call@1"}}, "edges": []},
          "undo": {"nodes": {"undo": {"kind": "test.call@1"}}, "edges": []},
          "pay": {"nodes": {"pay": {"kind": "test.call@1"}}, "edges": []}}}},
      "edges": [{"from": "start.out", "to": "trip.in"}]}"#;
    let (world, _) = world();
    let runtime = world.runtime().await;
    let flow = world.shelf.publish(&calls(world.shelf.publish(booked)));
    let mut tried = false;
    world.ledger.react(move |call| {
        let first = call.path.ends_with("pay") && !tried;
        tried |= first;
        if first { React::Fail(NodeError::new("no", "no")) } else { React::Echo }
    });
    let run = start(&world, &runtime, flow).await;
    assert!(matches!(end(&runtime, run).await, Answer::Ended(Outcome::Failed { .. })));
    let new = world.run_id();
    runtime.retry(tenant(1), run, new, "somebody".into(), None, None).await.unwrap();
    assert!(matches!(end(&runtime, new).await, Answer::Ended(Outcome::Ok(_))));
    let calls = world.ledger.calls();
    let done =
        |path: &str| calls.iter().filter(|call| call.path.ends_with(path)).map(|call| &call.key).collect::<Vec<_>>();
    assert!(matches!(done("book")[..], [then, now] if then != now), "the booking of then was undone");
    assert_eq!(done("undo").len(), 1);
}

#[tokio::test]
async fn what_an_older_meaning_asks_anew_under_the_id_that_was_answered_can_be_answered_again() {
    let (mut world, store) = world();
    // Of the second meaning: a saga that is tried again asks as it asked before.
    world.semantics = 2;
    let saga = r#"{"holon": 1, "name": "again", "nodes": {"start": {"kind": "trigger.manual@1"},
        "trip": {"kind": "saga@1", "config": {"steps": [{"step": "book", "compensate": "undo", "retry": {"attempts": 1}}, {"step": "fail"}]},
          "policies": {"retry": {"attempts": 2, "initial": 0}}, "bodies": {
          "book": {"nodes": {"a": {"kind": "test.call@1"}}, "edges": []},
          "undo": {"nodes": {"no": {"kind": "flow.fail@1", "config": {"code": "down", "message": "no"}}}, "edges": []},
          "fail": {"nodes": {"call": {"kind": "test.call@1"}}, "edges": []}}}},
      "edges": [{"from": "start.out", "to": "trip.in"}]}"#;
    world.ledger.react(|call| {
        let mut error = NodeError::new("full", "no");
        error.retryable = true;
        if call.path.ends_with("call") { React::Fail(error) } else { React::Echo }
    });
    let flow = world.shelf.publish(saga);
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, flow).await;
    for by in ["ada", "grace"] {
        until(|| store.asks().tasks(run).iter().any(|row| row.state == "open")).await;
        let form = Payload::Inline(Value::map([("reason", Value::from("so it is"))]));
        let id = store.asks().tasks(run)[0].task.id;
        let skip = Input::TaskAnswered { id, choice: "skip".into(), form, by: by.into() };
        assert_eq!(runtime.deliver(tenant(1), run, skip).await, Ok(Delivered::TakenIn));
    }
    assert!(matches!(end(&runtime, run).await, Answer::Ended(Outcome::Failed { .. })));
    assert_eq!(store.asks().tasks(run).len(), 1, "one id was asked twice");
}

#[tokio::test]
async fn what_is_delivered_is_bounded() {
    let (world, _) = world();
    let runtime = world.runtime().await;
    let flow = world.shelf.publish(SIGNALLED);
    let run = start(&world, &runtime, flow).await;
    let payload = Payload::Inline(Value::from("x".repeat(3 << 20)));
    let input = Input::Signal { name: "paid".into(), correlation: "7".into(), sender: "bank".into(), payload };
    let refused = runtime.deliver(tenant(1), run, input).await;
    assert!(matches!(refused, Err(DeliverError::Refused { code: "payload_too_large", .. })), "{refused:?}");
    runtime.deliver(tenant(1), run, signal("bank", 1)).await.unwrap();
}

#[tokio::test]
async fn a_text_that_no_column_holds_holds_up_nobody() {
    let db = TestDb::new().await;
    let world = World::over(Arc::new(PgStore::new(db.pool_apart())));
    let runtime = world.runtime().await;
    let waits = world.shelf.publish(
        r#"{"holon": 1, "name": "waits", "nodes": {
            "start": {"kind": "trigger.manual@1"},
            "paid": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": {"$cel": "input.order"}}}},
          "edges": [{"from": "start.out", "to": "paid.in"}]}"#,
    );
    let asks = world.shelf.publish(
        r#"{"holon": 1, "name": "asks", "nodes": {
            "start": {"kind": "trigger.manual@1"},
            "ask": {"kind": "flow.approval@1", "config": {"title": {"$cel": "input.order"}, "assignees": {"$cel": "[input.order]"},
              "choices": [{"port": "approve", "label": "Yes"}]}}},
          "edges": [{"from": "start.out", "to": "ask.in"}]}"#,
    );
    let mut good = None;
    for (number, flow, order) in [(1, waits, "7\0"), (1, asks, "7\0"), (2, asks, "7"), (2, waits, "7")] {
        let mut request = world.request(flow);
        (request.tenant, request.input) = (tenant(number), Value::map([("order", Value::from(order))]));
        good = Some(request.run);
        runtime.start(request).await.unwrap();
    }
    let environment = world.request(waits).environment;
    let waiting = runtime.waiting(tenant(2), environment, "paid", "7").await.unwrap();
    assert_eq!(Some(waiting), good.map(|run| vec![run]));
    // Nor is a run stopped by it: each waits, or has said why it does not.
    let rows = world.store.live(&(0..256).collect::<Vec<_>>()).await.unwrap();
    assert!(rows.iter().all(|row| row.status != LiveStatus::Paused), "{rows:?}");
}

#[tokio::test]
async fn what_comes_while_the_end_of_a_run_is_being_written_is_told_that_it_is_over() {
    let (world, store) = world();
    let runtime = world.runtime().await;
    let flow = world.shelf.publish(SIGNALLED);
    let run = start(&world, &runtime, flow).await;
    // The first attempt to write the end fails: meanwhile the second signal waits behind it.
    let mut tries = 0;
    let failed = Arc::new(tokio::sync::Notify::new());
    let told = failed.clone();
    store.fail(move |batch| {
        tries += usize::from(batch.writes.iter().any(|write| write.end.is_some()));
        if tries == 1 {
            told.notify_one();
            return Fault::Unreachable;
        }
        Fault::None
    });
    let first = runtime.deliver(tenant(1), run, signal("bank-1", 1));
    let second = async {
        failed.notified().await;
        runtime.deliver(tenant(1), run, signal("bank-2", 2)).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first, second), (Ok(Delivered::TakenIn), Err(DeliverError::Over)));
}
