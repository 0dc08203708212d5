//! A great many runs that wait, of which some come due each second: how late they go on, how long a server takes to start with them, and
//! what they cost in memory.
//!
//! They are not started one by one: their rows are written as starts write them, by the same statement, in batches. What is late is
//! measured where it can be felt: from the time a run waits for to the moment when the effect behind it is done, before which the firing
//! was written down and had become durable.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use holon_engine::{Input, Machine, RunInfo, Stamped, encode_input};
use holon_model::context::Budget;
use holon_model::{EnvironmentId, FlowId, Millis, Payload, RunId, Timestamp, Value};
use holon_platform::clock::mint;
use holon_runtime::LoadedFlow;
use holon_runtime::store::pg::PgStore;
use holon_runtime::store::{
    Batch, Entry, JournalWrite, LiveStatus, LiveWrite, Marks, Replica, RunFacts, RunWrite, Start, Store,
};
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use crate::measure::{at, median, print, print_must};
use crate::support::{React, World, tenant};

/// Runs that wait, unless the environment says otherwise.
const PENDING: usize = 1_000_000;
/// Of these so many come due each second,
const A_SECOND: usize = 2_000;
/// for so many seconds.
const SECONDS: usize = 30;
/// From the moment when these are about to be written until the first of them is due.
const LEAD: Millis = Millis(40_000);
/// Runs in one statement, and statements at once.
const BATCH: usize = 256;
const LANES: usize = 3;

/// Waits until the time that it is started with, then calls.
const WAITS: &str = r#"{"holon": 1, "name": "waits", "nodes": {
    "start": {"kind": "trigger.manual@1"}, "w": {"kind": "flow.wait@1", "config": {"until": {"$cel": "input.until"}}},
    "call": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "w.in"}, {"from": "w.out", "to": "call.in"}]}"#;

/// Loads them, starts a server over them, and looks on.
pub async fn pending(pool: &PgPool) {
    let pending = std::env::var("HOLON_BENCH_TIMERS").ok().and_then(|text| text.parse().ok()).unwrap_or(PENDING);
    let world = World::over(Arc::new(PgStore::new(pool.clone())));
    let flow = world.shelf.publish(WAITS);
    let loader =
        Loader { store: world.store.clone(), flow, loaded: world.shelf.get(flow), replica: mint(&*world.clock) };
    loader.enter().await;
    let coming = A_SECOND * SECONDS;
    let begun = Instant::now();
    let tomorrow = world.clock.now().plus(Millis(86_400_000));
    let far = |number: usize| tomorrow.plus(Millis(number as u64));
    loader.load(&world, (0..pending.saturating_sub(coming)).map(far)).await;
    let first = world.clock.now().plus(LEAD);
    let near = |number: usize| first.plus(Millis((number * 1_000 / A_SECOND) as u64));
    let due: HashMap<RunId, Timestamp> = loader.load(&world, (0..coming).map(near)).await.into_iter().collect();
    print("runtime.timers_loaded", pending as f64 / begun.elapsed().as_secs_f64(), "runs/s");
    // As a database is that has had them for a while.
    sqlx::query("analyze run_live, journal, run_hist").execute(pool).await.ok();

    let late: Arc<Mutex<Vec<f64>>> = Arc::default();
    let (told, clock) = (late.clone(), world.clock.clone());
    world.ledger.react(move |call| {
        let now = clock.now();
        if let Some(due) = due.get(&call.run) {
            told.lock().expect("nobody panics").push((now.0 - due.0) as f64);
        }
        React::Echo
    });
    let before = resident();
    let begun = Instant::now();
    let runtime = world.runtime().await;
    print("runtime.start_with_timers", begun.elapsed().as_secs_f64() * 1_000.0, "ms");
    let asleep = runtime.metrics().await.asleep;
    print("runtime.timers_asleep", asleep as f64, "runs");
    let each = (resident() - before) * 1_048_576.0 / asleep.max(1) as f64;
    print_must("runtime.memory_of_a_timer", each, "bytes", "<= 200");
    let left = first.since(world.clock.now()).0;
    print("runtime.timers_ready_ahead", left as f64, "ms");
    let until = Duration::from_millis(left) + Duration::from_secs(SECONDS as u64 / 2);
    tokio::time::sleep(until).await;
    let now = runtime.metrics().await;
    print("runtime.timers_in_memory_at_once", now.live as f64, "runs");
    print("runtime.memory_with_timers", resident(), "MB");
    let patience = Instant::now() + Duration::from_secs(120);
    while late.lock().expect("nobody panics").len() < coming && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut late = std::mem::take(&mut *late.lock().expect("nobody panics"));
    assert_eq!(late.len(), coming, "every run that is due goes on");
    print("runtime.timer_lateness_p50", median(&mut late), "ms");
    print_must("runtime.timer_lateness_p99", at(&mut late, 99), "ms", "<= 50");
    print("runtime.timer_lateness_worst", late.last().copied().unwrap_or(f64::NAN), "ms");
    runtime.drain(Duration::from_secs(5)).await;
}

