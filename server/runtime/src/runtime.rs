//! The runtime of one process: what it is made of, how it starts and stops, and the handle by which it is asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holon_engine::{EffectId, EventId, Input, Machine, RunInfo, Stamped, encode_input};
use holon_model::wire::runs::RunEvent;
use holon_model::{EnvironmentId, Payload, ReplicaId, RunId, TenantId, Timestamp};
use holon_platform::clock::{SharedClock, mint};
use holon_platform::execute::Executors;
use holon_platform::kill_points::{self, Point};
use holon_platform::telemetry::Exposition;
use tokio::sync::{Notify, broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::answers::{AnswerWait, Answers};
use crate::api::{
    Answer, CancelError, Change, DeliverError, Delivered, FollowError, Idempotency, MOST_PAYLOAD, StartError,
    StartRequest, Started,
};
use crate::asleep::{Memory, Rest};
use crate::batches::Newest;
use crate::bell::Bell;
use crate::committer::Committer;
use crate::definitions::{Definitions, LoadedFlow};
use crate::driver::{Counts, Driver, Msg, size};
use crate::driving::{Driving, Place};
use crate::effects::{EffectLimits, EffectPool, Host};
use crate::handover::balance;
use crate::inbox::{Happening, hear, pump};
use crate::intake::{Door, Entry, USHERS, usher, watch};
use crate::lease::{LEASE_MS, Seen, Standing, keep};
use crate::live::{Beginning, Live, Queued};
use crate::living::Living;
use crate::metrics::{Counters, Metrics};
use crate::queued::InLine;
use crate::records::KeyTurns;
use crate::shards::Shards;
use crate::store::{AuditRow, IdempotencyRow, Replica, RunFacts, Store, StoreError, shard_of};
use crate::upkeep::maintain;
use crate::wake::Wake;
use crate::watched::Watched;

/// Changes that a listener may lag behind.
const CHANGES_LAG: usize = 1024;
const DRAIN_POLL: Duration = Duration::from_millis(10);
/// How long a start waits for the shard of its run to come.
const HERE_WITHIN: Duration = Duration::from_secs(2);

/// What a runtime is made of.
pub struct RuntimeConfig {
    /// Where runs are kept.
    pub store: Arc<dyn Store>,
    /// Where published flows come from.
    pub definitions: Arc<dyn Definitions>,
    /// Who does effects.
    pub executors: Executors,
    /// What they are given.
    pub host: Host,
    /// Time and ids.
    pub clock: SharedClock,
    /// Where this process runs, for operators.
    pub address: String,
    /// Its build.
    pub build: String,
    /// Whether no other process can be using this store: then the runs of one that was killed are taken up at once and
    /// not when its lease runs out.
    pub alone: bool,
    /// Bounds of the effect pool.
    pub effects: EffectLimits,
    /// How long a start waits for the store before it is not acknowledged.
    pub start_within: Duration,
    /// Loops that drive runs, at least one.
    pub drivers: usize,
    /// Where they run.
    pub driving: Driving,
    /// By which replicas that share the store wake each other.
    pub wake: Arc<dyn Wake>,
    /// Which runs are in memory.
    pub memory: Memory,
    /// The newest semantics of flows that this process drives, [`holon_engine::SEMANTICS`] unless it is to act as an older build.
    pub semantics: u32,
}

/// Told what became of a letter.
type Posting = oneshot::Sender<Result<Delivered, DeliverError>>;

pub(crate) struct Shared {
    pub store: Arc<dyn Store>,
    pub definitions: Arc<dyn Definitions>,
    pub clock: SharedClock,
    pub committer: Committer,
    pub pool: EffectPool,
    /// Which step changes which key of a flow's state.
    pub key_turns: KeyTurns,
    pub counters: Arc<Counters>,
    pub answers: Answers,
    /// Which batches collect.
    pub batches: Newest,
    /// How many runs each tenant has.
    pub living: Living,
    /// When they are in memory.
    pub memory: Memory,
    pub changes: broadcast::Sender<Change>,
    pub replica: ReplicaId,
    /// The newest semantics that it knows.
    pub semantics: u32,
    pub standing: Watched<Standing>,
    pub driving: Driving,
    pub drivers: Vec<mpsc::UnboundedSender<Msg>>,
    /// Which are here.
    pub shards: Shards,
    /// Asks for a look at who holds what, at once.
    pub look: Notify,
    /// Asks for a look into the inbox, at once.
    pub inbox: Notify,
    pub wake: Arc<dyn Wake>,
    /// What may begin.
    pub door: Door,
    /// Who waits for work of workers.
    pub bell: Bell,
    /// Whether there is another replica to which shards can be handed on.
    pub company: AtomicBool,
    /// Whether this one goes: it hands everything on.
    pub leaving: AtomicBool,
    /// Who wants to know what becomes of a letter.
    posted: Mutex<BTreeMap<i64, Posting>>,
    draining: AtomicBool,
    pub start_within: Duration,
    /// Ends the loops and everything that runs beside them.
    pub stop: CancellationToken,
}

impl Shared {
    pub fn driver(&self, run: RunId) -> &mpsc::UnboundedSender<Msg> {
        &self.drivers[self.driver_of(shard_of(run))]
    }

    /// Which loop drives the runs of a shard.
    pub fn driver_of(&self, shard: i16) -> usize {
        // At least one, see `Runtime::start`; the shard is never negative.
        usize::from(shard.unsigned_abs()) % self.drivers.len()
    }

    pub fn posted(&self) -> MutexGuard<'_, BTreeMap<i64, Posting>> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing more is to be done here: another replica has taken over, or this one was ended.
    pub fn is_over(&self) -> bool {
        self.stop.is_cancelled() || self.is_lost()
    }

    pub fn is_lost(&self) -> bool {
        self.standing.get() == Standing::Lost
    }

    /// Another replica has taken over: nothing more is done here.
    pub fn lose(&self) {
        if !self.is_lost() {
            tracing::error!(replica = %self.replica, "a commit was fenced: another replica has taken over");
        }
        self.standing.set(Standing::Lost);
        self.stop.cancel();
        self.answers.clear();
    }

    /// Begins a run; answers when it is durable, or was already by the same key.
    pub async fn begin(&self, flow: &LoadedFlow, beginner: Beginner) -> Result<Started, StartError> {
        // `turn` is held until the run is durable.
        let Entry { line, ticket, inherits, turn: _turn } = self.enter(flow, &beginner).await?;
        let Beginner { tenant, run, facts, idempotency, audit, inputs, copied, again, follows } = beginner;
        let fresh = facts.marks.fork_of.is_some();
        let shard = shard_of(run);
        if !self.draining.load(Relaxed) && !self.shards.here(shard) {
            // Its shard may be on the way; whether it came is looked at below.
            let _ = tokio::time::timeout(HERE_WITHIN.min(self.start_within), self.shards.until_here(shard)).await;
        }
        if self.draining.load(Relaxed) || self.is_lost() || !self.shards.here(shard) {
            return Err(StartError::Unavailable);
        }
        // A run that goes on for another one takes the place that this one leaves.
        let place = if follows { Some(self.living.resume(tenant)) } else { self.living.enter(tenant) };
        let place = place.ok_or(StartError::TooMany)?;
        let (reply, answer) = oneshot::channel();
        let waiting: VecDeque<_> = inputs.into_iter().map(|input| Queued::of(input.at, input.value)).collect();
        let give_up = Instant::now() + self.start_within;
        let machine = Machine::new(flow.compiled.clone());
        let live = Live {
            tenant,
            run,
            facts: Arc::new(facts),
            log_hash: machine.log_hash(),
            machine,
            waiting,
            orders: VecDeque::new(),
            held: None,
            beginning: Some(Beginning { reply, idempotency, audit, give_up, copied, again, fresh }),
            flight: None,
            stored: None,
            snapshot_at: 0,
            effects: BTreeMap::new(),
            timers: BTreeMap::new(),
            children: BTreeMap::new(),
            bringing: BTreeMap::new(),
            left: Vec::new(),
            line,
            in_line: ticket.map(InLine::new),
            inherits,
            prefix: None,
            asked: false,
            watchers: Vec::new(),
            touched: false,
            rest: Rest::new(self.memory.shortest(), None),
            place,
        };
        self.driver(run).send(Msg::Begin(Box::new(live))).map_err(|_| StartError::Unavailable)?;
        // A little longer than the committer tries, so that its own answer is heard.
        let patience = self.start_within + Duration::from_millis(500);
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(answer)) => answer,
            // Not known: it may be accepted yet, but nobody was promised anything.
            Ok(Err(_)) | Err(_) => Err(StartError::Unavailable),
        }
    }

    /// Hands an input to a run, wherever it is driven; answers when it cannot be lost any more.
    pub async fn deliver(&self, tenant: TenantId, run: RunId, input: Input) -> Result<(), DeliverError> {
        self.see_told(tenant, run, Happening::Input(input)).await
    }
}

