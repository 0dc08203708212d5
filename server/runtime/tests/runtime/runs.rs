//! Runs over the store in memory: start to finish, timers, failures, cancel, retry, answers and events.

use std::sync::Arc;
use std::time::Duration;

use holon_engine::{EventId, Input, Outcome};
use holon_flow::capability::NodeError;
use holon_model::{Payload, Value};
use holon_platform::clock::SystemClock;
use holon_runtime::store::{LiveStatus, mem::MemStore};
use holon_runtime::{Answer, CancelError, Delivered, RetryError, StartError, Started};

use crate::support::{React, THREE_STEPS, World, end, keyed, tenant, until};

fn world() -> (World, MemStore) {
    let store = MemStore::new(SystemClock::shared());
    (World::over(Arc::new(store.clone())), store)
}

fn ok(value: Value) -> Answer {
    Answer::Ended(Outcome::Ok(Payload::Inline(value)))
}

const PURE: &str = r#"{"holon": 1, "name": "pure", "nodes": {"start": {"kind": "trigger.manual@1"}}, "edges": [],
    "result": {"$cel": "nodes.start.n + 1"}}"#;
const RETRIED: &str = r#"{"holon": 1, "name": "retried", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "a": {"kind": "test.call@1"},
    "b": {"kind": "test.call@1", "policies": {"retry": {"attempts": 3, "initial": "1ms"}}}},
  "edges": [{"from": "start.out", "to": "a.in"}, {"from": "a.out", "to": "b.in"}]}"#;
const WAITS: &str = r#"{"holon": 1, "name": "waits", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "nap": {"kind": "flow.wait@1", "config": {"for": "1h"}}},
  "edges": [{"from": "start.out", "to": "nap.in"}]}"#;
const NAPS: &str = r#"{"holon": 1, "name": "naps", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "nap": {"kind": "flow.wait@1", "config": {"for": "5ms"}},
    "call": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "nap.in"}, {"from": "nap.out", "to": "call.in"}]}"#;
const RESPONDS: &str = r#"{"holon": 1, "name": "responds", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "answer": {"kind": "flow.respond@1", "config": {"status": 201, "body": {"$cel": "input.n"}}},
    "call": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "answer.in"}, {"from": "answer.out", "to": "call.in"}]}"#;
const ONCE: &str = r#"{"holon": 1, "name": "once", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "call": {"kind": "test.once@1"}},
  "edges": [{"from": "start.out", "to": "call.in"}]}"#;

#[tokio::test]
async fn a_run_of_three_effects_ends_with_its_output_and_leaves_nothing_live() {
    let (world, store) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    assert_eq!(runtime.start(request).await, Ok(Started { run, replayed: false }));
    assert_eq!(end(&runtime, run).await, ok(Value::map([("n", Value::Int(7))])));
    let paths: Vec<_> = world.ledger.calls().into_iter().map(|call| call.path).collect();
    assert_eq!(paths, ["a", "b", "c"]);
    assert!(world.store.live(&(0..256).collect::<Vec<_>>()).await.unwrap().is_empty());
    let history = world.store.history(tenant(1), run).await.unwrap().unwrap();
    assert_eq!(history.ended.unwrap().status, "completed");
    // The start and each result: four inputs, each in a commit of its own, since each depends on the one before.
    assert_eq!(world.store.journal(tenant(1), run, 0).await.unwrap().len(), 4);
    assert_eq!(store.commits(), 4);
    let metrics = runtime.metrics().await;
    assert_eq!((metrics.started, metrics.finished, metrics.effects, metrics.live), (1, 1, 3, 0));
}

#[tokio::test]
async fn a_run_of_pure_nodes_is_one_commit() {
    let (world, store) = world();
    let flow = world.shelf.publish(PURE);
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    assert_eq!(end(&runtime, run).await, ok(Value::Int(8)));
    assert_eq!(store.commits(), 1);
}

