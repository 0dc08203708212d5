//! The outside world of a simulation: it does what effects ask, well or badly as a seed says, and writes everything down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use holon_engine::{EffectId, Outcome};
use holon_flow::capability::NodeError;
use holon_model::canon::Canon;
use holon_model::{EnvironmentId, Payload, RunId, TenantId, Value};
use holon_platform::execute::{EffectContext, EffectRequest, Executor};

use tokio::time::Instant;

use crate::faults::Weather;
use crate::seed::{Plan, Planted, Woe, numbers};
use crate::trace::Trace;
use crate::world::{Replica, low};
use holon_engine::testing::rng::Rng;
use holon_runtime::store::mem::MemStore;

/// One effect as it reached the outside.
#[derive(Debug, Clone)]
pub struct Call {
    pub tenant: TenantId,
    pub environment: EnvironmentId,
    pub run: RunId,
    pub path: String,
    pub kind: String,
    pub key: String,
    pub attempt: u32,
    /// Of kind, config and input.
    pub bytes: [u8; 32],
    /// The last row of the run's journal when it came, by its first input.
    pub durable: Option<i64>,
    /// What it was answered, and when.
    pub given: Option<(Duration, Outcome)>,
}

/// By run: the paths and bytes that a key was used for.
pub type Uses<'a> = BTreeMap<RunId, BTreeSet<(&'a str, [u8; 32])>>;

/// What the outside knows.
#[derive(Default)]
pub struct Book {
    /// In the order in which they came.
    pub calls: Vec<Call>,
    /// What it answered, by key and attempt; also what nobody heard.
    pub answers: BTreeMap<(String, u32), Vec<Outcome>>,
    /// How often each attempt came.
    came: BTreeMap<(String, u32), u32>,
}

/// The outside.
pub struct Outside {
    plan: Plan,
    store: MemStore,
    trace: Arc<Trace>,
    weather: Arc<Weather>,
    began: Instant,
    book: Mutex<Book>,
}

impl Outside {
    pub fn new(plan: &Plan, store: &MemStore, trace: &Arc<Trace>, weather: &Arc<Weather>) -> Arc<Self> {
        Arc::new(Self {
            plan: plan.clone(),
            store: store.clone(),
            trace: trace.clone(),
            weather: weather.clone(),
            began: Instant::now(),
            book: Mutex::default(),
        })
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody else gives an answer: a worker.
    pub fn say(&self, id: EffectId, attempt: u32, outcome: &Outcome) {
        self.book().answers.entry((id.key(), attempt)).or_default().push(outcome.clone());
    }

    /// Writes a call down; answers how it goes on.
    fn came(&self, cx: &EffectContext, request: &EffectRequest, replica: &Replica) -> Going {
        let mut canon = Canon::new();
        canon.text(&request.kind).value(&request.config).value(&request.input);
        let mut key = request.key.clone();
        let durable = self.store.rows(cx.tenant, request.run).last().copied();
        let mut book = self.book();
        let again = *book.came.entry((key.clone(), request.attempt)).and_modify(|times| *times += 1).or_insert(1);
        if self.plan.planted == Some(Planted::AnotherKey) && again > 1 {
            key = format!("{key}-{again}");
        }
        let going = self.going(request, again, book.calls.len());
        self.trace.note("effect", &[low(request.run.0), u64::from(request.attempt), replica.number as u64], || {
            format!("{} {} {} attempt {} by {}", request.run, request.path, &key[..8], request.attempt, replica.number)
        });
        let given = going.answer.as_ref().map(|(_, outcome)| (self.began.elapsed() + going.wait, outcome.clone()));
        book.calls.push(Call {
            tenant: cx.tenant,
            environment: cx.environment,
            run: request.run,
            path: request.path.clone(),
            kind: request.kind.clone(),
            key: key.clone(),
            attempt: request.attempt,
            bytes: canon.hash(),
            durable,
            given,
        });
        if let Some((_, outcome)) = &going.answer {
            book.answers.entry((key, request.attempt)).or_default().push(outcome.clone());
        }
        drop(book);
        going
    }

    /// How one call goes: it depends on what is asked and how often it was asked before, not on what else happens.
    fn going(&self, request: &EffectRequest, again: u32, number: usize) -> Going {
        let mut rng = numbers(self.plan.seed, &format!("{}/{}/{again}", request.key, request.attempt));
        let calm = self.weather.is_calm();
        let late = if calm { 0 } else { self.plan.often(Woe::LateAnswers) };
        let failures = if calm { 100 } else { 400 + self.plan.often(Woe::Failures) * 3 };
        let draw = rng.below(10_000);
        let wait = match draw {
            _ if draw < late / 4 => return Going { wait: Duration::from_secs(3_600), answer: None },
            _ if draw < late * 2 => 500 + rng.below(6_000),
            _ => rng.below(40),
        };
        let wait = Duration::from_millis(u64::from(wait));
        let result = self.result(&mut rng, request, failures).map(|value| {
            // What may be used again is told apart.
            if request.path.contains("kept") { Value::map([("call", Value::from(number.to_string()))]) } else { value }
        });
        let outcome = match &result {
            Ok(value) => Outcome::Ok(Payload::Inline(value.clone())),
            Err(error) => Outcome::Failed { error: error.clone() },
        };
        Going { wait, answer: Some((result, outcome)) }
    }

    fn result(&self, rng: &mut Rng, request: &EffectRequest, failures: u32) -> Result<Value, NodeError> {
        if rng.below(10_000) < failures {
            let retryable = rng.percent(70);
            let mut error = NodeError::new(if retryable { "unavailable" } else { "refused" }, "the outside said no");
            error.retryable = retryable;
            return Err(error);
        }
        let number = Value::Int(i64::from(rng.below(50)));
        if request.path.contains("big") {
            return Ok(Value::str("x".repeat(9_000 + rng.below(3) as usize * 4_000)));
        }
        Ok(if rng.percent(20) { Value::map([("n", number)]) } else { number })
    }
}

struct Going {
    wait: Duration,
    /// Nothing: it never answers.
    answer: Option<(Result<Value, NodeError>, Outcome)>,
}

/// The outside as one replica reaches it.
pub struct Hands {
    pub outside: Arc<Outside>,
    pub replica: Arc<Replica>,
}

#[async_trait]
impl Executor for Hands {
    async fn execute(&self, cx: &EffectContext, request: EffectRequest) -> Result<Value, NodeError> {
        // One that stands still here and goes on later reaches the outside late, maybe without its lease: with the same key.
        self.replica.gate().await;
        let going = self.outside.came(cx, &request, &self.replica);
        tokio::time::sleep(going.wait).await;
        self.replica.gate().await;
        match going.answer {
            Some((result, _)) => result,
            None => std::future::pending().await,
        }
    }
}

impl Book {
    /// Keys by who used them for what: for one thing each, if all is well.
    pub fn uses(&self) -> BTreeMap<&str, Uses<'_>> {
        let mut uses: BTreeMap<&str, Uses<'_>> = BTreeMap::new();
        for call in &self.calls {
            uses.entry(&call.key).or_default().entry(call.run).or_default().insert((&call.path, call.bytes));
        }
        uses
    }
}
