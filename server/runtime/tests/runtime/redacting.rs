//! What a flow says is not to be kept is in no row, in no journal and in no line of the log, whichever way it came; what stands beside it
//! is where it was.

use std::time::Duration;

use holon_engine::{EffectId, Input, Outcome};
use holon_flow::capability::NodeError;
use holon_model::{FlowId, Payload, RunId, Value, json};
use holon_runtime::{Answer, Delivered, RuntimeHandle};

use crate::logs::Lines;
use crate::support::{React, World, end, tenant};
use crate::worlds::{in_memory, in_postgres};

const SECRET: &str = "4111-canary-1111";
/// Stands beside the secret and is not marked: what finds the one would find the other.
const CONTROL: &str = "control-5fca1d";

/// Is given something in every way: by an effect that answers and by one that fails, by a signal, by a person and by another flow.
const GIVEN: &str = r#"{"holon": 1, "name": "given", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "fetch": {"kind": "test.call@1", "policies": {"redact": ["/pin"], "cache": {"ttl": "1h"}}},
    "paid": {"kind": "flow.signal@1", "config": {"name": "paid", "correlation": "7"}, "policies": {"redact": ["/cards/*/pin"]}},
    "ask": {"kind": "flow.approval@1", "config": {"title": "Which?", "choices": [{"port": "yes"}], "form": {"type": "object",
        "required": ["pin"], "properties": {"pin": {"type": "string", "pattern": "^[0-9a-z-]+$", "x-holon-redact": true},
        "note": {"type": "string"}, "code": {"type": "integer", "minimum": 1}}}}, "policies": {"redact": ["/form/note2", "/form/code"]}},
    "fails": {"kind": "test.call@1", "policies": {"redact": ["/body/pin"]}},
    "all": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "fetch.in"}, {"from": "fetch.out", "to": "paid.in"}, {"from": "paid.out", "to": "ask.in"},
    {"from": "ask.yes", "to": "fails.in"}, {"from": "fails.error", "to": "all.in"}],
  "result": {"fetched": {"$cel": "nodes.fetch"}, "paid": {"$cel": "nodes.paid"}, "form": {"$cel": "nodes.ask.form"}, "why": {"$cel": "nodes.all.detail"}}}"#;

fn value(text: &str) -> Value {
    json::parse(text.replace("SECRET", SECRET).replace("CONTROL", CONTROL).as_bytes()).unwrap()
}

fn payload(text: &str) -> Payload {
    Payload::Inline(value(text))
}

