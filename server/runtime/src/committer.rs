//! Folds what many runs have to write into few statements, and finds out what became of a statement whose answer was lost.
//!
//! A committer takes what is there as soon as it is idle, else when its last batch returns, so batches grow with the
//! load and nobody waits for a timer. Two of them pipeline; a third is for tenants of whom these have nothing in hand, who so never
//! wait for the large batches of others (`lanes`). The caller keeps the one rule they need: of a run at most one write is under way.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holon_model::{ReplicaId, RunId, TenantId};
use holon_platform::clock::SharedClock;
use holon_platform::kill_points::{self, Point};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::driving::Place;
use crate::lanes::{Entry, LANES, Next, QUICK, Waiting};
use crate::metrics::Counters;
use crate::ring::Ring;
use crate::store::{Batch, BatchNumber, Committed, IdempotencyRow, RunWrite, Store, StoreError};

const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable.
    Durable,
    /// Nothing was written: the start's key had started this run before.
    Taken(IdempotencyRow),
    /// Nothing was written: a change was made from what is not there any more.
    Stale,
    /// Nothing was written and nothing will be.
    Refused(Refusal),
}

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The store stayed away for too long.
    Unavailable,
    /// The store has no space left.
    Full,
    /// The store refused this very write.
    Poison(String),
    /// Another replica has taken over.
    Fenced,
}

/// A write and whom to tell.
pub struct Job {
    /// What to write.
    pub write: RunWrite,
    /// Set for starts: given up when it was not sent by then. Without it the write is tried for ever.
    pub give_up: Option<Instant>,
    /// Told once.
    pub reply: Box<dyn FnOnce(Verdict) + Send>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
    /// The same for the quick committer.
    quick: Notify,
    /// The same for those who wait for a turn outside.
    outside: Notify,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch for a committer, whose last one is settled, and whether those of whom it is give way; nothing when it is closed and empty.
    async fn take(&self, lane: usize) -> Option<(Vec<Job>, bool)> {
        loop {
            let again = {
                let mut waiting = self.lock();
                let next = waiting.next(lane, Instant::now());
                if waiting.asking > 0 {
                    self.outside.notify_waiters();
                }
                match next {
                    Next::Batch(jobs, gives_way) => {
                        if !waiting.jobs.is_empty() {
                            self.wake_all();
                        }
                        return Some((jobs, gives_way));
                    }
                    Next::Nothing(_) if waiting.closed => {
                        self.wake_all();
                        return None;
                    }
                    Next::Nothing(again) => again,
                }
            };
            let changed = if lane == QUICK { &self.quick } else { &self.changed };
            match again {
                None => changed.notified().await,
                Some(again) => tokio::select! {
                    biased;
                    () = changed.notified() => {}
                    () = tokio::time::sleep_until(again) => {}
                },
            }
        }
    }

    /// Puts a job where it belongs, and wakes who is to take it.
    fn put(&self, mut waiting: MutexGuard<'_, Waiting>, job: Job, put: impl FnOnce(&mut Ring<Job>, TenantId, Job)) {
        let tenant = job.write.tenant;
        waiting.put(job, Instant::now(), put);
        let wake = if waiting.is_quick(tenant) { &self.quick } else { &self.changed };
        drop(waiting);
        wake.notify_one();
    }

    fn close(&self) {
        self.lock().closed = true;
        self.wake_all();
    }

    /// Each committer wakes the next.
    fn wake_all(&self) {
        self.changed.notify_one();
        self.quick.notify_one();
        self.outside.notify_waiters();
    }
}

/// That something is done for a tenant outside the committers. One that gives way has one turn at a time, inside or outside, and a rest
/// after each as long as it was.
pub struct Turn<'a>(Option<(&'a Queue, Instant)>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some((queue, since)) = self.0 {
            queue.lock().leave(since, Instant::now());
            queue.wake_all();
        }
    }
}

/// That somebody waits for a turn outside.
struct Asking<'a>(&'a Queue);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.lock().asking -= 1;
        self.0.wake_all();
    }
}

/// The committers of one replica.
#[derive(Clone)]
pub struct Committer {
    queue: Arc<Queue>,
}

