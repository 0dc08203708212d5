//! Those who operate runs: they pause and resume them, end them at once, fork them, and do one thing to many at once.

use std::sync::Arc;
use std::time::Duration;

use holon_engine::testing::rng::Rng;
use holon_model::{Millis, RunId, TenantId};
use holon_platform::clock::mint;
use holon_runtime::store::Store as _;
use holon_runtime::{DefinitionsError, DeliverError, Delivered, Fork, ForkError, Idempotency, StartError};
use tokio::time::sleep;

use crate::clients::{Busy, Client, Wish, ask, breath, verdict};
use crate::world::{World, low};

/// Runs that are dealt with at once.
const MANY: usize = 8;
/// Tries of something that need not succeed.
const TRIES: u32 = 20;

/// What is done to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Cancel,
    Terminate,
    PauseAndResume,
    Retry,
    Fork,
}

/// What is known of the pauses of a run: whether it certainly takes nothing in.
#[derive(Debug, Default)]
pub struct Pauses {
    /// Orders and wishes that let it go on, begun so far.
    begun: u32,
    /// Those of them of which nobody knows yet whether they were done.
    open: u32,
    /// It was said to be paused, and nobody has let it go on since.
    certain: bool,
}

impl Pauses {
    /// Somebody is about to let it go on.
    pub fn letting_go(&mut self) {
        (self.begun, self.open, self.certain) = (self.begun + 1, self.open + 1, false);
    }

    /// What somebody did who let it go on is done, or refused: it comes no more.
    pub fn let_go(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// Whether nothing of it can be taken in.
    pub fn certain(&self) -> bool {
        self.certain
    }
}

/// Whoever finds a paused run when everything works lets it go on: the order that would have done so may have been refused because it
/// came first.
pub fn let_all_go(world: &Arc<World>, rng: &mut Rng) {
    for (tenant, run) in world.store.held() {
        let busy = Busy::new(world);
        let (world, mut rng) = (world.clone(), Rng::new(rng.next_u64()));
        tokio::spawn(async move {
            resume(&world, &mut rng, tenant, run).await;
            drop(busy);
        });
    }
}

async fn resume(world: &World, rng: &mut Rng, tenant: TenantId, run: RunId) {
    loop {
        world.promises.said().pauses.entry(run).or_default().letting_go();
        let answer = ask(world, rng, |handle| async move { handle.resume(tenant, run).await }).await;
        world.trace.note("resume", &[low(run.0), verdict(&answer)], || format!("{run} -> {answer:?}"));
        let done = || world.promises.said().pauses.entry(run).or_default().let_go();
        match answer {
            Some(Ok(Delivered::TakenIn) | Err(DeliverError::Refused { .. })) => return done(),
            // It is let go on later, whatever is said to it in between.
            Some(Ok(Delivered::Kept)) => return,
            Some(Err(DeliverError::Over)) => return world.must_be_over(tenant, run),
            Some(Err(DeliverError::NotFound)) => {
                return world.problems.add("lost", || format!("{run} was there, and was not found to be resumed"));
            }
            Some(Err(DeliverError::Unavailable)) | None => breath(rng).await,
        }
    }
}

impl Client {
    /// Does something to a run that was started, or to many.
    pub async fn operate(&mut self, tenant: TenantId, run: RunId) {
        let deeds =
            [Deed::Cancel, Deed::Terminate, Deed::PauseAndResume, Deed::PauseAndResume, Deed::Retry, Deed::Fork];
        let deed = self.rng.pick(&deeds);
        breath(&mut self.rng).await;
        if let Some(batch) = self.batch(tenant).await {
            return self.deed(deed, tenant, batch).await;
        }
        if self.rng.percent(75) {
            return self.deed(deed, tenant, run).await;
        }
        let mut all = self.world.promises.runs_of(tenant);
        all.truncate(MANY);
        self.world.trace.note("many", &[deed as u64, all.len() as u64], || format!("{deed:?} of {all:?}"));
        for run in all {
            let busy = Busy::new(&self.world);
            let mut other = self.another();
            tokio::spawn(async move {
                other.deed(deed, tenant, run).await;
                drop(busy);
            });
        }
    }

    /// A batch of this tenant to do something to instead, where there is one: one time in two.
    async fn batch(&mut self, tenant: TenantId) -> Option<RunId> {
        let mut batches = Vec::new();
        for (of, run) in self.world.store.runs() {
            let row = self.world.store.history(of, run).await.ok()??;
            if of == tenant && row.facts.trigger == "batch" {
                batches.push(run);
            }
        }
        (!batches.is_empty() && self.rng.percent(50)).then(|| self.rng.pick(&batches))
    }

    async fn deed(&mut self, deed: Deed, tenant: TenantId, run: RunId) {
        match deed {
            Deed::Cancel => self.cancel(tenant, run).await,
            Deed::Terminate => self.terminate(tenant, run).await,
            Deed::PauseAndResume => self.pause_and_resume(tenant, run).await,
            Deed::Retry => self.retry(tenant, run).await,
            Deed::Fork => self.fork(tenant, run).await,
        }
    }

