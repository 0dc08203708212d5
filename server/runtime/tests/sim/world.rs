//! One world: replicas of the real runtime over one store, the outside, time, and what becomes of it all.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use holon_engine::SEMANTICS;
use holon_engine::testing::rng::Rng;
use holon_model::{EnvironmentId, Millis, TenantId, Timestamp};
use holon_platform::clock::Clock;
use holon_platform::egress::Egress;
use holon_platform::execute::{ConnectionError, ConnectionSource, Executor, Executors, ResolvedConnection};
use holon_runtime::store::Store as _;
use holon_runtime::store::mem::MemStore;
use holon_runtime::{Driving, EffectLimits, Host, Memory, Nearby, Runtime, RuntimeConfig, RuntimeHandle};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::clients::Promises;
use crate::faults::{Road, Weather, Words};
use crate::flows::Library;
use crate::ledger::{Hands, Outside};
use crate::lines::Lines;
use crate::oracle::Problems;
use crate::seed::{Plan, Woe, numbers};
use crate::trace::Trace;
use crate::workers::Desk;

/// 1 January 2026: when every world begins.
const BEGINNING: i64 = 1_767_225_600_000;
/// Replicas in one seed at most.
const MOST_REPLICAS: usize = 200;
/// The longest that an effect may take.
const LONGEST_EFFECT: Duration = Duration::from_secs(4);
/// How long a caller waits for a start.
const START_WITHIN: Duration = Duration::from_secs(3);
/// For how long everything may take to end once nothing goes wrong any more.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// What clocks that are right say so long after the beginning.
pub fn at(since: Duration) -> Timestamp {
    Timestamp(BEGINNING + i64::try_from(since.as_millis()).unwrap_or(i64::MAX / 2))
}

/// The last 64 bits of an id: enough to tell it from the others of a seed.
pub fn low(id: Uuid) -> u64 {
    id.as_u64_pair().1
}

/// A clock that follows the simulation's time, and may go wrong.
pub struct SimClock {
    began: Instant,
    wrong_by: AtomicI64,
    ids: Mutex<(u64, u64, Rng)>,
}

impl SimClock {
    pub fn new(began: Instant, rng: Rng) -> Arc<Self> {
        Arc::new(Self { began, wrong_by: AtomicI64::new(0), ids: Mutex::new((0, 0, rng)) })
    }

    /// From now on it is wrong by so many milliseconds.
    pub fn set_wrong(&self, by: i64) {
        self.wrong_by.store(by, Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp(at(self.began.elapsed()).0 + self.wrong_by.load(Relaxed))
    }

    fn uuid_v7(&self) -> Uuid {
        let now = self.now().0.unsigned_abs();
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let (millis, count, rng) = &mut *ids;
        (*millis, *count) = if now > *millis { (now, 0) } else { (*millis, *count + 1) };
        let high = (u128::from(*millis) << 80) | (0x7 << 76) | (u128::from(*count & 0xfff) << 64);
        Uuid::from_u128(high | (0b10 << 62) | u128::from(rng.next_u64() & (u64::MAX >> 2)))
    }
}

/// One process.
pub struct Replica {
    pub number: usize,
    pub clock: Arc<SimClock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    dead: bool,
    handle: Option<RuntimeHandle>,
    stands_until: Option<Instant>,
    cut_off_until: Option<Instant>,
}

impl Replica {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that a process does to others or hears from them goes through here: one that stands still waits, one that is
    /// gone waits for ever.
    pub async fn gate(&self) {
        loop {
            let until = {
                let state = self.state();
                match (state.dead, state.stands_until) {
                    (true, _) => None,
                    (false, Some(until)) if Instant::now() < until => Some(until),
                    (false, _) => return,
                }
            };
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        }
    }

    /// The end of the process, from one moment to the next.
    pub fn kill(&self) {
        let handle = {
            let mut state = self.state();
            state.dead = true;
            state.handle.take()
        };
        if let Some(handle) = handle {
            handle.abort();
        }
    }

    pub fn is_dead(&self) -> bool {
        self.state().dead
    }