#[tokio::test]
async fn a_failed_attempt_is_tried_again_with_the_same_key_and_a_higher_attempt() {
    let (world, _) = world();
    let flow = world.shelf.publish(RETRIED);
    world.ledger.react(|call| match (call.path.as_str(), call.attempt) {
        ("b", 1 | 2) => React::Fail(NodeError { retryable: true, ..NodeError::new("flaky", "not yet") }),
        _ => React::Echo,
    });
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    assert_eq!(end(&runtime, run).await, ok(Value::map([("n", Value::Int(7))])));
    let calls = world.ledger.calls();
    let attempts: Vec<_> = calls.iter().map(|call| (call.path.as_str(), call.attempt)).collect();
    assert_eq!(attempts, [("a", 1), ("b", 1), ("b", 2), ("b", 3)]);
    assert!(world.ledger.entries().values().all(|keys| keys.len() == 1), "one key an effect: {calls:?}");
}

#[tokio::test]
async fn an_executor_that_panics_or_gives_too_much_fails_its_node_and_nothing_else() {
    let (world, _) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    for (react, code) in [("panic", "executor_panicked"), ("huge", "payload_too_large")] {
        world.ledger.react(move |_| {
            if react == "panic" { React::Panic } else { React::Value(Value::from("x".repeat(3 << 20))) }
        });
        let request = world.request(flow);
        let run = request.run;
        runtime.start(request).await.unwrap();
        match end(&runtime, run).await {
            Answer::Ended(Outcome::Failed { error }) => assert_eq!(error.code, code),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_short_wait_passes_and_the_run_goes_on() {
    let (world, _) = world();
    let flow = world.shelf.publish(NAPS);
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    assert_eq!(end(&runtime, run).await, ok(Value::map([("n", Value::Int(7))])));
}

#[tokio::test]
async fn a_waiting_run_can_be_cancelled_once_and_only_by_its_tenant() {
    let (world, store) = world();
    let flow = world.shelf.publish(WAITS);
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    assert_eq!(store_status(&store, &world).await, [LiveStatus::Waiting]);
    assert_eq!(runtime.cancel(tenant(2), run, "not mine".into()).await, Err(CancelError::NotFound));
    assert_eq!(runtime.cancel(tenant(1), run, "enough".into()).await, Ok(Delivered::TakenIn));
    assert_eq!(end(&runtime, run).await, Answer::Ended(Outcome::Cancelled { reason: "enough".into() }));
    assert_eq!(runtime.cancel(tenant(1), run, "again".into()).await, Err(CancelError::Over));
    assert!(store_status(&store, &world).await.is_empty());
}

async fn store_status(_: &MemStore, world: &World) -> Vec<LiveStatus> {
    let rows = world.store.live(&(0..256).collect::<Vec<_>>()).await.unwrap();
    rows.into_iter().map(|row| row.status).collect()
}

#[tokio::test]
async fn a_cancelled_run_stops_the_effect_that_is_being_done() {
    let (world, _) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    world.ledger.react(|_| React::Hang);
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    world.ledger.reached(1).await;
    runtime.cancel(tenant(1), run, "enough".into()).await.unwrap();
    assert_eq!(end(&runtime, run).await, Answer::Ended(Outcome::Cancelled { reason: "enough".into() }));
    assert_eq!(world.ledger.calls().len(), 1);
}

#[tokio::test]
async fn the_same_key_starts_one_run_whoever_races() {
    let (world, _) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    let racing = (0..50).map(|_| {
        let mut request = world.request(flow);
        request.idempotency = keyed("order-1");
        runtime.start(request)
    });
    let started: Vec<_> = futures::future::join_all(racing).await.into_iter().map(Result::unwrap).collect();
    let run = started[0].run;
    assert!(started.iter().all(|started| started.run == run));
    assert_eq!(started.iter().filter(|started| !started.replayed).count(), 1);
    end(&runtime, run).await;
    assert_eq!(world.ledger.calls().len(), 3);
    let mut other = world.request(flow);
    other.idempotency = keyed("order-1").map(|key| holon_runtime::Idempotency { request_hash: [2; 32], ..key });
    assert_eq!(runtime.start(other).await, Err(StartError::IdempotencyMismatch { run }));
}

#[tokio::test]
async fn a_key_that_ran_out_starts_another_run() {
    let (world, _) = world();
    let flow = world.shelf.publish(PURE);
    let runtime = world.runtime().await;
    let mut first = world.request(flow);
    first.idempotency = keyed("k").map(|key| holon_runtime::Idempotency { window: holon_model::Millis(0), ..key });
    let mut second = world.request(flow);
    second.idempotency = keyed("k");
    let one = runtime.start(first).await.unwrap();
    let two = runtime.start(second).await.unwrap();
    assert!(!two.replayed && one.run != two.run);
}

#[tokio::test]
async fn the_caller_is_answered_when_the_run_responds_and_again_later_from_the_journal() {
    let (world, _) = world();
    let flow = world.shelf.publish(RESPONDS);
    world.ledger.react(|_| React::Hang);
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    let waiting = runtime.expect_answer(tenant(1), run);
    runtime.start(request).await.unwrap();
    let Some(Answer::Responded(response)) = waiting.answer().await else { panic!("the run responds") };
    assert_eq!((response.status, response.body), (201, Value::Int(7)));
    let Answer::Responded(again) = end(&runtime, run).await else { panic!("the journal holds the answer") };
    assert_eq!(again.status, 201);
}

#[tokio::test]
async fn events_come_in_order_once_and_can_be_resumed_after_any_of_them() {
    let (world, _) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    let mut live = runtime.subscribe(tenant(1), run, None).await.unwrap();
    let mut all = Vec::new();
    while let Some(event) = live.recv().await {
        all.push(event);
    }
    assert_eq!(all.first().unwrap().kind, "run_started");
    assert_eq!(all.last().unwrap().kind, "run_completed");
    let ids: Vec<EventId> = all.iter().map(|event| event.id.parse().unwrap()).collect();
    assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]));
    for (index, id) in ids.iter().enumerate() {
        let mut rest = runtime.subscribe(tenant(1), run, Some(*id)).await.unwrap();
        let mut resumed = Vec::new();
        while let Some(event) = rest.recv().await {
            resumed.push(event);
        }
        assert_eq!(resumed, all[index + 1..]);
    }
    assert!(runtime.subscribe(tenant(2), run, None).await.is_err());
}

