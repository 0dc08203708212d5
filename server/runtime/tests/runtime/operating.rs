//! What people do to runs: pause, resume and terminate, with what comes meanwhile and across crashes; fork, with what of the
//! recorded inputs fits.

use std::sync::{Arc, Mutex};

use holon_engine::{Input, Outcome};
use holon_flow::capability::NodeError;
use holon_model::{FlowId, Payload, RunId, Value};
use holon_platform::clock::SystemClock;
use holon_platform::db::test_db::TestDb;
use holon_runtime::store::mem::{Fault, MemStore};
use holon_runtime::store::pg::PgStore;
use holon_runtime::store::{Asks as _, LiveRow, LiveStatus, LiveWrite, StoreError};
use holon_runtime::{Answer, DeliverError, Delivered, Fork, ForkError, RuntimeHandle};
use tokio::sync::Notify;

use crate::support::{React, THREE_STEPS, World, end, keyed, tenant, until};

fn world() -> (World, MemStore) {
    let store = MemStore::new(SystemClock::shared());
    (World::over(Arc::new(store.clone())), store)
}

fn ok(value: Value) -> Answer {
    Answer::Ended(Outcome::Ok(Payload::Inline(value)))
}

fn seven() -> Answer {
    ok(Value::map([("n", Value::Int(7))]))
}

const ONCE: &str = r#"{"holon": 1, "name": "once", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "a": {"kind": "test.once@1"}, "b": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "a.in"}, {"from": "a.out", "to": "b.in"}]}"#;
const NAPS: &str = r#"{"holon": 1, "name": "naps", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "nap": {"kind": "flow.wait@1", "config": {"for": "1s"}}},
  "edges": [{"from": "start.out", "to": "nap.in"}]}"#;
const SLEEPS: &str = r#"{"holon": 1, "name": "sleeps", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "nap": {"kind": "flow.wait@1", "config": {"for": "1h"}}},
  "edges": [{"from": "start.out", "to": "nap.in"}]}"#;
const SIGNALLED: &str = r#"{"holon": 1, "name": "signalled", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "paid": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": {"$cel": "string(input.n)"}}}},
  "edges": [{"from": "start.out", "to": "paid.in"}]}"#;
const APPROVED: &str = r#"{"holon": 1, "name": "approved", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "ask": {"kind": "flow.approval@1", "config": {"title": "Pay?",
      "choices": [{"port": "approve", "label": "Pay"}, {"port": "reject", "label": "Do not pay"}]}},
    "yes": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "ask.in"}, {"from": "ask.approve", "to": "yes.in"}]}"#;
const BOOKS: &str = r#"{"holon": 1, "name": "books", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "trip": {"kind": "saga@1", "config": {"steps": [{"step": "flight", "compensate": "drop"}, {"step": "pay"}]}, "bodies": {
      "flight": {"nodes": {"book": {"kind": "test.call@1"}}, "edges": []},
      "drop": {"nodes": {"give_back": {"kind": "test.call@1"}}, "edges": []},
      "pay": {"nodes": {"charge": {"kind": "test.call@1"}}, "edges": []}}}},
  "edges": [{"from": "start.out", "to": "trip.in"}]}"#;

fn calls(flow: FlowId) -> String {
    format!(
        r#"{{"holon": 1, "name": "calls", "nodes": {{
            "start": {{"kind": "trigger.manual@1"}}, "other": {{"kind": "flow@1", "config": {{"flow": "{flow}"}}}}}},
          "edges": [{{"from": "start.out", "to": "other.in"}}], "result": {{"$cel": "nodes.other"}}}}"#
    )
}

fn signal(sender: &str, n: i64) -> Input {
    let payload = Payload::Inline(Value::map([("paid", Value::Int(n))]));
    Input::Signal { name: "paid".into(), correlation: "7".into(), sender: sender.into(), payload }
}

async fn start(world: &World, runtime: &RuntimeHandle, flow: FlowId) -> RunId {
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    run
}

async fn pause(runtime: &RuntimeHandle, run: RunId) -> Result<Delivered, DeliverError> {
    runtime.pause(tenant(1), run, "ada".into(), "paused by ada".into()).await
}

async fn row(world: &World, run: RunId) -> Option<LiveRow> {
    let rows = world.store.live(&(0..256).collect::<Vec<_>>()).await.unwrap();
    rows.into_iter().find(|row| row.run == run)
}