    pub fn is_cut_off(&self) -> bool {
        self.state().cut_off_until.is_some_and(|until| Instant::now() < until)
    }

    pub fn stand_until(&self, until: Instant) {
        self.state().stands_until = Some(until);
    }

    pub fn cut_off_until(&self, until: Option<Instant>) {
        self.state().cut_off_until = until;
    }

    pub fn stands(&self) -> bool {
        self.state().stands_until.is_some_and(|until| Instant::now() < until)
    }

    pub fn handle(&self) -> Option<RuntimeHandle> {
        self.state().handle.clone()
    }
}

struct NoConnections;

#[async_trait]
impl ConnectionSource for NoConnections {
    async fn resolve(&self, _: TenantId, _: EnvironmentId, name: &str) -> Result<ResolvedConnection, ConnectionError> {
        Err(ConnectionError::Unknown { name: name.to_owned() })
    }
}

/// No effect of a simulation goes out: one road serves all worlds.
static EGRESS: LazyLock<Arc<Egress>> = LazyLock::new(|| Arc::new(Egress::new(false)));

/// Everything there is.
pub struct World {
    pub plan: Plan,
    pub began: Instant,
    pub trace: Arc<Trace>,
    pub store: MemStore,
    pub outside: Arc<Outside>,
    pub weather: Arc<Weather>,
    pub problems: Arc<Problems>,
    pub promises: Arc<Promises>,
    pub lines: Arc<Lines>,
    /// Who of the workers has which task.
    pub desk: Desk,
    pub replicas: Mutex<Vec<Arc<Replica>>>,
    /// Clients that are not done.
    pub clients: AtomicUsize,
    /// Replicas that were stopped on purpose do not come back by themselves.
    healing: AtomicBool,
    nearby: Nearby,
}

impl World {
    pub fn new(plan: Plan, told: bool) -> Arc<Self> {
        let began = Instant::now();
        let trace = Arc::new(Trace::new(told));
        let store = MemStore::new(SimClock::new(began, numbers(plan.seed, "database")));
        let weather = Weather::new(&plan);
        let outside = Outside::new(&plan, &store, &trace, &weather);
        Arc::new(Self {
            plan,
            began,
            trace,
            store,
            outside,
            weather,
            problems: Arc::default(),
            promises: Arc::default(),
            lines: Arc::default(),
            desk: Desk::default(),
            replicas: Mutex::default(),
            clients: AtomicUsize::new(0),
            healing: AtomicBool::new(false),
            nearby: Nearby::default(),
        })
    }