#[tokio::test]
async fn a_retry_goes_on_from_the_failure_with_the_original_key() {
    let (world, _) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    world.ledger.react(|call| match call.path.as_str() {
        "b" => React::Fail(NodeError::new("refused", "no")),
        _ => React::Echo,
    });
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    assert!(matches!(end(&runtime, run).await, Answer::Ended(Outcome::Failed { .. })));
    world.ledger.react(|_| React::Echo);
    let new = world.run_id();
    let retried = runtime.retry(tenant(1), run, new, "somebody".into(), None, None).await;
    assert_eq!(retried, Ok(Started { run: new, replayed: false }));
    assert_eq!(end(&runtime, new).await, ok(Value::map([("n", Value::Int(7))])));
    let calls = world.ledger.calls();
    let seen: Vec<_> = calls.iter().map(|call| (call.run, call.path.as_str())).collect();
    assert_eq!(seen, [(run, "a"), (run, "b"), (new, "b"), (new, "c")], "what succeeded is not done again");
    assert_eq!(calls[1].key, calls[2].key, "the failed effect keeps its key");
    let history = world.store.history(tenant(1), new).await.unwrap().unwrap();
    assert_eq!(history.facts.retry_of, Some(run));
    let refused = runtime.retry(tenant(1), new, world.run_id(), "somebody".into(), None, None).await;
    assert_eq!(refused, Err(RetryError::NotFailed));
}

#[tokio::test]
async fn what_must_not_be_done_twice_is_not_done_again_after_a_crash() {
    let (world, _) = world();
    let flow = world.shelf.publish(ONCE);
    world.ledger.react(|_| React::Hang);
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    world.ledger.reached(1).await;
    runtime.abort();
    let runtime = world.runtime().await;
    match end(&runtime, run).await {
        Answer::Ended(Outcome::Failed { error }) => assert_eq!(error.code, "outcome_unknown"),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.ledger.calls().len(), 1);
}