async fn inputs(world: &World, run: RunId) -> Vec<&'static str> {
    let entries = world.store.journal(tenant(1), run, 0).await.unwrap();
    entries.iter().map(|entry| holon_engine::decode_input(&entry.input).unwrap().kind()).collect()
}

fn paths(world: &World) -> Vec<String> {
    world.ledger.calls().into_iter().map(|call| call.path).collect()
}

/// The first call of this path answers when it is told to.
fn answers_later(world: &World, path: &'static str) -> Arc<Notify> {
    let go = Arc::new(Notify::new());
    let later = go.clone();
    world.ledger.react(move |call| if call.path == path { React::After(later.clone()) } else { React::Echo });
    go
}

/// Waits until so many inputs are kept for a run.
async fn kept(world: &World, run: RunId, count: usize) {
    while world.store.kept(tenant(1), run).await.unwrap().len() < count {
        tokio::task::yield_now().await;
    }
}

fn code(answer: &Result<Delivered, DeliverError>) -> &'static str {
    match answer {
        Err(DeliverError::Refused { code, .. }) => code,
        _ => "",
    }
}

#[tokio::test]
async fn a_paused_run_takes_nothing_in_and_goes_on_with_what_came_meanwhile() {
    let (world, _) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    let answer = answers_later(&world, "a");
    let run = start(&world, &runtime, flow).await;
    world.ledger.reached(1).await;
    assert_eq!(runtime.resume(tenant(1), run).await.as_ref().err().map(|_| ()), Some(()), "it is not paused");
    assert_eq!(pause(&runtime, run).await, Ok(Delivered::TakenIn));
    let found = row(&world, run).await.unwrap();
    assert_eq!((found.status, found.paused_by.as_deref()), (LiveStatus::Paused, Some("ada")));
    assert_eq!(found.reason.as_deref(), Some("paused by ada"));
    answer.notify_one();
    kept(&world, run, 1).await;
    assert_eq!((inputs(&world, run).await, paths(&world)), (vec!["start"], vec!["a".to_owned()]));
    assert_eq!(code(&pause(&runtime, run).await), "paused_already");
    assert_eq!(runtime.pause(tenant(2), run, "eve".into(), String::new()).await, Err(DeliverError::NotFound));
    assert_eq!(runtime.resume(tenant(1), run).await, Ok(Delivered::TakenIn));
    assert_eq!(end(&runtime, run).await, seven());
    assert_eq!(paths(&world), ["a", "b", "c"]);
    assert!(world.store.kept(tenant(1), run).await.unwrap().is_empty());
    assert!(row(&world, run).await.is_none());
    assert_eq!(pause(&runtime, run).await, Err(DeliverError::Over));
}

async fn an_answer_outlives_a_crash(world: World) {
    let flow = world.shelf.publish(ONCE);
    let runtime = world.runtime().await;
    let answer = answers_later(&world, "a");
    let run = start(&world, &runtime, flow).await;
    world.ledger.reached(1).await;
    pause(&runtime, run).await.unwrap();
    answer.notify_one();
    kept(&world, run, 1).await;
    runtime.abort();
    let runtime = world.runtime().await;
    assert_eq!(row(&world, run).await.unwrap().paused_by.as_deref(), Some("ada"));
    assert_eq!(paths(&world), ["a"]);
    runtime.resume(tenant(1), run).await.unwrap();
    // Done at most once, and its answer was kept: it is neither done again nor called unknown. What follows is done.
    assert_eq!(end(&runtime, run).await, seven());
    assert_eq!(paths(&world), ["a", "b"]);
}

#[tokio::test]
async fn the_answer_of_an_effect_that_came_while_its_run_was_paused_outlives_a_crash() {
    an_answer_outlives_a_crash(world().0).await;
}

#[tokio::test]
async fn the_answer_of_an_effect_that_came_while_its_run_was_paused_outlives_a_crash_in_postgres() {
    let db = TestDb::new().await;
    an_answer_outlives_a_crash(World::over(Arc::new(PgStore::new(db.pool_apart())))).await;
}

#[tokio::test]
async fn what_was_under_way_when_a_paused_run_lost_its_process_is_done_again_with_its_key_once_it_goes_on() {
    let (world, _) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    let _never = answers_later(&world, "a");
    let run = start(&world, &runtime, flow).await;
    world.ledger.reached(1).await;
    pause(&runtime, run).await.unwrap();
    runtime.abort();
    let runtime = world.runtime().await;
    world.ledger.react(|_| React::Echo);
    assert_eq!(row(&world, run).await.unwrap().status, LiveStatus::Paused);
    assert_eq!(paths(&world), ["a"], "nothing is done for it");
    runtime.resume(tenant(1), run).await.unwrap();
    assert_eq!(end(&runtime, run).await, seven());
    assert_eq!(paths(&world), ["a", "a", "b", "c"]);
    assert_eq!(world.ledger.entries()[&(run, "a".to_owned())].len(), 1, "one key");
}

