//! Compensations over the store, with a ledger as the outside: what is undone is undone once there, however often it is tried.

use holon_engine::{Input, Outcome};
use holon_flow::capability::NodeError;
use holon_model::{Payload, Value};
use holon_runtime::Answer;
use holon_runtime::store::mem::MemStore;

use crate::support::{React, World, end, tenant, until};
use crate::worlds::{in_memory, in_postgres};

const TRIP: &str = r#"{"holon": 1, "name": "trip", "nodes": {"start": {"kind": "trigger.manual@1"},
    "trip": {"kind": "saga@1", "config": {"steps": [{"step": "book", "compensate": "undo", "retry": {"attempts": TRIES, "initial": 1}}, {"step": "fail"}]},
      "bodies": {
      "book": {"nodes": {"pay": {"kind": "test.call@1"}}, "edges": []},
      "undo": {"nodes": {"refund": {"kind": "test.call@1"}}, "edges": []},
      "fail": {"nodes": {"no": {"kind": "flow.fail@1", "config": {"code": "full", "message": "no"}}}, "edges": []}}}},
  "edges": [{"from": "start.out", "to": "trip.in"}]}"#;

/// A refund that is done, and answered with an error, three times: by the tries of the policy, and by those that a person asks for.
async fn one_refund(world: World, store: Option<MemStore>) {
    let mut refunds = 0;
    world.ledger.react(move |call| {
        refunds += i32::from(call.path.ends_with("refund"));
        let fails = call.path.ends_with("refund") && refunds < 4;
        if fails { React::Fail(NodeError::new("timeout", "no answer came in time")) } else { React::Echo }
    });
    let tries = if store.is_some() { "2" } else { "4" };
    let request = world.request(world.shelf.publish(&TRIP.replace("TRIES", tries)));
    let runtime = world.runtime().await;
    let run = request.run;
    runtime.start(request).await.unwrap();
    if let Some(store) = store {
        until(|| store.asks().tasks(run).iter().any(|row| row.state == "open")).await;
        let (id, form) = (store.asks().tasks(run)[0].task.id, Payload::Inline(Value::Null));
        let again = Input::TaskAnswered { id, choice: "retry".into(), form, by: "ada".into() };
        runtime.deliver(tenant(1), run, again).await.unwrap();
    }
    assert!(matches!(end(&runtime, run).await, Answer::Ended(Outcome::Failed { error }) if error.code == "full"));
    let refunds = world.ledger.calls().into_iter().filter(|call| call.path.ends_with("refund")).count();
    assert_eq!(refunds, 4);
    let entries = world.ledger.entries();
    assert_eq!(entries[&(run, "trip.undo/refund".to_owned())].len(), 1, "one entry where keys are honoured");
}

#[tokio::test]
async fn a_refund_that_the_policy_and_a_person_try_again_is_one_entry() {
    let (world, store) = in_memory();
    one_refund(world, Some(store)).await;
}

#[tokio::test]
async fn a_refund_that_is_tried_again_is_one_entry_in_postgres() {
    let (world, _db) = in_postgres().await;
    one_refund(world, None).await;
}
