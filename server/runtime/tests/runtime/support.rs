//! What tests and the benchmark share: a small catalogue, flows in memory, and a ledger of everything done to the outside.

#![allow(dead_code, missing_docs, reason = "the benchmark uses a part of it, the tests another")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use holon_engine::{ChildVersion, Command, Machine, Stamped, Task, decode_input};
use holon_flow::capability::NodeError;
use holon_flow::{Capability, Catalogue, Definition};
use holon_model::context::Budget;
use holon_model::{EnvironmentId, FlowId, Millis, RunId, TenantId, Value, json};
use holon_platform::clock::{SharedClock, SystemClock};
use holon_platform::egress::Egress;
use holon_platform::execute::{
    ConnectionError, ConnectionSource, EffectContext, EffectRequest, Executor, Executors, ResolvedConnection,
};
use holon_runtime::store::{Marks, Store};
use holon_runtime::{
    Answer, Definitions, DefinitionsError, Driving, EffectLimits, FollowError, Host, Idempotency, LoadedFlow, Memory,
    Nearby, Runtime, RuntimeConfig, RuntimeHandle, StartRequest, Wake,
};
use uuid::Uuid;

const MANIFEST: &str = r#"{
  "capability": 1, "id": "test", "version": "1.0.0", "title": "Test", "summary": "Kinds for tests.",
  "permissions": [],
  "kinds": [
    {"kind": "trigger.manual@1", "title": "Manual", "summary": "Starts.", "category": "Test",
     "icon": "play", "keywords": [], "config": {"type": "object"}, "ports": {"inputs": [], "outputs": ["out"]},
     "effect": "pure", "preview": "sample", "line": "", "defaults": {}, "behaviour": "trigger"},
    {"kind": "test.call@1", "title": "Call", "summary": "Calls.", "category": "Test",
     "icon": "play", "keywords": [], "config": {"type": "object"}, "ports": {"outputs": ["out"], "error": true},
     "effect": "idempotent", "cacheable": true, "delivery": true, "preview": "sample", "line": "", "defaults": {}, "behaviour": "effect"},
    {"kind": "test.once@1", "title": "Once", "summary": "Calls once.", "category": "Test",
     "icon": "play", "keywords": [], "config": {"type": "object"}, "ports": {"outputs": ["out"], "error": true},
     "effect": "at_most_once", "preview": "sample", "line": "", "defaults": {}, "behaviour": "effect"}
  ]}"#;

/// Three effects, one after the other.
pub const THREE_STEPS: &str = r#"{"holon": 1, "name": "three", "nodes": {
    "start": {"kind": "trigger.manual@1"},
    "a": {"kind": "test.call@1"}, "b": {"kind": "test.call@1"}, "c": {"kind": "test.call@1"}},
  "edges": [{"from": "start.out", "to": "a.in"}, {"from": "a.out", "to": "b.in"}, {"from": "b.out", "to": "c.in"}]}"#;

pub fn tenant(number: u128) -> TenantId {
    TenantId(Uuid::from_u128(0x7e4a_0000 + number))
}

pub fn catalogue() -> Arc<Catalogue> {
    let test = Capability::from_manifest(MANIFEST, &[]).expect("the manifest is right");
    let built_in = [holon_cap_control::capability(), holon_cap_state::capability(), holon_cap_events::capability()];
    let built_in = built_in.into_iter().map(|capability| capability.expect("the manifest is right"));
    Arc::new(Catalogue::new(std::iter::once(test).chain(built_in).collect()))
}

/// Published flows, in memory.
#[derive(Default)]
pub struct Shelf(Mutex<BTreeMap<FlowId, Vec<Arc<LoadedFlow>>>>);

impl Shelf {
    pub fn publish(&self, text: &str) -> FlowId {
        let mut flows = self.0.lock().unwrap();
        let id = FlowId(Uuid::from_u128(0xf10 + flows.len() as u128));
        flows.insert(id, vec![Self::loaded(text)]);
        id
    }

    /// The first version of a flow.
    pub fn get(&self, flow: FlowId) -> Arc<LoadedFlow> {
        self.0.lock().unwrap()[&flow][0].clone()
    }

    /// Another version of a flow.
    pub fn publish_next(&self, flow: FlowId, text: &str) {
        self.0.lock().unwrap().get_mut(&flow).expect("the flow is known").push(Self::loaded(text));
    }