#[tokio::test]
async fn a_timer_that_came_due_while_its_run_was_paused_fires_when_it_goes_on() {
    for crash in [false, true] {
        let (world, _) = world();
        let flow = world.shelf.publish(NAPS);
        let mut runtime = world.runtime().await;
        let run = start(&world, &runtime, flow).await;
        pause(&runtime, run).await.unwrap();
        let due = world.store.history(tenant(1), run).await.unwrap().unwrap().facts.started_at.0 + 1_000;
        if crash {
            runtime.abort();
            runtime = world.runtime().await;
        }
        until(|| world.clock.now().0 > due + 50).await;
        assert_eq!(inputs(&world, run).await, ["start"]);
        runtime.resume(tenant(1), run).await.unwrap();
        end(&runtime, run).await;
        assert_eq!(inputs(&world, run).await, ["start", "timer_fired"]);
    }
}

#[tokio::test]
async fn a_signal_for_a_paused_run_counts_once_and_when_it_goes_on() {
    let (world, _) = world();
    let flow = world.shelf.publish(SIGNALLED);
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, flow).await;
    pause(&runtime, run).await.unwrap();
    assert_eq!(runtime.deliver(tenant(1), run, signal("bank-1", 1)).await, Ok(Delivered::Kept));
    assert_eq!(code(&runtime.deliver(tenant(1), run, signal("bank-1", 2)).await), "duplicate_signal");
    let unknown = Input::Signal {
        name: "nobody waits".into(),
        correlation: String::new(),
        sender: "x".into(),
        payload: Payload::Inline(Value::Null),
    };
    assert_eq!(code(&runtime.deliver(tenant(1), run, unknown).await), "unknown_signal");
    assert_eq!(inputs(&world, run).await, ["start"]);
    runtime.resume(tenant(1), run).await.unwrap();
    assert_eq!(end(&runtime, run).await, ok(Value::map([("paid", Value::Int(1))])));
}

#[tokio::test]
async fn the_first_answer_to_a_task_of_a_paused_run_counts_and_the_second_hears_so() {
    let (world, store) = world();
    let flow = world.shelf.publish(APPROVED);
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, flow).await;
    pause(&runtime, run).await.unwrap();
    let id = store.asks().tasks(run)[0].task.id;
    let answer = |choice: &str| Input::TaskAnswered {
        id,
        choice: choice.into(),
        form: Payload::Inline(Value::Null),
        by: "ada".into(),
    };
    assert_eq!(runtime.deliver(tenant(1), run, answer("approve")).await, Ok(Delivered::Kept));
    assert_eq!(code(&runtime.deliver(tenant(1), run, answer("reject")).await), "unknown_task");
    runtime.resume(tenant(1), run).await.unwrap();
    end(&runtime, run).await;
    assert_eq!(paths(&world), ["yes"]);
}

#[tokio::test]
async fn a_paused_run_that_is_cancelled_goes_on_to_its_end() {
    let (world, _) = world();
    let flow = world.shelf.publish(SLEEPS);
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, flow).await;
    pause(&runtime, run).await.unwrap();
    assert_eq!(runtime.cancel(tenant(1), run, "enough".into()).await, Ok(Delivered::TakenIn));
    assert_eq!(end(&runtime, run).await, Answer::Ended(Outcome::Cancelled { reason: "enough".into() }));
    assert!(row(&world, run).await.is_none());
}

#[tokio::test]
async fn a_pause_that_comes_late_after_it_was_sent_again_and_ended_pauses_nothing() {
    let (world, store) = world();
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, world.shelf.publish(SIGNALLED)).await;
    let late = Arc::new(Mutex::new(None));
    let kept = late.clone();
    store.fail(move |batch| {
        let pauses = batch.writes.iter().any(|write| matches!(write.live, LiveWrite::Hold { .. }));
        let mut late = kept.lock().unwrap();
        if pauses && late.is_none() {
            *late = Some(batch.clone());
            return Fault::LostBefore;
        }
        Fault::None
    });
    assert_eq!(pause(&runtime, run).await, Ok(Delivered::TakenIn));
    assert_eq!(row(&world, run).await.unwrap().status, LiveStatus::Paused);
    assert_eq!(runtime.resume(tenant(1), run).await, Ok(Delivered::TakenIn));
    let late = late.lock().unwrap().take().expect("the first pause was sent");
    store.heal();
    assert_eq!(world.store.commit(&late).await, Err(StoreError::Conflict));
    assert_ne!(row(&world, run).await.unwrap().status, LiveStatus::Paused);
}