/// A run that begins.
pub(crate) struct Beginner {
    pub tenant: TenantId,
    pub run: RunId,
    pub facts: RunFacts,
    pub idempotency: Option<IdempotencyRow>,
    pub audit: Option<Box<AuditRow>>,
    pub inputs: Vec<Stamped<Input>>,
    /// How many of them are copied from an earlier run.
    pub copied: usize,
    /// The effect whose failure is tried again.
    pub again: Option<EffectId>,
    /// Whether it goes on for a run that is over.
    pub follows: bool,
}

/// The runtime. `start` is all of it.
pub struct Runtime;

impl Runtime {
    /// Enters as a replica, takes up the runs of the shards it can have, and drives them.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn start(config: RuntimeConfig) -> Result<RuntimeHandle, StoreError> {
        let RuntimeConfig {
            store,
            definitions,
            executors,
            host,
            clock,
            address,
            build,
            alone,
            effects,
            driving,
            wake,
            ..
        } = config;
        let replica: ReplicaId = mint(&*clock);
        let semantics = i32::try_from(config.semantics).unwrap_or(i32::MAX);
        store.maintain().await?;
        store.join(&Replica { id: replica, address, build, semantics }, LEASE_MS, alone).await?;
        let asked = Instant::now();
        let roll = store.renew(replica, LEASE_MS, false).await?;

