//! What should not happen and does: an undo whose executor panics, a row that this build does not know. One run stands still and says why;
//! all others go on.

use std::time::Duration;

use holon_engine::{Input, Outcome};
use holon_flow::capability::NodeError;
use holon_model::{Payload, Value};
use holon_runtime::store::{LiveStatus, shard_of};
use holon_runtime::{Answer, DeliverError, Delivered};

use crate::support::{React, end, tenant, until};
use crate::worlds::in_memory;

const BOOKS: &str = r#"{"holon": 1, "name": "books", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "trip": {"kind": "saga@1", "config": {"steps": [{"step": "book", "compensate": "undo", "retry": {"attempts": 1}}, {"step": "pay"}]}, "bodies": {
      "book": {"nodes": {"book": {"kind": "test.call@1"}}, "edges": []},
      "undo": {"nodes": {"undo": {"kind": "test.call@1"}}, "edges": []},
      "pay": {"nodes": {"pay": {"kind": "test.call@1"}}, "edges": []}}}},
  "edges": [{"from": "start.out", "to": "trip.in"}]}"#;
const WAITS: &str = r#"{"holon": 1, "name": "waits", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "paid": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": "7"}}},
  "edges": [{"from": "start.out", "to": "paid.in"}]}"#;

#[tokio::test]
async fn an_undo_that_panics_waits_for_a_person_who_has_it_tried_again() {
    let (world, store) = in_memory();
    let flow = world.shelf.publish(BOOKS);
    let runtime = world.runtime().await;
    let mut panicked = false;
    world.ledger.react(move |call| match call.path.rsplit('/').next() {
        Some("pay") => React::Fail(NodeError::new("declined", "no")),
        Some("undo") if !std::mem::replace(&mut panicked, true) => React::Panic,
        _ => React::Echo,
    });
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    until(|| store.asks().tasks(run).iter().any(|row| row.state == "open")).await;
    let task = store.asks().tasks(run)[0].task.clone();
    let form = Payload::Inline(Value::map([("reason", Value::from("the agency is up again"))]));
    let again = Input::TaskAnswered { id: task.id, choice: "retry".into(), form, by: "ada".into() };
    assert_eq!(runtime.deliver(tenant(1), run, again).await, Ok(Delivered::TakenIn));
    match end(&runtime, run).await {
        Answer::Ended(Outcome::Failed { error }) => assert_eq!(error.code, "declined"),
        other => panic!("{other:?}"),
    }
    let undone = world.ledger.calls().iter().filter(|call| call.path.ends_with("undo")).count();
    assert_eq!(undone, 2);
}

#[tokio::test]
async fn a_row_that_only_a_newer_build_knows_parks_its_run_says_so_and_leaves_its_shard_alone() {
    /// No input of this build has this number.
    const NEWER: u8 = 100;
    let (world, store) = in_memory();
    let flow = world.shelf.publish(WAITS);
    let runtime = world.runtime().await;
    let start = async || {
        let request = world.request(flow);
        let run = request.run;
        runtime.start(request).await.unwrap();
        run
    };
    let run = start().await;
    let beside = loop {
        let other = start().await;
        if shard_of(other) == shard_of(run) {
            break other;
        }
    };
    runtime.abort();
    store.tamper(tenant(1), run, |entry| entry.input[1] = NEWER);
    let runtime = world.runtime().await;
    let paid = || {
        let payload = Payload::Inline(Value::from("thanks"));
        Input::Signal { name: "paid".into(), correlation: "7".into(), sender: "bank".into(), payload }
    };
    // It sleeps: it is read when something comes for it, which is not acknowledged.
    let told = runtime.deliver(tenant(1), run, paid()).await;
    assert!(matches!(told, Err(DeliverError::Unavailable)), "{told:?}");
    let reason = async {
        loop {
            let rows = world.store.live(&[shard_of(run)]).await.unwrap();
            let row = rows.into_iter().find(|row| row.run == run).unwrap();
            if row.status == LiveStatus::Paused {
                break row.reason.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let reason = tokio::time::timeout(Duration::from_secs(20), reason).await.expect("the run is parked");
    assert!(reason.contains("100") && reason.contains("newer"), "{reason}");
    assert_eq!(runtime.deliver(tenant(1), beside, paid()).await, Ok(Delivered::TakenIn));
    assert!(matches!(end(&runtime, beside).await, Answer::Ended(Outcome::Ok(_))));
}
