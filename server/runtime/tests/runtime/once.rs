//! Effects that may be done once only, killed between what the journal intends and their answer: never a second call, and a person says
//! what happened. In both stores.

use holon_engine::{Input, Outcome, Task, decode_input};
use holon_flow::capability::NodeError;
use holon_model::{FlowId, Payload, RunId, Value, json};
use holon_runtime::{Answer, DeliverError, Delivered, RuntimeHandle};

use crate::support::{React, World, end, tenant};
use crate::worlds::{in_memory, in_postgres};

/// Pays once; `WHEN` stands beside the delivery.
const PAYS: &str = r#"{"holon": 1, "name": "pays", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "pay": {"kind": "test.call@1", "config": {"delivery": "at_most_once"WHEN}, "policies": {"timeout": "1h"}},
    "note": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "pay.in"}, {"from": "pay.out", "to": "note.in"}]}"#;

async fn answer(
    runtime: &RuntimeHandle,
    run: RunId,
    task: &Task,
    choice: &str,
    form: &str,
) -> Result<Delivered, DeliverError> {
    let form = Payload::Inline(json::parse(form.as_bytes()).unwrap());
    runtime
        .deliver(tenant(1), run, Input::TaskAnswered { id: task.id, choice: choice.into(), form, by: "ada".into() })
        .await
}

/// A run whose server was killed after the call was made and before its answer was written; and the next server.
async fn killed(world: &World, when: &str) -> (FlowId, RunId, RuntimeHandle) {
    let flow = world.shelf.publish(&PAYS.replace("WHEN", when));
    let (run, runtime) = killed_in(world, flow).await;
    (flow, run, runtime)
}

async fn killed_in(world: &World, flow: FlowId) -> (RunId, RuntimeHandle) {
    let before = world.ledger.calls().len();
    world.ledger.react(|_| React::Hang);
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    world.ledger.reached(before + 1).await;
    runtime.abort();
    world.ledger.react(|_| React::Echo);
    (run, world.runtime().await)
}

fn calls(world: &World) -> Vec<(String, u32)> {
    world.ledger.calls().into_iter().map(|call| (call.path, call.attempt)).collect()
}