        let counters = Arc::new(Counters::default());
        let stop = CancellationToken::new();
        let standing = Watched::new(Standing::renewed(asked));
        let loops = config.drivers.max(1);
        let place =
            driving.open(loops).map_err(|error| StoreError::Unavailable(format!("no threads for runs: {error}")))?;
        let (committer, mut tasks) = Committer::start(store.clone(), replica, clock.clone(), counters.clone(), &place);
        let pool = EffectPool::new(effects, executors, host, standing.clone(), counters.clone(), stop.clone());
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..loops).map(|_| mpsc::unbounded_channel()).unzip();
        let shared = Arc::new(Shared {
            store: store.clone(),
            definitions,
            clock,
            committer,
            pool,
            counters,
            answers: Answers::default(),
            key_turns: KeyTurns::default(),
            batches: Newest::default(),
            living: Living::new(config.memory.most, config.memory.most_asleep),
            memory: config.memory,
            changes: broadcast::channel(CHANGES_LAG).0,
            replica,
            semantics: config.semantics,
            standing,
            driving,
            drivers: senders.clone(),
            shards: Shards::default(),
            look: Notify::new(),
            inbox: Notify::new(),
            wake,
            door: Door::default(),
            bell: Bell::default(),
            company: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            posted: Mutex::default(),
            draining: AtomicBool::new(false),
            start_within: config.start_within,
            stop: stop.clone(),
        });
        for (sender, receiver) in senders.into_iter().zip(receivers) {
            drop(place.spawn(Driver::new(shared.clone(), sender, receiver).run()));
        }
        let (seen, looks) = mpsc::unbounded_channel();
        // The receiver lives in the task below.
        let _ = seen.send(Seen { roll, silent: Vec::new(), changes: 0 });
        tasks.push(place.spawn(keep(shared.clone(), seen)));
        tasks.push(place.spawn(balance(shared.clone(), looks)));
        let (said, heard) = mpsc::unbounded_channel();
        let listener = shared.clone();
        tasks.push(place.spawn(async move { listener.wake.carry(listener.replica, said).await }));
        tasks.push(place.spawn(hear(shared.clone(), heard)));
        tasks.push(place.spawn(pump(shared.clone())));
        tasks.push(place.spawn(watch(shared.clone())));
        tasks.extend((0..USHERS).map(|_| place.spawn(usher(shared.clone()))));
        tasks.push(place.spawn(maintain(shared.clone())));
        tasks.push(place.spawn(stop_when_lost(shared.clone())));
        Ok(RuntimeHandle { shared, tasks: Arc::new(Mutex::new(tasks)), _place: Arc::new(place) })
    }
}

