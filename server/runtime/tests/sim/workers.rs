//! Workers from outside: they claim tasks, keep them with heartbeats, and say what became of them, some of them after they have lost them.
//!
//! The desk is what serves them: who has which task, as `server/holon/src/workers` keeps it beside the rows that runs write. Whoever says
//! what became of a task passes the desk first, and the run takes one answer to an attempt, whoever gives it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holon_engine::testing::rng::Rng;
use holon_engine::{EffectId, Input, Outcome};
use holon_flow::capability::NodeError;
use holon_model::{Millis, Payload, RunId, TenantId, Value};
use holon_runtime::store::HandOut;
use holon_runtime::{DeliverError, Delivered};
use tokio::time::{Instant, sleep};

use crate::clients::{Busy, ask, breath};
use crate::people::word;
use crate::seed::{Planted, numbers};
use crate::world::{World, low};

/// An attempt that so many workers lost in a row fails.
const MOST_CLAIMS: u32 = 5;
/// For so long nobody else gets a task whose worker is just saying what became of it.
const HELD: Duration = Duration::from_secs(60);

/// An attempt at an effect that is handed out.
type Task = (TenantId, RunId, EffectId, u32);

/// A task that a worker was given.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub run: RunId,
    pub id: EffectId,
    pub attempt: u32,
    /// The last row of the run's journal then, by its first input.
    pub durable: i64,
    /// What the worker said became of it, and what it was told.
    pub said: Option<(Outcome, Word)>,
}

/// What a worker was told of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It counts.
    Counts,
    /// It does not, and had not been said before.
    Lost,
    /// Nobody knows.
    Nobody,
}

/// Who has a task.
struct Row {
    deadline: Instant,
    free_at: Instant,
    claims: u32,
    /// The newest claim, by its place among all.
    claim: Option<usize>,
    /// Whether it is being ended because nobody does it.
    ending: bool,
}

/// Who has which task.
#[derive(Default)]
pub struct Desk(Mutex<BTreeMap<Task, Row>>);

impl Desk {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<Task, Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a claim that holds for so much longer; whether it does.
    fn keep(&self, task: &Task, claim: usize, longer: Duration) -> bool {
        let mut rows = self.rows();
        let Some(row) = rows.get_mut(task).filter(|row| row.claim == Some(claim)) else { return false };
        row.free_at = row.free_at.max(Instant::now() + longer);
        true
    }
}

fn span(millis: Millis) -> Duration {
    Duration::from_millis(millis.0)
}

/// Looks again and again what there is to do, and who lost what.
pub async fn serve(world: Arc<World>) {
    let mut rng = numbers(world.plan.seed, "workers");
    loop {
        sleep(Duration::from_millis(u64::from(200 + rng.below(700)))).await;
        let held = world.store.held();
        let work: BTreeMap<Task, HandOut> = world
            .store
            .asks()
            .work()
            .into_iter()
            .map(|(tenant, run, work)| ((tenant, run, work.id, work.attempt), work))
            .collect();
        // What a run takes back is nobody's any more.
        world.desk.rows().retain(|task, _| work.contains_key(task));
        for (task, work) in work {
            let (now, healing) = (Instant::now(), world.is_healing());
            let mut rows = world.desk.rows();
            let deadline = now + span(work.timeout);
            let row = rows.entry(task).or_insert(Row { deadline, free_at: now, claims: 0, claim: None, ending: false });
            let free = row.free_at <= now;
            let late = row.deadline <= now;
            if late || (free && row.claims >= MOST_CLAIMS) {
                if !std::mem::replace(&mut row.ending, true) {
                    let (world, rng, code) =
                        (world.clone(), Rng::new(rng.next_u64()), if late { "timeout" } else { "worker_lost" });
                    let busy = Busy::new(&world);
                    tokio::spawn(async move {
                        end(&world, rng, task, code).await;
                        drop(busy);
                    });
                }
            } else if free && !held.contains(&(task.0, task.1)) && (healing || rng.percent(60)) {
                let durable = world.store.rows(task.0, task.1).last().copied().unwrap_or(-1);
                let claimed = Claimed { run: task.1, id: task.2, attempt: task.3, durable, said: None };
                let claim = {
                    let mut said = world.promises.said();
                    said.claimed.push(claimed);
                    said.claimed.len() - 1
                };
                (row.claims, row.claim, row.free_at) = (row.claims + 1, Some(claim), now + span(work.heartbeat));
                let claims = row.claims;
                world.trace.note("claim", &[low(task.1.0), u64::from(task.3), claim as u64], || {
                    format!("{} {} attempt {} by worker {claim}, the {claims}. to have it", task.1, work.path, task.3)
                });
                let worker = Worker { world: world.clone(), rng: Rng::new(rng.next_u64()), task, claim };
                let busy = Busy::new(&world);
                tokio::spawn(async move {
                    worker.live(work).await;
                    drop(busy);
                });
            }
        }
    }
}

