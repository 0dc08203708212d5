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
use crate::lines::{Moment, Of};
use crate::operators::Pauses;
use crate::seed::numbers;
use crate::workers::Claimed;
use crate::world::{Replica, SimClock, World, low};

/// How long a client waits for an answer before it asks again.
const PATIENCE: Duration = Duration::from_secs(12);
/// Tries of a start without a key.
const TRIES: u32 = 5;
/// Times that one is refused by a flow's limits before it gives up.
const REFUSALS: u32 = 8;
/// Milliseconds within which a crowd comes.
const A_CROWD: u32 = 5_000;
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
    /// When a run was asked for under this id, and when one was first said to be accepted.
    pub asked: BTreeMap<RunId, Duration>,
    pub accepted: BTreeMap<RunId, Duration>,
    /// Starts that were asked for, by the line in which they would stand.
    pub tried: Vec<(Of, Duration)>,
    pub refused: Vec<Refused>,
    pub passed: Vec<Passed>,
    /// Tasks that workers were given.
    pub claimed: Vec<Claimed>,
}

/// A start that was refused by the limits of its flow.
#[derive(Debug)]
pub struct Refused {
    pub of: Of,
    pub asked: Duration,
    /// The moments of its line between which somebody looked whether there is a place.
    pub looked: (Moment, Moment),
    /// Because more would begin than may in this time; else because there is no place.
    pub by_rate: bool,
    /// Whether the same had been said to be accepted before it was asked for.
    pub accepted_before: bool,
}

/// A start that one process let pass.
#[derive(Debug)]
pub struct Passed {
    pub replica: usize,
    pub of: Of,
    pub asked: Duration,
    pub told: Duration,
}

impl Said {
    /// A run is about to be asked for under this id.
    pub fn wish(&mut self, run: RunId, wish: Wish, now: Duration) {
        self.wishes.insert(run, wish);
        self.asked.insert(run, now);
    }
}

/// A start while it is asked for.
struct Asking {
    of: Of,
    asked: Duration,
    moment: Moment,
    accepted_before: bool,
}

impl Asking {
    fn of(world: &World, request: &StartRequest, wish: &Wish) -> Self {
        let mut said = world.promises.said();
        let same = |wished: &RunId| {
            said.wishes.get(wished).is_some_and(|other| (other.tenant, &other.key) == (wish.tenant, &wish.key))
        };
        // Of a key that may be forgotten meanwhile it is not known.
        let remembered = wish.key.is_some() && wish.window == A_DAY;
        let accepted_before = remembered && said.started.iter().any(|(wished, _)| same(wished));
        let of = (request.tenant, request.flow, flows::shares(request.flow, &request.input));
        let asked = world.began.elapsed();
        said.tried.push((of, asked));
        Self { of, asked, moment: world.lines.known().now(&of), accepted_before }
    }

    fn accepted(self, world: &World, replica: usize, wished: RunId, started: Started) {
        world.said_to_be_started(wished, started);
        if !started.replayed {
            let (Self { of, asked, .. }, told) = (self, world.began.elapsed());
            world.promises.said().passed.push(Passed { replica, of, asked, told });
        }
    }

    fn refused(self, world: &World, error: &StartError) {
        let Self { of, asked, moment, accepted_before } = self;
        let (looked, by_rate) = ((moment, world.lines.known().now(&of)), matches!(error, StartError::RateLimited(_)));
        world.promises.said().refused.push(Refused { of, asked, looked, by_rate, accepted_before });
    }
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
    ask_one(world, rng, call).await.1
}

