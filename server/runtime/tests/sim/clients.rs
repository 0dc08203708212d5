//! Those who ask for runs: with keys and without, twice, through any replica; who wait for answers, cancel, and try again. What they
//! were promised is written down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holon_engine::testing::{generate, rng::Rng};
use holon_engine::{EffectId, Outcome};
use holon_model::context::Budget;
use holon_model::{EnvironmentId, Millis, RunId, TenantId, Value};
use holon_platform::clock::mint;
use holon_runtime::store::Marks;
use holon_runtime::{
    Answer, CancelError, DefinitionsError, Delivered, FollowError, Idempotency, RetryError, RuntimeHandle, StartError,
    StartRequest, Started,
};
use tokio::time::sleep;
use uuid::Uuid;

use crate::flows;
use crate::operators::Pauses;
use crate::seed::numbers;
use crate::world::{Replica, SimClock, World, low};

/// How long a client waits for an answer before it asks again.
const PATIENCE: Duration = Duration::from_secs(12);
/// Tries of a start without a key.
const TRIES: u32 = 5;
const A_DAY: Millis = Millis(86_400_000);

/// A run that was asked for.
#[derive(Debug, Clone)]
pub struct Wish {
    pub tenant: TenantId,
    pub key: Option<String>,
    pub hash: [u8; 32],
    /// For how long the key is remembered at least.
    pub window: Millis,
    /// The run that it retries.
    pub again: Option<RunId>,
    /// The run that it forks, and how many of its inputs are copied.
    pub fork_of: Option<(RunId, i64)>,
}

impl Wish {
    /// One with a key that nobody forgets meanwhile.
    pub fn keyed(tenant: TenantId, key: &str, hash: [u8; 32]) -> Self {
        Self { tenant, key: Some(key.to_owned()), hash, window: A_DAY, again: None, fork_of: None }
    }
}

/// What was asked for, and what was promised.
#[derive(Debug, Default)]
pub struct Said {
    /// By the id that the run was to have.
    pub wishes: BTreeMap<RunId, Wish>,
    /// The wished id, and the run that was promised for it.
    pub started: Vec<(RunId, Started)>,
    /// Keys that were said to belong to another request, with the run.
    pub mismatches: Vec<(RunId, RunId)>,
    pub cancelled: Vec<(TenantId, RunId, String)>,
    /// What runs were said to have answered.
    pub answers: Vec<(TenantId, RunId, Answer)>,
    /// By run, name, correlation and sender: whether it was said to have been taken in.
    pub signals: BTreeMap<(RunId, String, String, String), bool>,
    /// By run, task and who answered: whether it was said to count.
    pub tasks: BTreeMap<(RunId, EffectId, String), bool>,
    /// Runs that were said to have been ended by decree.
    pub terminated: Vec<RunId>,
    pub pauses: BTreeMap<RunId, Pauses>,
    /// Effects' answers that were told twice.
    pub doubled: BTreeSet<(String, u32)>,
}

/// What was promised.
#[derive(Default)]
pub struct Promises(Mutex<Said>);