/// Memory of this process in megabytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1_024.0
}

/// Writes what starts write.
struct Loader {
    store: Arc<dyn Store>,
    flow: FlowId,
    loaded: Arc<LoadedFlow>,
    replica: holon_model::ReplicaId,
}

impl Loader {
    async fn enter(&self) {
        let semantics = i32::try_from(holon_engine::SEMANTICS).unwrap_or(i32::MAX);
        let replica = Replica { id: self.replica, address: "loader".into(), build: "bench".into(), semantics };
        let all: Vec<i16> = (0..256).collect();
        self.store.join(&replica, 600_000, true).await.expect("Postgres answers");
        self.store.adopt(self.replica, &all).await.expect("Postgres answers");
        self.store.vouch(self.replica, &all).await.expect("Postgres answers");
    }

    /// One run for each of these times; answers which.
    async fn load(&self, world: &World, dues: impl Iterator<Item = Timestamp>) -> Vec<(RunId, Timestamp)> {
        let (mut dues, mut all) = (dues.peekable(), Vec::new());
        while dues.peek().is_some() {
            let lanes: Vec<Vec<RunWrite>> = (0..LANES)
                .map(|_| dues.by_ref().take(BATCH).map(|due| self.write(world, due)).collect::<Vec<_>>())
                .filter(|writes| !writes.is_empty())
                .collect();
            all.extend(lanes.iter().flatten().map(|write| (write.run, write.wakes.unwrap_or(write.facts.started_at))));
            let sent = lanes.into_iter().map(|writes| async move {
                let batch = Batch { replica: self.replica, writes, number: None, gives_way: false };
                self.store.commit(&batch).await.expect("Postgres takes it");
            });
            futures::future::join_all(sent).await;
        }
        all
    }

    fn write(&self, world: &World, due: Timestamp) -> RunWrite {
        let (now, run) = (world.clock.now(), world.run_id());
        let mut info = RunInfo::new(run, run.0.as_u64_pair().1, now);
        info.semantics = holon_engine::SEMANTICS;
        (info.fuel, info.bytes) = (Budget::default().fuel, Budget::default().bytes);
        info.environment = "prod".into();
        let input = Value::map([("until", Value::Int(due.0))]);
        let start = Input::Start { input: Payload::Inline(input), run: Box::new(info) };
        let bytes = encode_input(&start);
        let mut machine = Machine::new(self.loaded.compiled.clone());
        let decision = machine.handle(Stamped::new(now, start));
        assert_eq!(decision.next_due, Some(due), "it waits");
        let entry = Entry { at: decision.at, input: bytes, log_hash: decision.log_hash };
        let facts = RunFacts {
            environment: EnvironmentId(Uuid::from_u128(0xe1)),
            flow: self.flow,
            version: 1,
            definition_hash: self.loaded.hash,
            trigger: "trigger.manual".into(),
            actor: "bench".into(),
            started_at: now,
            retry_of: None,
            marks: Marks::default(),
        };
        RunWrite {
            start: Some(Start { idempotency: None, audit: None }),
            journal: Some(JournalWrite { seq: 0, entries: vec![entry] }),
            live: LiveWrite::Insert(LiveStatus::Waiting),
            wakes: Some(due),
            ..RunWrite::of(tenant(1), run, Arc::new(facts))
        }
    }
}