/// The same, with the number of the one that was asked.
async fn ask_one<T, F: Future<Output = T>>(
    world: &World,
    rng: &mut Rng,
    call: impl FnOnce(RuntimeHandle) -> F,
) -> (usize, Option<T>) {
    let (replica, handle) = somebody(world, rng).await;
    let asking = async {
        replica.gate().await;
        let answer = call(handle).await;
        replica.gate().await;
        answer
    };
    (replica.number, tokio::time::timeout(PATIENCE, asking).await.ok())
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
        // A crowd comes together.
        let wait = self.rng.below(if self.world.plan.crowd.is_some() { storm.min(A_CROWD) } else { storm });
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
        let plan = &self.world.plan;
        let keyed = if plan.crowd.is_some() { 25 } else { 55 };
        let key = self.rng.percent(keyed).then(|| format!("key {}", self.rng.below(4)));
        let mut own = match &key {
            Some(key) => numbers(self.world.plan.seed, key),
            None => self.rng.clone(),
        };
        let tenant = tenant(own.below(2));
        let flow = match plan.crowd {
            Some(flow) if own.percent(80) => flow,
            _ => flows::pick(&mut own, plan.newer),
        };
        let elsewhere = plan.newer && own.percent(15);
        let input = if own.percent(50) { Value::Int(2) } else { generate::input(own.next_u64()) };
        let hash = if self.rng.percent(12) { [7; 32] } else { [1; 32] };
        // Some keys are forgotten while the world lasts; none while a commit that has it may still be under way (20 s).
        let window = if own.percent(30) { Millis(25_000 + u64::from(own.below(20_000))) } else { A_DAY };
        StartRequest {
            tenant,
            environment: EnvironmentId(Uuid::from_u128(if elsewhere { 0xe2 } else { 0xe1 })),
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
            audit: None,
        }
    }

    pub async fn minted(&mut self) -> Option<RunId> {
        let (replica, handle) = somebody(&self.world, &mut self.rng).await;
        (!replica.stands()).then(|| handle.mint())
    }

    /// Asks until it is known what became of it.
    async fn start(&mut self, request: &StartRequest) -> Option<RunId> {
        let (mut tries, mut refusals) = (0, 0);
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
            let asking = Asking::of(&self.world, &request, &wish);
            self.world.promises.said().wish(wished, wish.clone(), asking.asked);
            let (replica, answer) =
                ask_one(&self.world, &mut self.rng, |handle| async move { handle.start(request).await }).await;
            self.world.trace.note("start", &[low(wished.0), verdict(&answer)], || {
                format!("{wished} {} -> {answer:?}", wish.key.as_deref().unwrap_or("without a key"))
            });
            match answer {
                Some(Ok(started)) => {
                    asking.accepted(&self.world, replica, wished, started);
                    return Some(started.run);
                }
                Some(Err(StartError::IdempotencyMismatch { run })) => {
                    self.world.promises.said().mismatches.push((wished, run));
                    return None;
                }
                Some(Err(error @ (StartError::Full(_) | StartError::RateLimited(_)))) => {
                    asking.refused(&self.world, &error);
                    refusals += 1;
                    if refusals == REFUSALS {
                        return None;
                    }
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
            self.world.promises.said().wish(new, wish, self.world.began.elapsed());
            let asked = Idempotency { scope: "api".into(), key: key.clone(), request_hash: [3; 32], window: A_DAY };
            let answer = ask(&self.world, &mut self.rng, |handle| async move {
                handle.retry(tenant, run, new, "simulated".into(), Some(asked), None).await
            })
            .await;
            self.world
                .trace
                .note("retry", &[low(run.0), low(new.0), verdict(&answer)], || format!("{run} as {new} -> {answer:?}"));
            match answer {
                Some(Ok(started)) => return self.world.said_to_be_started(new, started),
                Some(Err(RetryError::NotFailed | RetryError::NothingToRetry | RetryError::Undone)) => return,
                // The flow has no place for it.
                Some(Err(RetryError::Start(StartError::Full(_)))) => return,
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
    /// Somebody was told that a run was started, who had wished for it under that id.
    pub fn said_to_be_started(&self, wished: RunId, started: Started) {
        let (mut said, now) = (self.promises.said(), self.began.elapsed());
        said.started.push((wished, started));
        said.accepted.entry(started.run).or_insert(now);
    }

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