impl Committer {
    /// Starts them.
    pub fn start(
        store: Arc<dyn Store>,
        replica: ReplicaId,
        clock: SharedClock,
        counters: Arc<Counters>,
        place: &Place,
    ) -> (Self, Vec<JoinHandle<()>>) {
        let queue = Arc::new(Queue::default());
        let lane = |number| {
            let lane = Lane {
                number,
                store: store.clone(),
                replica,
                clock: clock.clone(),
                queue: queue.clone(),
                counters: counters.clone(),
                parts: AtomicI64::new(0),
            };
            place.spawn(lane.run())
        };
        let tasks = (0..LANES).map(lane).collect();
        (Self { queue }, tasks)
    }

    /// Hands a write in. After `close` it is refused at once.
    pub fn submit(&self, job: Job) {
        let waiting = self.queue.lock();
        if waiting.closed {
            drop(waiting);
            (job.reply)(Verdict::Refused(Refusal::Fenced));
            return;
        }
        self.queue.put(waiting, job, Ring::push);
    }

    /// Whether a tenant gives way to others now.
    pub fn gives_way(&self, tenant: TenantId) -> bool {
        self.queue.lock().gives_way(tenant, Instant::now())
    }

    /// Waits until something may be done for a tenant that is none of its writes and takes the store's time too; at once for one that
    /// gives way to nobody. Nothing of it may be waited for that is written meanwhile: that may have to wait for the end of the turn.
    pub async fn turn(&self, tenant: TenantId) -> Turn<'_> {
        let queue = &*self.queue;
        let mut asking = None;
        loop {
            // Before the look: what changes after it is not missed.
            let changed = queue.outside.notified();
            let again = {
                let mut waiting = queue.lock();
                let now = Instant::now();
                match waiting.enter(tenant, now) {
                    Entry::Free => return Turn(None),
                    Entry::Turn => return Turn(Some((queue, now))),
                    Entry::Wait(again) => {
                        asking.get_or_insert_with(|| {
                            waiting.asking += 1;
                            Asking(queue)
                        });
                        again
                    }
                }
            };
            match again {
                None => changed.await,
                Some(again) => tokio::select! {
                    biased;
                    () = changed => {}
                    () = tokio::time::sleep_until(again) => {}
                },
            }
        }
    }

    /// Whether anything of these shards waits to be written or is being written.
    pub fn busy(&self, shards: &[i16]) -> bool {
        self.queue.lock().busy(shards)
    }

    /// Takes no more; the committers end when what was handed in is settled.
    pub fn close(&self) {
        self.queue.close();
    }
}

struct Lane {
    number: usize,
    store: Arc<dyn Store>,
    replica: ReplicaId,
    clock: SharedClock,
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    /// How many batches it has settled or is settling.
    parts: AtomicI64,
}

impl Lane {
    async fn run(self) {
        while let Some((jobs, gives_way)) = self.queue.take(self.number).await {
            self.settle(jobs, gives_way).await;
        }
    }

    /// Commits until it is known what became of every job.
    async fn settle(&self, jobs: Vec<Job>, gives_way: bool) {
        // What was refused as a whole is halved until the one at fault is alone.
        let mut parts = vec![jobs];
        while let Some(mut jobs) = parts.pop() {
            match self.settle_part(&mut jobs, gives_way).await {
                Settled::Done(committed) => self.answer(jobs, &committed).await,
                Settled::Nothing => {}
                Settled::Fenced => {
                    self.queue.lock().closed = true;
                    refuse(jobs, &Refusal::Fenced);
                    for part in parts.drain(..) {
                        refuse(part, &Refusal::Fenced);
                    }
                    let rest: Vec<Job> = self.queue.lock().jobs.drain();
                    refuse(rest, &Refusal::Fenced);
                }
                Settled::Rejected(why) if jobs.len() == 1 => {
                    tracing::error!(run_id = %jobs[0].write.run, why, "the store refuses what a run has to write");
                    refuse(jobs, &Refusal::Poison(why));
                }
                Settled::Rejected(_) => {
                    let back = jobs.split_off(jobs.len() / 2);
                    parts.push(back);
                    parts.push(jobs);
                }
            }
        }
    }

