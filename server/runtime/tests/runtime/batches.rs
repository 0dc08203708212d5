//! Batches over both stores: items of several runs, one body, each item once, whatever is killed, cancelled, ended or moved.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use holon_engine::{Input, Outcome, decode_input};
use holon_flow::capability::NodeError;
use holon_model::{FlowId, Payload, RunId, Value};
use holon_runtime::store::LiveRow;
use holon_runtime::store::mem::Fault;
use holon_runtime::{Answer, Fork, RetryError, RuntimeHandle};
use tokio::sync::Notify;

use crate::support::{React, World, end, keyed, tenant};
use crate::worlds::{in_memory, in_postgres};

/// Brings `n`, and gives what the batch has for it: the call echoes the list.
fn collects(config: &str) -> String {
    format!(
        r#"{{"holon": 1, "name": "collects", "nodes": {{
            "start": {{"kind": "trigger.manual@1"}},
            "collect": {{"kind": "batch@1", "config": {{"item": {{"$cel": "input.n"}}, {config}}},
              "bodies": {{"body": {{"nodes": {{"call": {{"kind": "test.call@1"}}}}, "edges": []}}}}}}}},
          "edges": [{{"from": "start.out", "to": "collect.in"}}]}}"#
    )
}

async fn bring(world: &World, by: &RuntimeHandle, flow: FlowId, n: i64) -> RunId {
    let mut request = world.request(flow);
    (request.run, request.input) = (by.mint(), Value::map([("n", Value::Int(n))]));
    request.idempotency = keyed(&format!("item-{n}"));
    by.start(request).await.expect("the run is accepted").run
}

async fn output(by: &RuntimeHandle, run: RunId) -> Value {
    match end(by, run).await {
        Answer::Ended(Outcome::Ok(Payload::Inline(value))) => value,
        other => panic!("{run} completes: {other:?}"),
    }
}

async fn code(by: &RuntimeHandle, run: RunId) -> String {
    match end(by, run).await {
        Answer::Ended(Outcome::Failed { error }) => error.code,
        other => panic!("{run} fails: {other:?}"),
    }
}

/// What of a run is in its journal.
async fn inputs(world: &World, run: RunId) -> Vec<Input> {
    let journal = world.store.journal(tenant(1), run, 0).await.unwrap();
    journal.iter().map(|entry| decode_input(&entry.input).unwrap()).collect()
}