#[tokio::test]
async fn a_journal_that_was_changed_parks_its_run_and_says_why() {
    let (mut world, store) = world();
    // No run sleeps, so that this is seen when the server starts; one that sleeps is looked at when it wakes.
    world.memory.idle = Duration::from_secs(86_400);
    let flow = world.shelf.publish(WAITS);
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    runtime.abort();
    store.tamper(tenant(1), run, |entry| entry.log_hash[0] ^= 1);
    let runtime = world.runtime().await;
    let shards: Vec<i16> = (0..256).collect();
    let row = loop {
        let rows = world.store.live(&shards).await.unwrap();
        if rows[0].status == LiveStatus::Paused {
            break rows[0].clone();
        }
        tokio::task::yield_now().await;
    };
    assert!(row.reason.unwrap().starts_with("journal_mismatch: after input 0 the log hash is"));
    // A person can still end it.
    assert_eq!(runtime.cancel(tenant(1), run, "give up".into()).await, Ok(Delivered::TakenIn));
    let history = world.store.history(tenant(1), run).await.unwrap().unwrap();
    assert_eq!(history.ended.unwrap().status, "terminated");
}

#[tokio::test]
async fn a_drained_runtime_refuses_starts_and_the_next_one_goes_on_at_once() {
    let (world, _) = world();
    let flow = world.shelf.publish(WAITS);
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    runtime.drain(Duration::from_secs(5)).await;
    assert_eq!(runtime.start(world.request(flow)).await, Err(StartError::Unavailable));
    // Not alone: the lease of the first was given back.
    let runtime = world.runtime_as(false).await;
    until(|| runtime.ready()).await;
    assert_eq!(runtime.cancel(tenant(1), run, "enough".into()).await, Ok(Delivered::TakenIn));
}

#[tokio::test]
async fn a_replica_that_was_fenced_writes_nothing_more_and_says_so() {
    let (world, _) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    let zombie = world.runtime().await;
    let heir = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    assert_eq!(zombie.start(request).await, Err(StartError::Unavailable));
    tokio::time::timeout(Duration::from_secs(5), zombie.lost()).await.expect("it notices");
    assert_eq!(world.store.history(tenant(1), run).await.unwrap(), None);
    let request = world.request(flow);
    let run = request.run;
    heir.start(request).await.unwrap();
    assert!(matches!(end(&heir, run).await, Answer::Ended(Outcome::Ok(_))));
}

#[tokio::test]
async fn an_input_that_is_too_large_is_refused_with_its_size() {
    let (world, _) = world();
    let flow = world.shelf.publish(PURE);
    let runtime = world.runtime().await;
    let mut request = world.request(flow);
    request.input = Value::from("x".repeat(3 << 20));
    assert!(matches!(runtime.start(request).await, Err(StartError::PayloadTooLarge { bytes }) if bytes > 3 << 20));
}

const TIMED: &str = r#"{"holon": 1, "name": "timed", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "a": {"kind": "test.call@1"},
    "b": {"kind": "test.call@1", "policies": {"timeout": "40ms"}}},
  "edges": [{"from": "start.out", "to": "a.in"}, {"from": "a.out", "to": "b.in"}]}"#;

#[tokio::test]
async fn a_retry_of_a_step_that_timed_out_gets_its_whole_time_again() {
    let (world, _) = world();
    let flow = world.shelf.publish(TIMED);
    world.ledger.react(|call| if call.path == "b" { React::Hang } else { React::Echo });
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    // It fails by its timeout, so that the copied timer is overdue from the first moment of the retry.
    assert!(matches!(end(&runtime, run).await, Answer::Ended(Outcome::Failed { .. })));
    world.ledger.react(|_| React::Echo);
    let new = world.run_id();
    runtime.retry(tenant(1), run, new, "somebody".into(), None, None).await.unwrap();
    assert_eq!(end(&runtime, new).await, ok(Value::map([("n", Value::Int(7))])));
    let calls = world.ledger.calls();
    assert_eq!(calls.iter().map(|call| call.path.as_str()).collect::<Vec<_>>(), ["a", "b", "b"]);
    assert_eq!(calls[1].key, calls[2].key);
}