    async fn settle_part(&self, jobs: &mut Vec<Job>, gives_way: bool) -> Settled {
        let mut wait = FIRST_WAIT;
        // True from the first answer that was lost: then only the store can say that a start was not accepted.
        let mut in_doubt = false;
        let n = self.parts.fetch_add(1, Relaxed) + 1;
        let number = BatchNumber { lane: i16::try_from(self.number).unwrap_or(i16::MAX), n };
        // Keys in one order in all statements, so that two of them never wait for each other in a circle.
        jobs.sort_by(|a, b| key_of(&a.write).cmp(&key_of(&b.write)));
        loop {
            if !in_doubt {
                let now = Instant::now();
                refuse(take(jobs, |job| job.give_up.is_some_and(|at| at <= now)), &Refusal::Unavailable);
            }
            if jobs.is_empty() {
                return Settled::Nothing;
            }
            let writes = jobs.iter().map(|job| job.write.clone()).collect();
            let batch = Batch { gives_way, ..Batch::of(self.replica, writes, number) };
            kill_points::reach(Point::BeforeSend);
            let sent = Instant::now();
            let error = match self.store.commit(&batch).await {
                Ok(committed) => {
                    kill_points::reach(Point::AfterAck);
                    self.counters.commit_took(sent.elapsed());
                    self.counters.committed(&batch);
                    return Settled::Done(committed);
                }
                Err(error) => error,
            };
            match error {
                StoreError::Fenced => return Settled::Fenced,
                StoreError::Rejected(why) | StoreError::Inconsistent(why) => return Settled::Rejected(why),
                StoreError::Contention(why) => tracing::debug!(why, "another transaction was in the way; trying again"),
                StoreError::Full(why) => {
                    tracing::warn!(why, "the store is full; runs under way wait for space");
                    if !in_doubt {
                        refuse(take(jobs, |job| job.give_up.is_some()), &Refusal::Full);
                    }
                }
                StoreError::Unavailable(why) => tracing::warn!(why, "the store is away; trying again"),
                StoreError::Unknown(_) | StoreError::Conflict => {
                    in_doubt = true;
                    tracing::warn!(%error, "an answer of the store was lost; looking up what it did");
                    match self.look_up(&batch).await {
                        Found::Done(committed) => {
                            self.counters.committed(&batch);
                            return Settled::Done(committed);
                        }
                        Found::Fenced => return Settled::Fenced,
                        // A row is there although none of ours is: somebody else's data in our way.
                        Found::Nothing if error == StoreError::Conflict => {
                            return Settled::Rejected("a row with this key is there already".into());
                        }
                        Found::Nothing => {}
                    }
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// What a statement did whose answer was lost: nothing, or what it says. Asks until the store answers.
    async fn look_up(&self, batch: &Batch) -> Found {
        let first = |write: &RunWrite| Some((write.tenant, write.run, write.journal.as_ref()?.seq));
        let inputs: Vec<_> = batch.writes.iter().filter_map(first).collect();
        // A run that waits for its place writes no input: that it is known says that it was accepted.
        let waiting = batch.writes.iter().filter(|write| write.journal.is_none() && write.start.is_some());
        let waiting: Vec<_> = waiting.map(|write| (write.tenant, write.run)).collect();
        let mut wait = FIRST_WAIT;
        let (done, landed) = loop {
            match self.landed(batch, &inputs, &waiting).await {
                Ok(landed) => break landed,
                Err(StoreError::Fenced) => return Found::Fenced,
                Err(error) => tracing::warn!(%error, "the store is away; trying again"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        };
        // It was one statement: when one row is there, only starts that lost their key are not.
        let all = inputs.iter().map(|(_, run, _)| *run).chain(waiting.iter().map(|(_, run)| *run));
        let lost = all.filter(|run| !landed.contains(run)).collect();
        // One that came too late with a change is among them: sent again, that is found again.
        if done { Found::Done(Committed { lost, stale: Vec::new() }) } else { Found::Nothing }
    }

    /// Whether a batch was done, and the runs of which it wrote something that can be looked up.
    async fn landed(
        &self,
        batch: &Batch,
        inputs: &[(TenantId, RunId, i64)],
        waiting: &[(TenantId, RunId)],
    ) -> Result<(bool, Vec<RunId>), StoreError> {
        // Before the rows: when it was done they are all there.
        let counted = match batch.number {
            Some(number) => Some(self.store.last_number(batch.replica, number.lane).await? >= number.n),
            None => None,
        };
        let mut landed = if inputs.is_empty() { Vec::new() } else { self.store.landed(inputs).await? };
        for (tenant, run) in waiting {
            if self.store.history(*tenant, *run).await?.is_some() {
                landed.push(*run);
            }
        }
        let done = counted.unwrap_or(!landed.is_empty());
        // After the rows: of one that was fenced before them they may be another's, which wrote the same number of the same run.
        if done && !self.store.holds(batch.replica).await? {
            return Err(StoreError::Fenced);
        }
        Ok((done, landed))
    }

    async fn answer(&self, jobs: Vec<Job>, committed: &Committed) {
        for job in jobs {
            if committed.stale.contains(&job.write.run) {
                (job.reply)(Verdict::Stale);
                continue;
            }
            if !committed.lost.contains(&job.write.run) {
                (job.reply)(Verdict::Durable);
                continue;
            }
            match self.holder(&job.write).await {
                Some(row) => (job.reply)(Verdict::Taken(row)),
                // The key ran out or is gone: this start may have it.
                None => self.again(job),
            }
        }
    }

    /// Who holds the key of a start that lost it; nothing when it is free by now.
    async fn holder(&self, write: &RunWrite) -> Option<IdempotencyRow> {
        let key = write.start.as_ref()?.idempotency.as_ref()?;
        let mut wait = FIRST_WAIT;
        loop {
            let now = self.clock.now();
            let row = match self.store.idempotency(write.tenant, &key.scope, &key.key).await {
                Ok(Some(row)) if row.expires_at > now => return Some(row),
                Ok(Some(_)) => self.store.forget_expired(now, 5_000).await.map(drop),
                Ok(None) => return None,
                Err(error) => Err(error),
            };
            if let Err(error) = row {
                tracing::warn!(%error, "the store is away; trying again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }

    fn again(&self, job: Job) {
        // To the front, and even when closed: it was handed in before.
        self.queue.put(self.queue.lock(), job, Ring::push_front);
    }
}

enum Settled {
    Done(Committed),
    Nothing,
    Fenced,
    Rejected(String),
}

/// What became of a statement whose answer was lost.
enum Found {
    Done(Committed),
    Nothing,
    /// Nobody knows, and it is another's to go on.
    Fenced,
}

fn key_of(write: &RunWrite) -> Option<(RunId, &str, &str)> {
    // Tenants as run ids are only compared: any fixed order does.
    let key = write.start.as_ref()?.idempotency.as_ref()?;
    Some((RunId(write.tenant.0), &key.scope, &key.key))
}

fn take(jobs: &mut Vec<Job>, which: impl Fn(&Job) -> bool) -> Vec<Job> {
    let (taken, kept) = std::mem::take(jobs).into_iter().partition(which);
    *jobs = kept;
    taken
}

fn refuse(jobs: Vec<Job>, refusal: &Refusal) {
    for job in jobs {
        (job.reply)(Verdict::Refused(refusal.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::tests::{NOISY, QUIET, jobs, tenant};

    async fn of(queue: &Queue, lane: usize) -> TenantId {
        queue.take(lane).await.expect("it is not closed").0[0].write.tenant
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_outside_waits_for_the_committers_and_they_for_it() {
        let committer = Committer { queue: Arc::default() };
        let queue = committer.queue.clone();
        jobs(NOISY, 1_000).into_iter().chain(jobs(QUIET, 1)).for_each(|job| committer.submit(job));
        assert_eq!(of(&queue, 0).await, tenant(QUIET));
        assert_eq!(of(&queue, 1).await, tenant(NOISY));
        drop(committer.turn(tenant(QUIET)).await);
        let (outside, mut again) = (committer.turn(tenant(NOISY)), Box::pin(of(&queue, 1)));
        let turn = tokio::select! {
            biased;
            turn = outside => turn,
            _ = &mut again => panic!("it is the turn of the one outside"),
        };
        let waits = tokio::time::timeout(Duration::from_millis(100), &mut again).await;
        assert!(waits.is_err(), "the turn outside is not over");
        // The other one has something to do all the time.
        committer.submit(jobs(QUIET, 1).remove(0));
        assert_eq!(of(&queue, 0).await, tenant(QUIET));
        drop(turn);
        assert_eq!(again.await, tenant(NOISY));
    }
}
