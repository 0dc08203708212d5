//! What runs ask of each other and of people: calls of other flows, going on in a new run, signals and tasks; each across a crash.

use std::sync::Arc;

use holon_engine::{Input, Outcome};
use holon_model::{Payload, RunId, Value};
use holon_platform::clock::SystemClock;
use holon_runtime::store::{Asks as _, Store as _, mem::MemStore};
use holon_runtime::{Answer, CancelError, DeliverError, RuntimeHandle};

use crate::support::{World, end, tenant, until};

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
    assert_eq!(waiting(&world, &store).await, [run]);
    runtime.deliver(tenant(1), run, signal("bank-1", 1)).await.unwrap();
    assert_eq!(end(&runtime, run).await, ok(Value::map([("paid", Value::Int(1))])));
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
    until(|| store.asks().tasks(run)[0].state == "answered").await;
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
    world.ledger.react(move |_| {
        if first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            crate::support::React::Hang
        } else {
            crate::support::React::Echo
        }
    });
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