    async fn pause_and_resume(&mut self, tenant: TenantId, run: RunId) {
        let (begun, sure) = {
            let mut said = self.world.promises.said();
            let pauses = said.pauses.entry(run).or_default();
            (pauses.begun, pauses.open == 0)
        };
        for _ in 0..TRIES {
            let (by, reason) = ("an operator".to_owned(), "it is looked at".to_owned());
            let answer =
                ask(&self.world, &mut self.rng, |handle| async move { handle.pause(tenant, run, by, reason).await })
                    .await;
            self.world.trace.note("pause", &[low(run.0), verdict(&answer)], || format!("{run} -> {answer:?}"));
            match answer {
                Some(Ok(Delivered::TakenIn)) => {
                    let mut said = self.world.promises.said();
                    let pauses = said.pauses.entry(run).or_default();
                    pauses.certain = sure && pauses.begun == begun;
                    break;
                }
                Some(Ok(Delivered::Kept) | Err(DeliverError::Refused { .. })) => break,
                Some(Err(DeliverError::Over)) => return self.world.must_be_over(tenant, run),
                Some(Err(DeliverError::NotFound)) => {
                    let words = || format!("{run} was promised, and was not found to be paused");
                    return self.world.problems.add("lost", words);
                }
                Some(Err(DeliverError::Unavailable)) | None => breath(&mut self.rng).await,
            }
        }
        sleep(Duration::from_millis(u64::from(self.rng.below(9_000)))).await;
        resume(&self.world, &mut self.rng, tenant, run).await;
    }

    async fn terminate(&mut self, tenant: TenantId, run: RunId) {
        let reason = format!("decree {}", self.rng.below(1_000));
        loop {
            let why = reason.clone();
            let answer =
                ask(&self.world, &mut self.rng, |handle| async move { handle.terminate(tenant, run, why).await }).await;
            self.world.trace.note("terminate", &[low(run.0), verdict(&answer)], || format!("{run} -> {answer:?}"));
            match answer {
                Some(Ok(Delivered::TakenIn)) => {
                    self.world.must_be_over(tenant, run);
                    return self.world.promises.said().terminated.push(run);
                }
                Some(Ok(Delivered::Kept)) => return,
                Some(Err(DeliverError::Over)) => return self.world.must_be_over(tenant, run),
                Some(Err(DeliverError::NotFound)) => {
                    let words = || format!("{run} was promised, and was not found to be ended");
                    return self.world.problems.add("lost", words);
                }
                Some(Err(error @ DeliverError::Refused { .. })) => {
                    return self.world.problems.add("refused", || format!("{run} was not ended: {error}"));
                }
                Some(Err(DeliverError::Unavailable)) | None => breath(&mut self.rng).await,
            }
        }
    }

    /// Forks a run somewhere in what it has taken in so far.
    async fn fork(&mut self, tenant: TenantId, run: RunId) {
        let asked =
            ask(
                &self.world,
                &mut self.rng,
                |handle| async move { handle.check_fork(tenant, run, i64::MAX, None).await },
            );
        // One that waits for its place has taken nothing in.
        let Some(Err(ForkError::Nowhere { most: most @ 1.. })) = asked.await else { return };
        let seq = 1 + i64::from(self.rng.below(u32::try_from(most).unwrap_or(1)));
        let key = format!("fork {run} at {seq}");
        for _ in 0..TRIES {
            let given = if self.rng.percent(80) { self.minted().await } else { None };
            let new: RunId = given.unwrap_or_else(|| mint(&*self.clock));
            let wish = Wish { fork_of: Some((run, seq)), ..Wish::keyed(tenant, &key, [5; 32]) };
            self.world.promises.said().wish(new, wish, self.world.began.elapsed());
            let asked = Idempotency {
                scope: "api".into(),
                key: key.clone(),
                request_hash: [5; 32],
                window: Millis(86_400_000),
            };
            let fork =
                Fork { seq, version: None, new, actor: "simulated".into(), idempotency: Some(asked), audit: None };
            let answer =
                ask(&self.world, &mut self.rng, |handle| async move { handle.fork(tenant, run, fork).await }).await;
            self.world.trace.note("fork", &[low(run.0), low(new.0), verdict(&answer)], || {
                format!("{run} at {seq} as {new} -> {answer:?}")
            });
            match answer {
                Some(Ok(started)) => return self.world.said_to_be_started(new, started),
                Some(Err(ForkError::Unfit { .. } | ForkError::Pointless(_))) => return,
                // The flow has no place for it.
                Some(Err(ForkError::Start(StartError::Full(_)))) => return,
                Some(Err(ForkError::Start(
                    StartError::Unavailable
                    | StartError::StorageFull
                    | StartError::Definition(DefinitionsError::Unavailable(_)),
                )))
                | None => {}
                Some(Err(error)) => {
                    let words = || format!("the fork of {run} at {seq} was refused: {error}");
                    return self.world.problems.add("refused", words);
                }
            }
            breath(&mut self.rng).await;
        }
    }
}