/// Ends an attempt that nobody will end.
async fn end(world: &World, mut rng: Rng, task: Task, code: &'static str) {
    let mut error = NodeError::new(code, "nobody did it");
    error.retryable = true;
    tell(world, &mut rng, task, Outcome::Failed { error }).await;
    // Told again should that not have been enough.
    if let Some(row) = world.desk.rows().get_mut(&task) {
        row.ending = false;
    }
}

/// Tells the run once; nothing when no answer came.
async fn tell(world: &World, rng: &mut Rng, task: Task, outcome: Outcome) -> Option<Result<Delivered, DeliverError>> {
    let (tenant, run, id, attempt) = task;
    world.outside.say(id, attempt, &outcome);
    let input = Input::EffectCompleted { id, attempt, outcome };
    let answer = ask(world, rng, |handle| async move { handle.deliver(tenant, run, input).await }).await;
    world.trace.note("work", &[low(run.0), u64::from(attempt), word(&answer)], || {
        format!("{run} {} attempt {attempt} -> {answer:?}", id.key())
    });
    answer
}

/// One worker with one task.
struct Worker {
    world: Arc<World>,
    rng: Rng,
    task: Task,
    claim: usize,
}

impl Worker {
    async fn live(mut self, work: HandOut) {
        let healing = self.world.is_healing();
        let most = if self.rng.percent(20) && !healing { 9_000 } else { 1_500 };
        let ready = Instant::now() + Duration::from_millis(u64::from(self.rng.below(most)));
        // One that is silent goes on all the same, and does not know that it has lost its task.
        let silent = !healing && self.rng.percent(25);
        if !healing && self.rng.percent(8) {
            return self.world.trace.note("claim", &[self.claim as u64], || format!("worker {} is gone", self.claim));
        }
        while Instant::now() < ready {
            sleep((span(work.heartbeat) / 3).min(ready - Instant::now())).await;
            if !silent && !self.world.desk.keep(&self.task, self.claim, span(work.heartbeat)) {
                return;
            }
        }
        let value = Value::map([("by", Value::Int(i64::try_from(self.claim).unwrap_or_default()))]);
        let outcome = if self.rng.percent(75) {
            Outcome::Ok(Payload::Inline(value))
        } else {
            let mut error = NodeError::new("no_such_image", format!("worker {} did not find it", self.claim));
            error.retryable = self.rng.percent(60);
            Outcome::Failed { error }
        };
        // One that had it when it passed the desk, and has lost it when it comes to the run.
        let passed = silent && self.rng.percent(50);
        let told = self.say(&outcome, passed).await;
        self.world.promises.said().claimed[self.claim].said = Some((outcome, told));
    }

    /// Says what became of it until it is known whether that counts.
    async fn say(&mut self, outcome: &Outcome, passed: bool) -> Word {
        let mut before = false;
        loop {
            if !passed && !self.world.desk.keep(&self.task, self.claim, HELD) {
                return if before { Word::Nobody } else { Word::Lost };
            }
            let answer = tell(&self.world, &mut self.rng, self.task, outcome.clone()).await;
            let lost = if before { Word::Nobody } else { Word::Lost };
            match answer {
                Some(Ok(Delivered::TakenIn)) => return Word::Counts,
                Some(Ok(Delivered::Kept)) => return Word::Nobody,
                Some(Err(DeliverError::Refused { .. } | DeliverError::Over))
                    if self.world.plan.planted == Some(Planted::LostAnswerCounts) =>
                {
                    return Word::Counts;
                }
                Some(Err(DeliverError::Refused { .. })) => return lost,
                Some(Err(DeliverError::Over)) => {
                    self.world.must_be_over(self.task.0, self.task.1);
                    return lost;
                }
                Some(Err(DeliverError::NotFound)) => {
                    let run = self.task.1;
                    self.world.problems.add("lost", || format!("{run} was there, and a worker did not find it"));
                    return Word::Nobody;
                }
                Some(Err(DeliverError::Unavailable)) | None => {
                    before = true;
                    breath(&mut self.rng).await;
                }
            }
        }
    }
}