/// Whoever notices first that another replica has taken over: everything ends.
async fn stop_when_lost(shared: Arc<Shared>) {
    shared.standing.wait_for(|standing| standing == Standing::Lost).await;
    shared.lose();
    for driver in &shared.drivers {
        // A loop that is gone needs no telling.
        let _ = driver.send(Msg::Stop);
    }
}

/// By which the runtime is asked. Clones are the same runtime.
#[derive(Clone)]
pub struct RuntimeHandle {
    pub(crate) shared: Arc<Shared>,
    tasks: Arc<Mutex<Vec<JoinHandle<()>>>>,
    /// Kept for as long as anybody has a handle.
    _place: Arc<Place>,
}

impl RuntimeHandle {
    /// Tells of runs and effects from now on.
    pub fn trace(&self, traces: holon_platform::telemetry::Traces) {
        self.shared.counters.trace(traces, self.shared.clock.clone());
    }

    /// An id for a new run: of one that this replica can start.
    pub fn mint(&self) -> RunId {
        self.shared.shards.mint(&*self.shared.clock)
    }

    /// Starts a run; answers when it is durable, or was already by the same key.
    ///
    /// # Errors
    /// When it is not acknowledged; see each case.
    pub async fn start(&self, request: StartRequest) -> Result<Started, StartError> {
        let bytes = size(&request.input);
        if bytes > MOST_PAYLOAD {
            return Err(StartError::PayloadTooLarge { bytes });
        }
        let flow = self.shared.definitions.load(request.tenant, request.flow, request.version).await?;
        // From here on nothing knows what the flow's input schema marks: it is in no key, no journal and no hash.
        let input = flow.compiled.redacted(request.input);
        let now = self.shared.clock.now();
        let mut info = RunInfo::new(request.run, seed(request.run), now);
        info.semantics = self.shared.semantics;
        info.trigger = request.trigger.map(Into::into);
        info.fuel = request.budget.fuel;
        info.bytes = request.budget.bytes;
        info.vars = request.vars;
        info.environment = request.environment_name;
        let idempotency = request.idempotency.map(|asked| keyed(asked, request.run, now));
        let (tenant, environment, id) = (request.tenant, request.environment, request.flow);
        let may = self.shared.may_begin(tenant, environment, id);
        let may = may.and_then(|()| self.shared.within_rate(&flow, tenant, id, &input));
        // Of what was accepted before, nothing is refused: whoever asks again is told so.
        if let Err(refused) = may
            && !self.shared.was_accepted(tenant, idempotency.as_ref()).await?
        {
            return Err(refused);
        }
        let facts = RunFacts {
            environment: request.environment,
            flow: request.flow,
            version: request.version,
            definition_hash: flow.hash,
            trigger: request.trigger_kind,
            actor: request.actor,
            started_at: now,
            retry_of: None,
            marks: request.marks,
        };
        let start = Input::Start { input: Payload::Inline(input), run: Box::new(info) };
        let inputs = vec![Stamped::new(now, start)];
        let (tenant, run, audit) = (request.tenant, request.run, request.audit);
        let beginner =
            Beginner { tenant, run, facts, idempotency, audit, inputs, copied: 0, again: None, follows: false };
        let started = self.shared.begin(&flow, beginner).await?;
        // The line about the request says which run it began, or found.
        tracing::Span::current().record("run_id", tracing::field::display(started.run));
        Ok(started)
    }