    fn loaded(text: &str) -> Arc<LoadedFlow> {
        let value = json::parse(text.as_bytes()).expect("the flow is JSON");
        let definition = Definition::from_value(&value).expect("the flow is a definition");
        let compiled = holon_engine::compile(&definition, &catalogue()).expect("the flow compiles");
        let hash = definition.hash();
        Arc::new(LoadedFlow { definition, compiled, hash })
    }
}

#[async_trait]
impl Definitions for Shelf {
    async fn load(&self, _: TenantId, flow: FlowId, version: i32) -> Result<Arc<LoadedFlow>, DefinitionsError> {
        let number = usize::try_from(version - 1).map_err(|_| DefinitionsError::NotFound)?;
        let flows = self.0.lock().unwrap();
        flows.get(&flow).and_then(|versions| versions.get(number)).cloned().ok_or(DefinitionsError::NotFound)
    }

    async fn resolve(
        &self,
        _: TenantId,
        _: EnvironmentId,
        flow: FlowId,
        _: ChildVersion,
    ) -> Result<i32, DefinitionsError> {
        self.0.lock().unwrap().contains_key(&flow).then_some(1).ok_or(DefinitionsError::NotFound)
    }
}

/// One call to the outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub run: RunId,
    pub path: String,
    pub key: String,
    pub attempt: u32,
}

type Reaction = Box<dyn FnMut(&Call) -> React + Send>;

/// What the outside does with a call.
pub enum React {
    /// Answers with what it got.
    Echo,
    /// Answers with this.
    Value(Value),
    /// Fails.
    Fail(NodeError),
    /// Never answers.
    Hang,
    /// Answers with what it got once it is told to.
    After(Arc<tokio::sync::Notify>),
    /// Ends unexpectedly.
    Panic,
}

/// The outside: writes down every call.
#[derive(Default)]
pub struct Ledger {
    calls: Mutex<Vec<Call>>,
    reaction: Mutex<Option<Reaction>>,
    changed: tokio::sync::Notify,
}

impl Ledger {
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Distinct keys by path: what a receiver that honours keys has entries of.
    pub fn entries(&self) -> BTreeMap<(RunId, String), BTreeSet<String>> {
        let mut entries: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for call in self.calls() {
            entries.entry((call.run, call.path)).or_default().insert(call.key);
        }
        entries
    }

    pub fn react(&self, reaction: impl FnMut(&Call) -> React + Send + 'static) {
        *self.reaction.lock().unwrap() = Some(Box::new(reaction));
    }

    /// Waits until so many calls were made.
    pub async fn reached(&self, calls: usize) {
        loop {
            let changed = self.changed.notified();
            if self.calls.lock().unwrap().len() >= calls {
                return;
            }
            changed.await;
        }
    }
}

#[async_trait]
impl Executor for Ledger {
    async fn execute(&self, _: &EffectContext, request: EffectRequest) -> Result<Value, NodeError> {
        let EffectRequest { run, path, key, attempt, input, .. } = request;
        let call = Call { run, path, key, attempt };
        let react = self.reaction.lock().unwrap().as_mut().map_or(React::Echo, |reaction| reaction(&call));
        self.calls.lock().unwrap().push(call);
        self.changed.notify_waiters();
        match react {
            React::Echo => Ok(input),
            React::Value(value) => Ok(value),
            React::Fail(error) => Err(error),
            React::Hang => std::future::pending().await,
            React::After(told) => {
                told.notified().await;
                Ok(input)
            }
            React::Panic => panic!("the test asked for it"),
        }
    }
}

struct NoConnections;

#[async_trait]
impl ConnectionSource for NoConnections {
    async fn resolve(&self, _: TenantId, _: EnvironmentId, name: &str) -> Result<ResolvedConnection, ConnectionError> {
        Err(ConnectionError::Unknown { name: name.to_owned() })
    }
}

/// Everything around a runtime that outlives it.
pub struct World {
    pub store: Arc<dyn Store>,
    pub shelf: Arc<Shelf>,
    pub ledger: Arc<Ledger>,
    pub clock: SharedClock,
    pub drivers: usize,
    pub start_within: Duration,
    /// By which runtimes wake each other: one for each.
    pub wake: Box<dyn Fn() -> Arc<dyn Wake> + Send + Sync>,
    /// Which runs are in memory.
    pub memory: Memory,
    /// The newest semantics that runtimes know.
    pub semantics: u32,
}