    pub fn replicas(&self) -> Vec<Arc<Replica>> {
        self.replicas.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those that are not gone.
    pub fn alive(&self) -> Vec<Arc<Replica>> {
        self.replicas().into_iter().filter(|replica| !replica.is_dead()).collect()
    }

    /// A new process begins.
    fn bring_up(self: &Arc<Self>, alone: bool) -> Arc<Replica> {
        let number = self.replicas().len();
        let mut rng = numbers(self.plan.seed, &format!("replica {number}"));
        let clock = SimClock::new(self.began, numbers(self.plan.seed, &format!("ids of replica {number}")));
        if self.plan.often(Woe::Clock) > 0 && !self.weather.is_calm() {
            clock.set_wrong(skew(&mut rng));
        }
        let replica = Arc::new(Replica { number, clock, state: Mutex::default() });
        self.replicas.lock().unwrap_or_else(PoisonError::into_inner).push(replica.clone());
        self.trace.note("up", &[number as u64, u64::from(alone)], || format!("{number} (alone: {alone})"));
        tokio::spawn(self.clone().live(replica.clone(), alone));
        replica
    }

    fn config(&self, replica: &Arc<Replica>, alone: bool) -> RuntimeConfig {
        let road = Road {
            store: self.store.clone(),
            replica: replica.clone(),
            weather: self.weather.clone(),
            trace: self.trace.clone(),
            problems: self.problems.clone(),
            promises: self.promises.clone(),
            lines: self.lines.clone(),
            began: self.began,
        };
        let hands: Arc<dyn Executor> = Arc::new(Hands { outside: self.outside.clone(), replica: replica.clone() });
        let state: Arc<dyn Executor> = Arc::new(holon_cap_state::KeepState);
        let executors: Executors = [
            ("test.call@1".to_owned(), hands.clone()),
            ("test.once@1".to_owned(), hands),
            ("state.increment@1".to_owned(), state.clone()),
            ("state.put@1".to_owned(), state),
            ("event.publish@1".to_owned(), Arc::new(holon_cap_events::PublishEvent)),
        ]
        .into();
        RuntimeConfig {
            store: Arc::new(road),
            definitions: Arc::new(Library { weather: self.weather.clone() }),
            executors,
            host: Host { egress: EGRESS.clone(), connections: Arc::new(NoConnections) },
            clock: replica.clock.clone(),
            address: format!("replica {}", replica.number),
            build: "simulated".into(),
            alone,
            effects: EffectLimits { longest: LONGEST_EFFECT, ..EffectLimits::default() },
            start_within: START_WITHIN,
            drivers: self.plan.drivers,
            driving: Driving::InPlace,
            wake: Arc::new(Words {
                nearby: self.nearby.clone(),
                replica: replica.clone(),
                weather: self.weather.clone(),
            }),
            memory: Memory { idle: self.plan.sleep.0, ahead: self.plan.sleep.1, ..Memory::default() },
            semantics: if self.plan.older && replica.number == 0 { SEMANTICS - 1 } else { SEMANTICS },
        }
    }

    /// A process from its begin to its end, as a service manager sees it.
    async fn live(self: Arc<Self>, replica: Arc<Replica>, alone: bool) {
        let handle = loop {
            match Runtime::start(self.config(&replica, alone)).await {
                Ok(handle) => break handle,
                // It ends, and is begun again.
                Err(_) => sleep(Duration::from_millis(300)).await,
            }
            if replica.is_dead() {
                return;
            }
        };
        if replica.is_dead() {
            return handle.abort();
        }
        replica.state().handle = Some(handle.clone());
        handle.lost().await;
        self.trace.note("lost", &[replica.number as u64], || replica.number.to_string());
        replica.kill();
    }

    /// Brings up as many replicas as there should be, a while after one is gone.
    async fn supervise(self: Arc<Self>) {
        let mut rng = numbers(self.plan.seed, "supervisor");
        loop {
            sleep(Duration::from_millis(u64::from(100 + rng.below(1_500)))).await;
            // One that stands still may be taken for dead.
            let mut taken_for_dead = |replica: &Arc<Replica>| replica.stands() && rng.percent(15);
            let alive = self.alive().iter().filter(|replica| !taken_for_dead(replica)).count();
            let wanted = self.plan.replicas;
            if alive < wanted && self.replicas().len() < MOST_REPLICAS {
                // Where there is one process only, its successor may be told that it is alone; then what stood still is fenced.
                let alone = wanted == 1 && rng.percent(40);
                self.bring_up(alone);
            }
        }
    }

    /// Keys that ran out are forgotten, as a replica that has time does it.
    async fn sweep(self: Arc<Self>) {
        let mut rng = numbers(self.plan.seed, "sweeper");
        let clock = SimClock::new(self.began, numbers(self.plan.seed, "ids of the sweeper"));
        // A clock that was behind gave keys a time that is over before the statement is that has one.
        let behind = if self.plan.often(Woe::Clock) > 0 { Millis(300_000) } else { Millis(0) };
        loop {
            sleep(Duration::from_millis(u64::from(500 + rng.below(8_000)))).await;
            let most = i64::from(1 + rng.below(4));
            let forgotten = self.store.forget_expired(clock.now().minus(behind), most).await;
            self.trace.note("swept", &[], || format!("{forgotten:?}"));
        }
    }

    /// What befalls the replicas from outside.
    async fn befall(self: Arc<Self>) {
        let mut rng = numbers(self.plan.seed, "fate");
        let from_outside: Vec<Woe> =
            [Woe::Kill, Woe::Outage, Woe::CutOff, Woe::Full, Woe::Pause, Woe::Clock, Woe::Deploy]
                .into_iter()
                .filter(|woe| self.plan.often(*woe) > 0)
                .collect();
        while self.began.elapsed() < self.plan.storm && !from_outside.is_empty() {
            sleep(Duration::from_millis(u64::from(rng.below(4_000)))).await;
            let (alive, woe) = (self.alive(), rng.pick(&from_outside));
            if alive.is_empty() || self.began.elapsed() >= self.plan.storm {
                continue;
            }
            let replica = rng.pick(&alive);
            let millis = if rng.percent(25) { 9_000 + rng.below(14_000) } else { rng.below(6_000) };
            let until = Instant::now() + Duration::from_millis(u64::from(millis));
            let number = replica.number;
            self.trace.note("woe", &[woe as u64, number as u64, u64::from(millis)], || {
                format!("{woe:?} of replica {number} for {millis} ms")
            });
            match woe {
                Woe::Kill => replica.kill(),
                Woe::Outage => self.weather.outage(until),
                Woe::CutOff => replica.cut_off_until(Some(until)),
                Woe::Full => self.weather.fill_up(until),
                Woe::Pause => replica.stand_until(until),
                Woe::Clock => replica.clock.set_wrong(skew(&mut rng)),
                Woe::Deploy => drop(tokio::spawn(self.clone().deploy(replica))),
                _ => {}
            }
        }
    }

    /// Stops a replica as an operator does.
    async fn deploy(self: Arc<Self>, replica: Arc<Replica>) {
        if let Some(handle) = replica.handle() {
            handle.drain(Duration::from_secs(2)).await;
        }
        replica.gate().await;
        self.trace.note("stopped", &[replica.number as u64], || replica.number.to_string());
        replica.kill();
    }

    /// The whole story: replicas come up, people ask for runs, misfortune befalls them, the sky clears, and everything ends.
    pub async fn go(self: &Arc<Self>) {
        let mut rng = numbers(self.plan.seed, "world");
        for _ in 0..self.plan.replicas {
            self.bring_up(false);
            sleep(Duration::from_millis(u64::from(rng.below(300)))).await;
        }
        let mut tasks = vec![tokio::spawn(self.clone().supervise()), tokio::spawn(self.clone().befall())];
        tasks.push(tokio::spawn(crate::people::watch(self.clone())));
        tasks.push(tokio::spawn(self.clone().sweep()));
        if self.plan.newer {
            tasks.push(tokio::spawn(crate::workers::serve(self.clone())));
        }
        crate::clients::begin(self);
        tokio::time::sleep_until(self.began + self.plan.storm).await;
        self.weather.clear_up();
        for replica in self.alive() {
            replica.cut_off_until(None);
            replica.clock.set_wrong(0);
        }
        self.trace.note("calm", &[], String::new);
        self.healing.store(true, Relaxed);
        let calm = Instant::now();
        loop {
            self.see_done(calm).await;
            // Whoever stood still goes on now, and must do no harm. A start of which nobody was told may land meanwhile: its run ends too.
            sleep(Duration::from_secs(30)).await;
            if self.is_done() || calm.elapsed() > PATIENCE {
                break;
            }
        }
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        for replica in self.alive() {
            if let Some(handle) = replica.handle() {
                handle.drain(Duration::from_secs(5)).await;
            }
            replica.kill();
        }
    }

    /// Waits until everything has come to its end.
    async fn see_done(&self, calm: Instant) {
        while !self.is_done() {
            sleep(Duration::from_millis(500)).await;
            if calm.elapsed() > PATIENCE {
                let (left, asked) = (self.store.left(), self.clients.load(Relaxed));
                return self.problems.add("stuck", || {
                    format!("{left:?} rows of live work and snapshots are left, {asked} clients are not done")
                });
            }
        }
    }

    pub fn is_healing(&self) -> bool {
        self.healing.load(Relaxed)
    }

    fn is_done(&self) -> bool {
        self.store.left().0 == 0 && self.clients.load(Relaxed) == 0
    }
}

/// By how much a clock is wrong: mostly little, sometimes minutes.
fn skew(rng: &mut Rng) -> i64 {
    let most = rng.pick(&[200, 3_000, 30_000, 240_000]);
    i64::from(rng.below(2 * most)) - i64::from(most)
}