#[tokio::test]
async fn a_terminated_run_ends_at_once_and_what_it_called_is_asked_to_end() {
    for crash in [false, true] {
        let (world, _) = world();
        let sleeper = world.shelf.publish(SLEEPS);
        let caller = world.shelf.publish(&calls(sleeper));
        let mut runtime = world.runtime().await;
        let run = start(&world, &runtime, caller).await;
        let child = loop {
            let rows = world.store.live(&(0..256).collect::<Vec<_>>()).await.unwrap();
            if let Some(row) = rows.iter().find(|row| row.run != run) {
                break row.run;
            }
            tokio::task::yield_now().await;
        };
        pause(&runtime, run).await.unwrap();
        if crash {
            runtime.abort();
            runtime = world.runtime().await;
        }
        assert_eq!(runtime.terminate(tenant(1), run, "stop it".into()).await, Ok(Delivered::TakenIn));
        let ended = world.store.history(tenant(1), run).await.unwrap().unwrap().ended.unwrap();
        assert_eq!((ended.status.as_str(), ended.error.as_deref()), ("terminated", Some("stop it")));
        assert!(row(&world, run).await.is_none());
        assert!(matches!(end(&runtime, child).await, Answer::Ended(Outcome::Cancelled { .. })));
        assert_eq!(runtime.terminate(tenant(1), run, "again".into()).await, Err(DeliverError::Over));
    }
}

#[tokio::test]
async fn a_run_whose_end_by_decree_was_written_and_not_answered_is_over() {
    for fault in [Fault::LostAfter, Fault::LostBefore] {
        let (world, store) = world();
        let flow = world.shelf.publish(SLEEPS);
        let runtime = world.runtime().await;
        let run = start(&world, &runtime, flow).await;
        let mut lost = false;
        store.fail(move |_| if std::mem::replace(&mut lost, true) { Fault::None } else { fault });
        assert_eq!(runtime.terminate(tenant(1), run, "stop it".into()).await, Ok(Delivered::TakenIn));
        assert_eq!(world.store.history(tenant(1), run).await.unwrap().unwrap().ended.unwrap().status, "terminated");
    }
}

#[tokio::test]
async fn whoever_called_a_run_that_is_terminated_is_told() {
    let (world, _) = world();
    let sleeper = world.shelf.publish(SLEEPS);
    let caller = world.shelf.publish(&calls(sleeper));
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, caller).await;
    let child = loop {
        let rows = world.store.live(&(0..256).collect::<Vec<_>>()).await.unwrap();
        if let Some(row) = rows.iter().find(|row| row.run != run) {
            break row.run;
        }
        tokio::task::yield_now().await;
    };
    runtime.terminate(tenant(1), child, "stop it".into()).await.unwrap();
    let Answer::Ended(Outcome::Failed { error }) = end(&runtime, run).await else { panic!("the caller fails") };
    assert_eq!(error.code, "child_cancelled");
}

fn fork(world: &World, seq: i64, version: Option<i32>) -> Fork {
    Fork { seq, version, new: world.run_id(), actor: "ada".into(), idempotency: None, audit: None }
}

