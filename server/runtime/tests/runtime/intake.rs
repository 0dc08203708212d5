//! Whether runs begin, over both stores: how many of a flow go on at a time, in which order, what is refused, what is replaced, what a
//! crash leaves, and what people pause.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use holon_engine::{Input, Outcome, decode_input};
use holon_flow::capability::NodeError;
use holon_model::{Millis, RunId, Value};
use holon_runtime::store::{LiveStatus, PauseMode, PauseScope};
use holon_runtime::{Answer, CancelError, DeliverError, RuntimeHandle, StartError, StartRequest};
use tokio::sync::Notify;

use crate::support::{React, World, end, keyed, tenant, until};
use crate::worlds::{in_memory, in_postgres};

fn flow(limits: &str) -> String {
    format!(
        r#"{{"holon": 1, "name": "bounded", "limits": {limits},
            "nodes": {{"start": {{"kind": "trigger.manual@1"}}, "a": {{"kind": "test.call@1"}}}},
            "edges": [{{"from": "start.out", "to": "a.in"}}]}}"#
    )
}

/// Every call waits until its run is let go; says which runs called, in their order, and how many were at it at most.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    open: BTreeMap<RunId, Arc<Notify>>,
    begun: Vec<RunId>,
    gone: BTreeSet<RunId>,
    most: usize,
}

impl Gate {
    fn before(world: &World) -> Self {
        let gate = Self::default();
        let held = gate.0.clone();
        world.ledger.react(move |call| {
            let mut held = held.lock().unwrap();
            if held.gone.contains(&call.run) {
                return React::Echo;
            }
            if !held.begun.contains(&call.run) {
                held.begun.push(call.run);
            }
            let told = held.open.entry(call.run).or_default().clone();
            held.most = held.most.max(held.open.len());
            React::After(told)
        });
        gate
    }

    fn begun(&self) -> Vec<RunId> {
        self.0.lock().unwrap().begun.clone()
    }

    fn most(&self) -> usize {
        self.0.lock().unwrap().most
    }

    fn let_go(&self, run: RunId) {
        let mut held = self.0.lock().unwrap();
        held.gone.insert(run);
        held.open.remove(&run).expect("the run has called").notify_one();
    }

    async fn until_begun(&self, count: usize) {
        until(|| self.begun().len() >= count).await;
        assert_eq!(self.begun().len(), count);
    }
}

async fn start(world: &World, runtime: &RuntimeHandle, flow: holon_model::FlowId, input: Value) -> RunId {
    let mut request = world.request(flow);
    request.run = runtime.mint();
    request.input = input;
    runtime.start(request).await.expect("the run is accepted").run
}

async fn status(world: &World, run: RunId) -> Option<LiveStatus> {
    let live = world.store.live(&(0..256).collect::<Vec<_>>()).await.unwrap();
    live.into_iter().find(|row| row.run == run).map(|row| row.status)
}

fn completed(answer: &Answer) -> bool {
    matches!(answer, Answer::Ended(Outcome::Ok(_)))
}