/// The batch that collects, once it has so many items.
async fn collected(world: &World, items: usize) -> LiveRow {
    let found = async {
        loop {
            let live = world.store.live(&(0..256).collect::<Vec<_>>()).await.unwrap();
            for row in live.into_iter().filter(|row| row.facts.trigger == "batch") {
                let joined = inputs(world, row.run).await;
                if joined.iter().filter(|input| matches!(input, Input::Joined { .. })).count() >= items {
                    return row;
                }
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.expect("the items come")
}

/// Each item is in one batch, and each body was called by one key.
async fn each_once(world: &World, members: usize) {
    let mut times: BTreeMap<RunId, usize> = BTreeMap::new();
    let entries = world.ledger.entries();
    assert!(entries.values().all(|keys| keys.len() == 1), "{entries:?}");
    for (batch, _) in entries.keys() {
        for input in inputs(world, *batch).await {
            match input {
                Input::Joined { member, .. } => *times.entry(member.run).or_default() += 1,
                Input::Left { member } => *times.entry(member.run).or_default() -= 1,
                _ => {}
            }
        }
    }
    times.retain(|_, times| *times > 0);
    assert_eq!((times.len(), times.values().max()), (members, Some(&1)), "{times:?}");
}

async fn shared(world: World) {
    let flow = world.shelf.publish(&collects(r#""size": 3, "within": "1h""#));
    let keyed = world.shelf.publish(&collects(r#""size": 2, "within": "1h", "key": {"$cel": "input.n % 2"}"#));
    let runtime = world.runtime().await;
    let mut runs = Vec::new();
    for n in [10, 20, 30] {
        runs.push((bring(&world, &runtime, flow, n).await, n));
    }
    for (run, n) in runs {
        assert_eq!(output(&runtime, run).await, Value::Int(n), "each gets its own");
    }
    let calls = world.ledger.calls();
    assert_eq!((calls.len(), calls[0].path.as_str()), (1, "collect/call"), "the body ran once");
    let mut runs = Vec::new();
    for n in 1..=4 {
        runs.push((bring(&world, &runtime, keyed, n).await, n));
    }
    for (run, n) in runs {
        assert_eq!(output(&runtime, run).await, Value::Int(n));
    }
    assert_eq!(world.ledger.calls().len(), 3, "odd and even ones apart");
    each_once(&world, 7).await;
    // The next ones go into the next batch of the same node.
    for n in [11, 21, 31] {
        bring(&world, &runtime, flow, n).await;
    }
    world.ledger.reached(4).await;
    runtime.drain(Duration::from_secs(5)).await;
    let again = world.runtime().await;
    let mut late = Vec::new();
    for n in [12, 22, 32] {
        late.push(bring(&world, &again, flow, n).await);
    }
    for run in late {
        output(&again, run).await;
    }
    each_once(&world, 13).await;
}

#[tokio::test]
async fn what_several_runs_bring_is_done_once_and_each_gets_its_own() {
    shared(in_memory().0).await;
}

#[tokio::test]
async fn what_several_runs_bring_is_done_once_and_each_gets_its_own_in_postgres() {
    let (world, _db) = in_postgres().await;
    shared(world).await;
}

#[tokio::test]
async fn a_batch_that_does_not_become_full_is_done_in_its_time_also_where_a_flow_runs_one_at_a_time() {
    let (world, _) = in_memory();
    let alone = collects(r#""size": 10, "within": "20ms""#);
    let bounded = alone.replacen(r#""nodes""#, r#""limits": {"concurrency": {"limit": 1}}, "nodes""#, 1);
    let (alone, bounded) = (world.shelf.publish(&alone), world.shelf.publish(&bounded));
    let runtime = world.runtime().await;
    let run = bring(&world, &runtime, alone, 5).await;
    assert_eq!(output(&runtime, run).await, Value::Int(5));
    let run = bring(&world, &runtime, bounded, 6).await;
    assert_eq!(output(&runtime, run).await, Value::Int(6), "its batch needs no place of its own");
}

#[tokio::test]
async fn what_fails_in_a_batch_fails_all_and_a_retry_goes_into_another_one() {
    let (world, _) = in_memory();
    let flow = world.shelf.publish(&collects(r#""size": 2, "within": "1h""#));
    let runtime = world.runtime().await;
    let mut calls = 0;
    world.ledger.react(move |_| {
        calls += 1;
        if calls == 1 { React::Fail(NodeError::new("refused", "no")) } else { React::Echo }
    });
    let runs = [bring(&world, &runtime, flow, 1).await, bring(&world, &runtime, flow, 2).await];
    for run in runs {
        assert_eq!(code(&runtime, run).await, "refused");
    }
    let mut again = Vec::new();
    for run in runs {
        again.push(runtime.retry(tenant(1), run, runtime.mint(), "ada".into(), None, None).await.unwrap().run);
    }
    for (run, n) in again.into_iter().zip(1..) {
        assert_eq!(output(&runtime, run).await, Value::Int(n));
    }
    assert_eq!(world.ledger.calls().len(), 2);
}

async fn taken_back(world: World) {
    let flow = world.shelf.publish(&collects(r#""size": 3, "within": "1h""#));
    let runtime = world.runtime().await;
    let first = bring(&world, &runtime, flow, 1).await;
    let second = bring(&world, &runtime, flow, 2).await;
    collected(&world, 2).await;
    runtime.cancel(tenant(1), first, "not any more".into()).await.unwrap();
    assert!(matches!(end(&runtime, first).await, Answer::Ended(Outcome::Cancelled { .. })));
    let runs = [second, bring(&world, &runtime, flow, 3).await, bring(&world, &runtime, flow, 4).await];
    for (run, n) in runs.into_iter().zip(2..) {
        assert_eq!(output(&runtime, run).await, Value::Int(n));
    }
    each_once(&world, 3).await;
}

#[tokio::test]
async fn an_item_leaves_with_its_run_as_long_as_the_batch_collects() {
    taken_back(in_memory().0).await;
}

#[tokio::test]
async fn an_item_leaves_with_its_run_as_long_as_the_batch_collects_in_postgres() {
    let (world, _db) = in_postgres().await;
    taken_back(world).await;
}

#[tokio::test]
async fn whoever_ends_a_batch_by_decree_ends_what_waits_for_it_also_after_a_crash() {
    let (world, store) = in_memory();
    let flow = world.shelf.publish(&collects(r#""size": 3, "within": "1h""#));
    let runtime = world.runtime().await;
    let runs = [bring(&world, &runtime, flow, 1).await, bring(&world, &runtime, flow, 2).await];
    let batch = collected(&world, 2).await.run;
    // What follows from the end is not written any more.
    let mut ended = false;
    store.fail(move |writes| {
        let ends = writes.writes.iter().any(|write| write.run == batch && write.end.is_some());
        let hang = ended && !ends;
        ended |= ends;
        if hang { Fault::HangBefore } else { Fault::None }
    });
    runtime.terminate(tenant(1), batch, "enough".into()).await.unwrap();
    runtime.abort();
    store.heal();
    let again = world.runtime().await;
    for run in runs {
        assert_eq!(code(&again, run).await, "child_cancelled");
    }
    assert!(world.ledger.calls().is_empty());
}

#[tokio::test]
async fn what_a_batch_has_done_for_a_run_is_not_brought_again_by_its_retry() {
    let (world, _) = in_memory();
    let flow = world.shelf.publish(&collects(r#""size": 2, "within": "1h""#));
    let runtime = world.runtime().await;
    let go = Arc::new(Notify::new());
    let until = go.clone();
    world.ledger.react(move |_| React::After(until.clone()));
    let runs = [bring(&world, &runtime, flow, 1).await, bring(&world, &runtime, flow, 2).await];
    world.ledger.reached(1).await;
    // It cannot be taken back any more, and whoever brought it does not hear what becomes of it.
    runtime.terminate(tenant(1), runs[0], "enough".into()).await.unwrap();
    let again = runtime.retry(tenant(1), runs[0], runtime.mint(), "ada".into(), None, None).await.unwrap().run;
    go.notify_one();
    assert_eq!(output(&runtime, runs[1]).await, Value::Int(2));
    assert_eq!(output(&runtime, again).await, Value::Int(1), "its share of then");
    assert_eq!(world.ledger.calls().len(), 1);
    each_once(&world, 2).await;
}

#[tokio::test]
async fn a_paused_batch_takes_in_what_came_meanwhile_when_it_goes_on() {
    let (world, _) = in_memory();
    let flow = world.shelf.publish(&collects(r#""size": 3, "within": "1h""#));
    let runtime = world.runtime().await;
    let first = bring(&world, &runtime, flow, 1).await;
    let batch = collected(&world, 1).await.run;
    runtime.pause(tenant(1), batch, "ada".into(), "looking".into()).await.unwrap();
    let runs = [bring(&world, &runtime, flow, 2).await, bring(&world, &runtime, flow, 3).await];
    kept(&world, batch, 2).await;
    assert!(world.ledger.calls().is_empty());
    runtime.resume(tenant(1), batch).await.unwrap();
    for (run, n) in [first].into_iter().chain(runs).zip(1..) {
        assert_eq!(output(&runtime, run).await, Value::Int(n));
    }
    each_once(&world, 3).await;
}

#[tokio::test]
async fn how_a_fork_of_a_batch_ends_is_told_to_nobody() {
    let (world, _) = in_memory();
    let flow = world.shelf.publish(&collects(r#""size": 2, "within": "1h""#));
    let runtime = world.runtime().await;
    let first = bring(&world, &runtime, flow, 1).await;
    let batch = collected(&world, 1).await.run;
    let check = runtime.check_fork(tenant(1), batch, 2, None).await.unwrap();
    assert!(check.fits, "{check:?}");
    let fork = Fork { seq: 2, version: None, new: runtime.mint(), actor: "ada".into(), idempotency: None, audit: None };
    let fork = runtime.fork(tenant(1), batch, fork).await.unwrap().run;
    runtime.terminate(tenant(1), fork, "enough".into()).await.unwrap();
    runtime.drain(Duration::from_secs(5)).await;
    let again = world.runtime().await;
    let second = bring(&world, &again, flow, 2).await;
    for (run, n) in [first, second].into_iter().zip(1..) {
        assert_eq!(output(&again, run).await, Value::Int(n), "it waited for the batch that it chose");
    }
    each_once(&world, 2).await;
}

/// Brings two items, lets the process be killed at the commit of this number, and goes on in another one.
async fn killed(nth: u64, fault: Fault) {
    let (world, store) = in_memory();
    let flow = world.shelf.publish(&collects(r#""size": 2, "within": "1h""#));
    let (happened, mut seen) = (Arc::new(Notify::new()), 0);
    let told = happened.clone();
    store.fail(move |_| {
        seen += 1;
        if seen != nth {
            return Fault::None;
        }
        told.notify_one();
        fault
    });
    let first = world.runtime().await;
    let bringing = [1, 2].map(|n| {
        let (runtime, mut request) = (first.clone(), world.request(flow));
        (request.run, request.input) = (runtime.mint(), Value::map([("n", Value::Int(n))]));
        request.idempotency = keyed(&format!("item-{n}"));
        tokio::spawn(async move { runtime.start(request).await })
    });
    let over = async {
        for starting in bringing {
            if let Ok(Ok(started)) = starting.await {
                end(&first, started.run).await;
            }
        }
        // All is over before so many commits were made.
        std::future::pending::<()>().await;
    };
    let enough = tokio::time::sleep(Duration::from_secs(2));
    tokio::select! { () = happened.notified() => {}, () = over => {}, () = enough => {} }
    first.abort();
    store.heal();
    let second = world.runtime().await;
    let runs = [bring(&world, &second, flow, 1).await, bring(&world, &second, flow, 2).await];
    for (run, n) in runs.into_iter().zip(1..) {
        assert_eq!(output(&second, run).await, Value::Int(n), "killed at commit {nth}");
    }
    assert_eq!(world.ledger.entries().len(), 1, "killed at commit {nth}: one batch of both");
    each_once(&world, 2).await;
    second.drain(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_kill_at_any_commit_loses_no_item_and_runs_the_body_once() {
    // Starts, what was chosen, what was joined, the call, and the ends: fewer, where some share a commit.
    for nth in 1..=12 {
        killed(nth, Fault::HangBefore).await;
        killed(nth, Fault::HangAfter).await;
    }
}

async fn moved(world: World) {
    let flow = world.shelf.publish(&collects(r#""size": 4, "within": "300ms""#));
    let first = world.runtime().await;
    let second = world.runtime_as(false).await;
    let mut runs = Vec::new();
    for n in 0..24 {
        let by = if n % 2 == 0 || !second.ready() { &first } else { &second };
        runs.push((bring(&world, by, flow, n).await, n));
    }
    first.drain(Duration::from_secs(20)).await;
    for (run, n) in runs {
        assert_eq!(output(&second, run).await, Value::Int(n));
    }
    each_once(&world, 24).await;
    second.drain(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_of_two_replicas_are_each_in_one_batch_also_when_one_of_them_goes() {
    moved(in_memory().0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_of_two_replicas_are_each_in_one_batch_also_when_one_of_them_goes_in_postgres() {
    let (world, _db) = in_postgres().await;
    moved(world).await;
}

/// A runtime after another one was killed, which cannot drive this run on: its journal was damaged meanwhile.
async fn parked(world: &World, runtime: RuntimeHandle, run: RunId, damage: impl Fn()) -> RuntimeHandle {
    runtime.abort();
    damage();
    let again = world.runtime().await;
    let parked = async {
        while world.store.is_driven(tenant(1), run).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), parked).await.expect("it is parked");
    again
}

/// What came for a paused run is kept.
async fn kept(world: &World, run: RunId, inputs: usize) {
    let kept = async {
        while world.store.kept(tenant(1), run).await.unwrap().len() < inputs {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), kept).await.expect("it is kept");
}

#[tokio::test]
async fn a_parked_batch_keeps_what_it_has_until_it_is_mended_and_holds_up_nobody_else() {
    let (mut world, store) = in_memory();
    // No run sleeps, so that what is parked is seen at once.
    world.memory.idle = Duration::from_secs(86_400);
    let flow = world.shelf.publish(&collects(r#""size": 2, "within": "1h""#));
    let runtime = world.runtime().await;
    let first = bring(&world, &runtime, flow, 1).await;
    let batch = collected(&world, 1).await.run;
    runtime.pause(tenant(1), batch, "ada".into(), "looking".into()).await.unwrap();
    let second = bring(&world, &runtime, flow, 2).await;
    kept(&world, batch, 1).await;
    let damage = || store.tamper(tenant(1), batch, |entry| entry.log_hash[0] ^= 1);
    let runtime = parked(&world, runtime, batch, damage).await;
    let others = [bring(&world, &runtime, flow, 3).await, bring(&world, &runtime, flow, 4).await];
    for (run, n) in others.into_iter().zip(3..) {
        assert_eq!(output(&runtime, run).await, Value::Int(n), "they have a batch of their own");
    }
    runtime.abort();
    damage();
    let runtime = world.runtime().await;
    for (run, n) in [first, second].into_iter().zip(1..) {
        assert_eq!(output(&runtime, run).await, Value::Int(n), "it was mended");
    }
    each_once(&world, 4).await;
}

#[tokio::test]
async fn who_has_something_in_a_batch_whose_journal_does_not_read_is_told_so_when_it_is_ended_by_decree() {
    let (mut world, store) = in_memory();
    world.memory.idle = Duration::from_secs(86_400);
    let flow = world.shelf.publish(&collects(r#""size": 3, "within": "1h""#));
    let runtime = world.runtime().await;
    let first = bring(&world, &runtime, flow, 1).await;
    let batch = collected(&world, 1).await.run;
    let second = bring(&world, &runtime, flow, 2).await;
    collected(&world, 2).await;
    let last = store.rows(tenant(1), batch).into_iter().max().unwrap();
    let runtime = parked(&world, runtime, batch, || store.damage(tenant(1), batch, last)).await;
    runtime.terminate(tenant(1), batch, "enough".into()).await.unwrap();
    assert_eq!(code(&runtime, first).await, "child_cancelled");
    assert_eq!(code(&runtime, second).await, "batch_failed", "that it is in there does not read");
    assert!(world.ledger.calls().is_empty());
}

#[tokio::test]
async fn what_is_taken_back_while_it_is_kept_for_a_paused_batch_is_in_none_and_is_brought_once_by_a_retry() {
    let (world, _) = in_memory();
    let flow = world.shelf.publish(&collects(r#""size": 3, "within": "1h""#));
    let runtime = world.runtime().await;
    let first = bring(&world, &runtime, flow, 1).await;
    let batch = collected(&world, 1).await.run;
    runtime.pause(tenant(1), batch, "ada".into(), "looking".into()).await.unwrap();
    let second = bring(&world, &runtime, flow, 2).await;
    kept(&world, batch, 1).await;
    runtime.terminate(tenant(1), second, "not any more".into()).await.unwrap();
    let again = runtime.retry(tenant(1), second, runtime.mint(), "ada".into(), None, None).await.unwrap().run;
    kept(&world, batch, 2).await;
    runtime.resume(tenant(1), batch).await.unwrap();
    let third = bring(&world, &runtime, flow, 3).await;
    for (run, n) in [(first, 1), (again, 2), (third, 3)] {
        assert_eq!(output(&runtime, run).await, Value::Int(n));
    }
    each_once(&world, 3).await;
}

#[tokio::test]
async fn a_fork_onto_a_newer_version_brings_its_item_into_a_batch_of_that_version() {
    let (world, _) = in_memory();
    let text = collects(r#""size": 2, "within": "1h""#);
    let flow = world.shelf.publish(&text);
    world.shelf.publish_next(flow, &text.replace(r#""name": "collects""#, r#""name": "collects anew""#));
    let runtime = world.runtime().await;
    let first = bring(&world, &runtime, flow, 1).await;
    let old = collected(&world, 1).await.run;
    let seq = i64::try_from(inputs(&world, first).await.len()).unwrap();
    let fork = Fork { seq, version: Some(2), new: runtime.mint(), actor: "ada".into(), idempotency: None, audit: None };
    let fork = runtime.fork(tenant(1), first, fork).await.unwrap().run;
    let mut request = world.request(flow);
    (request.run, request.version, request.input) = (runtime.mint(), 2, Value::map([("n", Value::Int(2))]));
    let beside = runtime.start(request).await.unwrap().run;
    assert_eq!(output(&runtime, fork).await, Value::Int(1));
    assert_eq!(output(&runtime, beside).await, Value::Int(2));
    let second = bring(&world, &runtime, flow, 3).await;
    for (run, n) in [(first, 1), (second, 3)] {
        assert_eq!(output(&runtime, run).await, Value::Int(n), "the batch of the older version is for its own");
    }
    each_once(&world, 4).await;
    for (batch, _) in world.ledger.entries().into_keys() {
        let row = world.store.history(tenant(1), batch).await.unwrap().unwrap();
        assert_eq!(row.facts.version, if batch == old { 1 } else { 2 });
    }
}

#[tokio::test]
async fn a_batch_that_failed_as_soon_as_it_was_full_is_not_run_again_without_the_item_that_filled_it() {
    let (world, _) = in_memory();
    let text = collects(r#""size": 2, "within": "1h""#).replace(
        r#""call": {"kind": "test.call@1"}"#,
        r#""call": {"kind": "test.call@1"}, "stop": {"kind": "flow.fail@1", "config": {"code": "no"}}"#,
    );
    let flow = world.shelf.publish(&text);
    let runtime = world.runtime().await;
    let first = bring(&world, &runtime, flow, 1).await;
    let batch = collected(&world, 1).await.run;
    for run in [first, bring(&world, &runtime, flow, 2).await] {
        assert_eq!(code(&runtime, run).await, "no");
    }
    let last = inputs(&world, batch).await.pop();
    assert!(matches!(last, Some(Input::Joined { .. })), "{last:?}");
    let retried = runtime.retry(tenant(1), batch, runtime.mint(), "ada".into(), None, None).await;
    assert!(matches!(retried, Err(RetryError::NothingToRetry)), "{retried:?}");
}