#[tokio::test]
async fn a_fork_copies_what_was_and_does_the_rest_with_keys_of_its_own() {
    let (world, _) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, flow).await;
    end(&runtime, run).await;
    let check = runtime.check_fork(tenant(1), run, 2, None).await.unwrap();
    assert!(check.fits && check.copied == 2 && check.why.is_none(), "{check:?}");
    let steps: Vec<_> = check.steps.iter().map(|step| (step.what.as_str(), step.path.as_deref())).collect();
    assert_eq!(steps, [("start", None), ("effect_completed", Some("a"))]);
    let asked = Fork { idempotency: keyed("k"), ..fork(&world, 2, None) };
    let new = asked.new;
    assert_eq!(runtime.fork(tenant(1), run, asked.clone()).await.unwrap().run, new);
    let again = runtime.fork(tenant(1), run, Fork { new: world.run_id(), ..asked }).await.unwrap();
    assert_eq!((again.run, again.replayed), (new, true));
    assert_eq!(end(&runtime, new).await, seven());
    assert_eq!(paths(&world), ["a", "b", "c", "b", "c"]);
    let entries = world.ledger.entries();
    assert!(entries[&(run, "b".to_owned())].is_disjoint(&entries[&(new, "b".to_owned())]), "{entries:?}");
    let facts = world.store.history(tenant(1), new).await.unwrap().unwrap().facts;
    assert_eq!((facts.marks.fork_of, facts.retry_of), (Some((run, 2)), None));
    // What the copy says replays like any journal, and a fork can be forked.
    assert!(runtime.check_fork(tenant(1), new, 3, None).await.unwrap().fits);
    assert_eq!(runtime.fork(tenant(2), run, fork(&world, 2, None)).await, Err(ForkError::NotFound));
}