/// What the outside answers.
fn answers(world: &World) {
    world.ledger.react(|call| match call.path.as_str() {
        "fetch" => React::Value(value(r#"{"pin": "SECRET", "n": "CONTROL"}"#)),
        "fails" => {
            let mut error = NodeError::new("http_status", "answered 409");
            error.detail = value(r#"{"status": 409, "body": {"pin": "SECRET", "why": "CONTROL"}}"#);
            React::Fail(error)
        }
        _ => React::Echo,
    });
}

fn paid() -> Input {
    let payload = payload(r#"{"cards": [{"pin": "SECRET", "of": "CONTROL"}]}"#);
    Input::Signal { name: "paid".into(), correlation: "7".into(), sender: "bank".into(), payload }
}

fn answered(id: EffectId) -> Input {
    let form = payload(r#"{"pin": "SECRET", "note": "CONTROL", "note2": "SECRET", "code": 4711}"#);
    Input::TaskAnswered { id, choice: "yes".into(), form, by: "ada".into() }
}

fn expected() -> Answer {
    let output = value(
        r#"{"fetched": {"pin": "[redacted]", "n": "CONTROL"}, "paid": {"cards": [{"pin": "[redacted]", "of": "CONTROL"}]},
            "form": {"pin": "[redacted]", "note": "CONTROL", "note2": "[redacted]", "code": "[redacted]"},
            "why": {"status": 409, "body": {"pin": "[redacted]", "why": "CONTROL"}}}"#,
    );
    Answer::Ended(Outcome::Ok(Payload::Inline(output)))
}

async fn started(world: &World, runtime: &RuntimeHandle) -> (FlowId, RunId) {
    answers(world);
    let flow = world.shelf.publish(GIVEN);
    let request = world.request(flow);
    let run = request.run;
    runtime.start(request).await.unwrap();
    (flow, run)
}

/// Whether the journal of a run holds a text.
async fn journaled(world: &World, run: RunId, text: &str) -> bool {
    let journal = world.store.journal(tenant(1), run, 0).await.unwrap();
    journal.iter().any(|entry| entry.input.windows(text.len()).any(|bytes| bytes == text.as_bytes()))
}

#[tokio::test]
async fn what_a_node_says_is_not_to_be_kept_is_in_no_journal_whichever_way_it_came() {
    let (world, _) = in_memory();
    let runtime = world.runtime().await;
    let (flow, run) = started(&world, &runtime).await;
    // Whether it comes before the run waits or after.
    assert_eq!(runtime.deliver(tenant(1), run, paid()).await, Ok(Delivered::TakenIn));
    let task = world.task(flow, run).await.id;
    assert_eq!(runtime.deliver(tenant(1), run, answered(task)).await, Ok(Delivered::TakenIn));
    assert_eq!(end(&runtime, run).await, expected());
    assert!(journaled(&world, run, CONTROL).await && !journaled(&world, run, SECRET).await);
}

#[tokio::test]
async fn what_a_node_says_is_not_to_be_kept_is_in_no_row_and_no_log_in_a_pause_in_a_letter_or_in_an_answer_that_is_kept()
 {
    let lines = Lines::listen();
    let (world, db) = in_postgres().await;
    let runtime = world.runtime().await;
    let (flow, run) = started(&world, &runtime).await;
    // In a pause: what comes is kept as a row, and taken in afterwards.
    world.ledger.reached(1).await;
    runtime.pause(tenant(1), run, "ada".into(), "lunch".into()).await.unwrap();
    assert_eq!(runtime.deliver(tenant(1), run, paid()).await, Ok(Delivered::Kept));
    assert_eq!(db.holding(SECRET).await, [] as [String; 0]);
    assert!(!db.holding(CONTROL).await.is_empty());
    runtime.resume(tenant(1), run).await.unwrap();
    let task = world.task(flow, run).await.id;

    // In a letter: the replica that is asked does not drive the run, and the one that did is gone for good.
    let second = world.runtime_as(false).await;
    let moved = async {
        while second.shards().len() < 128 {
            tokio::time::sleep(Duration::from_millis(10)).await
        }
    };
    tokio::time::timeout(Duration::from_secs(30), moved).await.expect("shards are shared out");
    let (driver, other) = if runtime.shards().contains(&holon_runtime::store::shard_of(run)) {
        (&runtime, &second)
    } else {
        (&second, &runtime)
    };
    driver.abort();
    let looked = async {
        // Until the shard's next owner takes it in, seconds later.
        while !db.holding(CONTROL).await.iter().any(|table| table == "inbox") {}
        db.holding(SECRET).await
    };
    let (told, letters) = tokio::join!(other.deliver(tenant(1), run, answered(task)), looked);
    assert!(matches!(told, Ok(Delivered::TakenIn | Delivered::Kept)), "{told:?}");
    assert_eq!(letters, [] as [String; 0]);
    assert_eq!(end(other, run).await, expected());

    // The answer that is kept for the next one is without it too, and good for it.
    let request = world.request(flow);
    let next = request.run;
    let calls = world.ledger.calls().len();
    other.start(request).await.unwrap();
    assert_eq!(other.deliver(tenant(1), next, paid()).await, Ok(Delivered::TakenIn));
    world.task(flow, next).await;
    assert_eq!(world.ledger.calls().len(), calls, "it was answered from what was kept");
    assert_eq!(db.holding(SECRET).await, [] as [String; 0]);
    let holds = db.holding(CONTROL).await;
    assert!(holds.iter().any(|table| table == "kept_answer"), "{holds:?}");
    assert!(!lines.text().contains(SECRET), "{}", lines.text());
}
