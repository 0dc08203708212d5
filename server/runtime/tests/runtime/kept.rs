//! Answers that are good for the next effect too: given to whoever asks for the same in time, to nobody else, and kept by both stores
//! alike.

use std::sync::Arc;
use std::time::Duration;

use holon_engine::{Input, Machine, Outcome};
use holon_flow::capability::NodeError;
use holon_model::{EnvironmentId, FlowId, Millis, Payload, RunId, TenantId, Timestamp, Value};
use holon_platform::clock::SystemClock;
use holon_platform::db::test_db::TestDb;
use holon_runtime::store::mem::MemStore;
use holon_runtime::store::pg::PgStore;
use holon_runtime::store::{AnswerKey, Cache, KeptAnswer, Room};
use holon_runtime::{Answer, RuntimeHandle};
use uuid::Uuid;

use crate::support::{React, World, end_of, tenant};

/// Asks, and gives the answer with what came of it.
const ASK: &str = r#"{"holon": 1, "name": "ask", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "ask": {"kind": "test.call@1", "config": {"url": "a"}, "policies": {"cache": {"ttl": "10m"}}}},
  "edges": [{"from": "start.out", "to": "ask.in"}]}"#;

/// The same with a key of its own.
const KEYED: &str = r#"{"holon": 1, "name": "ask", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "ask": {"kind": "test.call@1", "config": {"url": {"$cel": "string(input.n)"}},
            "policies": {"cache": {"ttl": "10m", "key": {"$cel": "input.n > 5"}}}}},
  "edges": [{"from": "start.out", "to": "ask.in"}]}"#;

/// Runs a flow for a tenant with `n`; gives what came out and since when it was kept, if it was.
async fn run(world: &World, runtime: &RuntimeHandle, of: TenantId, flow: FlowId, n: i64) -> (Value, Option<Timestamp>) {
    let mut request = world.request(flow);
    (request.tenant, request.input) = (of, Value::map([("n", Value::Int(n))]));
    let run = runtime.start(request).await.unwrap().run;
    let Answer::Ended(Outcome::Ok(Payload::Inline(value))) = end_of(runtime, of, run).await else {
        panic!("the run completes")
    };
    (value, since(world, of, run).await)
}

async fn since(world: &World, of: TenantId, run: RunId) -> Option<Timestamp> {
    let journal = world.store.journal(of, run, 0).await.unwrap();
    journal.iter().find_map(|entry| match holon_engine::decode_input(&entry.input).unwrap() {
        Input::EffectCompleted { outcome: Outcome::Kept { since, .. }, .. } => Some(since),
        _ => None,
    })
}

/// Where answers are kept, to look into.
enum Shelf {
    Mem(MemStore),
    Pg(TestDb),
}

impl Shelf {
    fn world(&self) -> World {
        match self {
            Self::Mem(store) => World::over(Arc::new(store.clone())),
            Self::Pg(db) => World::over(Arc::new(PgStore::new(db.pool_apart()))),
        }
    }