async fn a_person_says(world: World) {
    let (flow, run, runtime) = killed(&world, "").await;
    let task = world.task(flow, run).await;
    assert_eq!(task.path, "pay");
    assert_eq!(calls(&world), [("pay".to_owned(), 1)], "it is not begun again by itself");
    // Killed once more: the question is still there, and still nothing was called.
    runtime.abort();
    let runtime = world.runtime().await;
    assert_eq!(world.task(flow, run).await.id, task.id);
    assert_eq!(calls(&world).len(), 1);

    // It was not done: done now, with the key it had. Killed in the middle again, it is asked again.
    world.ledger.react(|_| React::Hang);
    assert_eq!(answer(&runtime, run, &task, "again", "{}").await, Ok(Delivered::TakenIn));
    world.ledger.reached(2).await;
    runtime.abort();
    world.ledger.react(|_| React::Echo);
    let runtime = world.runtime().await;
    let second = world.task(flow, run).await;
    assert_ne!(second.id, task.id, "another question than the one that was answered");
    let again = world.ledger.calls();
    assert_eq!((again[0].key == again[1].key, calls(&world)[1].clone()), (true, ("pay".to_owned(), 2)));
    // The answer to the first question is none to the second.
    let late = answer(&runtime, run, &task, "again", "{}").await;
    assert!(matches!(late, Err(DeliverError::Refused { code: "unknown_task", .. })), "{late:?}");

    // It was done: what the person says it gave goes on through the flow.
    let done = r#"{"result": {"paid": 12.50}, "reason": "it is on the account"}"#;
    assert_eq!(answer(&runtime, run, &second, "done", done).await, Ok(Delivered::TakenIn));
    let paid = json::parse(br#"{"paid": 12.50}"#).unwrap();
    assert_eq!(end(&runtime, run).await, Answer::Ended(Outcome::Ok(Payload::Inline(paid))));
    assert_eq!(calls(&world).iter().filter(|(path, _)| path == "pay").count(), 2);
    let journal = world.store.journal(tenant(1), run, 0).await.unwrap();
    let by = journal.iter().filter_map(|entry| match decode_input(&entry.input).unwrap() {
        Input::TaskAnswered { by, choice, .. } => Some((by, choice)),
        _ => None,
    });
    assert_eq!(by.collect::<Vec<_>>(), [("ada".to_owned(), "again".to_owned()), ("ada".to_owned(), "done".to_owned())]);
}

#[tokio::test]
async fn what_may_be_done_once_only_and_nobody_knows_whether_it_was_is_asked_of_a_person() {
    a_person_says(in_memory().0).await;
}

#[tokio::test]
async fn what_may_be_done_once_only_and_nobody_knows_whether_it_was_is_asked_of_a_person_in_postgres() {
    let (world, _db) = in_postgres().await;
    a_person_says(world).await;
}

async fn it_fails(world: World) {
    let (_, run, runtime) = killed(&world, r#", "when_unknown": "fail""#).await;
    match end(&runtime, run).await {
        Answer::Ended(Outcome::Failed { error }) => assert_eq!(error.code, "outcome_unknown"),
        other => panic!("{other:?}"),
    }
    assert_eq!(calls(&world), [("pay".to_owned(), 1)]);
    runtime.abort();
}

#[tokio::test]
async fn where_nobody_is_to_be_asked_it_fails_and_is_not_done_again() {
    it_fails(in_memory().0).await;
}

#[tokio::test]
async fn where_nobody_is_to_be_asked_it_fails_and_is_not_done_again_in_postgres() {
    let (world, _db) = in_postgres().await;
    it_fails(world).await;
}

#[tokio::test]
async fn what_a_person_says_it_gave_is_kept_no_more_than_what_it_gives() {
    let (world, _) = in_memory();
    let (pays, timeout) = (PAYS.replace("WHEN", ""), r#""policies": {"timeout": "1h"}"#);
    for (places, kept) in [(r#"["/card"]"#, r#"{"card": "[redacted]", "ok": true}"#), (r#"[""]"#, r#""[redacted]""#)] {
        let redacts = format!(r#""policies": {{"timeout": "1h", "redact": {places}}}"#);
        let flow = world.shelf.publish(&pays.replace(timeout, &redacts));
        let (run, runtime) = killed_in(&world, flow).await;
        let task = world.task(flow, run).await;
        let done = r#"{"result": {"card": "4111-canary", "ok": true}}"#;
        assert_eq!(answer(&runtime, run, &task, "done", done).await, Ok(Delivered::TakenIn));
        let kept = json::parse(kept.as_bytes()).unwrap();
        assert_eq!(end(&runtime, run).await, Answer::Ended(Outcome::Ok(Payload::Inline(kept))));
        let journal = world.store.journal(tenant(1), run, 0).await.unwrap();
        assert!(!journal.iter().any(|entry| entry.input.windows(11).any(|bytes| bytes == b"4111-canary")));
        runtime.abort();
    }
}

#[tokio::test]
async fn what_a_person_let_fail_is_asked_again_by_a_retry_and_not_done_by_it() {
    let (world, _) = in_memory();
    let (flow, run, runtime) = killed(&world, "").await;
    let task = world.task(flow, run).await;
    assert_eq!(answer(&runtime, run, &task, "fail", r#"{"reason": "we look tomorrow"}"#).await, Ok(Delivered::TakenIn));
    assert!(
        matches!(end(&runtime, run).await, Answer::Ended(Outcome::Failed { error }) if error.code == "outcome_unknown")
    );
    let new = world.run_id();
    runtime.retry(tenant(1), run, new, "person ada".into(), None, None).await.unwrap();
    let task = world.task(flow, new).await;
    assert_eq!(calls(&world).len(), 1, "nothing was done meanwhile");
    assert_eq!(answer(&runtime, new, &task, "done", "{}").await, Ok(Delivered::TakenIn));
    assert_eq!(end(&runtime, new).await, Answer::Ended(Outcome::Ok(Payload::Inline(Value::Null))));
}

#[tokio::test]
async fn a_failure_that_leaves_nothing_open_is_a_failure_and_asks_nobody() {
    let (world, store) = in_memory();
    let flow = world.shelf.publish(&PAYS.replace("WHEN", ""));
    world.ledger.react(|_| {
        let mut error = NodeError::new("http_status", "answered 503");
        error.retryable = true;
        React::Fail(error)
    });
    let runtime = world.runtime().await;
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    assert!(
        matches!(end(&runtime, run).await, Answer::Ended(Outcome::Failed { error }) if error.code == "http_status")
    );
    assert!(store.asks().tasks(run).is_empty());
    assert_eq!(calls(&world).len(), 1);
}