impl Promises {
    pub fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The runs of a tenant that were promised.
    pub fn runs_of(&self, tenant: TenantId) -> Vec<RunId> {
        let said = self.said();
        let hers = |wished: &RunId| said.wishes.get(wished).is_some_and(|wish| wish.tenant == tenant);
        let started = said.started.iter().filter(|(wished, _)| hers(wished));
        started.map(|(_, started)| started.run).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether a run that takes nothing in has taken something in.
    pub fn is_paused(&self, run: RunId) -> bool {
        self.said().pauses.get(&run).is_some_and(Pauses::certain)
    }
}

/// Counts for as long as it is there.
pub struct Busy(Arc<World>);

impl Busy {
    pub fn new(world: &Arc<World>) -> Self {
        world.clients.fetch_add(1, Relaxed);
        Self(world.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Relaxed);
    }
}

/// A replica that takes calls, as something in front of them picks it.
async fn somebody(world: &World, rng: &mut Rng) -> (Arc<Replica>, RuntimeHandle) {
    loop {
        let able: Vec<_> =
            world.alive().into_iter().filter_map(|replica| replica.handle().map(|handle| (replica, handle))).collect();
        if !able.is_empty() {
            return rng.pick(&able);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// One call; nothing when no answer came.
pub async fn ask<T, F: Future<Output = T>>(
    world: &World,
    rng: &mut Rng,
    call: impl FnOnce(RuntimeHandle) -> F,
) -> Option<T> {
    let (replica, handle) = somebody(world, rng).await;
    let asking = async {
        replica.gate().await;
        let answer = call(handle).await;
        replica.gate().await;
        answer
    };
    tokio::time::timeout(PATIENCE, asking).await.ok()
}

pub async fn breath(rng: &mut Rng) {
    sleep(Duration::from_millis(u64::from(20 + rng.below(700)))).await;
}

fn tenant(number: u32) -> TenantId {
    TenantId(Uuid::from_u128(0x7e4a_0000 + u128::from(number)))
}

/// All who ask for runs.
pub fn begin(world: &Arc<World>) {
    let clock = SimClock::new(world.began, numbers(world.plan.seed, "ids of clients"));
    for number in 0..world.plan.starts {
        let busy = Busy::new(world);
        let client = Client {
            world: world.clone(),
            rng: numbers(world.plan.seed, &format!("client {number}")),
            clock: clock.clone(),
        };
        tokio::spawn(async move {
            client.live().await;
            drop(busy);
        });
    }
}

/// Somebody who asks.
pub struct Client {
    pub world: Arc<World>,
    pub rng: Rng,
    pub clock: Arc<SimClock>,
}

impl Client {
    async fn live(mut self) {
        let storm = u32::try_from(self.world.plan.storm.as_millis()).unwrap_or(u32::MAX);
        let wait = self.rng.below(storm);
        sleep(Duration::from_millis(u64::from(wait))).await;
        let request = self.request();
        let Some(run) = self.start(&request).await else { return };
        let tenant = request.tenant;
        if self.rng.percent(20) {
            crate::people::send_early(&self.world, &mut self.rng, tenant, run);
        }
        if self.rng.percent(20) {
            breath(&mut self.rng).await;
            self.cancel(tenant, run).await;
        }
        if self.rng.percent(35) {
            self.operate(tenant, run).await;
        }
        if self.rng.percent(70) {
            let answer = self.wait_for(tenant, run).await;
            let failed = matches!(answer, Some(Answer::Ended(Outcome::Failed { .. } | Outcome::Cancelled { .. })));
            if failed && self.rng.percent(60) {
                self.retry(tenant, run).await;
            }
        }
    }

    /// Another one who asks, at the same time.
    pub fn another(&mut self) -> Self {
        Self { world: self.world.clone(), rng: Rng::new(self.rng.next_u64()), clock: self.clock.clone() }
    }

    /// What is asked for. Those with the same key mostly ask for the same.
    fn request(&mut self) -> StartRequest {
        let key = self.rng.percent(55).then(|| format!("key {}", self.rng.below(4)));
        let mut own = match &key {
            Some(key) => numbers(self.world.plan.seed, key),
            None => self.rng.clone(),
        };
        let tenant = tenant(own.below(2));
        let flow = flows::pick(&mut own);
        let input = if own.percent(50) { Value::Int(2) } else { generate::input(own.next_u64()) };
        let hash = if self.rng.percent(12) { [7; 32] } else { [1; 32] };
        // Some keys are forgotten while the world lasts; none while a commit that has it may still be under way (20 s).
        let window = if own.percent(30) { Millis(25_000 + u64::from(own.below(20_000))) } else { A_DAY };
        StartRequest {
            tenant,
            environment: EnvironmentId(Uuid::from_u128(0xe1)),
            environment_name: "prod".into(),
            flow: flows::id_of(flow),
            version: 1,
            run: mint(&*self.clock),
            input,
            trigger: None,
            trigger_kind: "trigger.manual".into(),
            actor: "simulated".into(),
            budget: Budget::default(),
            vars: Value::map::<&str>([]),
            idempotency: key.map(|key| Idempotency { scope: "api".into(), key, request_hash: hash, window }),
            marks: Marks::default(),
        }
    }

    pub async fn minted(&mut self) -> Option<RunId> {
        let (replica, handle) = somebody(&self.world, &mut self.rng).await;
        (!replica.stands()).then(|| handle.mint())
    }

    /// Asks until it is known what became of it.
    async fn start(&mut self, request: &StartRequest) -> Option<RunId> {
        let mut tries = 0;
        loop {
            let mut request = request.clone();
            // A replica gives ids of runs that it drives; any other one will do too, elsewhere.
            let given = if self.rng.percent(80) { self.minted().await } else { None };
            request.run = given.unwrap_or_else(|| mint(&*self.clock));
            let wished = request.run;
            let key = request.idempotency.as_ref();
            let wish = Wish {
                tenant: request.tenant,
                key: key.map(|asked| asked.key.clone()),
                hash: key.map_or([0; 32], |asked| asked.request_hash),
                window: key.map_or(A_DAY, |asked| asked.window),
                again: None,
                fork_of: None,
            };
            self.world.promises.said().wishes.insert(wished, wish.clone());
            let answer = ask(&self.world, &mut self.rng, |handle| async move { handle.start(request).await }).await;
            self.world.trace.note("start", &[low(wished.0), verdict(&answer)], || {
                format!("{wished} {} -> {answer:?}", wish.key.as_deref().unwrap_or("without a key"))
            });
            match answer {
                Some(Ok(started)) => {
                    self.world.promises.said().started.push((wished, started));
                    return Some(started.run);
                }
                Some(Err(StartError::IdempotencyMismatch { run })) => {
                    self.world.promises.said().mismatches.push((wished, run));
                    return None;
                }
                None
                | Some(Err(
                    StartError::Unavailable
                    | StartError::StorageFull
                    | StartError::Definition(DefinitionsError::Unavailable(_)),
                )) => {}
                Some(Err(error)) => {
                    self.world.problems.add("refused", || format!("the start of {wished} was refused: {error}"));
                    return None;
                }
            }
            tries += 1;
            if wish.key.is_none() && tries == TRIES {
                return None;
            }
            breath(&mut self.rng).await;
        }
    }

    pub async fn cancel(&mut self, tenant: TenantId, run: RunId) {
        let reason = format!("wish {}", self.rng.below(1_000));
        loop {
            let why = reason.clone();
            // Whoever wants it to end wants it to go on to its end.
            self.world.promises.said().pauses.entry(run).or_default().letting_go();
            let answer =
                ask(&self.world, &mut self.rng, |handle| async move { handle.cancel(tenant, run, why).await }).await;
            self.world.trace.note("cancel", &[low(run.0), verdict(&answer)], || format!("{run} -> {answer:?}"));
            match answer {
                Some(Ok(Delivered::TakenIn)) => {
                    let mut said = self.world.promises.said();
                    said.pauses.entry(run).or_default().let_go();
                    return said.cancelled.push((tenant, run, reason));
                }
                Some(Ok(Delivered::Kept)) => return,
                Some(Err(CancelError::Over)) => return self.world.must_be_over(tenant, run),
                Some(Err(CancelError::NotFound)) => {
                    self.world
                        .problems
                        .add("lost", || format!("{run} was promised, and was not found to be cancelled"));
                    return;
                }
                Some(Err(CancelError::Unavailable)) | None => {}
            }
            breath(&mut self.rng).await;
        }
    }

    async fn wait_for(&mut self, tenant: TenantId, run: RunId) -> Option<Answer> {
        loop {
            let answer =
                ask(&self.world, &mut self.rng, |handle| async move { handle.answer_of(tenant, run).await }).await;
            self.world.trace.note("answer", &[low(run.0), verdict(&answer)], || format!("{run} -> {answer:?}"));
            match answer {
                // Another run goes on, and is not there yet: asked again, it is.
                Some(Ok(Some(Answer::Ended(Outcome::Continued { .. })))) => {}
                Some(Ok(Some(answer))) => {
                    self.world.promises.said().answers.push((tenant, run, answer.clone()));
                    if matches!(answer, Answer::Ended(_)) {
                        self.world.must_be_over(tenant, run);
                    }
                    return Some(answer);
                }
                Some(Err(FollowError::NotFound)) => {
                    self.world.problems.add("lost", || format!("{run} was promised, and was not found"));
                    return None;
                }
                Some(Ok(None) | Err(FollowError::Unavailable(_))) | None => {}
            }
            breath(&mut self.rng).await;
        }
    }

    pub async fn retry(&mut self, tenant: TenantId, run: RunId) {
        let key = format!("retry {run}");
        for _ in 0..20 {
            let given = if self.rng.percent(80) { self.minted().await } else { None };
            let new: RunId = given.unwrap_or_else(|| mint(&*self.clock));
            let wish = Wish { again: Some(run), ..Wish::keyed(tenant, &key, [3; 32]) };
            self.world.promises.said().wishes.insert(new, wish);
            let asked = Idempotency { scope: "api".into(), key: key.clone(), request_hash: [3; 32], window: A_DAY };
            let answer = ask(&self.world, &mut self.rng, |handle| async move {
                handle.retry(tenant, run, new, "simulated".into(), Some(asked)).await
            })
            .await;
            self.world
                .trace
                .note("retry", &[low(run.0), low(new.0), verdict(&answer)], || format!("{run} as {new} -> {answer:?}"));
            match answer {
                Some(Ok(started)) => {
                    self.world.promises.said().started.push((new, started));
                    return;
                }
                Some(Err(RetryError::NotFailed | RetryError::NothingToRetry | RetryError::Undone)) => return,
                Some(Err(RetryError::Start(
                    StartError::Unavailable
                    | StartError::StorageFull
                    | StartError::Definition(DefinitionsError::Unavailable(_)),
                )))
                | None => {}
                Some(Err(error)) => {
                    self.world.problems.add("refused", || format!("the retry of {run} was refused: {error}"));
                    return;
                }
            }
            breath(&mut self.rng).await;
        }
    }
}

impl World {
    /// Somebody was told that a run is over.
    pub fn must_be_over(&self, tenant: TenantId, run: RunId) {
        if !self.store.is_over(tenant, run) {
            self.problems.add("told too early", || format!("{run} was said to be over, and its end is not durable"));
        }
    }
}

/// An answer as the trace has it.
pub fn verdict<T, E>(answer: &Option<Result<T, E>>) -> u64 {
    match answer {
        None => 0,
        Some(Ok(_)) => 1,
        Some(Err(_)) => 2,
    }
}