#[tokio::test]
async fn a_run_that_failed_by_itself_is_not_retried_since_it_would_fail_again() {
    let (world, store) = world();
    let runtime = world.runtime().await;
    for failing in [
        r#"{"holon": 1, "name": "fails", "nodes": {
            "start": {"kind": "trigger.manual@1"}, "no": {"kind": "flow.fail@1", "config": {"code": "no", "message": "no"}}},
          "edges": [{"from": "start.out", "to": "no.in"}]}"#,
        r#"{"holon": 1, "name": "naps", "nodes": {
            "start": {"kind": "trigger.manual@1"}, "nap": {"kind": "flow.wait@1", "config": {"for": "5ms"}},
            "no": {"kind": "flow.fail@1", "config": {"code": "no", "message": "no"}}},
          "edges": [{"from": "start.out", "to": "nap.in"}, {"from": "nap.out", "to": "no.in"}]}"#,
    ] {
        let request = world.request(world.shelf.publish(failing));
        let run = request.run;
        runtime.start(request).await.unwrap();
        assert!(matches!(end(&runtime, run).await, Answer::Ended(Outcome::Failed { .. })));
        let commits = store.commits();
        let refused = runtime.retry(tenant(1), run, world.run_id(), "somebody".into(), None, None).await;
        assert_eq!((refused, store.commits()), (Err(RetryError::NothingToRetry), commits));
    }
}

#[tokio::test]
async fn a_cancelled_run_can_be_retried_and_goes_on_where_it_was_stopped() {
    let (world, _) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    world.ledger.react(|call| if call.path == "b" { React::Hang } else { React::Echo });
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    world.ledger.reached(2).await;
    runtime.cancel(tenant(1), run, "enough".into()).await.unwrap();
    end(&runtime, run).await;
    world.ledger.react(|_| React::Echo);
    let new = world.run_id();
    runtime.retry(tenant(1), run, new, "somebody".into(), None, None).await.unwrap();
    assert!(matches!(end(&runtime, new).await, Answer::Ended(Outcome::Ok(_))));
    let paths: Vec<_> = world.ledger.calls().into_iter().map(|call| call.path).collect();
    assert_eq!(paths, ["a", "b", "b", "c"]);
}

#[tokio::test]
async fn a_retry_that_is_asked_for_twice_with_one_key_is_one_run() {
    let (world, _) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    world.ledger.react(|call| if call.path == "b" { React::Fail(NodeError::new("no", "no")) } else { React::Echo });
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    end(&runtime, run).await;
    world.ledger.react(|_| React::Echo);
    let retry = || runtime.retry(tenant(1), run, world.run_id(), "somebody".into(), keyed("again"), None);
    let first = retry().await.unwrap();
    end(&runtime, first.run).await;
    let second = retry().await.unwrap();
    assert_eq!((second.run, second.replayed), (first.run, true));
    assert_eq!(world.ledger.calls().len(), 4, "a, b, and b and c of the one retry");
}

#[tokio::test]
async fn a_failure_that_was_handled_is_not_tried_again_when_the_run_fails_later_by_something_else() {
    const HANDLED: &str = r#"{"holon": 1, "name": "handled", "nodes": {
        "start": {"kind": "trigger.manual@1"}, "a": {"kind": "test.call@1"}, "b": {"kind": "test.call@1"},
        "no": {"kind": "flow.fail@1", "config": {"code": "no", "message": "no"}}},
      "edges": [{"from": "start.out", "to": "a.in"}, {"from": "a.error", "to": "b.in"}, {"from": "b.out", "to": "no.in"}]}"#;
    let (world, _) = world();
    let flow = world.shelf.publish(HANDLED);
    world.ledger.react(|call| if call.path == "a" { React::Fail(NodeError::new("down", "down")) } else { React::Echo });
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    end(&runtime, run).await;
    let new = world.run_id();
    runtime.retry(tenant(1), run, new, "somebody".into(), None, None).await.unwrap();
    end(&runtime, new).await;
    let paths: Vec<_> = world.ledger.calls().into_iter().map(|call| call.path).collect();
    assert_eq!(paths, ["a", "b", "b"]);
}