#[tokio::test]
async fn a_newer_version_takes_what_it_asks_for_with_the_same_bytes_and_says_why_it_does_not_take_the_rest() {
    let (world, _) = world();
    let flow = world.shelf.publish(THREE_STEPS);
    let changed = |what: &str| THREE_STEPS.replace(r#""b": {"kind": "test.call@1"}"#, what);
    world.shelf.publish_next(flow, &changed(r#""b": {"kind": "test.call@1", "config": {"x": 1}}"#));
    world.shelf.publish_next(flow, &changed(r#""b": {"kind": "test.once@1"}"#));
    let gone = r#"{"holon": 1, "name": "three", "nodes": {"start": {"kind": "trigger.manual@1"}, "c": {"kind": "test.call@1"}},
        "edges": [{"from": "start.out", "to": "c.in"}]}"#;
    world.shelf.publish_next(flow, gone);
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, flow).await;
    end(&runtime, run).await;
    for (version, seq, path, why) in
        [(2, 2, "b", "another configuration"), (3, 2, "b", "`test.once@1`"), (4, 1, "a", "asks nothing at `a`")]
    {
        let check = runtime.check_fork(tenant(1), run, 4, Some(version)).await.unwrap();
        assert!(!check.fits, "{check:?}");
        let last = check.steps.last().unwrap();
        assert_eq!(
            (check.copied, last.seq, last.fits, last.path.as_deref()),
            (seq, seq, false, Some(path)),
            "{check:?}"
        );
        assert!(last.why.as_ref().unwrap().contains(why), "{last:?}");
        let refused = runtime.fork(tenant(1), run, fork(&world, 4, Some(version))).await;
        assert!(matches!(&refused, Err(ForkError::Unfit { seq: at, .. }) if *at == seq), "{refused:?}");
    }
    let asked = fork(&world, 2, Some(2));
    let new = asked.new;
    runtime.fork(tenant(1), run, asked).await.unwrap();
    assert_eq!(end(&runtime, new).await, seven());
    assert_eq!(world.store.history(tenant(1), new).await.unwrap().unwrap().facts.version, 2);
    // What a fork goes on from must be there, lie before the end, and not be of the past.
    for seq in [0, 5, -1] {
        let refused = runtime.check_fork(tenant(1), run, seq, None).await;
        assert_eq!(refused, Err(ForkError::Nowhere { most: 4 }), "{seq}");
    }
    assert!(matches!(runtime.check_fork(tenant(1), new, 1, Some(1)).await, Err(ForkError::Version(_))));
    assert!(matches!(runtime.check_fork(tenant(1), run, 1, Some(9)).await, Err(ForkError::Version(_))));
    let over = runtime.check_fork(tenant(1), run, 4, None).await.unwrap();
    assert!(!over.fits && over.steps.iter().all(|step| step.fits) && over.why.unwrap().contains("over"));
    let refused = runtime.fork(tenant(1), run, fork(&world, 4, None)).await;
    assert!(matches!(refused, Err(ForkError::Pointless(_))), "{refused:?}");
}

#[tokio::test]
async fn a_fork_makes_calls_of_its_own_and_its_original_is_told_nothing() {
    let (world, _) = world();
    let called = world.shelf.publish(THREE_STEPS);
    let caller = world.shelf.publish(&calls(called));
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, caller).await;
    assert_eq!(end(&runtime, run).await, seven());
    let asked = fork(&world, 1, None);
    let new = asked.new;
    runtime.fork(tenant(1), run, asked).await.unwrap();
    assert_eq!(end(&runtime, new).await, seven());
    assert_eq!(paths(&world).len(), 6, "the flow was called twice");
    let keys: std::collections::BTreeSet<String> = world.ledger.calls().into_iter().map(|call| call.key).collect();
    assert_eq!(keys.len(), 6, "each time with keys of its own");
    // A fork of the run that was called: whoever called the original hears of the original only.
    let child = world.ledger.calls()[0].run;
    let asked = fork(&world, 2, None);
    let beside = asked.new;
    runtime.fork(tenant(1), child, asked).await.unwrap();
    assert_eq!(end(&runtime, beside).await, seven());
    assert!(row(&world, beside).await.is_none(), "it owes nobody a word");
}

#[tokio::test]
async fn a_fork_waits_for_its_own_signal_and_asks_its_own_task() {
    let (world, store) = world();
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, world.shelf.publish(SIGNALLED)).await;
    let asked = fork(&world, 1, None);
    let new = asked.new;
    runtime.fork(tenant(1), run, asked).await.unwrap();
    let environment = world.request(world.shelf.publish(SLEEPS)).environment;
    assert_eq!(store.waiting(tenant(1), environment, "paid", "7").await.unwrap().len(), 2);
    runtime.deliver(tenant(1), new, signal("bank", 2)).await.unwrap();
    assert_eq!(end(&runtime, new).await, ok(Value::map([("paid", Value::Int(2))])));
    assert_eq!(store.waiting(tenant(1), environment, "paid", "7").await.unwrap(), [run]);

    let run = start(&world, &runtime, world.shelf.publish(APPROVED)).await;
    let answer =
        |id| Input::TaskAnswered { id, choice: "approve".into(), form: Payload::Inline(Value::Null), by: "ada".into() };
    let task = store.asks().tasks(run)[0].task.id;
    runtime.deliver(tenant(1), run, answer(task)).await.unwrap();
    end(&runtime, run).await;
    let open = fork(&world, 1, None);
    let asks = open.new;
    runtime.fork(tenant(1), run, open).await.unwrap();
    let tasks = store.asks().tasks(asks);
    assert!(tasks.len() == 1 && tasks[0].state == "open" && tasks[0].task.id != task, "{tasks:?}");
    // After the answer it is not asked again.
    let answered = fork(&world, 2, None);
    let goes_on = answered.new;
    runtime.fork(tenant(1), run, answered).await.unwrap();
    end(&runtime, goes_on).await;
    assert!(store.asks().tasks(goes_on).is_empty());
    assert_eq!(world.ledger.entries()[&(goes_on, "yes".to_owned())].len(), 1);
}

#[tokio::test]
async fn steps_of_a_saga_that_were_undone_since_are_not_taken_for_done() {
    let (world, _) = world();
    let flow = world.shelf.publish(BOOKS);
    world.ledger.react(|call| match call.path.as_str() {
        "trip.pay/charge" => React::Fail(NodeError::new("declined", "no money")),
        _ => React::Echo,
    });
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, flow).await;
    assert!(matches!(end(&runtime, run).await, Answer::Ended(Outcome::Failed { .. })));
    assert_eq!(inputs(&world, run).await, ["start", "effect_completed", "effect_failed", "effect_completed"]);
    for seq in [2, 3] {
        let check = runtime.check_fork(tenant(1), run, seq, None).await.unwrap();
        assert!(!check.fits && check.why.as_ref().unwrap().contains("undid"), "{seq}: {check:?}");
    }
    // Before the saga had done anything the copy says nothing that is not so.
    world.ledger.react(|_| React::Echo);
    let before = fork(&world, 1, None);
    let new = before.new;
    runtime.fork(tenant(1), run, before).await.unwrap();
    assert!(matches!(end(&runtime, new).await, Answer::Ended(Outcome::Ok(_))));
}

#[tokio::test]
async fn what_may_be_done_once_only_is_done_by_the_fork_as_its_own() {
    let (world, _) = world();
    let flow = world.shelf.publish(ONCE);
    let runtime = world.runtime().await;
    let run = start(&world, &runtime, flow).await;
    end(&runtime, run).await;
    let asked = fork(&world, 1, None);
    let new = asked.new;
    runtime.fork(tenant(1), run, asked).await.unwrap();
    assert_eq!(end(&runtime, new).await, seven());
    assert_eq!(paths(&world), ["a", "b", "a", "b"]);
}