    /// Asks for the end of a run; answers when that is durable or kept. What must be cleaned up is cleaned up first.
    ///
    /// # Errors
    /// When there is no such run, or it is over.
    pub async fn cancel(&self, tenant: TenantId, run: RunId, reason: String) -> Result<Delivered, CancelError> {
        match self.deliver(tenant, run, Input::Cancel { reason }).await {
            Ok(delivered) => Ok(delivered),
            // It is being cancelled already.
            Err(DeliverError::Refused { .. }) => Ok(Delivered::TakenIn),
            Err(DeliverError::NotFound) => Err(CancelError::NotFound),
            Err(DeliverError::Over) => Err(CancelError::Over),
            Err(DeliverError::Unavailable) => Err(CancelError::Unavailable),
        }
    }

    /// Tells a run what happened outside: a signal, an answer to a task. Answers when it is durable in the run's journal, or kept for
    /// the replica that drives the run; until then it may or may not be taken in, and may be told again. A signal to a run that has
    /// gone on in another one reaches that one.
    ///
    /// # Errors
    /// When there is no such run, or it does not take it.
    pub async fn deliver(&self, tenant: TenantId, run: RunId, input: Input) -> Result<Delivered, DeliverError> {
        let bytes = encode_input(&input).len();
        if bytes > MOST_PAYLOAD {
            let message = format!("it has {bytes} bytes, more than the {MOST_PAYLOAD} that a run takes at once");
            return Err(DeliverError::Refused { code: "payload_too_large", message });
        }
        self.shared.tell_or_pass_on(tenant, run, input).await
    }