    /// Waits until so many answers of the first tenant are kept: that is done beside the run, not before its end.
    async fn keeps(&self, answers: usize) {
        let kept = async {
            loop {
                let there = match self {
                    Self::Mem(store) => store.answers().count(tenant(1)),
                    Self::Pg(db) => {
                        let of = "select count(*) from kept_answer where tenant_id = $1";
                        let count: i64 =
                            sqlx::query_scalar(of).bind(tenant(1).0).fetch_one(&db.pools.engine).await.unwrap();
                        usize::try_from(count).unwrap()
                    }
                };
                if there >= answers {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), kept).await.expect("what was answered is kept");
    }
}

/// Each call is answered with its number.
fn numbered(world: &World) {
    let mut calls = 0;
    world.ledger.react(move |_| {
        calls += 1;
        React::Value(Value::Int(calls))
    });
}

async fn asked_once(shelf: Shelf) {
    let world = shelf.world();
    let (one, other) = (world.shelf.publish(ASK), world.shelf.publish(ASK));
    let runtime = world.runtime().await;
    numbered(&world);
    let first = run(&world, &runtime, tenant(1), one, 7).await;
    assert_eq!(first, (Value::Int(1), None));
    shelf.keeps(1).await;
    let (value, since) = run(&world, &runtime, tenant(1), one, 7).await;
    let since = since.expect("it comes from what is kept");
    assert_eq!(value, Value::Int(1));
    let again = run(&world, &runtime, tenant(1), other, 7).await;
    assert_eq!(again, (value, Some(since)), "whichever flow asks for the same");
    assert_eq!(world.ledger.calls().len(), 1, "nothing was done");
    assert_eq!(run(&world, &runtime, tenant(1), one, 8).await.1, None, "another input is another question");
    assert_eq!(run(&world, &runtime, tenant(2), one, 7).await.1, None, "nothing is given to another tenant");
    let mut elsewhere = world.request(one);
    elsewhere.environment = EnvironmentId(Uuid::from_u128(0xe2));
    let elsewhere = runtime.start(elsewhere).await.unwrap().run;
    end_of(&runtime, tenant(1), elsewhere).await;
    assert_eq!(self::since(&world, tenant(1), elsewhere).await, None, "nor to another environment");
    assert_eq!(world.ledger.calls().len(), 4);
    // Whoever takes the run up reads the same from its journal.
    let mut request = world.request(one);
    request.idempotency = crate::support::keyed("once");
    let run = runtime.start(request).await.unwrap().run;
    end_of(&runtime, tenant(1), run).await;
    let journal = world.store.journal(tenant(1), run, 0).await.unwrap();
    let mut machine = Machine::new(world.shelf.get(one).compiled.clone());
    holon_runtime::replay(&mut machine, 0, &journal, |_| {}).unwrap();
    let node = machine.view().nodes.into_iter().find(|node| node.path == "ask").unwrap();
    assert_eq!((node.status.as_str(), node.cached_at), ("succeeded", Some(since)));
    runtime.drain(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_was_answered_in_time_is_not_asked_for_again() {
    asked_once(Shelf::Mem(MemStore::new(SystemClock::shared()))).await;
}

#[tokio::test]
async fn what_was_answered_in_time_is_not_asked_for_again_in_postgres() {
    asked_once(Shelf::Pg(TestDb::new().await)).await;
}

#[tokio::test]
async fn a_key_says_what_has_the_same_answer_and_counts_in_its_own_flow_only() {
    let shelf = Shelf::Mem(MemStore::new(SystemClock::shared()));
    let world = shelf.world();
    let flow = world.shelf.publish(KEYED);
    let other = world.shelf.publish(&KEYED.replace("10m", "11m"));
    let runtime = world.runtime().await;
    numbered(&world);
    assert_eq!(run(&world, &runtime, tenant(1), flow, 7).await, (Value::Int(1), None));
    shelf.keeps(1).await;
    let (value, since) = run(&world, &runtime, tenant(1), flow, 100).await;
    assert!(value == Value::Int(1) && since.is_some(), "{value:?} {since:?}");
    assert_eq!(run(&world, &runtime, tenant(1), flow, 5).await.1, None);
    assert_eq!(run(&world, &runtime, tenant(1), other, 7).await.1, None);
    runtime.drain(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn failures_and_what_is_too_large_are_not_kept() {
    let store = MemStore::new(SystemClock::shared());
    let world = World::over(Arc::new(store.clone()));
    let flow = world.shelf.publish(ASK);
    let runtime = world.runtime().await;
    world.ledger.react(|_| React::Fail(NodeError::new("down", "not now")));
    for _ in 0..2 {
        let started = runtime.start(world.request(flow)).await.unwrap().run;
        let answer = end_of(&runtime, tenant(1), started).await;
        assert!(matches!(answer, Answer::Ended(Outcome::Failed { .. })), "{answer:?}");
    }
    world.ledger.react(|_| React::Value(Value::from("x".repeat(300 << 10))));
    for _ in 0..2 {
        assert_eq!(run(&world, &runtime, tenant(1), flow, 7).await.1, None);
    }
    assert_eq!(world.ledger.calls().len(), 4);
    assert_eq!(store.answers().count(tenant(1)), 0);
    runtime.drain(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn who_says_that_an_answer_is_good_for_less_long_is_not_given_an_older_one() {
    let shelf = Shelf::Mem(MemStore::new(SystemClock::shared()));
    let world = shelf.world();
    let (long, short) = (world.shelf.publish(ASK), world.shelf.publish(&ASK.replace("10m", "1ms")));
    let runtime = world.runtime().await;
    numbered(&world);
    assert_eq!(run(&world, &runtime, tenant(1), long, 7).await, (Value::Int(1), None));
    shelf.keeps(1).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(run(&world, &runtime, tenant(1), short, 7).await, (Value::Int(2), None));
    runtime.drain(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_retry_asks_anew_what_was_of_no_use() {
    let shelf = Shelf::Mem(MemStore::new(SystemClock::shared()));
    let world = shelf.world();
    // Nothing can be made of the first answer.
    let result = r#"], "result": {"$cel": "10 / (nodes.ask - 1)"}}"#;
    let flow = world.shelf.publish(&ASK.replace("]}", result));
    let runtime = world.runtime().await;
    numbered(&world);
    let mut runs = Vec::new();
    for _ in 0..2 {
        let run = runtime.start(world.request(flow)).await.unwrap().run;
        let answer = end_of(&runtime, tenant(1), run).await;
        assert!(matches!(answer, Answer::Ended(Outcome::Failed { .. })), "{answer:?}");
        shelf.keeps(1).await;
        runs.push(run);
    }
    assert!(since(&world, tenant(1), runs[1]).await.is_some(), "it was given what the first one was");
    let again = world.run_id();
    runtime.retry(tenant(1), runs[1], again, "somebody".into(), None, None).await.unwrap();
    let answer = end_of(&runtime, tenant(1), again).await;
    assert_eq!(answer, Answer::Ended(Outcome::Ok(Payload::Inline(Value::Int(10)))));
    assert_eq!(world.ledger.calls().len(), 2);
    runtime.drain(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn nothing_is_used_again_of_a_connection_of_which_nobody_can_say_which_one_it_is() {
    let shelf = Shelf::Mem(MemStore::new(SystemClock::shared()));
    let world = shelf.world();
    let flow = world.shelf.publish(&ASK.replace(r#""url": "a""#, r#""url": "a", "connection": "shop""#));
    let runtime = world.runtime().await;
    numbered(&world);
    for number in 1..3 {
        assert_eq!(run(&world, &runtime, tenant(1), flow, 7).await, (Value::Int(number), None));
    }
    runtime.drain(Duration::from_secs(5)).await;
}

/// An answer of so many bytes, given then and good for so long.
fn answer(bytes: usize, given: i64, ttl: u64) -> KeptAnswer {
    let given_at = Timestamp(1_795_250_000_000 + given);
    KeptAnswer { value: vec![u8::try_from(bytes).unwrap(); bytes], given_at, expires_at: given_at.plus(Millis(ttl)) }
}

#[tokio::test]
async fn both_stores_keep_and_forget_the_same_answers() {
    let db = TestDb::new().await;
    let (mem, pg) = (MemStore::new(SystemClock::shared()), PgStore::new(db.pools.engine.clone()));
    let stores: [&dyn Cache; 2] = [&mem, &pg];
    let key = |of: u128, environment: u128, key: u8| AnswerKey {
        tenant: tenant(of),
        environment: EnvironmentId(Uuid::from_u128(environment)),
        key: [key; 32],
    };
    let all = [key(1, 1, 1), key(1, 1, 2), key(1, 2, 1), key(1, 1, 3), key(1, 1, 4), key(2, 1, 1)];
    let room = Room { answers: 3, bytes: 100 };
    // What is there after each step, by the number of bytes.
    let steps = [
        (all[0], answer(1, 0, 1_000), [Some(1), None, None, None, None, None]),
        (all[5], answer(6, 0, 9_000), [Some(1), None, None, None, None, Some(6)]),
        (all[1], answer(2, 1, 9_000), [Some(1), Some(2), None, None, None, Some(6)]),
        (all[2], answer(3, 2, 9_000), [Some(1), Some(2), Some(3), None, None, Some(6)]),
        // No room for four: the oldest goes.
        (all[3], answer(4, 3, 9_000), [None, Some(2), Some(3), Some(4), None, Some(6)]),
        // In place of another one.
        (all[1], answer(5, 4, 9_000), [None, Some(5), Some(3), Some(4), None, Some(6)]),
        // Of those of one instant the first by environment and key stay; too many bytes count too.
        (all[4], answer(93, 4, 500), [None, Some(5), None, None, Some(93), Some(6)]),
        // What is not good any more makes room first, and is not given.
        (all[3], answer(90, 600, 9_000), [None, Some(5), None, Some(90), None, Some(6)]),
    ];
    for (number, (key, kept, expected)) in steps.into_iter().enumerate() {
        for (store, name) in stores.into_iter().zip(["mem", "pg"]) {
            store.keep_answer(&key, &kept, room).await.unwrap();
            let mut there = Vec::new();
            for key in &all {
                let found = store.answer(key, kept.given_at).await.unwrap();
                there.push(found.map(|found| found.value.len()));
            }
            assert_eq!(there, expected, "step {number} in {name}");
            assert_eq!(store.answer(&key, kept.given_at).await.unwrap(), Some(kept.clone()), "step {number} in {name}");
            assert_eq!(store.answer(&key, kept.expires_at).await.unwrap(), None, "step {number} in {name}");
        }
    }
    for store in stores {
        // One that is told late changes nothing.
        store.keep_answer(&all[3], &answer(7, 599, 9_000), room).await.unwrap();
        let there = store.answer(&all[3], Timestamp(1_795_250_000_600)).await.unwrap();
        assert_eq!(there, Some(answer(90, 600, 9_000)));
        let end = Timestamp(1_795_250_000_000 + 9_005);
        assert_eq!(store.forget_answers(end, 1).await.unwrap(), 1);
        assert_eq!(store.forget_answers(end, 10).await.unwrap(), 1);
        assert_eq!(store.forget_answers(end, 10).await.unwrap(), 0);
        assert!(store.answer(&all[3], end).await.unwrap().is_some(), "what is good stays");
    }
}