#[tokio::test]
async fn what_must_not_be_done_twice_and_was_under_way_when_the_run_failed_is_not_done_by_its_retry() {
    const BOTH: &str = r#"{"holon": 1, "name": "both", "nodes": {
        "start": {"kind": "trigger.manual@1"}, "a": {"kind": "test.call@1"}, "once": {"kind": "test.once@1"}},
      "edges": [{"from": "start.out", "to": "a.in"}, {"from": "start.out", "to": "once.in"}]}"#;
    let (world, _) = world();
    let flow = world.shelf.publish(BOTH);
    world.ledger.react(|call| match call.path.as_str() {
        "once" => React::Hang,
        _ => React::Fail(NodeError::new("no", "no")),
    });
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    end(&runtime, run).await;
    let sent = |world: &World| world.ledger.calls().iter().filter(|call| call.path == "once").count();
    let before = sent(&world);
    world.ledger.react(|_| React::Echo);
    let new = world.run_id();
    runtime.retry(tenant(1), run, new, "somebody".into(), None, None).await.unwrap();
    match end(&runtime, new).await {
        Answer::Ended(Outcome::Failed { error }) => assert_eq!(error.code, "outcome_unknown"),
        other => panic!("{other:?}"),
    }
    assert_eq!(sent(&world), before);
}

#[tokio::test]
async fn a_run_that_computes_for_long_holds_up_nothing_else() {
    const COMPUTES: &str = r#"{"holon": 1, "name": "computes", "nodes": {
        "start": {"kind": "trigger.manual@1"}},
      "edges": [], "result": {"$cel": "input.items.map(a, input.items.filter(b, b == a).size()).size()"}}"#;
    let (world, _) = world();
    let flow = world.shelf.publish(COMPUTES);
    let runtime = world.runtime().await;
    let mut request = world.request(flow);
    request.input = Value::map([("items", Value::list((0..1_500).map(Value::Int)))]);
    let run = request.run;
    let computing = tokio::spawn({
        let runtime = runtime.clone();
        async move { runtime.start(request).await }
    });
    // All of this test runs on one thread: were the run computed there, hardly a turn would come by.
    let mut turns = 0;
    while !computing.is_finished() {
        turns += 1;
        tokio::task::yield_now().await;
    }
    computing.await.unwrap().unwrap();
    assert_eq!(end(&runtime, run).await, ok(Value::Int(1_500)));
    assert!(turns > 200, "{turns}");
}

#[tokio::test]
async fn a_retry_has_all_its_attempts_again_and_its_journal_says_who_asked() {
    const TRIES: &str = r#"{"holon": 1, "name": "tries", "nodes": {
        "start": {"kind": "trigger.manual@1"},
        "a": {"kind": "test.call@1", "policies": {"retry": {"attempts": 2, "initial": "1ms"}}}},
      "edges": [{"from": "start.out", "to": "a.in"}]}"#;
    let (world, _) = world();
    let flow = world.shelf.publish(TRIES);
    world.ledger.react(|_| {
        let mut error = NodeError::new("down", "down");
        error.retryable = true;
        React::Fail(error)
    });
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    end(&runtime, run).await;
    assert_eq!(world.ledger.calls().len(), 2);
    let new = world.run_id();
    runtime.retry(tenant(1), run, new, "person ada".into(), None, None).await.unwrap();
    end(&runtime, new).await;
    let calls = world.ledger.calls();
    assert_eq!(calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2, 2, 3], "two more attempts");
    assert!(calls.iter().all(|call| call.key == calls[0].key));
    let entries = world.store.journal(tenant(1), new, 0).await.unwrap();
    let inputs = entries.iter().map(|entry| holon_engine::decode_input(&entry.input).unwrap());
    let by: Vec<_> = inputs
        .filter_map(|input| match input {
            Input::TriedAgain { by } => Some(by),
            _ => None,
        })
        .collect();
    assert_eq!(by, ["person ada"]);
}