    /// The runs of an environment that wait for a signal of this name and correlation now; the first
    /// [`MOST_WAITING`](crate::store::MOST_WAITING) of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn waiting(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        name: &str,
        correlation: &str,
    ) -> Result<Vec<RunId>, StoreError> {
        self.shared.store.waiting(tenant, environment, name, correlation).await
    }

    /// Registers one who waits for a run's answer. Before the run is started: then nothing can be missed.
    pub fn expect_answer(&self, tenant: TenantId, run: RunId) -> AnswerWait {
        self.shared.answers.expect(tenant, run)
    }

    /// The answer of a run that started before: from the journal if it is there, else when it comes.
    ///
    /// # Errors
    /// When there is no such run or it cannot be read.
    pub async fn answer_of(&self, tenant: TenantId, run: RunId) -> Result<Option<Answer>, FollowError> {
        self.shared.answer_of(tenant, run).await
    }

    /// The events of a run after `after`: those that were, then those that come, each once and only when durable, whichever
    /// replica drives it. Closes at the run's end; also when this server stops: then subscribe again after the last one.
    ///
    /// # Errors
    /// When there is no such run or it cannot be read.
    pub async fn subscribe(
        &self,
        tenant: TenantId,
        run: RunId,
        after: Option<EventId>,
    ) -> Result<mpsc::Receiver<RunEvent>, FollowError> {
        self.shared.clone().follow(tenant, run, after).await
    }

    /// Runs of all tenants as they change; take out your own.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.shared.changes.subscribe()
    }

    /// True when this replica can start runs, and the runs of all shards that it holds are in memory.
    pub fn ready(&self) -> bool {
        self.shared.shards.settled() && !self.shared.is_lost() && !self.shared.draining.load(Relaxed)
    }

    /// The shards whose runs this replica drives.
    pub fn shards(&self) -> Vec<i16> {
        self.shared.shards.all_here()
    }

    /// Waits until another replica has taken over. The process should end then: it may write nothing more.
    pub async fn lost(&self) {
        self.shared.standing.wait_for(|standing| standing == Standing::Lost).await;
    }

    /// The counters, and how many runs are in memory.
    pub async fn metrics(&self) -> Metrics {
        self.shared.counters.read(self.count().await)
    }

    /// The same and more, as Prometheus reads it.
    pub async fn expose(&self, out: &mut Exposition) {
        let now = self.metrics().await;
        self.shared.counters.expose(out, now);
        let waited = self.shared.pool.waited(None).as_secs_f64();
        let help = "How long the oldest effect has waited for its turn.";
        out.gauges("holon_effect_queue_seconds", help, &[(&[], waited)]);
    }

    /// How long the oldest effect of a tenant has waited for its turn in this process.
    pub fn waited(&self, tenant: TenantId) -> Duration {
        self.shared.pool.waited(Some(tenant))
    }

    async fn count(&self) -> Counts {
        let mut all = Counts::default();
        for driver in &self.shared.drivers {
            let (reply, answer) = oneshot::channel();
            if driver.send(Msg::Count { reply }).is_ok()
                && let Ok(Counts { runs, asleep, writes }) = answer.await
            {
                (all.runs, all.asleep, all.writes) = (all.runs + runs, all.asleep + asleep, all.writes + writes);
            }
        }
        all
    }

    /// Stops: takes no more starts, and hands its shards on to other replicas, each when nothing is being done for its runs. What is
    /// left, or all where there is no other replica: begins no more effects, waits up to `within` for those under way, writes what
    /// is to be written, and gives the shards back. Runs that are not over go on elsewhere or at the next start.
    pub async fn drain(&self, within: Duration) {
        let deadline = Instant::now() + within;
        self.shared.draining.store(true, Relaxed);
        self.shared.hand_on_all(deadline).await;
        self.shared.pool.hold();
        while Instant::now() < deadline && !self.shared.is_lost() {
            let idle = self.shared.pool.running() == 0 && self.count().await.writes == 0;
            if idle {
                break;
            }
            tokio::time::sleep(DRAIN_POLL).await;
        }
        for driver in &self.shared.drivers {
            // A loop that is gone needs no telling.
            let _ = driver.send(Msg::Stop);
        }
        self.shared.committer.close();
        self.shared.stop.cancel();
        self.shared.answers.clear();
        kill_points::reach(Point::BeforeLeaving);
        let leaving = async {
            if let Err(error) = self.shared.store.leave(self.shared.replica).await {
                tracing::warn!(%error, "the shards could not be given back; the next start waits for the lease to run out");
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(5), leaving).await;
        self.abort();
    }

    /// Ends everything at once, as if the process had been killed: nothing is given back, nothing is finished.
    pub fn abort(&self) {
        self.shared.stop.cancel();
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(|task| task.abort());
    }
}

pub(crate) fn keyed(asked: Idempotency, run: RunId, now: Timestamp) -> IdempotencyRow {
    let expires_at = now.plus(asked.window);
    IdempotencyRow { scope: asked.scope, key: asked.key, run, request_hash: asked.request_hash, expires_at }
}

/// The source of jitter of a run: from its id, so that nothing random stands in the journal.
pub(crate) fn seed(run: RunId) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&run.as_bytes()[8..]);
    u64::from_be_bytes(bytes)
}