impl World {
    pub fn over(store: Arc<dyn Store>) -> Self {
        let clock = SystemClock::shared();
        let start_within = Duration::from_secs(10);
        let nearby = Nearby::default();
        let wake = Box::new(move || Arc::new(nearby.clone()) as Arc<dyn Wake>);
        let (shelf, ledger, semantics) = (Arc::default(), Arc::default(), holon_engine::SEMANTICS);
        Self { store, shelf, ledger, clock, drivers: 2, start_within, wake, memory: Memory::default(), semantics }
    }

    /// A runtime that takes over at once, with all of its runs in memory.
    pub async fn runtime(&self) -> RuntimeHandle {
        self.runtime_as(true).await
    }

    pub async fn runtime_as(&self, alone: bool) -> RuntimeHandle {
        let executor: Arc<dyn Executor> = self.ledger.clone();
        let executors: Executors = [
            ("test.call@1", executor.clone()),
            ("test.once@1", executor),
            ("state.increment@1", Arc::new(holon_cap_state::KeepState)),
            ("event.publish@1", Arc::new(holon_cap_events::PublishEvent)),
        ]
        .map(|(kind, executor)| (kind.to_owned(), executor))
        .into();
        let config = RuntimeConfig {
            store: self.store.clone(),
            definitions: self.shelf.clone(),
            executors,
            host: Host { egress: Arc::new(Egress::new(false)), connections: Arc::new(NoConnections) },
            clock: self.clock.clone(),
            address: "test".into(),
            build: "test".into(),
            alone,
            effects: EffectLimits::default(),
            start_within: self.start_within,
            drivers: self.drivers,
            driving: Driving::Apart,
            wake: (self.wake)(),
            memory: self.memory,
            semantics: self.semantics,
        };
        let runtime = Runtime::start(config).await.expect("the runtime starts");
        if alone {
            until(|| runtime.ready()).await;
        }
        runtime
    }

    pub fn run_id(&self) -> RunId {
        RunId(self.clock.uuid_v7())
    }

    pub fn request(&self, flow: FlowId) -> StartRequest {
        StartRequest {
            tenant: tenant(1),
            environment: EnvironmentId(Uuid::from_u128(0xe1)),
            environment_name: "prod".into(),
            flow,
            version: 1,
            run: self.run_id(),
            input: Value::map([("n", Value::Int(7))]),
            trigger: None,
            trigger_kind: "trigger.manual".into(),
            actor: "test".into(),
            budget: Budget::default(),
            vars: Value::map::<&str>([]),
            idempotency: None,
            marks: Marks::default(),
            audit: None,
        }
    }

    /// The task that a run asks, once it does, as its journal has it.
    pub async fn task(&self, flow: FlowId, run: RunId) -> Task {
        let asked = async {
            loop {
                let journal = self.store.journal(tenant(1), run, 0).await.unwrap();
                let inputs = journal.iter().map(|entry| Stamped::new(entry.at, decode_input(&entry.input).unwrap()));
                let pending = Machine::replay(self.shelf.get(flow).compiled.clone(), inputs).pending();
                let task = pending.into_iter().find_map(|command| match command {
                    Command::OpenTask(task) => Some(*task),
                    _ => None,
                });
                match task {
                    Some(task) => break task,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), asked).await.expect("a person is asked")
    }
}

pub fn keyed(key: &str) -> Option<Idempotency> {
    Some(Idempotency { scope: "api".into(), key: key.into(), request_hash: [1; 32], window: Millis(86_400_000) })
}

/// The end of a run.
pub async fn end(runtime: &RuntimeHandle, run: RunId) -> Answer {
    end_of(runtime, tenant(1), run).await
}

pub async fn end_of(runtime: &RuntimeHandle, tenant: TenantId, run: RunId) -> Answer {
    let answer = async {
        loop {
            match runtime.answer_of(tenant, run).await {
                // The store is away for a moment: whoever reads asks again.
                Err(FollowError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
                answer => return answer,
            }
        }
    };
    let answered = tokio::time::timeout(Duration::from_secs(60), answer).await.expect("the run ends");
    answered.expect("the run is known").expect("the runtime goes on")
}

/// Waits for something that has no event of its own.
pub async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