async fn they_take_turns(world: World) {
    let gate = Gate::before(&world);
    let flow = world.shelf.publish(&flow(r#"{"concurrency": {"limit": 2}}"#));
    let runtime = world.runtime().await;
    let mut runs = Vec::new();
    for _ in 0..6 {
        runs.push(start(&world, &runtime, flow, Value::Null).await);
    }
    gate.until_begun(2).await;
    assert_eq!(gate.begun().iter().collect::<BTreeSet<_>>(), runs[..2].iter().collect());
    assert_eq!(status(&world, runs[5]).await, Some(LiveStatus::Queued));
    assert!(world.store.journal(tenant(1), runs[5], 0).await.unwrap().is_empty(), "nothing of it has happened");
    for (number, run) in runs.iter().enumerate() {
        gate.let_go(*run);
        assert!(completed(&end(&runtime, *run).await));
        gate.until_begun((number + 3).min(6)).await;
    }
    assert_eq!(gate.begun()[2..], runs[2..], "in the order of their arrival");
    assert_eq!(gate.most(), 2);
}

#[tokio::test]
async fn no_more_runs_of_a_flow_go_on_than_may_and_they_begin_in_the_order_of_their_arrival() {
    let (world, store) = in_memory();
    they_take_turns(world).await;
    assert_eq!(store.intake().places(), Default::default(), "every place is free again");
}

#[tokio::test]
async fn the_same_in_postgres() {
    let (world, db) = in_postgres().await;
    they_take_turns(world).await;
    let left: i64 = sqlx::query_scalar("select count(*) from run_place").fetch_one(&db.pools.engine).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn runs_of_one_key_follow_each_other_and_those_of_others_do_not_wait_for_them() {
    let (world, _) = in_memory();
    let gate = Gate::before(&world);
    let flow = world.shelf.publish(&flow(r#"{"concurrency": {"limit": 1, "key": {"$cel": "trigger.of"}}}"#));
    let runtime = world.runtime().await;
    let of = |who: &str| Value::map([("of", Value::from(who))]);
    let first = start(&world, &runtime, flow, of("ada")).await;
    let second = start(&world, &runtime, flow, of("ada")).await;
    let other = start(&world, &runtime, flow, of("bob")).await;
    gate.until_begun(2).await;
    assert_eq!(gate.begun().into_iter().collect::<BTreeSet<_>>(), [first, other].into());
    gate.let_go(first);
    assert!(completed(&end(&runtime, first).await));
    gate.until_begun(3).await;
    assert_eq!(gate.begun()[2], second);
    let mut request = world.request(flow);
    request.input = Value::Null;
    assert!(matches!(runtime.start(request).await, Err(StartError::BadKey(_))), "it has no customer");
}

#[tokio::test]
async fn a_flow_that_refuses_does_so_exactly_when_it_is_full_and_knows_what_it_accepted_before() {
    let (world, _) = in_memory();
    let gate = Gate::before(&world);
    let flow = world.shelf.publish(&flow(r#"{"concurrency": {"limit": 3, "when_full": "refuse"}}"#));
    let runtime = world.runtime().await;
    let request = |key: usize| StartRequest { idempotency: keyed(&format!("{key}")), ..world.request(flow) };
    let asked = (0..20).map(|key| runtime.start(request(key)));
    let answers = futures::future::join_all(asked).await;
    let accepted: Vec<usize> = (0..20).filter(|key| answers[*key].is_ok()).collect();
    assert_eq!(accepted.len(), 3, "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(StartError::Full(_)))));
    gate.until_begun(3).await;
    let again = runtime.start(request(accepted[0])).await.unwrap();
    assert!(again.replayed);
    gate.let_go(again.run);
    assert!(completed(&end(&runtime, again.run).await));
    runtime.start(request(99)).await.unwrap();
    gate.until_begun(4).await;
    assert_eq!(gate.most(), 3);
}

#[tokio::test]
async fn only_so_many_wait_and_the_next_is_refused() {
    let (world, _) = in_memory();
    let gate = Gate::before(&world);
    let flow = world.shelf.publish(&flow(r#"{"concurrency": {"limit": 1, "queue": 2}}"#));
    let runtime = world.runtime().await;
    start(&world, &runtime, flow, Value::Null).await;
    gate.until_begun(1).await;
    start(&world, &runtime, flow, Value::Null).await;
    start(&world, &runtime, flow, Value::Null).await;
    let refused = runtime.start(world.request(flow)).await;
    assert!(matches!(refused, Err(StartError::Full(_))), "{refused:?}");
}

async fn the_newest_wins(world: World) {
    let gate = Gate::before(&world);
    let flow = world.shelf.publish(&flow(r#"{"concurrency": {"limit": 1, "when_full": "replace"}}"#));
    let runtime = world.runtime().await;
    let first = start(&world, &runtime, flow, Value::Null).await;
    gate.until_begun(1).await;
    let second = start(&world, &runtime, flow, Value::Null).await;
    assert!(matches!(end(&runtime, first).await, Answer::Ended(Outcome::Cancelled { .. })));
    gate.until_begun(2).await;
    gate.let_go(second);
    assert!(completed(&end(&runtime, second).await));
}

#[tokio::test]
async fn a_newer_run_takes_the_place_of_an_older_one_in_both_stores() {
    the_newest_wins(in_memory().0).await;
    let (world, _db) = in_postgres().await;
    the_newest_wins(world).await;
}

async fn a_crash_loses_nothing(world: World) {
    let gate = Gate::before(&world);
    let flow = world.shelf.publish(&flow(r#"{"concurrency": {"limit": 1}}"#));
    let runtime = world.runtime().await;
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(start(&world, &runtime, flow, Value::Null).await);
    }
    gate.until_begun(1).await;
    runtime.abort();
    let runtime = world.runtime().await;
    world.ledger.reached(2).await;
    assert_eq!(gate.begun(), runs[..1], "the one that had begun goes on, the others wait");
    for run in &runs {
        until(|| gate.begun().contains(run)).await;
        gate.let_go(*run);
        assert!(completed(&end(&runtime, *run).await));
    }
    assert_eq!((gate.begun(), gate.most()), (runs, 1));
    assert!(world.ledger.entries().values().all(|keys| keys.len() == 1));
}

#[tokio::test]
async fn runs_that_wait_outlive_a_crash_with_their_order_in_both_stores() {
    a_crash_loses_nothing(in_memory().0).await;
    let (world, _db) = in_postgres().await;
    a_crash_loses_nothing(world).await;
}

#[tokio::test]
async fn two_replicas_together_let_no_more_go_on_than_may_also_when_one_of_them_dies() {
    let (mut world, _db) = in_postgres().await;
    world.drivers = 1;
    let gate = Gate::before(&world);
    let flow = world.shelf.publish(&flow(r#"{"concurrency": {"limit": 2}}"#));
    let one = world.runtime_as(false).await;
    let two = world.runtime_as(false).await;
    until(|| one.ready() && two.ready() && one.shards().len() == 128 && two.shards().len() == 128).await;
    let mut runs = Vec::new();
    for number in 0..8 {
        let by = if number % 2 == 0 { &one } else { &two };
        runs.push(start(&world, by, flow, Value::Null).await);
    }
    gate.until_begun(2).await;
    one.abort();
    for _ in 0..8 {
        let at_it = |gate: &Gate| gate.0.lock().unwrap().open.keys().next().copied();
        until(|| at_it(&gate).is_some()).await;
        let run = at_it(&gate).unwrap();
        gate.let_go(run);
        assert!(completed(&end(&two, run).await));
    }
    assert_eq!(gate.begun().into_iter().collect::<BTreeSet<_>>(), runs.into_iter().collect());
    assert_eq!(gate.most(), 2);
    assert!(world.ledger.entries().values().all(|keys| keys.len() == 1));
}

const GOES_ON: &str = r#"{"holon": 1, "name": "goes on", "limits": {"concurrency": {"limit": 1}}, "nodes": {
    "start": {"kind": "trigger.manual@1"}, "a": {"kind": "test.call@1"},
    "more": {"kind": "when@1", "config": {"if": {"$cel": "trigger.n < 1"}}},
    "on": {"kind": "flow.continue@1", "config": {"input": {"n": {"$cel": "trigger.n + 1"}}}}},
  "edges": [{"from": "start.out", "to": "a.in"}, {"from": "a.out", "to": "more.in"}, {"from": "more.true", "to": "on.in"}]}"#;

async fn the_place_is_handed_on(world: World) {
    let gate = Gate::before(&world);
    let flow = world.shelf.publish(GOES_ON);
    let runtime = world.runtime().await;
    let n = |n: i64| Value::map([("n", Value::Int(n))]);
    let first = start(&world, &runtime, flow, n(0)).await;
    gate.until_begun(1).await;
    let second = start(&world, &runtime, flow, n(1)).await;
    gate.let_go(first);
    gate.until_begun(2).await;
    let heir = gate.begun()[1];
    assert_ne!(heir, second, "the run that goes on has the place of the one before");
    gate.let_go(heir);
    gate.until_begun(3).await;
    assert_eq!((gate.begun()[2], gate.most()), (second, 1));
    gate.let_go(second);
    assert!(completed(&end(&runtime, second).await));
}

#[tokio::test]
async fn a_run_that_goes_on_for_another_has_its_place_in_both_stores() {
    the_place_is_handed_on(in_memory().0).await;
    let (world, _db) = in_postgres().await;
    the_place_is_handed_on(world).await;
}

#[tokio::test]
async fn a_run_that_waits_can_be_cancelled_and_terminated_and_nothing_else() {
    let (world, store) = in_memory();
    let gate = Gate::before(&world);
    let flow = world.shelf.publish(&flow(r#"{"concurrency": {"limit": 1}}"#));
    let runtime = world.runtime().await;
    let first = start(&world, &runtime, flow, Value::Null).await;
    gate.until_begun(1).await;
    let [second, third, last] = [
        start(&world, &runtime, flow, Value::Null).await,
        start(&world, &runtime, flow, Value::Null).await,
        start(&world, &runtime, flow, Value::Null).await,
    ];
    let paused = runtime.pause(tenant(1), second, "Ada".into(), String::new()).await;
    assert!(matches!(paused, Err(DeliverError::Refused { code: "queued", .. })), "{paused:?}");
    runtime.cancel(tenant(1), second, "not wanted".into()).await.unwrap();
    assert!(
        matches!(end(&runtime, second).await, Answer::Ended(Outcome::Cancelled { reason }) if reason == "not wanted")
    );
    assert_eq!(runtime.cancel(tenant(1), second, String::new()).await, Err(CancelError::Over));
    runtime.terminate(tenant(1), third, "not wanted".into()).await.unwrap();
    assert_eq!(world.store.history(tenant(1), third).await.unwrap().unwrap().ended.unwrap().status, "terminated");
    gate.let_go(first);
    gate.until_begun(2).await;
    assert_eq!(gate.begun()[1], last);
    gate.let_go(last);
    end(&runtime, last).await;
    assert_eq!(store.intake().places(), Default::default());
    assert_eq!(store.left(), (0, 0));
}

/// What a run was started with, by its journal, and with whose keys.
async fn began_with(world: &World, run: RunId) -> (Value, Option<RunId>) {
    let journal = world.store.journal(tenant(1), run, 0).await.unwrap();
    let Some(Ok(Input::Start { input, run: info })) = journal.first().map(|entry| decode_input(&entry.input)) else {
        panic!("{run} has begun: {journal:?}");
    };
    assert_eq!(info.run_id, run);
    (input.to_value(), info.key_run)
}

async fn what_never_began_is_retried(world: World) {
    let gate = Gate::before(&world);
    let flow = world.shelf.publish(&flow(r#"{"concurrency": {"limit": 1}}"#));
    let runtime = world.runtime().await;
    let retried = async |run: RunId| {
        let new = runtime.mint();
        runtime.retry(tenant(1), run, new, "test".into(), None, None).await.map(|started| started.run)
    };
    let first = start(&world, &runtime, flow, Value::Null).await;
    gate.until_begun(1).await;
    // Larger than what stands in a row of the journal.
    let large = Value::from("x".repeat(20_000));
    let cancelled = start(&world, &runtime, flow, large.clone()).await;
    let terminated = start(&world, &runtime, flow, Value::from(8)).await;
    runtime.cancel(tenant(1), cancelled, "not wanted".into()).await.unwrap();
    runtime.terminate(tenant(1), terminated, "not wanted".into()).await.unwrap();
    let anew = retried(cancelled).await.unwrap();
    assert_eq!(status(&world, anew).await, Some(LiveStatus::Queued), "it stands in line as whatever begins does");
    let row = world.store.history(tenant(1), anew).await.unwrap().unwrap();
    assert_eq!((row.facts.retry_of, row.facts.actor.as_str()), (Some(cancelled), "test"));
    // It is withdrawn once more, and tried again with what the first one was to begin with.
    runtime.cancel(tenant(1), anew, "not now".into()).await.unwrap();
    let last = retried(anew).await.unwrap();
    gate.let_go(first);
    gate.until_begun(2).await;
    gate.let_go(last);
    assert!(completed(&end(&runtime, last).await));
    assert_eq!(began_with(&world, last).await, (large, Some(cancelled)));
    let other = retried(terminated).await.unwrap();
    gate.until_begun(3).await;
    gate.let_go(other);
    assert!(completed(&end(&runtime, other).await));
    assert_eq!(began_with(&world, other).await, (Value::from(8), Some(terminated)));
}

#[tokio::test]
async fn a_run_that_ended_before_its_turn_is_retried_with_what_it_was_to_begin_with_in_both_stores() {
    what_never_began_is_retried(in_memory().0).await;
    let (world, _db) = in_postgres().await;
    what_never_began_is_retried(world).await;
}

#[tokio::test]
async fn a_retry_that_was_withdrawn_from_its_line_goes_on_where_it_was_to_go_on_and_with_the_key_of_then() {
    let (world, _) = in_memory();
    let text = r#"{"holon": 1, "name": "bounded", "limits": {"concurrency": {"limit": 1}},
        "nodes": {"start": {"kind": "trigger.manual@1"}, "a": {"kind": "test.call@1"}, "b": {"kind": "test.call@1"}},
        "edges": [{"from": "start.out", "to": "a.in"}, {"from": "a.out", "to": "b.in"}]}"#;
    let flow = world.shelf.publish(text);
    let (told, away, held) = (Arc::new(Notify::new()), Arc::new(Mutex::new(true)), Arc::new(Mutex::new(false)));
    let (hold, is_away, is_held) = (told.clone(), away.clone(), held.clone());
    world.ledger.react(move |call| match call.path.as_str() {
        "b" if *is_away.lock().unwrap() => React::Fail(NodeError::new("away", "it is away")),
        _ if *is_held.lock().unwrap() => React::After(hold.clone()),
        _ => React::Echo,
    });
    let runtime = world.runtime().await;
    let failed = start(&world, &runtime, flow, Value::from(7)).await;
    assert!(matches!(end(&runtime, failed).await, Answer::Ended(Outcome::Failed { .. })));
    *away.lock().unwrap() = false;
    *held.lock().unwrap() = true;
    let holder = start(&world, &runtime, flow, Value::from(8)).await;
    world.ledger.reached(3).await;
    *held.lock().unwrap() = false;
    let retried =
        async |run: RunId| runtime.retry(tenant(1), run, runtime.mint(), "test".into(), None, None).await.unwrap().run;
    let withdrawn = retried(failed).await;
    assert_eq!(status(&world, withdrawn).await, Some(LiveStatus::Queued));
    runtime.cancel(tenant(1), withdrawn, "not now".into()).await.unwrap();
    let last = retried(withdrawn).await;
    told.notify_one();
    assert!(completed(&end(&runtime, holder).await));
    assert!(completed(&end(&runtime, last).await));
    let calls = world.ledger.calls();
    let of = |run: RunId, path: &str| calls.iter().filter(|call| call.run == run && call.path == path).count();
    assert_eq!((of(last, "a"), of(last, "b")), (0, 1), "what was done is copied");
    let key = |run: RunId| calls.iter().find(|call| call.run == run && call.path == "b").unwrap().key.clone();
    assert_eq!(key(last), key(failed));
}

#[tokio::test]
async fn a_pause_refuses_what_would_begin_and_keeps_what_waits_and_a_drain_lets_that_begin() {
    let (world, store) = in_memory();
    let gate = Gate::before(&world);
    let flow = world.shelf.publish(&flow(r#"{"concurrency": {"limit": 1}}"#));
    let runtime = world.runtime().await;
    let request = StartRequest { idempotency: keyed("first"), ..world.request(flow) };
    let first = runtime.start(request).await.unwrap().run;
    gate.until_begun(1).await;
    let second = start(&world, &runtime, flow, Value::Null).await;
    let scope = PauseScope::Flow(tenant(1), world.request(flow).environment, flow);
    store.intake().pause(scope, Some(PauseMode::Pause));
    runtime.look_at_pauses().await.unwrap();
    let refused = runtime.start(world.request(flow)).await;
    assert!(matches!(refused, Err(StartError::Paused(_))), "{refused:?}");
    let request = StartRequest { idempotency: keyed("first"), ..world.request(flow) };
    assert_eq!(runtime.start(request).await.unwrap().run, first, "it was accepted before");
    gate.let_go(first);
    assert!(completed(&end(&runtime, first).await), "what has begun goes on");
    runtime.look_at_pauses().await.unwrap();
    assert_eq!(status(&world, second).await, Some(LiveStatus::Queued));
    store.intake().pause(scope, Some(PauseMode::Drain));
    runtime.look_at_pauses().await.unwrap();
    gate.until_begun(2).await;
    assert!(matches!(runtime.start(world.request(flow)).await, Err(StartError::Paused(_))));
    store.intake().pause(scope, None);
    store.intake().pause(PauseScope::Instance, Some(PauseMode::Pause));
    runtime.look_at_pauses().await.unwrap();
    assert!(matches!(runtime.start(world.request(flow)).await, Err(StartError::Paused(_))));
    store.intake().pause(PauseScope::Instance, None);
    // Without being told, it looks by itself.
    let accepted = async {
        while runtime.start(world.request(flow)).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), accepted).await.expect("it looks twice a second");
}

#[tokio::test]
async fn more_starts_than_may_begin_in_a_time_are_refused_and_told_when_to_come_again() {
    let (world, _) = in_memory();
    let flow = world
        .shelf
        .publish(&flow(r#"{"rate": {"limit": 60, "per": "1h", "burst": 2, "key": {"$cel": "trigger.of"}}}"#));
    let runtime = world.runtime().await;
    let of = |who: &str| StartRequest { input: Value::map([("of", Value::from(who))]), ..world.request(flow) };
    runtime.start(of("ada")).await.unwrap();
    runtime.start(of("ada")).await.unwrap();
    match runtime.start(of("ada")).await {
        Err(StartError::RateLimited(rate)) => {
            assert_eq!((rate.limit, rate.per, rate.left), (60, Millis(3_600_000), 0));
            assert!((1..=60_000).contains(&rate.after.0), "{rate:?}");
        }
        other => panic!("{other:?}"),
    }
    runtime.start(of("bob")).await.unwrap();
}

/// Starts of a flow that lets ten begin at once, as fast as they come; how many began.
async fn begun(world: &World, runtime: &RuntimeHandle, flow: holon_model::FlowId) -> usize {
    let mut begun = 0;
    for _ in 0..12 {
        match runtime.start(StartRequest { run: runtime.mint(), ..world.request(flow) }).await {
            Ok(_) => begun += 1,
            Err(StartError::RateLimited(rate)) => assert_eq!((rate.limit, rate.per), (10, Millis(3_600_000))),
            other => panic!("{other:?}"),
        }
    }
    begun
}

#[tokio::test]
async fn replicas_together_let_no_more_begin_in_a_time_than_may_in_postgres() {
    let (world, _db) = in_postgres().await;
    let flow = world.shelf.publish(&flow(r#"{"rate": {"limit": 10, "per": "1h"}}"#));
    let first = world.runtime().await;
    let second = world.runtime_as(false).await;
    let third = world.runtime_as(false).await;
    let all = [&first, &second, &third];
    until(|| all.iter().all(|replica| (85..=86).contains(&replica.shards().len()))).await;
    let mut together = 0;
    for replica in all {
        let here = begun(&world, replica, flow).await;
        assert_eq!(here, 3, "each lets its share through");
        together += here;
    }
    assert!(together <= 10, "{together}");
    for replica in all {
        assert_eq!(begun(&world, replica, flow).await, 0, "for the rest of the hour's tenth nobody lets any through");
    }
}
